"""The Kafka consumer as the event loop sees it: a thread that brings records and commits what is done."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.holds import Reason
from bridge.kafka.consumer import batching
from bridge.kafka.consumer.back_pressure import BackPressure
from bridge.kafka.consumer.poll_thread import PollThread

if TYPE_CHECKING:
    import asyncio
    import logging
    from collections.abc import Sequence

    from bridge.config.sections import Kafka
    from bridge.formats.operator_hold import OperatorHold
    from bridge.kafka.consumer.assignment import holding
    from bridge.kafka.consumer.poll_loop import ConsumerParts
    from bridge.kafka.consumer.thread.consumption import Consumption, Positioned, Tracker
    from bridge.kafka.login.login_problem import LoginProblem
    from bridge.model import TopicPartition


class Source:
    """One consumer, one thread.

    Construct, `start` and use it on the event loop's thread. Its own thread calls back through `Consumption`. All
    methods return at once; those the pipeline knows as `ports.Positions` take effect within `poll_loop.POLL`, at
    rest within `poll_loop.REST`.
    """

    def __init__(
        self,
        kafka: Kafka,
        consumption: Consumption,
        *,
        loop: asyncio.AbstractEventLoop,
        logger: logging.Logger,
        abort: Callable[[], None],
        max_records: int,
        max_bytes: int,
        early_filter_of: batching.EarlyFilterOf = batching.no_early_filter,
        mapping: int | None = None,
    ) -> None:
        """`abort` ends the process at once with a non-zero code, when a broker does not answer the last commit.

        `early_filter_of` says by which header a topic's records are told that are certainly filtered. It is asked on
        the poll thread. `mapping` is the number of the mapping, which every commit names.

        `ClientRefusedError` if the client library does not take `kafka.properties`.
        """
        self._back_pressure = BackPressure(max_records, max_bytes)
        self._thread = PollThread(
            kafka,
            consumption,
            loop=loop,
            logger=logger,
            abort=abort,
            back_pressure=self._back_pressure,
            early_filter_of=early_filter_of,
            mapping=mapping,
        )
        self.counts = self._thread.counts

    @property
    def _parts(self) -> ConsumerParts:
        return self._thread.member.parts

    # --- called on the loop's thread ---------------------------------------------------------------

    def start(self) -> None:
        """Join the group."""
        self._thread.start()

    def stop(self) -> concurrent.futures.Future[None]:
        """Stop taking records, drain by `Consumption.revoke`, commit, leave the group. Done when all that is."""
        self._thread.stop()
        return self._thread.closed

    def room(self, records: int, size: int) -> None:
        """Free slots and free bytes as of now; absolute, may be negative.

        Call it before `Consumption.accept` returns and whenever slots come free.
        """
        self._back_pressure.room(records, size)

    def store(self, positions: Positioned, /) -> None:
        """Commit these soon; see `ports.Positions`."""
        self._parts.commits.offer(positions)
        # Where there is little room it sleeps: what it does not take to the client now, a crash would repeat.
        self._back_pressure.wake()

    def send_heartbeat(self) -> None:
        """Make a round trip with the group coordinator; see `ports.Positions`. Needs a partition that is read."""
        self._parts.commits.send_heartbeat()
        self._back_pressure.wake()

    def pause_topic(self, topic: str, /) -> None:
        """Take nothing more from this topic; see `ports.Positions`."""
        self._order(lambda: self._pause_topic(topic))

    def pause_partition(self, tracker: Tracker, /) -> None:
        """Take nothing more from this partition until it is resumed; see `ports.Positions`."""
        self._order(lambda: self._pause_partition(tracker, True))

    def resume_partition(self, tracker: Tracker, /) -> None:
        """Read this partition on; see `ports.Positions`."""
        self._order(lambda: self._pause_partition(tracker, False))

    def read_again(self, tracker: Tracker, offset: int, /) -> None:
        """Go back to this offset of a paused partition; see `ports.Positions` and `Consumption.reads_again`."""
        self._order(lambda: self._parts.reading_again.begin(tracker, offset))

    def hold(self, partitions: Sequence[TopicPartition], hold: OperatorHold, done: holding.Done) -> None:
        """See `Holding.hold`; `done` is called on the poll thread."""
        self._order(lambda: self._parts.holding.hold(partitions, hold, done))

    def release(
        self,
        partitions: Sequence[TopicPartition],
        topic: str,
        done: holding.Done,
        *,
        start_over: bool,
        also: Sequence[TopicPartition] = (),
    ) -> None:
        """See `Holding.release`; `done` is called on the poll thread."""
        self._order(lambda: self._parts.holding.release(partitions, topic, done, start_over=start_over, also=also))

    def try_again(
        self, partitions: Sequence[TopicPartition], topic: str, done: holding.Done, *, start_over: bool
    ) -> None:
        """See `Holding.try_again`; `done` is called on the poll thread."""
        self._order(lambda: self._parts.holding.try_again(partitions, topic, done, start_over=start_over))

    def move(self, moves: Mapping[TopicPartition, holding.Move], done: holding.Done) -> None:
        """See `Holding.move`; `done` is called on the poll thread."""
        self._order(lambda: self._parts.holding.move(moves, done))

    def map_by(self, mapping: int, early_filter_of: batching.EarlyFilterOf, done: Callable[[], None]) -> None:
        """Another mapping works: what is read from now on is filtered early by it, and commits name its number.

        `done` is called on the loop's thread, behind all records that were read before, and before all others.
        """
        self._thread.map_by(mapping, early_filter_of, done)

    @property
    def started(self) -> bool:
        """Whether the poll thread was started."""
        return self._thread.started

    @property
    def connection_errors(self) -> int:
        """Errors that belong to no call, reported so far: connections, logins."""
        return self._thread.client_log.errors

    @property
    def no_token(self) -> LoginProblem | None:
        """That the client could not get a token from its endpoint; see `ClientLog.no_token`."""
        return self._thread.client_log.no_token

    def token_came(self) -> None:
        """Somebody found out that tokens can be had again."""
        self._thread.client_log.no_token = None

    @property
    def last_poll(self) -> float:
        """Monotonic time at which the poll thread was last seen alive; fresh also while it waits for a drain."""
        return self.counts.last_poll

    @property
    def protocol(self) -> GroupProtocol:
        """The group protocol this process is a member under, or tries to be."""
        return self._thread.member.terms.protocol

    @property
    def joined(self) -> bool:
        """Whether this process is a member of the group; an assignment of nothing counts."""
        return self._parts.rebalance.joined

    @property
    def draining(self) -> bool:
        """Whether partitions are being given up at this moment; a stop gives up all."""
        return self._parts.rebalance.draining or self._parts.draining.stopping

    @property
    def paused(self) -> bool:
        """Whether nothing is fetched because no slot came free for long."""
        return self._thread.member.context.pauses.stalled

    @property
    def ends(self) -> Mapping[TopicPartition, int]:
        """The last stable offset of each assigned partition, as far as known; a second old, or ten where nothing is
        fetched or a transaction is open. A partition's lag is this less its position.
        """
        return self._parts.end_offsets.ends

    @property
    def retention(self) -> Mapping[str, float]:
        """Seconds after which Kafka deletes the records of a topic that is read, as far as known; see `Retention`."""
        return self._parts.cluster_watch.retention.seconds

    @property
    def held(self) -> Mapping[TopicPartition, tuple[Reason, str]]:
        """Assigned partitions that are not read, each with the reason and one sentence."""
        return self._parts.start_runner.held

    @property
    def next_looks(self) -> Mapping[TopicPartition, float]:
        """When each of them is looked at again, in monotonic seconds."""
        return self._parts.start_runner.next_looks

    @property
    def hold_ends(self) -> Mapping[TopicPartition, int]:
        """When an operator's hold of a partition ends by itself, in Unix seconds, of those that do."""
        return self._parts.start_runner.ends

    @property
    def topic_problems(self) -> Mapping[str, tuple[Reason, str]]:
        """Named topics that are missing or may not be read, each with one sentence."""
        return self._parts.cluster_watch.problems

    @property
    def join_problem(self) -> str | None:
        """Why the group does not let this process in, as a sentence; None while it is a member, or nothing was said."""
        return None if self.joined else self._parts.message_errors.problems.get("group")

    @property
    def problems(self) -> Sequence[str]:
        """Sentences an operator should know now: topics that are missing or may not be read."""
        return tuple(sentence for _, sentence in self._parts.cluster_watch.problems.values()) + tuple(
            self._parts.message_errors.problems.values()
        )

    # --- orders, carried out on the poll thread --------------------------------------------------

    def _order(self, what: Callable[[], None]) -> None:
        self._thread.member.poll_loop.order(what)

    def _pause_topic(self, topic: str) -> None:
        context = self._thread.member.context
        context.pauses.topics.add(topic)
        context.pauses.apply(context.partitions)

    def _pause_partition(self, tracker: Tracker, paused: bool) -> None:  # noqa: FBT001 - the state that is wanted
        context = self._thread.member.context
        if (entry := context.partitions.of(tracker)) is not None:
            entry.ordered_pause = paused
            context.pauses.apply([entry])
