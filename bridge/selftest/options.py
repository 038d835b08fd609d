"""What was asked for, and which faults follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.config.sections import Config
from bridge.selftest import schedule
from bridge.selftest.schedule import Disturbance, DisturbanceKind

LEAST_SECONDS: Final = 25.0
"""Every kind of fault comes once in about this time."""
RATE: Final = 400.0
"""Records a second: far below what the bridge can do, so that what waits after a fault is soon done."""
_EMBEDDED_SESSION: Final = 3.0
_CLUSTER_SESSION: Final = 6.0
"""Seconds; the least that brokers allow by default."""


@dataclass(frozen=True, slots=True)
class Options:
    """One self-test."""

    seed: int
    events: int
    replicas: int
    duration: float
    """The most seconds that faults continue."""
    config: Config
    bootstrap: str | None = None
    """None: the embedded broker."""
    logs: Path | None = None
    """Where the replicas' logs are kept; None: nowhere."""

    @property
    def session(self) -> float:
        """Seconds after which a silent member is out of the group."""
        return _EMBEDDED_SESSION if self.bootstrap is None else _CLUSTER_SESSION

    @property
    def seconds(self) -> float:
        """How long faults continue."""
        return min(self.duration, max(LEAST_SECONDS, self.events / RATE))

    @property
    def rate(self) -> float:
        """Records a second, so that they last as long as the faults."""
        return self.events / self.seconds

    @property
    def skipped(self) -> tuple[DisturbanceKind, ...]:
        """Faults that somebody's own cluster is spared."""
        return () if self.bootstrap is None else tuple(sorted(schedule.ON_THE_EMBEDDED_BROKER_ONLY))

    def plan(self) -> tuple[Disturbance, ...]:
        """The faults: of the same options the same ones."""
        return schedule.plan(
            self.seed,
            self.seconds,
            replicas=self.replicas,
            session=self.session,
            kinds=[kind for kind in DisturbanceKind if kind not in self.skipped],
        )
