from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, Message
from confluent_kafka import TopicPartition as ClientPartition

from bridge.model import LetterRefused
from tests.support.kafka.completing import PATIENCE
from tests.support.kafka.letters import Receipts, config, letter, writing

if TYPE_CHECKING:
    from tests.component.kafka.conftest import Embedded

PRODUCE = 0
NOT_LEADER = 6
INIT_PRODUCER_ID = 22
TOO_LARGE = 10
CLUSTER_AUTHORIZATION_FAILED = 31
TOPIC_AUTHORIZATION_FAILED = 29


def headers_of(message: Message[Any, Any]) -> list[tuple[str, Any]]:
    headers = message.headers()
    assert isinstance(headers, list)
    return headers


def written(embedded: Embedded, topic: str, count: int, partitions: int = 3) -> Sequence[Message[Any, Any]]:
    consumer = Consumer({"bootstrap.servers": embedded.bootstrap, "group.id": "reader", "log_level": 0})
    consumer.assign([ClientPartition(topic, number, 0) for number in range(partitions)])
    messages = consumer.consume(count, PATIENCE)
    consumer.close()
    return messages


async def test_a_letter_is_the_original_byte_for_byte_with_headers_that_say_why(embedded: Embedded) -> None:
    topic, receipts = embedded.topic(), Receipts()
    async with writing(config(embedded.bootstrap, topic), receipts) as producer:
        producer.write(letter(7), "token")
        assert await receipts.of(1) == {"token": None}
    (message,) = written(embedded, topic, 1)
    assert (message.key(), message.value()) == (b"key", b"value")
    headers = headers_of(message)
    assert headers[:2] == [("trace", b"\x00\xff"), ("none", None)]
    assert dict(headers)["bridge.dead-letter.origin-offset"] == b"7"
    assert message.timestamp()[1] > 1_700_000_000_000


async def test_letters_of_one_partition_stay_together_and_in_order(embedded: Embedded) -> None:
    topic, receipts = embedded.topic(), Receipts()
    async with writing(config(embedded.bootstrap, topic), receipts) as producer:
        for number in range(60):
            producer.write(letter(number, partition=number % 6), number)
        await receipts.of(60)
    found: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for message in written(embedded, topic, 60):
        found[message.partition() or 0].append(int(dict(headers_of(message))["bridge.dead-letter.origin-offset"]))
    assert found == {number: [offset for offset in range(60) if offset % 3 == number] for number in range(3)}


async def test_a_letter_that_is_not_acknowledged_is_a_receipt_with_a_sentence(embedded: Embedded) -> None:
    topic, receipts = embedded.topic(), Receipts()
    embedded.cluster.fail(PRODUCE, TOPIC_AUTHORIZATION_FAILED)
    async with writing(config(embedded.bootstrap, topic), receipts) as producer:
        producer.write(letter(1), 1)
        refused = (await receipts.of(1))[1]
    assert refused == LetterRefused(
        f"dead-letter topic {topic}: this user may not write to it: grant it WRITE and DESCRIBE on the topic"
    )


async def letters_of_which_the_first_is_refused_once(
    embedded: Embedded, topic: str, **properties: str
) -> dict[object, LetterRefused | None]:
    """Receipts of six letters, each in a request of its own; the leader is not there for the first one."""
    receipts = Receipts()
    separate = {"linger.ms": "0", "batch.num.messages": "1", **properties}
    async with writing(config(embedded.bootstrap, topic, **separate), receipts) as producer:
        embedded.cluster.fail(PRODUCE, NOT_LEADER)
        embedded.cluster.delay(0.05)  # so that all requests a client would have on the wire at once are there
        for number in range(6):
            producer.write(letter(number), number)
        try:
            return await receipts.of(6)
        finally:
            embedded.cluster.delay(0)


async def test_a_letter_the_leader_refused_is_not_taken_for_written_because_the_next_one_was(
    embedded: Embedded,
) -> None:
    topic = embedded.topic()
    receipts = await letters_of_which_the_first_is_refused_once(embedded, topic)
    assert set(receipts.values()) == {None}
    found = [dict(headers_of(message))["bridge.dead-letter.origin-offset"] for message in written(embedded, topic, 6)]
    assert found == [b"%d" % number for number in range(6)]


