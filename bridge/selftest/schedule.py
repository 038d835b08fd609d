"""What was asked for, and which faults follow from it: of the same seed and options the same ones."""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.config.sections import Config


class DisturbanceKind(enum.StrEnum):
    """What can happen. The values are what `--json` calls them."""

    KILL = "kill"
    STOP = "stop"
    FREEZE = "freeze"
    JOIN = "join"
    BROKER_DOWN = "broker_down"
    OUTAGE = "outage"
    THROTTLE = "throttle"
    DROPS = "drops"
    HANGS = "hangs"
    DRIPS = "drips"
    RESETS = "resets"
    KEY_ROTATION = "key_rotation"
    LETTERS_REFUSED = "letters_refused"


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One fault. Times in seconds since the first event was delivered."""

    at: float
    kind: DisturbanceKind
    seconds: float
    replica: int
    """Whom it concerns, counted from 0; of no meaning for faults of the API and the brokers."""


TRACKS: Final[tuple[tuple[DisturbanceKind, ...], ...]] = (
    (
        DisturbanceKind.KILL,
        DisturbanceKind.FREEZE,
        DisturbanceKind.JOIN,
        DisturbanceKind.STOP,
        DisturbanceKind.BROKER_DOWN,
    ),
    (
        DisturbanceKind.OUTAGE,
        DisturbanceKind.THROTTLE,
        DisturbanceKind.DROPS,
        DisturbanceKind.HANGS,
        DisturbanceKind.DRIPS,
        DisturbanceKind.RESETS,
        DisturbanceKind.KEY_ROTATION,
        DisturbanceKind.LETTERS_REFUSED,
    ),
)
"""Faults of one track follow each other; those of different tracks meet as they may."""
ON_THE_EMBEDDED_BROKER_ONLY: Final = frozenset({DisturbanceKind.BROKER_DOWN, DisturbanceKind.LETTERS_REFUSED})
"""Nobody's own cluster is stopped for a test."""

_SECONDS: Final[dict[DisturbanceKind, tuple[float, float]]] = {
    DisturbanceKind.KILL: (0.2, 1.5),
    DisturbanceKind.STOP: (0.2, 1.5),
    DisturbanceKind.FREEZE: (1.0, 3.0),
    DisturbanceKind.JOIN: (3.0, 5.0),
    DisturbanceKind.BROKER_DOWN: (0.8, 2.5),
    DisturbanceKind.OUTAGE: (0.8, 2.5),
    DisturbanceKind.THROTTLE: (0.8, 1.5),
    DisturbanceKind.DROPS: (0.8, 2.0),
    DisturbanceKind.HANGS: (0.3, 0.8),
    DisturbanceKind.DRIPS: (0.3, 0.8),
    DisturbanceKind.RESETS: (0.5, 1.5),
    DisturbanceKind.KEY_ROTATION: (0.8, 1.5),
    DisturbanceKind.LETTERS_REFUSED: (1.0, 2.0),
}
"""How long each lasts; a freeze that much longer than the session."""
_PAUSE: Final = (0.4, 1.6)
"""Seconds between two faults of a track."""


def plan(
    seed: int, seconds: float, *, replicas: int, session: float, kinds: Sequence[DisturbanceKind]
) -> tuple[Disturbance, ...]:
    """All faults in order; each begins and ends within `seconds`. `session` is the group's, in seconds.

    Every kind of a track comes once, in random order, before one comes again.
    """
    planned = [
        fault
        for number, track in enumerate(TRACKS)
        for fault in _track(
            random.Random(f"{seed}/{number}"),  # noqa: S311 - made-up misfortune, no secret
            [kind for kind in track if kind in kinds],
            seconds,
            replicas,
            session,
        )
    ]
    return tuple(sorted(planned, key=lambda fault: (fault.at, fault.kind)))


def _track(
    rng: random.Random, kinds: Sequence[DisturbanceKind], seconds: float, replicas: int, session: float
) -> Iterator[Disturbance]:
    now = 0.0
    while kinds:
        for kind in rng.sample(kinds, len(kinds)):
            begin = now + rng.uniform(*_PAUSE)
            length = rng.uniform(*_SECONDS[kind]) + (session if kind is DisturbanceKind.FREEZE else 0.0)
            replica = rng.randrange(replicas)
            if begin + length > seconds:
                return
            yield Disturbance(round(begin, 3), kind, round(length, 3), replica)
            now = begin + length


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
        return () if self.bootstrap is None else tuple(sorted(ON_THE_EMBEDDED_BROKER_ONLY))

    def plan(self) -> tuple[Disturbance, ...]:
        """The faults: of the same options the same ones."""
        return plan(
            self.seed,
            self.seconds,
            replicas=self.replicas,
            session=self.session,
            kinds=[kind for kind in DisturbanceKind if kind not in self.skipped],
        )
