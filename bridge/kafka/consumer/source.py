"""The poll thread: it owns the consumer, hands records to the event loop and takes positions back to the brokers.

It never stops polling while the process works: the client's callbacks run inside poll only, and a member that does not
poll for `max.poll.interval.ms` is put out of the group.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from bridge.config.topics.consumed_topics import topics_of
from bridge.config.topics.group_protocol import GroupProtocol
from bridge.counts.consumer import SourceCounts
from bridge.holds import Reason
from bridge.kafka import client, terms
from bridge.kafka.client_log import ClientLog, RareLog
from bridge.kafka.consumer import batching
from bridge.kafka.consumer.assignment.holding import Holding
from bridge.kafka.consumer.assignment.leaving import Leaving
from bridge.kafka.consumer.assignment.rebalance import COMMIT_LIMIT, STOPPING_COMMIT_LIMIT, Rebalance
from bridge.kafka.consumer.assignment.standstill import Standstill
from bridge.kafka.consumer.back_pressure import BackPressure
from bridge.kafka.consumer.broker_session import BrokerSession
from bridge.kafka.consumer.cluster_watch import ClusterWatch
from bridge.kafka.consumer.commits.commits import Commits
from bridge.kafka.consumer.commits.end_offsets import EndOffsets
from bridge.kafka.consumer.message_errors import MessageErrors, TermsRefusedError
from bridge.kafka.consumer.poll_loop import SERVE, PollLoop
from bridge.kafka.consumer.starts.lookup import Lookup
from bridge.kafka.consumer.starts.settled import Settled
from bridge.kafka.consumer.starts.start_runner import StartRunner
from bridge.kafka.consumer.thread.loop_side import DRAIN_GRACE, Heartbeat, LoopGoneError, LoopSide
from bridge.kafka.consumer.thread.partition_state import PartitionTable
from bridge.kafka.consumer.thread.pauses import Pauses
from bridge.kafka.consumer.thread.watchdog import Watchdog
from bridge.kafka.terms import TermsRefusal

if TYPE_CHECKING:
    import asyncio
    import logging
    from collections.abc import Sequence

    from confluent_kafka import Consumer, KafkaError
    from confluent_kafka import TopicPartition as ClientPartition

    from bridge.config.sections import Kafka
    from bridge.formats.operator_hold import OperatorHold
    from bridge.kafka.consumer.assignment import holding
    from bridge.kafka.consumer.thread.consumption import Consumption, Positioned, Tracker
    from bridge.model import TopicPartition

REJOIN_EVERY: Final = 5.0
"""Seconds between attempts to join a group that this user may not use."""
CLOSE_LIMIT: Final = 8.0
"""Seconds to leave the group, after the drain and the last commit."""


class Source:
    """One consumer, one thread.

    Construct, `start` and use it on the event loop's thread. Its own thread calls back through `Consumption`. All
    methods return at once; those the pipeline knows as `ports.Positions` take effect within `poll_loop.POLL`.
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
        skim_of: batching.SkimOf = batching.nothing_to_skim,
        mapping: int | None = None,
    ) -> None:
        """`abort` ends the process at once with a non-zero code, when a broker does not answer the last commit.

        `skim_of` says by which header a topic's records are told that are certainly filtered. It is asked on the poll
        thread. `mapping` is the number of the mapping, which every commit names.

        `ClientRefusedError` if the client library does not take `kafka.properties`.
        """
        self.counts = SourceCounts()
        self._heartbeat = Heartbeat()
        self._kafka = kafka
        self._logger = logger
        self._loop_side = LoopSide(loop, consumption)
        self._watchdog = Watchdog(abort, logger)
        self._intake = BackPressure(max_records, max_bytes)
        self._table = PartitionTable()
        self._stopping = threading.Event()
        self._closed: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="kafka-poll", daemon=True)
        self._skim_of = skim_of
        self._mapping = mapping
        self._paused_topics: set[str] = set()
        self._client_log = ClientLog(logger)
        self._admin = client.open_admin(client.admin_configuration(kafka), self._client_log)
        self._open(terms.first(kafka))

    def _open(self, on: terms.Terms) -> None:
        kafka, logger = self._kafka, self._logger
        configuration = client.consumer_configuration(kafka, on)
        self._terms = on
        self._consumer = consumer = client.open_consumer(configuration, self._client_log, self._on_commit)
        self._commits = Commits(
            consumer,
            self._table,
            self.counts,
            self._proven,
            RareLog(logger),
            self._commit_failed,
            refresh_every=kafka.commit_interval / 2,
            mapping=self._mapping,
        )
        self._pauses = Pauses(consumer, self._paused_topics)
        incremental = client.is_incremental(configuration)
        self._settled = Settled(consumer, self._admin, topics_of(kafka), logger)
        self._starting = StartRunner(
            consumer,
            self._table,
            self._loop_side,
            lookup=Lookup(consumer, self._admin, logger, self._settled),
            commits=self._commits,
            pauses=self._pauses,
            counts=self.counts,
            logger=logger,
            start_from=kafka.start_from,
            assign=consumer.incremental_assign if incremental else consumer.assign,
        )
        self._standstill = Standstill(
            self._table, self._loop_side, self._commits, self._pauses, drain_timeout=kafka.drain_timeout
        )
        self._holding = Holding(
            self._table, self._loop_side, self._standstill, self._starting, self._commits, self._pauses
        )
        self._leaving = Leaving(
            self._table,
            self._loop_side,
            self._commits,
            self._pauses,
            self._standstill,
            drain_timeout=kafka.drain_timeout,
        )
        self._rebalance = Rebalance(
            consumer,
            self._table,
            self._loop_side,
            starting=self._starting,
            commits=self._commits,
            leaving=self._leaving,
            standstill=self._standstill,
            watchdog=self._watchdog,
            counts=self.counts,
            logger=logger,
            drain_timeout=kafka.drain_timeout,
            incremental=incremental,
            heartbeat=self._heartbeat,
        )
        self._survey = ClusterWatch(
            self._admin, self._table, kafka.topics, logger, self._starting.identify, kafka.refresh
        )
        self._log_ends = EndOffsets(
            consumer,
            self._admin,
            self._table,
            self._loop_side,
            committed_only=client.reads_committed_only(configuration),
        )
        if on.protocol is GroupProtocol.CONSUMER:
            self._survey.session = BrokerSession(self._admin, kafka.group_id, self._session_known, logger)
        self._message_errors = MessageErrors(
            self._table,
            self._starting,
            self._pauses,
            self.counts,
            RareLog(logger),
            self._survey.hurry,
            self._log_ends.reached,
        )
        self._poll_loop = PollLoop(
            consumer,
            self._table,
            self._loop_side,
            intake=self._intake,
            commits=self._commits,
            pauses=self._pauses,
            starting=self._starting,
            survey=self._survey,
            log_ends=self._log_ends,
            settled=self._settled,
            holding=self._holding,
            message_errors=self._message_errors,
            counts=self.counts,
            heartbeat=self._heartbeat,
            skim_of=self._skim_of,
            max_record_bytes=kafka.max_record_bytes,
        )

    # --- called on the loop's thread ---------------------------------------------------------------

    def start(self) -> None:
        """Join the group."""
        self._thread.start()

    def stop(self) -> concurrent.futures.Future[None]:
        """Stop taking records, drain by `Consumption.revoke`, commit, leave the group. Done when all that is."""
        self._stopping.set()
        self._intake.wake()
        if self._thread.ident is None and not self._closed.done():
            self._consumer.close()
            self._closed.set_result(None)
        return self._closed

    def room(self, records: int, size: int) -> None:
        """Free slots and free bytes as of now; absolute, may be negative.

        Call it before `Consumption.accept` returns and whenever slots come free.
        """
        self._intake.room(records, size)

    def store(self, positions: Positioned, /) -> None:
        """Commit these soon; see `ports.Positions`."""
        self._commits.offer(positions)
        # Where there is little room it sleeps: what it does not take to the client now, a crash would repeat.
        self._intake.wake()

    def prove_membership(self) -> None:
        """Make a round trip with the group coordinator; see `ports.Positions`. Needs a partition that is read."""
        self._commits.prove_membership()
        self._intake.wake()

    def pause_topic(self, topic: str, /) -> None:
        """Take nothing more from this topic; see `ports.Positions`."""
        self._poll_loop.order(lambda: self._pause_topic(topic))

    def pause_partition(self, tracker: Tracker, /) -> None:
        """Take nothing more from this partition until it is resumed; see `ports.Positions`."""
        self._poll_loop.order(lambda: self._pause_partition(tracker, True))

    def resume_partition(self, tracker: Tracker, /) -> None:
        """Read this partition on; see `ports.Positions`."""
        self._poll_loop.order(lambda: self._pause_partition(tracker, False))

    def hold(self, partitions: Sequence[TopicPartition], hold: OperatorHold, done: holding.Done) -> None:
        """See `Holding.hold`; `done` is called on the poll thread."""
        self._poll_loop.order(lambda: self._holding.hold(partitions, hold, done))

    def release(
        self, partitions: Sequence[TopicPartition], topic: str, done: holding.Done, *, start_over: bool
    ) -> None:
        """See `Holding.release`; `done` is called on the poll thread."""
        self._poll_loop.order(lambda: self._holding.release(partitions, topic, done, start_over=start_over))

    def move(self, moves: Mapping[TopicPartition, holding.Move], done: holding.Done) -> None:
        """See `Holding.move`; `done` is called on the poll thread."""
        self._poll_loop.order(lambda: self._holding.move(moves, done))

    @property
    def started(self) -> bool:
        """Whether the poll thread was started."""
        return self._thread.ident is not None

    @property
    def connection_errors(self) -> int:
        """Errors that belong to no call, reported so far: connections, logins."""
        return self._client_log.errors

    @property
    def last_poll(self) -> float:
        """Monotonic time at which the poll thread was last seen alive; fresh also while it waits for a drain."""
        return self._heartbeat.at

    @property
    def protocol(self) -> GroupProtocol:
        """The group protocol this process is a member under, or tries to be."""
        return self._terms.protocol

    @property
    def joined(self) -> bool:
        """Whether this process is a member of the group; an assignment of nothing counts."""
        return self._rebalance.joined

    @property
    def draining(self) -> bool:
        """Whether partitions are being given up at this moment; a stop gives up all."""
        return self._rebalance.draining or self._leaving.began

    @property
    def paused(self) -> bool:
        """Whether nothing is fetched because no slot came free for long."""
        return self._pauses.stalled

    @property
    def stopped(self) -> bool:
        """Whether the poll thread has ended."""
        return self._closed.done()

    @property
    def ends(self) -> Mapping[TopicPartition, int]:
        """The last stable offset of each assigned partition, as far as known; a second old, or ten where nothing is
        fetched or a transaction is open. A partition's lag is this less its position.
        """
        return self._log_ends.ends

    @property
    def retention(self) -> Mapping[str, float]:
        """Seconds after which Kafka deletes the records of a topic that is read, as far as known; see `Retention`."""
        return self._survey.retention.seconds

    @property
    def held(self) -> Mapping[TopicPartition, tuple[Reason, str]]:
        """Assigned partitions that are not read, each with the reason and one sentence."""
        return self._starting.held

    @property
    def next_looks(self) -> Mapping[TopicPartition, float]:
        """When each of them is looked at again, in monotonic seconds."""
        return self._starting.next_looks

    @property
    def topic_problems(self) -> Mapping[str, tuple[Reason, str]]:
        """Named topics that are missing or may not be read, each with one sentence."""
        return self._survey.problems

    @property
    def join_problem(self) -> str | None:
        """Why the group does not let this process in, as a sentence; None while it is a member, or nothing was said."""
        return None if self.joined else self._message_errors.problems.get("group")

    @property
    def problems(self) -> Sequence[str]:
        """Sentences an operator should know now: topics that are missing or may not be read."""
        return tuple(sentence for _, sentence in self._survey.problems.values()) + tuple(
            self._message_errors.problems.values()
        )

    # --- the poll thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._subscribe()
            while not self._stopping.is_set() and self._rebalance.failure is None:
                self._round()
            self._log_ends.last_look()
        except Exception as error:  # noqa: BLE001  # whatever it is, the process must hear of it and end
            self._rebalance.failure = self._rebalance.failure or error
        failed_at_work = self._rebalance.failure
        if failed_at_work is not None:
            self._report(failed_at_work)
        else:
            self._leave()
        self._close()
        if self._rebalance.failure is not failed_at_work and self._rebalance.failure is not None:
            self._report(self._rebalance.failure)
        self._closed.set_result(None)

    def _round(self) -> None:
        try:
            self._poll_loop.round()
        except TermsRefusedError as refused:
            self._ask_again(refused)

    def _ask_again(self, refused: TermsRefusedError) -> None:
        """The brokers do not take this member as it is: with another client, on plainer terms, where there are some."""
        following = terms.after(self._terms, refused.refusal, self._kafka)
        if following is None:
            self._message_errors.refused_for_good(refused)
            return
        limit = self._kafka.drain_timeout + DRAIN_GRACE + COMMIT_LIMIT + CLOSE_LIMIT
        with self._watchdog.watch(limit, "closing a client that the brokers did not take"):
            self._consumer.close()
        if refused.refusal is TermsRefusal.PERMISSION:
            self._pause(REJOIN_EVERY)
        self._logger.info("%s", terms.told(following, refused.refusal))
        problems = self._message_errors.problems
        self._open(following)
        self._message_errors.problems = problems
        self._subscribe()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.wait(SERVE):
            self._heartbeat.beat()

    def _joined(self, consumer: Consumer, partitions: list[ClientPartition]) -> None:
        self._message_errors.joined()
        self._rebalance.on_assign(consumer, partitions)

    def _subscribe(self) -> None:
        self._tell_trust(terms.trust(self._terms, self._kafka))
        self._consumer.subscribe(
            list(self._kafka.topics),
            on_assign=self._joined,
            on_revoke=self._rebalance.on_revoke,
            on_lost=self._rebalance.on_lost,
        )

    def _leave(self) -> None:
        """What can be waited for while the client is still polled."""
        leaving, rebalance = self._leaving, self._rebalance
        try:
            leaving.begin()
            while not leaving.step() and rebalance.failure is None:
                self._poll_loop.serve()
        except TermsRefusedError:
            pass  # it leaves anyway
        except Exception as error:  # noqa: BLE001  # as in `_run`
            rebalance.failure = rebalance.failure or error
        if leaving.forced:
            rebalance.forced_drain()

    def _close(self) -> None:
        drains = 0.0 if self._leaving.began else self._kafka.drain_timeout + DRAIN_GRACE
        limit = drains + STOPPING_COMMIT_LIMIT + CLOSE_LIMIT
        try:
            with self._watchdog.watch(limit, "leaving the group"):
                self._consumer.close()
        except Exception as error:  # noqa: BLE001  # the thread ends here; nobody else would hear of it
            self._rebalance.failure = self._rebalance.failure or error

    def _report(self, error: Exception) -> None:
        try:
            self._loop_side.tell(self._loop_side.consumption.source_failed, error)
        except LoopGoneError:
            self._logger.critical("the poll thread ended without a loop to tell: %r", error)

    # --- small things on the poll thread ------------------------------------------------------------

    def _on_commit(self, error: KafkaError | None, partitions: Sequence[ClientPartition]) -> None:
        self._commits.answered(error, partitions)

    def _proven(self, issued_at: float) -> None:
        try:
            self._loop_side.tell(self._loop_side.consumption.membership_proven, issued_at)
        except LoopGoneError as error:
            self._rebalance.failure = self._rebalance.failure or error

    def _commit_failed(self, detail: str) -> None:
        try:
            self._loop_side.tell(self._loop_side.consumption.commit_failed, detail)
        except LoopGoneError as error:
            self._rebalance.failure = self._rebalance.failure or error

    def _session_known(self, session: float, heartbeat: float) -> None:
        self._tell_trust(terms.trust_of(session, heartbeat))

    def _tell_trust(self, seconds: float) -> None:
        try:
            self._loop_side.tell(self._loop_side.consumption.membership_lasts, seconds)
        except LoopGoneError as error:
            self._rebalance.failure = self._rebalance.failure or error

    def _pause_topic(self, topic: str) -> None:
        self._pauses.topics.add(topic)
        self._pauses.apply(self._table)

    def _pause_partition(self, tracker: Tracker, paused: bool) -> None:  # noqa: FBT001 - the state that is wanted
        if (entry := self._table.of(tracker)) is not None:
            entry.ordered_pause = paused
            self._pauses.apply([entry])
