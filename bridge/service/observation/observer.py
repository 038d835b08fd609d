"""Looks at every part of the running service and writes down what it sees: the snapshot behind metrics and status."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace

from bridge.counts import taken
from bridge.holds import REASONS, Reason
from bridge.mapping.absent_keys import KeyCount
from bridge.model import TRACK
from bridge.ops import group_view
from bridge.ops import snapshot as seen
from bridge.ops.snapshot import OldestOpen, PartitionView
from bridge.ops.status.backlog_trend import BacklogTrend
from bridge.ops.status.forecast import waiting_in
from bridge.ops.status.partition_trends import EVERY, PartitionTrends
from bridge.pipeline.dispatch.awaiting import Awaiting, awaiting, is_settling
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.work import EventState, PartitionWork, Work
from bridge.service.observation.gates import closed_gates, kafka_sentence
from bridge.service.observation.kinds import KindSampler, users_that_wait, waits_for
from bridge.service.observation.observed import Observed
from bridge.service.time import ClockReading
from bridge.service.watches.group_watch import GroupWatch

RETRIES_SHOWN = 20
"""Events that fail, of those that wait behind them only the number."""


class Observer:
    """Takes snapshots, on the loop's thread, and samples what has no counter of its own."""

    def __init__(self, observed: Observed) -> None:
        self._of = observed
        self._started_at = time.time()
        self._beat = time.monotonic()
        self._limited = 0.0
        self._is_limited = False
        self._kinds = KindSampler(observed.dispatcher)
        self._stopping_since: float | None = None
        self._requests: deque[tuple[float, int]] = deque()
        self._trend = BacklogTrend()
        self._partitions = PartitionTrends()
        self._partitions_due = 0.0
        self.control_problem: str | None = None
        """Why there is no control socket, as a sentence; None: there is one, or none is wanted."""
        self._join_problem_since: float | None = None

    def tick(self) -> None:
        """Several times a second: the loop's beat, and what is sampled."""
        now = time.monotonic()
        dispatcher = self._of.dispatcher
        is_limited = dispatcher.paced_until(now) is not None
        if is_limited and self._is_limited:
            self._limited += now - self._beat
        self._is_limited = is_limited
        self._kinds.tick(now, now - self._beat)
        self._beat = now
        self._watch_problems(time.time())
        if now >= self._partitions_due:
            self._partitions_due = now + EVERY
            self._watch_partitions()
        requests = self._requests
        if not requests or now - requests[-1][0] >= 1.0:
            requests.append((now, self._started()))
            while now - requests[0][0] > 60.5:
                requests.popleft()

    def _started(self) -> int:
        """Requests that took of the budget of events."""
        dispatcher = self._of.dispatcher
        budget, tally = dispatcher.events_budget, dispatcher.tally
        others = (kind.name for kind, governor in dispatcher.governors.items() if governor.budget is not budget)
        return tally.requests - sum(tally.started[kind] for kind in others)

    def _watch_problems(self, wall: float) -> None:
        """Since when is what is known of some only as that it is so."""
        of = self._of
        if of.source.joined or of.source.join_problem is None:
            self._join_problem_since = None
        elif self._join_problem_since is None:
            self._join_problem_since = wall
        view = of.group_watch.view
        if view.at is not None:
            self._trend.observe(view.at, group_view.lag(view), group_view.readable(view))

    def _watch_partitions(self) -> None:
        """How much waits in each, and how that moves."""
        of, at = self._of, ClockReading.now()
        dispatcher = of.dispatcher
        found = awaiting(dispatcher.assignments, dispatcher.identifies, dispatcher.tally)
        waiting = {each.partition: waiting_in(each, at.wall) for each in partition_views(of, at, found)}
        self._partitions.observe(at.wall, waiting, self._started())

    def stopping(self) -> None:
        """The process begins to stop."""
        self._stopping_since = time.monotonic()

    def vitals(self) -> seen.Vitals:
        """What liveness and readiness are decided from."""
        now = time.monotonic()
        dispatcher, source = self._of.dispatcher, self._of.source
        key, letters = dispatcher.key, dispatcher.letters.refused
        topics = self._of.group_watch.view.topics
        return seen.Vitals(
            # Before the first answer of a broker there is no poll thread that could be stuck.
            poll_age=now - source.last_poll if source.started else 0.0,
            loop_age=now - self._beat,
            joined=source.joined,
            joined_before=source.counts.assignments > 0,
            join_problem=source.join_problem,
            draining=source.draining,
            stopping=self._stopping_since is not None,
            unauthorized=key.detail if key.held else None,
            dead_letters=letters.detail if letters.since is not None else None,
            kafka=kafka_sentence(self._of),
            topic_problems=[view.problem for view in topics if view.problem is not None],
            nothing_to_read=group_view.nothing_to_read(topics) if topics else None,
        )

    def snapshot(self) -> seen.Snapshot:
        """Everything, as of now."""
        of, at = self._of, ClockReading.now()
        dispatcher = of.dispatcher
        found = awaiting(dispatcher.assignments, dispatcher.identifies, dispatcher.tally)
        return seen.Snapshot(
            at=at.wall,
            version=of.version,
            group_id=of.group_id,
            started_at=self._started_at,
            vitals=self.vitals(),
            tally=taken(dispatcher.tally),
            requests=taken(of.sink.stats),
            consumer=taken(of.source.counts),
            routes=of.working.routes(dispatcher.tally),
            keys=self._keys(),
            in_flight_requests=sum(governor.in_flight for governor in dispatcher.governors.values()),
            kinds=self._kinds.views(at),
            awaiting=users_that_wait(found),
            parked=max(0, dispatcher.parked - found.settling),
            paused=of.source.paused,
            letters=self._letters(),
            rate=self._rate(at.monotonic),
            group=self._group(at.monotonic),
            key=seen.KeyView(
                reloads=of.credentials.generation - 1,
                problem=of.credentials.problem,
                problem_since=of.credentials.problem_since,
            ),
            blocks=self.blocks(at),
            kafka_lost=of.kafka_watch.lost,
            login=of.login_watch.view,
            registry=self._registry(at),
            group_view=of.group_watch.view,
            held_topics=list(of.event_log.topic_holds.values()),
            partitions=partition_views(of, at, found),
            retention=of.source.retention,
            log_write_failures=of.logging.write_failures,
            join_problem_since=self._join_problem_since,
            recorded_losses=of.letter_watch.losses,
            control_problem=self.control_problem,
            backlog=self._trend.backlog(at.wall, of.group_watch.usual),
            moved=self._partitions.all_moved(at.wall),
            budget=self._budget(at.wall),
            certificates=self._certificates(at.monotonic),
            build=replace(of.build, configuration=of.working.hash),
            configuration=of.working.view(),
            retries=dispatcher.retried(RETRIES_SHOWN),
            failures=dispatcher.recent_failures.shown(),
            failures_left_out=dispatcher.recent_failures.left_out,
            failing_users=len(dispatcher.failing.lengths),
        )

    def blocks(self, at: ClockReading) -> list[seen.ClosedGate]:
        """What keeps the whole process from sending."""
        stopping, limited = self._stopping_since, self._kinds.limited_since
        return list(closed_gates(self._of, at, stopping_since=stopping, limited_since=limited))

    def _certificates(self, now: float) -> list[seen.Certificate]:
        shown = self._of.sink.stats.server_certificate_ends(now)
        server = [] if shown is None else [seen.Certificate("track_server", "used", shown)]
        return [*self._of.file_watch.certificates, *server]

    def _registry(self, at: ClockReading) -> seen.RegistryView | None:
        registry = self._of.registry
        if registry is None:
            return None
        state = registry.snapshot()
        return seen.RegistryView(
            urls=state.urls,
            state=state.state,
            since=None if state.since is None else at.past(state.since),
            problem=state.problem,
            known=state.known,
            unknown=state.unknown,
            from_folder=state.from_folder,
            waiting=state.waiting,
            lookups={str(result): count for result, count in state.lookups.items()},
            requests=state.requests,
        )

    def _letters(self) -> seen.Letters:
        backlog = self._of.letter_watch.backlog
        return seen.Letters(
            open_by_reason=None if backlog is None else backlog.by_reason,
            open_at_least=frozenset() if backlog is None else backlog.at_least,
            oldest_open=None if backlog is None or backlog.oldest_ms is None else backlog.oldest_ms / 1000,
            retention=self._of.letter_watch.retention,
        )

    def _keys(self) -> dict[tuple[str, str], KeyCount]:
        """By route and key, whatever the key reads on different topics; a route without an event has none."""
        keys: dict[tuple[str, str], KeyCount] = {}
        for (route, key, _), count in self._of.working.key_counts().items():
            if count.events:
                keys[route, key] = keys.get((route, key), KeyCount()) + count
        return keys

    def _rate(self, now: float) -> seen.Rate:
        dispatcher = self._of.dispatcher
        share = self._of.shares.get(dispatcher.events_budget)
        used = self._started() - (self._requests[0][1] if self._requests else 0)
        if share is None:
            of_users = self._of.shares.get(dispatcher.users_budget)
            age = None if of_users is None else of_users.view_age(now)
            return seen.Rate(view_age=age, limited_seconds=self._limited, used_last_minute=used)
        return seen.Rate(
            limit=share.limit,
            share=dispatcher.governors[TRACK].pacer.rate,
            view_age=share.view_age(now),
            limited_seconds=self._limited,
            used_last_minute=used,
        )

    def _budget(self, wall: float) -> float | None:
        """What the rate allows beside what went over the watch; None where the rate keeps nothing."""
        dispatcher = self._of.dispatcher
        is_limited = self._kinds.limited_since is not None
        if not is_limited or self._of.shares.get(dispatcher.events_budget) is None:
            return None
        rate = dispatcher.governors[TRACK].pacer.rate
        return None if rate is None else self._partitions.budget(rate, wall)

    def _group(self, now: float) -> seen.MembershipView:
        counts = self._of.source.counts
        return seen.MembershipView(
            protocol=self._of.source.protocol.value,
            out_of_range=self._of.adapter.out_of_range,
            commit_age=None if counts.committed_at is None else now - counts.committed_at,
            membership_age=self._of.dispatcher.membership.age(now),
        )


