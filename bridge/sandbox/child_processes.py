"""Processes that end with the one that started them, however that ends: `kill -9` and a lost terminal included.

Each runs in a process group of its own, so that Ctrl-C reaches only their parent, which ends them in order. A second
small process, the guard, hears from a pipe which groups there are; when the pipe closes without their end having been
told, their parent is dead, and the guard kills them, and removes the files that it was told of::

    python -m bridge.sandbox.child_processes     # reads lines such as ``+ 4711``, ``- 4711`` and ``f - /tmp/log``
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

_ENDING: Final = 10.0
"""Seconds a killed process may take to be gone."""


class ChildProcesses:
    """A context manager; left, every process it started is gone."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: of the processes; None: that of this one."""
        self._environment = environment
        self._children: set[subprocess.Popen[bytes]] = set()

    def __enter__(self) -> Self:
        self._guard = subprocess.Popen(
            [sys.executable, "-P", "-m", "bridge.sandbox.child_processes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        pipe = self._pipe
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        self._guard.wait(_ENDING)

    def start(
        self, command: Sequence[str], *, output: IO[bytes] | int, errors: IO[bytes] | int, has_input: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start one; where it `has_input`, that is a pipe."""
        child = subprocess.Popen(  # noqa: S603 - programs of this package
            command,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=self._environment,
            process_group=0,
        )
        self._children.add(child)
        self._say(f"+ {child.pid}")
        return child

    def ended(self, child: subprocess.Popen[bytes]) -> None:
        """It was waited for: its number may be another's from now on."""
        if child in self._children:
            self._children.discard(child)
            self._say(f"- {child.pid}")

    def remove_if_we_die(self, files: Mapping[Path, str | None]) -> None:
        """Files of this process that the guard removes where it cannot, and their folders where these are empty then.

        A file with a SHA-256 goes only while it has it: somebody may have made it theirs.
        """
        for path, digest in files.items():
            self._say(f"f {digest or '-'} {path}")

    def end(self) -> None:
        """Kill all that still run."""
        for child in self._children:
            child.kill()
        for child in list(self._children):
            child.wait(_ENDING)
            self.ended(child)

    @property
    def _pipe(self) -> IO[bytes]:
        pipe = self._guard.stdin
        assert pipe is not None  # noqa: S101 - it was asked for
        return pipe

    def _say(self, line: str) -> None:
        # A guard that is gone takes nothing with it: the parent still ends what it started.
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(f"{line}\n".encode())
            self._pipe.flush()


def groups_left(lines: Iterable[str]) -> set[int]:
    """The groups that are left when the lines end."""
    groups: set[int] = set()
    for line in lines:
        if line.startswith("f "):
            continue
        sign, number = line.split()
        if sign == "+":
            groups.add(int(number))
        else:
            groups.discard(int(number))
    return groups


def main() -> None:
    """Read until the pipe closes, then kill what is left."""
    lines = list(sys.stdin)
    for group in groups_left(lines):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    remove_files(lines)


def remove_files(lines: Iterable[str]) -> None:
    """Those that lines name, and folders that have nothing any more."""
    folders = set()
    for line in lines:
        if line.startswith("f "):
            _, digest, name = line.rstrip("\n").split(" ", 2)
            path = Path(name)
            folders.add(path.parent)
            with contextlib.suppress(OSError):
                if digest == "-" or hashlib.sha256(path.read_bytes()).hexdigest() == digest:
                    path.unlink()
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def last_lines(path: Path, lines: int) -> list[str]:
    """The last lines of what a process wrote; nothing where it wrote nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65_536))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    main()
