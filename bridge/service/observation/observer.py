"""Looks at every part of the running service and writes down what it sees: the snapshot behind metrics and status."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from bridge.counts import taken
from bridge.counts.requests import SinkStats
from bridge.holds import REASONS, Reason
from bridge.kafka.consumer.source import Source
from bridge.mapping.absent_keys import KeyCount
from bridge.mapping.mapper import CompiledMapping
from bridge.model import TRACK, TopicPartition
from bridge.ops import group_view
from bridge.ops import snapshot as seen
from bridge.ops.status.backlog_trend import BacklogTrend
from bridge.pipeline.budget.pacing import RateShare
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.work import EventState, PartitionWork, Work
from bridge.service.event_log import ServiceEventLog
from bridge.service.poll_adapter import PollAdapter
from bridge.service.watches.file_watch import FileWatch
from bridge.service.watches.group_watch import GroupWatch
from bridge.service.watches.kafka_watch import KafkaWatch
from bridge.service.watches.letter_watch import LetterWatch
from bridge.service.watches.rate_view import INTERVAL
from bridge.text.amounts import span
from bridge.track.credentials import ApiKey, KeyFile

RETRIES_SHOWN = 20
"""Events that fail, of those that wait behind them only the number."""
_OLD_VIEW = 1.5 * INTERVAL
"""Seconds after which what was heard of the group decides no share of the rate any more: see `pacing.RateShare`."""
_KEY_AS_VALUE = (
    "Set a valid key in track.api_key, check track.endpoint, and restart: only the file of track.api_key_file is read"
    " again while the bridge runs."
)
_SHARE_UNKNOWN = (
    "Nothing, for some seconds. Longer: check the Kafka brokers, above all the coordinator of the group. A higher limit"
    " does not help."
)


class CountingSink(Protocol):
    """Both sinks."""

    stats: SinkStats


class LogWrites(Protocol):
    """The part of the logging that is observed."""

    @property
    def write_failures(self) -> int:
        """Lines that could not be written."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The parts that are looked at."""

    dispatcher: Dispatcher
    source: Source
    consumer: PollAdapter
    sink: CountingSink
    credentials: ApiKey
    event_log: ServiceEventLog
    share: RateShare | None
    letter_watch: LetterWatch
    file_watch: FileWatch
    kafka_watch: KafkaWatch
    group_watch: GroupWatch
    logging: LogWrites
    mapping: CompiledMapping
    version: str
    build: seen.Build
    group_id: str


