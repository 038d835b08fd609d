"""The built wheel in an environment that has nothing else: does it install, say its version, and do the main job?"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from scripts.release.problem import ReleaseProblemError


def tried(wheel: Path, requirements: Path, version: str, folder: Path) -> None:
    """Installs the locked `requirements` and `wheel` into `folder`, and runs the demo from it.

    Raises `ReleaseProblemError` with the last lines of what failed.
    """
    venv.create(folder, with_pip=True, clear=True)
    bin_ = folder / "bin"
    install = [str(bin_ / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*install, "--require-hashes", "--requirement", str(requirements)], folder)
    _run([*install, "--no-deps", str(wheel)], folder)
    _run([*install[:3], "check"], folder)
    said = _run([str(bin_ / "track-bridge"), "--version"], folder)
    if version not in said.split():
        raise ReleaseProblemError(f"the installed program says it is {said.strip()!r}, and not {version}")
    sys.stdout.write(_run([str(bin_ / "track-bridge"), "demo"], folder))


def _run(command: list[str], folder: Path) -> str:
    # Not where the sources are: they would be imported instead of what was installed.
    ran = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=600)
    if ran.returncode:
        last = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[-5:])
        raise ReleaseProblemError(f"{' '.join(command[:4])} … ended with {ran.returncode}:\n{last}")
    return ran.stdout