def partition_views(of: Observed, at: ClockReading, found: Awaiting) -> list[PartitionView]:
    """All of them, by topic and number."""
    ends, holds = of.source.ends, of.event_log.partition_holds
    views = [_read(of, each, at, found) for each in of.dispatcher.assignments]
    known = {view.partition for view in views}
    views += [PartitionView(tp, None, ends.get(tp), hold=hold) for tp, hold in holds.items() if tp not in known]
    views = [_with_next_look(of, _with_what_waits(of.group_watch, view), at) for view in views]
    return sorted(views, key=lambda view: view.partition)


def _read(of: Observed, work: PartitionWork, at: ClockReading, found: Awaiting) -> PartitionView:
    tracker, partition = work.tracker, work.tracker.partition
    return PartitionView(
        partition=partition,
        position=tracker.lowest_open,
        end=of.source.ends.get(partition),
        open_records=len(tracker.open),
        in_flight=len(work.on_wire) + work.writing,
        oldest=_oldest(work, of.dispatcher, at, found),
        crowded=work in of.dispatcher.failing.paused,
        hold=of.event_log.partition_holds.get(partition),
        draining=tracker.life is TrackerState.DRAINING,
        done_above=tracker.done_above,
    )


def _oldest(partition: PartitionWork, dispatcher: Dispatcher, at: ClockReading, found: Awaiting) -> OldestOpen | None:
    for offset, entry in partition.tracker.open.items():
        work = entry if isinstance(entry, Work) else entry.head
        if work is None:
            return OldestOpen(offset, at.past(partition.head_since), None, 0, None, None)
        timestamp, request = work.record.timestamp_ms, work.request
        due, settles = at.past(work.due) if work.state is EventState.PARKED else None, is_settling(work)
        return OldestOpen(
            offset=offset,
            since=at.past(partition.head_since),
            timestamp=None if timestamp is None else timestamp / 1000,
            attempts=work.attempts,
            retry_at=None if settles else due,
            retried=None if work.mark is None else dispatcher.answers.retried(work),
            waits_for=waits_for(request.kind, request.user_id, waits=work.state is EventState.WAITING, found=found),
            settles_at=due if settles else None,
        )
    wait = partition.wait
    if wait is not None and wait.needs is not None:
        timestamp = wait.timestamp_ms
        return OldestOpen(wait.offset, at.past(wait.since), None if timestamp is None else timestamp / 1000)
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
    ends = of.source.hold_ends.get(view.partition)
    if view.hold is not None and view.hold.why is Reason.PAUSED_BY_OPERATOR and ends is not None:
        return replace(view, hold=replace(view.hold, until=float(ends)))
    if view.hold is None or look is None or REASONS[view.hold.why].needs_operator:
        return view
    return replace(view, hold=replace(view.hold, next_try=at.ahead(look)))