class Observer:
    """Takes snapshots, on the loop's thread, and samples what has no counter of its own."""

    def __init__(self, observed: Observed) -> None:
        self._of = observed
        self._started_at = time.time()
        self._beat = time.monotonic()
        self._limited = 0.0
        self._limited_since: float | None = None
        self._stopping_since: float | None = None
        self._requests: deque[tuple[float, int]] = deque()
        self._trend = BacklogTrend()
        self.control_problem: str | None = None
        """Why there is no control socket, as a sentence; None: there is one, or none is wanted."""
        self._join_problem_since: float | None = None

    def tick(self) -> None:
        """Several times a second: the loop's beat, and what is sampled."""
        now = time.monotonic()
        dispatcher = self._of.dispatcher
        if not dispatcher.is_paced(now):
            self._limited_since = None
        elif self._limited_since is None:
            self._limited_since = now
        else:
            self._limited += now - self._beat
        self._beat = now
        self._watch_problems(time.time())
        requests = self._requests
        if not requests or now - requests[-1][0] >= 1.0:
            requests.append((now, dispatcher.tally.requests))
            while now - requests[0][0] > 60.5:
                requests.popleft()

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
            kafka=self._kafka_sentence(),
            topic_problems=[view.problem for view in topics if view.problem is not None],
            nothing_to_read=group_view.nothing_to_read(topics) if topics else None,
        )

    def _kafka_sentence(self) -> str | None:
        lost = self._of.kafka_watch.lost
        return None if lost is None else f"No Kafka broker answers: {lost.detail}."

    def snapshot(self) -> seen.Snapshot:
        """Everything, as of now."""
        of, now, wall = self._of, time.monotonic(), time.time()
        dispatcher = of.dispatcher
        return seen.Snapshot(
            at=wall,
            version=of.version,
            group_id=of.group_id,
            started_at=self._started_at,
            vitals=self.vitals(),
            tally=taken(dispatcher.tally),
            requests=taken(of.sink.stats),
            consumer=taken(of.source.counts),
            routes={route.name: replace(dispatcher.tally.route(route)) for route in of.mapping.routes},
            keys=self._keys(),
            in_flight_requests=sum(governor.in_flight for governor in dispatcher.governors.values()),
            parked=dispatcher.parked,
            paused=of.source.paused,
            letters=self._letters(),
            rate=self._rate(now),
            group=self._group(now),
            key=seen.KeyView(
                reloads=of.credentials.generation - 1,
                problem=of.credentials.problem,
                problem_since=of.credentials.problem_since,
            ),
            blocks=self._blocks(now, wall),
            kafka_lost=of.kafka_watch.lost,
            group_view=of.group_watch.view,
            held_topics=list(of.event_log.topic_holds.values()),
            partitions=self._partitions(now, wall),
            retention=of.source.retention,
            log_write_failures=of.logging.write_failures,
            join_problem_since=self._join_problem_since,
            recorded_losses=of.letter_watch.losses,
            control_problem=self.control_problem,
            backlog=self._trend.backlog(wall, of.group_watch.usual),
            certificates=self._certificates(now),
            build=of.build,
            retries=dispatcher.retried(RETRIES_SHOWN),
            failing_users=len(dispatcher.failing.lengths),
        )

    def _certificates(self, now: float) -> list[seen.Certificate]:
        shown = self._of.sink.stats.server_certificate_ends(now)
        server = [] if shown is None else [seen.Certificate("track_server", "used", shown)]
        return [*self._of.file_watch.certificates, *server]

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
        for (route, key, _), count in self._of.mapping.key_counts().items():
            if count.events:
                keys[route, key] = keys.get((route, key), KeyCount()) + count
        return keys

    def _rate(self, now: float) -> seen.Rate:
        share, dispatcher = self._of.share, self._of.dispatcher
        used = dispatcher.tally.requests - (self._requests[0][1] if self._requests else 0)
        if share is None:
            return seen.Rate(limited_seconds=self._limited, used_last_minute=used)
        return seen.Rate(
            limit=share.limit,
            share=dispatcher.governors[TRACK].pacer.rate,
            view_age=share.view_age(now),
            limited_seconds=self._limited,
            used_last_minute=used,
        )

    def _group(self, now: float) -> seen.MembershipView:
        counts = self._of.source.counts
        return seen.MembershipView(
            protocol=self._of.source.protocol.value,
            out_of_range=self._of.consumer.out_of_range,
            commit_age=None if counts.committed_at is None else now - counts.committed_at,
            membership_age=self._of.dispatcher.membership.age(now),
        )

    def _blocks(self, now: float, wall: float) -> list[seen.ClosedGate]:
        """Every gate that is closed now, since when."""
        dispatcher = self._of.dispatcher
        key, letters = dispatcher.key, dispatcher.letters.refused
        blocks: list[seen.ClosedGate] = []

        def closed(
            gate: Reason, since: float | None, sentence: str = "", *,
            until: float | None = None, next_try: float | None = None, action: str = "",
        ) -> None:  # fmt: skip
            if since is None:
                return
            ends, again = (None if at is None else wall + max(0.0, at - now) for at in (until, next_try))
            blocks.append(seen.ClosedGate(gate, wall - (now - since), sentence, ends, again, action))

        if dispatcher.stopping:
            since = self._stopping_since or now
            closed(Reason.DRAINING, since, until=dispatcher.assignments.deadline())
        if (lost := self._of.kafka_watch.lost) is not None:
            blocks.append(seen.ClosedGate(Reason.KAFKA_UNREACHABLE, lost.since, self._kafka_sentence() or ""))
        action = "" if isinstance(self._of.credentials, KeyFile) else _KEY_AS_VALUE
        closed(Reason.UNAUTHORIZED, key.held_since, key.detail, next_try=key.probe_at, action=action)
        closed(Reason.DEAD_LETTERS_UNWRITABLE, letters.since, letters.detail, next_try=letters.next_try)
        governors = dispatcher.governors.values()
        for outage in (governor.outage for governor in governors):
            closed(Reason.OUTAGE, outage.since, outage.detail, until=outage.probe_at, next_try=outage.probe_at)
        if dispatcher.assignments and not dispatcher.membership.is_member(now):
            sentence = (
                "Kafka's group coordinator has not confirmed for a whole session that the partitions are still ours."
            )
            closed(Reason.MEMBERSHIP, dispatcher.membership.doubted_since(now), sentence)
        for governor in governors:
            if now < governor.pause_until:
                since = now if governor.paused_since is None else governor.paused_since
                closed(Reason.RETRY_AFTER, since, governor.pause_detail, until=governor.pause_until)
        if self._limited_since is not None:
            free_at = min(governor.pacer.free_at for governor in governors)
            sentence, action = self._paced(now)
            until = None if free_at == float("inf") else free_at
            closed(Reason.RATE_LIMITED, self._limited_since, sentence, until=until, action=action)
        return blocks

    def _paced(self, now: float) -> tuple[str, str]:
        """What is special about waiting for the rate: a share that nobody knows is no want of budget."""
        share = self._of.share
        age = None if share is None else share.view_age(now)
        if share is None or (age is not None and age <= _OLD_VIEW):
            return "", ""
        heard = "has not been read yet" if age is None else f"could not be read for {span(age)}"
        sentence = (
            "This replica's share of the rate budget is not known: what the members of the group wait for"
            f" {heard}. It sends only a trickle meanwhile."
        )
        return sentence, _SHARE_UNKNOWN

    def _partitions(self, now: float, wall: float) -> list[seen.PartitionView]:
        dispatcher, source, holds = self._of.dispatcher, self._of.source, self._of.event_log.partition_holds
        ends = source.ends
        rows = [_partition(p, dispatcher, ends, holds, now, wall) for p in dispatcher.assignments]
        known = {row.partition for row in rows}
        rows += [seen.PartitionView(tp, None, ends.get(tp), hold=hold) for tp, hold in holds.items() if tp not in known]
        rows = [self._with_next_look(self._with_what_waits(row), now, wall) for row in rows]
        return sorted(rows, key=lambda row: row.partition)

    def _with_next_look(self, row: seen.PartitionView, now: float, wall: float) -> seen.PartitionView:
        """When a hold that may end by being looked at again is, and until when a partition that is given up drains."""
        if row.draining:
            deadline = self._of.dispatcher.assignments.deadline()
            row = replace(row, drains_until=None if deadline is None else wall + max(0.0, deadline - now))
        at = self._of.source.next_looks.get(row.partition)
        if row.hold is None or at is None or REASONS[row.hold.why].needs_operator:
            return row
        return replace(row, hold=replace(row.hold, next_try=wall + max(0.0, at - now)))

    def _with_what_waits(self, row: seen.PartitionView) -> seen.PartitionView:
        """A partition that is not read has its lag and age all the same: from the log and what is committed."""
        watch = self._of.group_watch
        standing = watch.standings.get(row.partition)
        if standing is None or (row.hold is None and row.open_records):
            return row
        unread = watch.unread.get(row.partition)
        if row.hold is None:
            # Of what was seen some seconds ago only that which still waits.
            fresh = unread is not None and unread.offset == row.position
            return replace(row, oldest=unread) if fresh else row
        if row.position is None and row.hold.why is not Reason.RECREATED:
            row = replace(row, done_above=standing.done_above)
        return replace(
            row,
            position=standing.committed if row.position is None else row.position,
            end=standing.end if row.end is None else row.end,
            start=standing.start,
            oldest=unread if row.oldest is None else row.oldest,
        )


