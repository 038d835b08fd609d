"""The life of the poll thread: join the group, poll until told to stop, leave.

It never stops polling while the process works: the client's callbacks run inside poll only, and a member that does not
poll for `max.poll.interval.ms` is put out of the group.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.counts import SourceCounts
from bridge.errors import Unreachable
from bridge.kafka import client, terms
from bridge.kafka.client_log import ClientLog
from bridge.kafka.consumer.assignment.rebalance import COMMIT_LIMIT, STOPPING_COMMIT_LIMIT
from bridge.kafka.consumer.message_errors import TermsRefusedError
from bridge.kafka.consumer.poll_loop import SERVE, ConsumerParts, PollLoop, build_parts
from bridge.kafka.consumer.thread.context import ConsumerContext
from bridge.kafka.consumer.thread.hand_over import DRAIN_GRACE, FirstFailure, HandOver, LoopGoneError
from bridge.kafka.consumer.thread.partition_state import PartitionTable, Pauses
from bridge.kafka.consumer.thread.watchdog import Watchdog
from bridge.kafka.terms import TermsRefusal

if TYPE_CHECKING:
    import asyncio
    import logging
    from collections.abc import Sequence

    from confluent_kafka import Consumer, KafkaError
    from confluent_kafka import TopicPartition as ClientPartition

    from bridge.config.sections import Kafka
    from bridge.kafka.consumer.back_pressure import BackPressure
    from bridge.kafka.consumer.batching import EarlyFilterOf
    from bridge.kafka.consumer.thread.consumption import Consumption
    from bridge.kafka.terms import Terms

REJOIN_EVERY: Final = 5.0
"""Seconds between attempts to join a group that this user may not use."""
CLOSE_LIMIT: Final = 8.0
"""Seconds to leave the group, after the drain and the last commit."""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A client with its terms, and all that works with it. With other terms there is another one."""

    terms: Terms
    context: ConsumerContext
    parts: ConsumerParts
    poll_loop: PollLoop


