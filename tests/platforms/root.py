"""A Debian with the image's Python, for this processor or for another one, which is then emulated.

Nothing of the machine is changed: the emulator is made known to the kernel in a namespace of its own, which ends with
the command that runs in it (Linux 6.7 and newer; an older one works where arm64 programs run already).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.platforms import wheels

ROOT = wheels.ROOT
SUITE = "forky"
"""The Debian that has the image's Python as a package."""
NUMBER = 2
"""Goes up when the recipe below changes."""
PACKAGES = ("base-files", "libstdc++6", "tzdata")
MAKING = 600.0
EMULATOR = "qemu-aarch64-static"
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}
"""As Debian and as the kernel says it."""
_ARM64 = (
    r":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:"
)
"""What a 64-bit ELF program for this processor begins with, and which of its bits count."""
_ENTER = """\
set -e
root=$1 source=$2 rule=$3
shift 3
if [ -n "$rule" ] && mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc 2>/dev/null; then
    echo "$rule" > /proc/sys/fs/binfmt_misc/register
fi
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$source" "$root/source"
exec unshare --root="$root" --wd=/source "$@"
"""
_VARIABLES = {
    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    "HOME": "/tmp",  # noqa: S108 - of that root, which nothing else uses
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/site:/source",
    "PYTHONPYCACHEPREFIX": "/bytecode",
    # The emulator's usual processor signs each pointer as arm64 does, in software: Python is 25 times slower then.
    "QEMU_CPU": "cortex-a72",
}


class NoRootError(Exception):
    """Why there is none on this machine; a sentence."""


@dataclass(frozen=True, slots=True)
class DebianRoot:
    """A folder with a whole Python for a processor and everything that the tests need."""

    folder: Path
    processor: str
    python: str

    def run(self, *words: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run its Python on this checkout, which stands in /source."""
        rule = "" if is_own(self.processor) else f"{_ARM64}{shutil.which(EMULATOR)}:F"
        command: Sequence[str] = (
            *("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("sh", "-c", _ENTER, "sh", str(self.folder), str(ROOT), rule),
            *(f"/usr/bin/python{self.python}", *words),
        )
        return subprocess.run(command, env={**_VARIABLES, **(more or {})}, cwd=ROOT, check=False)


def wanted_python() -> str:
    """The version of the base that the Dockerfile names, as `3.14`."""
    found = re.search(r"^ARG PYTHON_IMAGE=python:(\d+\.\d+)-", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if found is None:
        message = "the Dockerfile names no version of Python"
        raise NoRootError(message)
    return found[1]


def is_own(processor: str) -> bool:
    """Whether this machine is of that kind."""
    return platform.machine() == PROCESSORS[processor]


def provide(processor: str) -> DebianRoot:
    """Have one in the user's cache: made once, in a minute (500 MB). Raises `NoRootError`."""
    python = wanted_python()
    if not is_own(processor) and (processor != "arm64" or shutil.which(EMULATOR) is None):
        message = f"this machine is no {processor}, and has no {EMULATOR} (Debian: apt-get install qemu-user-static)"
        raise NoRootError(message)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "track-bridge" / "platforms"
    folder = base / f"{SUITE}-{processor}-{python}-{NUMBER}"
    if not folder.exists():
        _make(folder, processor, python)
    problem = wheels.install(
        folder / "site", platform=wheels.PLATFORMS[f"Linux, {processor}"], python=python, file="dev"
    )
    if problem:
        raise NoRootError(problem)
    return DebianRoot(folder, processor, python)


def _make(folder: Path, processor: str, python: str) -> None:
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        message = "making a Debian of its own takes root and mmdebstrap"
        raise NoRootError(message)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    made = subprocess.run(
        [
            # Packages are only unpacked: to set them up, their programs would have to run.
            *("mmdebstrap", "--variant=extract", f"--architectures={processor}"),
            f"--include={','.join((*PACKAGES, f'python{python}'))}",
            # A mirror that stands still is as good: what it has is signed all the same.
            '--aptopt=Acquire::Check-Valid-Until "false"',
            *(SUITE, str(unfinished)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=MAKING,
    )
    if made.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        said = [line for line in made.stderr.splitlines() if line.startswith("E:")] or ["it said nothing"]
        message = f"mmdebstrap could not make a Debian for {processor}: {said[0][:300]}"
        raise NoRootError(message)
    for name in ("source", "site", "bytecode"):
        (unfinished / name).mkdir()
    unfinished.rename(folder)  # all of it or nothing: an interrupted run leaves no half of it behind
