"""Which events wait for an identify of their user, or until one has settled. Looked up when somebody asks: a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bridge.counts import Tally
from bridge.model import IDENTIFY, TRACK
from bridge.pipeline.dispatch.assignments import Assignments
from bridge.pipeline.dispatch.identifies import Identifies
from bridge.pipeline.work import Entry, EventState, Work


@dataclass(frozen=True, slots=True)
class Awaiting:
    """At one moment."""

    users: frozenset[str] = field(default=frozenset(), repr=False)
    """Those of whom events wait for an identify that is not accepted yet. Never shown."""
    events: int = 0
    """Their events."""
    settling: int = 0
    """Events that wait for `track.identify_settle`."""


NOTHING = Awaiting()


def awaiting(assignments: Assignments, identifies: Identifies, tally: Tally) -> Awaiting:
    """Goes over what is open, where an identify was ever sent or is to be."""
    if not (identifies.is_needed or tally.started[IDENTIFY.name]):
        return NOTHING
    opened = [work for partition in assignments for work in _open(partition.tracker.open.values())]
    asked = {work.request.user_id for work in opened if work.request.kind is IDENTIFY}
    asked |= {identify.request.user_id for identify in identifies.pending()}
    events = [
        work.request.user_id
        for work in opened
        if work.state is EventState.WAITING and work.request.kind is TRACK and work.request.user_id in asked
    ]
    return Awaiting(frozenset(events), len(events), sum(is_settling(work) for work in opened))


def is_settling(work: Work) -> bool:
    """Whether this event waits for nothing but that an identify has settled: one that failed waits for its retry."""
    return work.state is EventState.PARKED and work.mark is None


def _open(entries: Iterable[Entry]) -> Iterator[Work]:
    for entry in entries:
        if isinstance(entry, Work):
            yield entry
        else:
            yield from (work for work in entry.works if work.state is not EventState.GONE)