def _partition(
    partition: PartitionWork,
    dispatcher: Dispatcher,
    ends: Mapping[TopicPartition, int],
    holds: Mapping[TopicPartition, seen.PartitionHold],
    now: float,
    wall: float,
) -> seen.PartitionView:
    tracker = partition.tracker
    tp = tracker.partition
    return seen.PartitionView(
        partition=tp,
        position=tracker.lowest_open,
        end=ends.get(tp),
        open_records=len(tracker.open),
        in_flight=len(partition.on_wire) + partition.writing,
        oldest=_oldest(partition, dispatcher, now, wall),
        crowded=partition in dispatcher.failing.paused,
        hold=holds.get(tp),
        draining=tracker.life is TrackerState.DRAINING,
        done_above=tracker.done_above,
    )


def _oldest(partition: PartitionWork, dispatcher: Dispatcher, now: float, wall: float) -> seen.OldestOpen | None:
    for offset, entry in partition.tracker.open.items():
        work = entry if isinstance(entry, Work) else entry.head
        timestamp = work.record.timestamp_ms
        return seen.OldestOpen(
            offset=offset,
            since=wall - (now - partition.head_since),
            timestamp=None if timestamp is None else timestamp / 1000,
            attempts=work.attempts,
            retry_at=wall + (work.due - now) if work.state is EventState.PARKED else None,
            retried=None if work.mark is None else dispatcher.answers.retried(work),
        )
    return None
