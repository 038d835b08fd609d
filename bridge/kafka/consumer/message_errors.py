"""What to do about the errors that the client hands out in place of a record."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NoReturn

from confluent_kafka import KafkaError

from bridge.commands import completed
from bridge.errors import Signal, Unreachable
from bridge.holds import Reason
from bridge.kafka.terms import TermsRefusal
from bridge.limiter import RareLog
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Message

    from bridge.kafka.consumer.starts.start_runner import StartRunner
    from bridge.kafka.consumer.thread.context import ConsumerContext

_BAD_COMPRESSION: Final = -198
_AUTO_OFFSET_RESET: Final = -140
_MAX_POLL_EXCEEDED: Final = -147
_PARTITION_EOF: Final = -191
_FATAL: Final = -150
_UNKNOWN_TOPIC: Final = 3
_TOPIC_UNAUTHORIZED: Final = 29
_GROUP_UNAUTHORIZED: Final = 30
_INCONSISTENT_PROTOCOL: Final = 23
_NOT_LET_IN: Final = {
    _GROUP_UNAUTHORIZED: "this user may not use the group; grant it READ on the group.",
    _INCONSISTENT_PROTOCOL: "another program in this consumer group shares its partitions out in another way "
    "(partition.assignment.strategy, or group.protocol), so this process is not let in. Give one of them another "
    "group; `track-bridge check` names the members.",
}
"""What these two refusals of the coordinator mean, and what to do."""
_UNKNOWN_TOPIC_ID: Final = 100
_INVALID_SESSION: Final = 26
_NO_CONSUMER_PROTOCOL: Final = (
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001  # the library's public name for a local code
    KafkaError.GROUP_ID_NOT_FOUND,  # classic members live in the group, and the brokers let nobody else in beside them
)
"""Why the client ends at its first heartbeat under the consumer protocol. Only its message says which it was."""


_OUT_OF_RANGE: Final = (
    "is no longer in the log ({}): events may be gone unsent. Nothing is read from it until its committed offset is "
    "set, beside the replica that has it: `track-bridge offsets set TOPIC/PARTITION --to earliest` (or "
    "kafka-consumer-groups --reset-offsets while no replica runs)"
)
"""The next offset fell out of the log: retention overtook it, or the log was truncated or recreated."""
_TOO_LARGE: Final = (
    "begins a batch that cannot be decompressed ({}): it becomes too large, or it is damaged. Nothing is read from the "
    "partition until you raise kafka.properties.receive.message.max.bytes, and the memory with it, or go past "
    "the batch with `track-bridge offsets set TOPIC/PARTITION --to OFFSET`, beside the replica that has it"
)
"""The client would ask for it for ever, and say so in its log only."""


class ClientFatalError(Unreachable):
    """The client instance is at its end; the text is one sentence for the operator."""


class TermsRefusedError(Signal):
    """The brokers do not take this process as a member on the terms it asked for; the text is the client's."""

    def __init__(self, refusal: TermsRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class MessageErrors:
    """Belongs to the poll thread; `problems` may be read from anywhere."""

    def __init__(
        self,
        context: ConsumerContext,
        start_runner: StartRunner,
        look_at_topics: Callable[[], None],
        reached_end: Callable[[Message[Any, Any]], None],
    ) -> None:
        """`look_at_topics` asks soon which topics there are: one that vanishes may have been created again.

        `reached_end` takes the message that says so of a partition.
        """
        self.problems: dict[str, str] = {}
        """Sentences for the operator, by what they concern."""
        self._partitions = context.partitions
        self._pauses = context.pauses
        self._counts = context.counts
        self._log = RareLog(context.logger, clock=context.clock)
        self._start_runner = start_runner
        self._look_at_topics = look_at_topics
        self._reached_end = reached_end

    def handle(self, message: Message[Any, Any]) -> None:
        """`ClientFatalError` where the client cannot continue, `TermsRefusedError` where another one might."""
        error = message.error()
        if error is None:
            return
        code = error.code()
        if code == _PARTITION_EOF:
            self._reached_end(message)
            return
        if code == _FATAL:
            self._ended(error)
        if code == _INVALID_SESSION:
            raise TermsRefusedError(TermsRefusal.SESSION, error.str())
        if code == _AUTO_OFFSET_RESET:
            self._hold(message, Reason.OUT_OF_RANGE, error, _OUT_OF_RANGE)
        elif code == _BAD_COMPRESSION:
            self._hold(message, Reason.RECORD_TOO_LARGE, error, _TOO_LARGE)
        elif code == _MAX_POLL_EXCEEDED:
            self._counts.poll_interval_exceeded += 1
            self._log.write(
                logging.ERROR,
                "the poll thread did not poll for max.poll.interval.ms and was put out of the group; it joins again. "
                f"{error.str()}",
            )
        elif code in _NOT_LET_IN:
            self._not_let_in(code, error)
        else:
            # Missing topics and topics without permission are named by the cluster watch; the client repeats the rest.
            if code in {_UNKNOWN_TOPIC, _TOPIC_UNAUTHORIZED, _UNKNOWN_TOPIC_ID}:
                self._look_at_topics()
            level = logging.DEBUG if code in {_UNKNOWN_TOPIC, _TOPIC_UNAUTHORIZED} else logging.WARNING
            where = f"{message.topic()}: " if message.topic() else ""
            self._log.write(level, f"{where}{error.name()}: {error.str()}")

    def _ended(self, error: KafkaError) -> NoReturn:
        """The client is at its end; another one may be let in, now or later."""
        if any(KafkaError(cause).str() in error.str() for cause in _NO_CONSUMER_PROTOCOL):
            raise TermsRefusedError(TermsRefusal.PROTOCOL, error.str())
        if KafkaError(_GROUP_UNAUTHORIZED).str() in error.str():
            self._not_let_in(_GROUP_UNAUTHORIZED, error)
            raise TermsRefusedError(TermsRefusal.PERMISSION, error.str())
        raise ClientFatalError(_fatal(error))

    def _not_let_in(self, code: int, error: KafkaError) -> None:
        self._group_problem(f"kafka.group_id: {completed(_NOT_LET_IN[code])} {error.str()}")

    def _group_problem(self, sentence: str) -> None:
        self.problems = {**self.problems, "group": sentence}
        self._log.write(logging.ERROR, sentence)

    def joined(self) -> None:
        """What kept this process out of the group is over."""
        self.problems = {concerns: sentence for concerns, sentence in self.problems.items() if concerns != "group"}

    def refused_for_good(self, refused: TermsRefusedError) -> None:
        """The configuration leaves no other terms. `ClientFatalError` where this client is at its end, too."""
        if refused.refusal is TermsRefusal.PROTOCOL:
            raise ClientFatalError(
                "the brokers do not let the group use the consumer protocol: it is switched off there, or members of "
                f"the classic one live in the group ({refused}). Set kafka.group_protocol: auto"
            )
        self._group_problem(
            "kafka.properties.session.timeout.ms: the brokers allow no session of this length; set one between their "
            f"group.min.session.timeout.ms and group.max.session.timeout.ms. {refused}"
        )

    def _hold(self, message: Message[Any, Any], reason: Reason, error: KafkaError, sentence: str) -> None:
        topic, partition = message.topic(), message.partition()
        if topic is None or partition is None:
            return
        entry = self._partitions.get(TopicPartition(topic, partition))
        if entry is None or entry.held is not None:
            return
        where = f"{entry.partition}: offset {entry.next_offset}, the next to be read, "
        told = completed(sentence.format(error.str()), **{"TOPIC/PARTITION": str(entry.partition)})
        self._start_runner.hold(entry, reason, where + told)
        self._pauses.apply([entry])


def _fatal(error: KafkaError) -> str:
    text = error.str()
    if "instance" in text.lower() or "fenced" in text.lower():
        # With group.protocol=consumer the coordinator lets the name in again only after the dead member's session.
        return (
            "another process uses the same group.instance.id, or used it until it was killed a moment ago "
            f"({text}). Give each replica its own, or remove it from kafka.properties; after a kill, restarts are let "
            "in once the session of the old process is over (45 s by default)"
        )
    return f"the Kafka client cannot continue: {text}"
