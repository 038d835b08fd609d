"""The embedded Kafka in a process of its own, and the orders it takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import IO

from bridge.sandbox.child_processes import ChildProcesses


class BrokerProcess:
    """Two brokers, so that dead letters can have one of their own to fail. It ends with `processes`, or with
    this one.
    """

    def __init__(self, processes: ChildProcesses, topics: Mapping[str, int]) -> None:
        command = [sys.executable, "-P", "-m", "bridge.sandbox.broker", "--brokers", "2", "--rebalance-delay", "0.2"]
        for name, partitions in topics.items():
            command += ["--topic", f"{name}:{partitions}"]
        self._process = processes.start(command, output=subprocess.PIPE, errors=subprocess.DEVNULL, has_input=True)
        self.bootstrap = self._read()
        """``host:port,…``"""

    def lead(self, topic: str, partitions: int, broker: int) -> None:
        """Have this broker lead all partitions of a topic."""
        for partition in range(partitions):
            self.order(f"leader {topic} {partition} {broker}")

    def order(self, line: str) -> None:
        """Have one order carried out, see `bridge.sandbox.broker.COMMANDS`. `RuntimeError` where it cannot be."""
        pipe = self._pipe(self._process.stdin)
        pipe.write(f"{line}\n".encode())
        pipe.flush()
        answer = self._read()
        if answer != "ok":
            raise RuntimeError(f"the embedded Kafka refused: {answer or 'it ended'}")

    def _read(self) -> str:
        return self._pipe(self._process.stdout).readline().decode().strip()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101 - it was asked for
        return pipe
