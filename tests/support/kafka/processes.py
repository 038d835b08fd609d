"""Processes that are certainly ours: a pid counts only together with the time its process was started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A pid that cannot be mistaken for a later process of the same number."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return started_at(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signal the process if it is still there."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def save(self, path: Path) -> None:
        """Write it where a later run can find it."""
        path.write_text(f"{self.pid} {self.started}\n")

    @classmethod
    def load(cls, path: Path) -> ProcessId | None:
        """What `save` wrote, or None if there is nothing (or nothing whole)."""
        try:
            pid, started = path.read_text().split(maxsplit=1)
            return cls(int(pid), started.strip())
        except (OSError, ValueError):
            return None

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Identify a process that runs now."""
        return cls(pid, started_at(pid) or "gone")


def started_at(pid: int) -> str | None:
    """A text that no other process of the same pid shares, or None where no such process runs."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _started_at_by_ps(pid)
    except ProcessLookupError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    state, start_ticks = fields[0], fields[19]
    return None if state == "Z" else start_ticks


def _started_at_by_ps(pid: int) -> str | None:
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def end(process: ProcessId, grace: float) -> None:
    """TERM, and KILL what is still there after ``grace`` seconds."""
    process.send(signal.SIGCONT)  # a frozen process would never see the TERM
    process.send(signal.SIGTERM)
    deadline = time.monotonic() + grace
    while process.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send(signal.SIGKILL)
