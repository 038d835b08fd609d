"""Whether all that is pinned can be installed on a platform without a compiler, from files with the pinned hashes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLATFORMS = {
    "Linux, amd64": "x86_64-manylinux_2_28",
    "Linux, arm64": "aarch64-manylinux_2_28",
    "macOS, arm64": "aarch64-apple-darwin",
    "macOS, x86-64": "x86_64-apple-darwin",
}
"""As people say it, and as the installer does."""
FILE = "image-otel"
"""The program with everything that is optional."""


def install(folder: Path, *, platform: str, python: str, file: str, only_try: bool = False) -> str | None:
    """Put the wheels of one platform into a folder. None, or why that cannot be done."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder)),
        *("--python-platform", platform, "--python-version", python, "--only-binary", ":all:"),
        *("--require-hashes", "-r", str(ROOT / "requirements" / f"{file}.txt")),
        *(("--dry-run",) if only_try else ()),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if answer.returncode == 0 else answer.stderr.strip()[:500]


def missing(pythons: list[str]) -> Iterator[tuple[str, str | None]]:
    """For each platform and each Python, what could not be installed there; nothing is downloaded but what says so."""
    with tempfile.TemporaryDirectory(prefix="wheels-") as folder:
        for name, platform in PLATFORMS.items():
            for python in pythons:
                problem = install(Path(folder) / "site", platform=platform, python=python, file=FILE, only_try=True)
                yield f"{name}, Python {python}", problem
