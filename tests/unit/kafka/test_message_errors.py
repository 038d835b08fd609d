from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import KafkaError

from bridge.holds import Reason
from bridge.kafka.consumer.message_errors import ClientFatalError, MessageErrors, TermsRefusedError
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.kafka.terms import TermsRefusal
from bridge.model import TopicPartition
from tests.support.kafka import contexts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka import Message

    from bridge.kafka.consumer.starts.start_runner import StartRunner


class Said:
    """An error in place of a record."""

    def __init__(self, code: int, text: str = "", topic: str | None = None, partition: int | None = None) -> None:
        self._error = KafkaError(code, text)
        self._topic = topic
        self._partition = partition

    def error(self) -> KafkaError:
        return self._error

    def topic(self) -> str | None:
        return self._topic

    def partition(self) -> int | None:
        return self._partition


class Holds:
    """Takes down what is held and paused."""

    def __init__(self) -> None:
        self.held: list[tuple[TopicPartition, Reason, str]] = []
        self.paused: list[TopicPartition] = []

    def hold(self, entry: PartitionState, reason: Reason, detail: str) -> None:
        self.held.append((entry.partition, reason, detail))

    def apply(self, entries: Iterable[PartitionState]) -> None:
        self.paused += [entry.partition for entry in entries]


class Scene:
    def __init__(self) -> None:
        self.entry = PartitionState(TopicPartition("orders", 0))
        self.entry.next_offset = 7
        self.holds = Holds()
        context = contexts.context(None, pauses=self.holds)
        context.partitions.add(self.entry)
        self.counts = context.counts
        self.looks = 0
        self.ends: list[tuple[str | None, int | None]] = []
        self.errors = MessageErrors(
            context,
            cast("StartRunner", self.holds),
            self.look,
            cast("Any", self.reached),
        )

    def reached(self, message: Said) -> None:
        self.ends.append((message.topic(), message.partition()))

    def look(self) -> None:
        self.looks += 1

    def handle(self, said: Said) -> None:
        self.errors.handle(cast("Message", said))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_position_that_fell_out_of_the_log_holds_its_partition_and_is_never_reset(scene: Scene) -> None:
    scene.handle(Said(-140, "no offset", "orders", 0))
    [(partition, reason, detail)] = scene.holds.held
    assert (partition, reason) == (scene.entry.partition, Reason.OUT_OF_RANGE)
    assert "orders/0: offset 7, the next to be read, is no longer in the log" in detail
    assert scene.holds.paused == [scene.entry.partition]


def test_a_late_error_of_a_partition_that_is_gone_holds_nothing(scene: Scene) -> None:
    scene.handle(Said(-140, "no offset", "orders", 1))
    assert scene.holds.held == []


def test_a_fenced_instance_is_the_clients_end_although_the_error_does_not_call_itself_fatal(scene: Scene) -> None:
    said = Said(-150, "Broker: Static consumer fenced by other consumer with same group.instance.id")
    assert not said.error().fatal()
    with pytest.raises(ClientFatalError, match=r"another process uses the same group\.instance\.id"):
        scene.handle(said)


def test_an_exceeded_poll_interval_is_counted_and_no_end(scene: Scene) -> None:
    scene.handle(Said(-147))
    assert scene.counts.poll_interval_exceeded == 1


def test_a_group_that_may_not_be_used_is_a_problem_with_what_to_grant(scene: Scene) -> None:
    scene.handle(Said(30))
    assert "grant it READ on the group" in scene.errors.problems["group"]


def test_a_group_that_others_share_out_in_another_way_is_a_sentence_until_this_process_is_let_in(scene: Scene) -> None:
    scene.handle(Said(23, "JoinGroup failed: Broker: Inconsistent group protocol"))
    assert "another program in this consumer group" in scene.errors.problems["group"]
    assert "Give one of them another group" in scene.errors.problems["group"]
    scene.errors.joined()
    assert scene.errors.problems == {}


@pytest.mark.parametrize("code", [3, 29, 100])
def test_a_topic_that_vanishes_is_looked_at_soon(scene: Scene, code: int) -> None:
    scene.handle(Said(code, "", "orders", 0))
    assert scene.looks == 1


@pytest.mark.parametrize("cause", [KafkaError.UNSUPPORTED_VERSION, -165, KafkaError.GROUP_ID_NOT_FOUND])
def test_brokers_that_refuse_the_consumer_protocol_are_told_from_a_client_at_its_end(cause: int) -> None:
    text = f"Fatal error: {KafkaError(cause).str()}: ConsumerGroupHeartbeat fatal error: {KafkaError(cause).str()}"
    scene = Scene()
    with pytest.raises(TermsRefusedError) as caught:
        scene.handle(Said(-150, text))
    assert caught.value.refusal is TermsRefusal.PROTOCOL
    with pytest.raises(ClientFatalError, match=r"kafka\.group_protocol: auto"):
        scene.errors.refused_for_good(caught.value)


def test_a_session_the_brokers_do_not_allow_is_named_with_what_to_set_and_ends_nothing() -> None:
    scene = Scene()
    with pytest.raises(TermsRefusedError) as caught:
        scene.handle(Said(26, "JoinGroup failed: Broker: Invalid session timeout"))
    assert caught.value.refusal is TermsRefusal.SESSION
    scene.errors.refused_for_good(caught.value)
    assert "kafka.properties.session.timeout.ms" in scene.errors.problems["group"]


def test_the_end_of_a_partition_is_no_error(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.handle(Said(-191, "no more messages", "orders", 0))
    assert scene.ends == [("orders", 0)]
    assert (scene.holds.held, caplog.messages) == ([], [])
