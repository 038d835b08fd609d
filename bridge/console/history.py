"""The last hours in numbers, for the charts: kept by the console itself, and bounded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.fleet import headline

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView

INTERVAL: Final = 30.0
"""Seconds between two points."""
KEPT: Final = 6 * 3600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class FleetNumbers:
    """Of one look; None: not known."""

    at: float
    """Unix seconds."""
    waiting: int | None
    """Records of all partitions that are not done."""
    requests: int | None
    """That the replicas started within a minute."""
    limit: float | None
    """Requests a minute that may be started; None: unlimited, too."""
    letters: int | None
    """Dead letters that nobody has settled."""


def numbers(view: FleetView) -> FleetNumbers:
    """What is kept of a view."""
    used = [each.used_last_minute for each in view.budgets if each.used_last_minute is not None]
    limits = [each.limit for each in view.budgets]
    known = [limit for limit in limits if limit is not None]
    opened = None if view.letters is None else view.letters.open_by_reason
    return FleetNumbers(
        view.at,
        headline.records(view),
        sum(used) if used else None,
        sum(known) * 60.0 if known and len(known) == len(limits) else None,
        None if opened is None else sum(opened.values()),
    )


class FleetHistory:
    """The latest last."""

    def __init__(self) -> None:
        self._kept: deque[FleetNumbers] = deque(maxlen=int(KEPT / INTERVAL))

    def add(self, view: FleetView) -> None:
        """One point; a view that was added already, or an older one, adds none."""
        if not self._kept or view.at > self._kept[-1].at:
            self._kept.append(numbers(view))

    def points(self, now: float) -> tuple[FleetNumbers, ...]:
        """Those of the last `KEPT` seconds."""
        return tuple(each for each in self._kept if now - each.at <= KEPT)
