"""The partitions of this replica as pages show them: those that are read, and those that are held."""

from __future__ import annotations

from dataclasses import replace

from bridge.holds import REASONS, Reason
from bridge.ops.snapshot import OldestOpen, PartitionView
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.work import EventState, PartitionWork, Work
from bridge.service.observation.observed import Observed
from bridge.service.time import ClockReading
from bridge.service.watches.group_watch import GroupWatch


def partition_views(of: Observed, at: ClockReading) -> list[PartitionView]:
    """All of them, by topic and number."""
    ends, holds = of.source.ends, of.event_log.partition_holds
    views = [_read(of, each, at) for each in of.dispatcher.assignments]
    known = {view.partition for view in views}
    views += [PartitionView(tp, None, ends.get(tp), hold=hold) for tp, hold in holds.items() if tp not in known]
    views = [_with_next_look(of, _with_what_waits(of.group_watch, view), at) for view in views]
    return sorted(views, key=lambda view: view.partition)


def _read(of: Observed, work: PartitionWork, at: ClockReading) -> PartitionView:
    tracker, partition = work.tracker, work.tracker.partition
    return PartitionView(
        partition=partition,
        position=tracker.lowest_open,
        end=of.source.ends.get(partition),
        open_records=len(tracker.open),
        in_flight=len(work.on_wire) + work.writing,
        oldest=_oldest(work, of.dispatcher, at),
        crowded=work in of.dispatcher.failing.paused,
        hold=of.event_log.partition_holds.get(partition),
        draining=tracker.life is TrackerState.DRAINING,
        done_above=tracker.done_above,
    )


def _oldest(partition: PartitionWork, dispatcher: Dispatcher, at: ClockReading) -> OldestOpen | None:
    for offset, entry in partition.tracker.open.items():
        work = entry if isinstance(entry, Work) else entry.head
        timestamp = work.record.timestamp_ms
        return OldestOpen(
            offset=offset,
            since=at.past(partition.head_since),
            timestamp=None if timestamp is None else timestamp / 1000,
            attempts=work.attempts,
            retry_at=at.past(work.due) if work.state is EventState.PARKED else None,
            retried=None if work.mark is None else dispatcher.answers.retried(work),
        )
    return None


def _with_what_waits(watch: GroupWatch, view: PartitionView) -> PartitionView:
    """A partition that is not read has its lag and age all the same: from the log and what is committed."""
    standing = watch.standings.get(view.partition)
    if standing is None or (view.hold is None and view.open_records):
        return view
    unread = watch.unread.get(view.partition)
    if view.hold is None:
        # Of what was seen some seconds ago only that which still waits.
        fresh = unread is not None and unread.offset == view.position
        return replace(view, oldest=unread) if fresh else view
    if view.position is None and view.hold.why is not Reason.RECREATED:
        view = replace(view, done_above=standing.done_above)
    return replace(
        view,
        position=standing.committed if view.position is None else view.position,
        end=standing.end if view.end is None else view.end,
        start=standing.start,
        oldest=unread if view.oldest is None else view.oldest,
    )


def _with_next_look(of: Observed, view: PartitionView, at: ClockReading) -> PartitionView:
    """When a hold that may end by being looked at again is, and until when a partition that is given up drains."""
    if view.draining:
        view = replace(view, drains_until=at.ahead(of.dispatcher.assignments.deadline()))
    look = of.source.next_looks.get(view.partition)
    if view.hold is None or look is None or REASONS[view.hold.why].needs_operator:
        return view
    return replace(view, hold=replace(view.hold, next_try=at.ahead(look)))
