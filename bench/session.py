"""What one invocation of the bench was asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.peers import Peer
from bench.runs import Bench


@dataclass(slots=True)
class Session:
    """Options, and what later scenarios need of earlier ones."""

    bench: Bench
    repeat: int = 3
    scale: float = 1.0
    peers: Sequence[Peer] = field(default=())
    """Given by ``--peer-cmd``."""
    bare_cost: float | None = None
    """Microseconds of a bare consume and orjson, once measured."""

    def size(self, events: int) -> int:
        """A number of events as this invocation has it."""
        wanted = max(2000, int(events * self.scale))
        return wanted if self.bench.broker.real else min(wanted, 100_000)

    def seconds(self, duration: float) -> float:
        """A duration as this invocation has it."""
        return max(5.0, duration * self.scale)

    def rounds(self, repeat: int) -> Session:
        """The same with another number of rounds."""
        return replace(self, repeat=repeat)

    @property
    def longer(self) -> Session:
        """The same with more rounds, for ratios whose target is closer than two runs are on a shared machine."""
        return self.rounds(self.repeat + 2)

    @staticmethod
    def say(text: str) -> None:
        """Progress, apart from the result."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
