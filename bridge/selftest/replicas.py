"""The replicas: real `track-bridge run` processes, which are killed, stopped, frozen and started again."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.ops.admin import status_client
from bridge.sandbox.child_processes import ChildProcesses, last_lines
from bridge.text.amounts import span

STOP_LIMIT: Final = 20.0
"""Seconds an orderly stop may take: the drain's time, and what the group and the interpreter need."""
_STATUS_PATIENCE: Final = 1.0
_FIRST_LINES: Final = 50
_LAST_LINES: Final = 50


@dataclass(slots=True)
class ReplicaProcess:
    """One process of a replica. Times are monotonic seconds."""

    began: float
    process: subprocess.Popen[bytes]
    log: Path
    address: str | None = None
    ended: float = float("inf")
    is_frozen: bool = False
    is_ending: bool = False
    """Told to, or killed."""
    ambiguous: int = 0
    """Requests repeated although they may have arrived, as it said itself when it was last asked, or at its end."""


@dataclass(slots=True)
class Replica:
    """One replica, through all its lives."""

    name: str
    lives: list[ReplicaProcess] = field(default_factory=list)

    @property
    def running(self) -> ReplicaProcess | None:
        """The present life."""
        return self.lives[-1] if self.lives and self.lives[-1].ended == float("inf") else None


class Fleet:
    """All replicas. What they do wrong by themselves is in `problems`, as sentences."""

    def __init__(self, processes: ChildProcesses, config: Path, folder: Path) -> None:
        self._processes = processes
        self._config = config
        self._folder = folder
        self._replicas: dict[int, Replica] = {}
        self.problems: list[str] = []

    def start(self, number: int) -> None:
        """Start a process of this replica, unless one runs."""
        replica = self._replicas.setdefault(number, Replica(f"replica {number + 1}"))
        if replica.running is not None:
            return
        command = [sys.executable, "-P", "-m", "bridge", "run", "--config", str(self._config)]
        path = self._folder / f"replica-{number + 1}.{len(replica.lives) + 1}.log"
        with path.open("xb") as log:
            process = self._processes.start(command, output=log, errors=log)
        replica.lives.append(ReplicaProcess(time.monotonic(), process, path))

    async def kill(self, number: int) -> None:
        """End it with no chance to say goodbye."""
        life = self._replicas[number].running
        if life is not None:
            life.is_ending = True
            life.process.kill()
            await self._gone(life)

    async def stop(self, number: int) -> None:
        """SIGTERM; anything but an end with 0 in time is a problem."""
        replica = self._replicas[number]
        life = replica.running
        if life is None:
            return
        life.is_ending = True
        life.process.terminate()
        try:
            await asyncio.to_thread(life.process.wait, STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.problems.append(f"{replica.name} did not stop within {span(STOP_LIMIT)} of SIGTERM")
            life.process.kill()
            await self._gone(life)
            return
        # Before it listens nothing has begun that would need an end in order.
        if life.process.returncode != 0 and _address(life.log) is not None:
            self.problems.append(
                f"{replica.name} ended with {life.process.returncode} after SIGTERM: {last_words(life.log)}"
            )
        await self._gone(life)

    async def stop_all(self) -> None:
        """All of them at once."""
        await asyncio.gather(*(self.stop(number) for number in self._replicas))

    def freeze(self, number: int) -> None:
        """Stop its clock: connections stay open and nothing moves."""
        life = self._replicas[number].running
        if life is not None:
            life.is_frozen = True
            life.process.send_signal(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        """Undo `freeze`."""
        life = self._replicas[number].running
        if life is not None:
            life.is_frozen = False
            life.process.send_signal(signal.SIGCONT)

    @property
    def running(self) -> int:
        """How many processes run, frozen ones too."""
        return sum(replica.running is not None for replica in self._replicas.values())

    @property
    def ambiguous(self) -> int:
        """The sum over all lives: at its end of one that stopped in order, of any other as of the last `look`."""
        return sum(life.ambiguous for replica in self._replicas.values() for life in replica.lives)

    def alive_between(self, begin: float, end: float) -> int:
        """How many processes ran at some time between."""
        lives = [life for replica in self._replicas.values() for life in replica.lives]
        return sum(life.began <= end and life.ended >= begin for life in lives)

    async def look(self) -> None:
        """Notice those that ended by themselves, and ask the others."""
        for replica in tuple(self._replicas.values()):  # another one may join while these are asked
            life = replica.running
            if life is None or life.is_frozen or life.is_ending:
                continue
            if life.process.poll() is not None:
                self.problems.append(
                    f"{replica.name} ended by itself with {life.process.returncode}: {last_words(life.log)}"
                )
                await self._gone(life)
                continue
            await self._ask(replica, life)

    async def _ask(self, replica: Replica, life: ReplicaProcess) -> None:
        life.address = life.address or _address(life.log)
        if life.address is None:
            return
        try:
            status = await asyncio.to_thread(status_client.fetch, life.address, _STATUS_PATIENCE)
        except status_client.StatusError:
            return  # It was killed meanwhile, or this machine is busy: the next look asks again.
        life.ambiguous = status["possible_duplicates"]["ambiguous_retries"]
        gap = status["accounting"]["gap"]
        if gap:
            self.problems.append(f"{replica.name} cannot account for {gap} of its records")

    async def _gone(self, life: ReplicaProcess) -> None:
        await asyncio.to_thread(life.process.wait)
        life.ended = time.monotonic()
        life.ambiguous = max(life.ambiguous, _ambiguous_at_the_end(life.log))
        self._processes.ended(life.process)


def _ambiguous_at_the_end(log: Path) -> int:
    """What a process that stopped in order said last; 0 for one that did not."""
    for line in reversed(last_lines(log, _LAST_LINES)):
        if '"event":"stopped"' in line and line.endswith("}"):
            stopped: int = json.loads(line)["ambiguous_retries"]
            return stopped
    return 0


def last_words(log: Path) -> str:
    """What a process said last that was worth a warning, else its last line."""
    lines = last_lines(log, 200)
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            return line
        if event.get("level") in {"warning", "error", "critical"}:
            return line
    return lines[-1] if lines else "it said nothing"


def _address(log: Path) -> str | None:
    """Where the process listens, which is among the first things it says."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in itertools.islice(lines, _FIRST_LINES):
            if '"listening"' in line and line.endswith("\n"):
                event = json.loads(line)
                return f"http://{event['host']}:{event['port']}"
    return None
