"""Wheel and source archive of a commit, built twice in different places and compared byte by byte."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from scripts.release.problem import ReleaseProblemError


def built_twice(repository: Path, commit: str, into: Path) -> dict[str, str]:
    """The built files' names with their SHA-256, in `into`. Raises `ReleaseProblemError` where two builds differ.

    A build that depends on its folder, on the clock or on what lies around is found here: nobody could check afterwards
    that what is published was made of what is tagged.
    """
    sums: list[dict[str, str]] = []
    for number in (1, 2):
        with tempfile.TemporaryDirectory(prefix=f"track-bridge-build-{number}-") as folder:
            made = _built(repository, commit, Path(folder))
            sums.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in made})
            if number == 1:
                into.mkdir(parents=True, exist_ok=True)
                for file in made:
                    (into / file.name).write_bytes(file.read_bytes())
    differing = sorted(name for name in {*sums[0], *sums[1]} if sums[0].get(name) != sums[1].get(name))
    if differing:
        raise ReleaseProblemError(f"two builds of {commit} differ in {', '.join(differing)}")
    return sums[0]


def _built(repository: Path, commit: str, folder: Path) -> list[Path]:
    git = ("git", "-C", str(repository))
    archive = subprocess.run([*git, "archive", "--format=tar", commit], check=True, capture_output=True).stdout
    source, out = folder / "source", folder / "out"
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(source, filter="tar")  # our own commit, as git wrote it
    when = subprocess.run([*git, "log", "-1", "--format=%ct", commit], check=True, capture_output=True, text=True)
    ran = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(out), "--target", "wheel", "--target", "sdist"],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": when.stdout.strip()},
        check=False,
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        raise ReleaseProblemError(f"the build of {commit} failed: {ran.stderr.strip()[-500:]}")
    return sorted(out.iterdir())