class PollThread:
    """Owns the client. `member` is replaced whole, so what it says may be read from anywhere."""

    def __init__(
        self,
        kafka: Kafka,
        consumption: Consumption,
        *,
        loop: asyncio.AbstractEventLoop,
        logger: logging.Logger,
        abort: Callable[[], None],
        back_pressure: BackPressure,
        early_filter_of: EarlyFilterOf,
        mapping: int | None,
    ) -> None:
        """As for `Source`."""
        self.counts = SourceCounts(last_poll=time.monotonic())
        self.closed: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._kafka = kafka
        self._logger = logger
        self._failure = FirstFailure()
        self._hand_over = HandOver(loop, consumption, self.counts, self._failure)
        self._watchdog = Watchdog(abort, logger)
        self._back_pressure = back_pressure
        self._early_filter_of = early_filter_of
        self._mapping = mapping
        self._untold: deque[Callable[[], None]] = deque()
        """Of whoever waits for another mapping to be worked by."""
        self._partitions = PartitionTable()
        self._paused_topics: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-poll", daemon=True)
        self.client_log = ClientLog(logger)
        self._admin = client.open_admin(client.admin_configuration(kafka), self.client_log)
        self.member = self._open(terms.first(kafka))

    def _open(self, on: Terms) -> GroupMember:
        configuration = client.consumer_configuration(self._kafka, on)
        consumer = client.open_consumer(configuration, self.client_log, self._on_commit)
        context = ConsumerContext(
            kafka=self._kafka,
            consumer=consumer,
            incremental=client.is_incremental(configuration),
            committed_only=client.reads_committed_only(configuration),
            admin=self._admin,
            partitions=self._partitions,
            pauses=Pauses(consumer, self._paused_topics),
            hand_over=self._hand_over,
            counts=self.counts,
            failure=self._failure,
            logger=self._logger,
        )
        built = build_parts(context, on.protocol, self._watchdog, self._mapping)
        return GroupMember(on, context, built, PollLoop(context, built, self._back_pressure, self._early_filter_of))

    def _on_commit(self, error: KafkaError | None, partitions: Sequence[ClientPartition]) -> None:
        self.member.parts.commits.answered(error, partitions)

    # --- called on the loop's thread ----------------------------------------------------------------

    @property
    def started(self) -> bool:
        """Whether the thread was started."""
        return self._thread.ident is not None

    def start(self) -> None:
        """Join the group."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the group, in order; `closed` says when that is done."""
        self._stopping.set()
        self._back_pressure.wake()
        if not self.started and not self.closed.done():
            self.member.context.consumer.close()
            self.closed.set_result(None)

    def map_by(self, mapping: int, early_filter_of: EarlyFilterOf, done: Callable[[], None]) -> None:
        """See `Source.map_by`."""
        self._mapping, self._early_filter_of = mapping, early_filter_of
        # An order to a member that is being replaced is never carried out: `_ask_again` does this for the new one.
        self._untold.append(done)
        self.member.poll_loop.order(self._work_by_mapping)

    # --- the thread ---------------------------------------------------------------------------------

    def _work_by_mapping(self) -> None:
        """What the present member filters by, and names in its commits; whoever waits for it is told."""
        told = [self._untold.popleft() for _ in range(len(self._untold))]
        # Whoever is not among these asked later, and set what is used here first.
        self.member.poll_loop.early_filter_of = self._early_filter_of
        if self._mapping is not None:
            self.member.parts.commits.name_mapping(self._mapping)
        for done in told:
            self._hand_over.tell(done)

    def _run(self) -> None:
        failure = self._failure
        try:
            self._subscribe()
            while not self._stopping.is_set() and failure.error is None:
                self._round()
            self.member.parts.end_offsets.last_look()
        except Exception as error:  # noqa: BLE001  # whatever it is, the process must hear of it and end
            failure.keep(error)
        failed_at_work = failure.error
        if failed_at_work is not None:
            self._report(failed_at_work)
        else:
            self._leave()
        self._close()
        if failure.error is not failed_at_work and failure.error is not None:
            self._report(failure.error)
        self.closed.set_result(None)

    def _round(self) -> None:
        try:
            self.member.poll_loop.round()
        except TermsRefusedError as refused:
            self._ask_again(refused)

    def _ask_again(self, refused: TermsRefusedError) -> None:
        """The brokers do not take this member as it is: with another client, on plainer terms, where there are some."""
        member = self.member
        following = terms.after(member.terms, refused.refusal, self._kafka)
        if following is None:
            member.parts.message_errors.refused_for_good(refused)
            return
        limit = self._kafka.drain_timeout + DRAIN_GRACE + COMMIT_LIMIT + CLOSE_LIMIT
        with self._watchdog.watch(limit, "closing a client that the brokers did not take"):
            member.context.consumer.close()
        self._failure.forget()
        if refused.refusal is TermsRefusal.PERMISSION:
            self._pause(REJOIN_EVERY)
        self._logger.info("%s", terms.told(following, refused.refusal))
        self.member = self._open_in_time(following)
        self._work_by_mapping()
        self.member.parts.message_errors.problems = member.parts.message_errors.problems
        self._subscribe()

    def _open_in_time(self, on: Terms) -> GroupMember:
        """Also where the login yields no token just now: it is tried again until it does, or until the stop."""
        while True:
            try:
                return self._open(on)
            except Unreachable as no_login:
                if self._stopping.is_set():
                    raise
                self.client_log.write(str(no_login))
            self._pause(REJOIN_EVERY)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.wait(SERVE):
            self.counts.last_poll = time.monotonic()

    def _subscribe(self) -> None:
        member, rebalance = self.member, self.member.parts.rebalance
        trust = terms.trust(member.terms, self._kafka)
        self._hand_over.tell_from_callback(self._hand_over.consumption.session_lasts, trust)
        member.context.consumer.subscribe(
            list(self._kafka.topics),
            on_assign=self._joined,
            on_revoke=rebalance.on_revoke,
            on_lost=rebalance.on_lost,
        )

    def _joined(self, consumer: Consumer, partitions: list[ClientPartition]) -> None:
        self.member.parts.message_errors.joined()
        self.member.parts.rebalance.on_assign(consumer, partitions)

    def _leave(self) -> None:
        """What can be waited for while the client is still polled."""
        draining = self.member.parts.draining
        try:
            draining.stop()
            while not draining.is_stopped() and self._failure.error is None:
                self.member.poll_loop.serve()
        except TermsRefusedError:
            pass  # it leaves anyway
        except Exception as error:  # noqa: BLE001  # as in `_run`
            self._failure.keep(error)

    def _close(self) -> None:
        drains = 0.0 if self.member.parts.draining.stopping else self._kafka.drain_timeout + DRAIN_GRACE
        limit = drains + STOPPING_COMMIT_LIMIT + CLOSE_LIMIT
        try:
            with self._watchdog.watch(limit, "leaving the group"):
                self.member.context.consumer.close()
        except Exception as error:  # noqa: BLE001  # the thread ends here; nobody else would hear of it
            self._failure.keep(error)

    def _report(self, error: Exception) -> None:
        try:
            self._hand_over.tell(self._hand_over.consumption.source_failed, error)
        except LoopGoneError:
            self._logger.critical("the poll thread ended without a loop to tell: %r", error)