async def test_an_acknowledgement_without_an_offset_is_no_receipt(embedded: Embedded) -> None:
    """With several requests on the wire the client infers it from a later one. No configuration allows that."""
    topic = embedded.topic()
    receipts = await letters_of_which_the_first_is_refused_once(embedded, topic, **{"max.in.flight": "5"})
    refused = receipts.pop(0)
    assert refused is not None
    why = "it was acknowledged without an offset, so that nothing shows that any broker has it"
    assert refused.message == f"dead-letter topic {topic}: {why}"
    assert set(receipts.values()) == {None}
    assert len(written(embedded, topic, 5)) == 5


async def test_one_letter_too_large_does_not_fail_those_that_were_sent_with_it(embedded: Embedded) -> None:
    topic, receipts = embedded.topic(), Receipts()
    async with writing(config(embedded.bootstrap, topic, **{"linger.ms": "200"}), receipts) as producer:
        producer.write(letter(0), 0)
        await receipts.of(1)  # so that the next ones share a batch
        embedded.cluster.fail(PRODUCE, TOO_LARGE)
        for number in range(1, 9):
            producer.write(letter(number), number)
        assert set((await receipts.of(9)).values()) == {None}
    assert len(written(embedded, topic, 9)) == 9


async def test_headers_are_cut_before_a_letter_is_given_up_as_too_large(embedded: Embedded) -> None:
    topic, receipts = embedded.topic(), Receipts()
    async with writing(config(embedded.bootstrap, topic), receipts) as producer:
        embedded.cluster.fail(PRODUCE, TOO_LARGE, TOO_LARGE, TOO_LARGE)
        producer.write(letter(1), 1)
        assert await receipts.of(1) == {1: None}
    (message,) = written(embedded, topic, 1)
    names = [name for name, _ in headers_of(message)]
    assert "bridge.dead-letter.message" not in names
    assert not [name for name in names if name.startswith("__connect.")]
    assert "bridge.dead-letter.origin-offset" in names


async def test_an_original_that_does_not_fit_is_refused_for_good_and_the_next_one_is_written(
    embedded: Embedded,
) -> None:
    topic, receipts = embedded.topic(), Receipts()
    properties = {"message.max.bytes": "2000", "batch.size": "2000"}
    async with writing(config(embedded.bootstrap, topic, **properties), receipts) as producer:
        producer.write(letter(1, value=b"v" * 5000), 1)
        producer.write(letter(2), 2)
        found = await receipts.of(2)
    assert found[2] is None
    assert found[1] == LetterRefused(
        f"orders/0/1 (5014 bytes) does not fit the dead-letter topic {topic}: raise the topic's max.message.bytes, "
        "then restart",
        too_large=True,
    )


async def test_a_missing_topic_refuses_letters_and_is_not_made_by_looking_for_it(embedded: Embedded) -> None:
    topic, receipts = embedded.name("missing"), Receipts()
    async with writing(config(embedded.bootstrap, topic), receipts) as producer:
        for _ in range(2):
            producer.write(letter(1), 1)
            refused = (await receipts.of(1)).pop(1)
            assert refused is not None
            assert "track-bridge topics create" in refused.message


async def test_letters_under_way_at_the_end_are_refused_not_forgotten(embedded: Embedded) -> None:
    topic, receipts = embedded.topic(), Receipts()
    async with writing(
        config(embedded.bootstrap, topic, **{"linger.ms": "60000", "message.timeout.ms": "100000"}), receipts
    ) as producer:
        producer.write(letter(1), 1)
        producer.stop(0.2)
        refused = (await receipts.of(1))[1]
    assert refused is not None
    assert "the bridge stops" in refused.message


async def test_a_fatal_error_ends_the_producer_and_not_the_letter(embedded: Embedded) -> None:
    topic, receipts = embedded.topic(), Receipts()
    embedded.cluster.fail(INIT_PRODUCER_ID, CLUSTER_AUTHORIZATION_FAILED)
    async with writing(config(embedded.bootstrap, topic), receipts) as producer:
        producer.write(letter(1), 1)
        assert await receipts.of(1) == {1: None}
    assert len(written(embedded, topic, 1)) == 1
