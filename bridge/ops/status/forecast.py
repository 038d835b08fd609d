"""When what waits is done, and what is lost before that. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Pace(StrEnum):
    """How a backlog moves."""

    BUDGET = "budget"
    """It is sent as fast as the budget allows."""
    SHRINKING = "shrinking"
    GROWING = "growing"
    STILL = "still"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of a partition, or of all of them."""

    records: int
    """That wait."""
    empty_at: float | None
    """Unix seconds at which none waits any more, if things go on as now; None: at no time that is known."""
    pace: Pace
    loses_from: float | None
    """Unix seconds from which on Kafka deletes records that still wait; None: nothing is known to be in danger."""
    lost_by: str
    """What deletes them, as words for people; empty: nothing does."""
