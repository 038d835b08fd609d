"""What a running bridge does about dead letters: it counts the open ones, and sends some again by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.formats.letters import parse
from bridge.formats.resolutions import Author, Ended, Ending, encode
from bridge.kafka.letters.letter_log import LetterLog
from bridge.model import FilterReason, LetterReason, Route, TopicPartition
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.service import redrive
from bridge.service.redrive import PAUSE, Redriver, pause_after
from bridge.service.watches import letter_watch
from tests.component.reprocess.conftest import Dlq
from tests.support.kafka.raw_headers import produce_raw
from tests.support.reprocess.letters import Written, connect, letter, produce
from tests.support.service.embedded import Broker
from tests.support.service.events import order, orders
from tests.support.service.in_process import Service
from tests.support.service.settings import LETTERS

pytestmark = pytest.mark.slow(reason="a redrive begins at its time, and several are waited for", seconds=2)

OLD = Route("order.completed", "0123456789ab", "Order Completed")
Put = Callable[..., None]
Configure = Callable[..., Path]


async def test_open_letters_are_counted_by_reason_and_those_that_are_settled_are_not(
    configure: Configure, put: Put, dlq: Dlq
) -> None:
    put(letter(1, route=OLD), letter(2, route=OLD), letter(3, reason=LetterReason.UNDECODABLE), connect(4))
    put(letter(5, group="other"))
    await dlq("discard", "0:0", "--because", "x", "--yes")
    async with Service(configure()) as service:
        await service.until("they are counted", lambda: service.now().letters.open_by_reason is not None)
        page = (await service.get("/metrics")).text
    assert 'track_bridge_open_dead_letters{reason="rejected"} 1.0' in page
    assert 'track_bridge_open_dead_letters{reason="undecodable"} 1.0' in page
    assert 'track_bridge_open_dead_letters{reason="other"} 1.0' in page
    assert 'track_bridge_open_dead_letters{reason="expired"} 0.0' in page
    assert "track_bridge_open_dead_letter_oldest_age_seconds " in page


async def test_the_topic_is_never_read_twice_however_often_metrics_are_asked_for(
    configure: Configure, put: Put, dlq: Dlq, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[tuple[str, int, int]] = Counter()
    really = LetterLog.read

    def noted(log: LetterLog, wanted: Mapping[TopicPartition, range], *more: Any) -> Any:
        read.update((p.topic, p.partition, offset) for p, offsets in wanted.items() for offset in offsets)
        return really(log, wanted, *more)

    monkeypatch.setattr(LetterLog, "read", noted)
    monkeypatch.setattr(letter_watch, "INTERVAL", 0.05)
    put(*(letter(number, partition=number % 4, route=OLD) for number in range(30)))
    await dlq("discard", "0:0", "--because", "x", "--yes")
    async with Service(configure()) as service:

        def is_open(count: int) -> Callable[[], bool]:
            return lambda: (service.now().letters.open_by_reason or {}).get("rejected") == count

        await service.until("they are counted", is_open(29))
        for _ in range(50):
            assert 'track_bridge_open_dead_letters{reason="rejected"} 29.0' in (await service.get("/metrics")).text
        put(letter(50, route=OLD))
        await service.until("a new one is counted", is_open(30))
    assert len(read) == 32, "31 letters and a resolution"
    assert set(read.values()) == {1}


async def test_what_a_spell_of_refused_keys_let_through_is_sent_again_once_the_key_works(
    configure: Configure, kafka: EmbeddedKafka, api: Emulator
) -> None:
    broker = Broker(kafka)
    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body="{}"))
    async with Service(configure(dead_letter={"redrive": {"reasons": ["unauthorized"]}})) as service:
        broker.produce(orders(40))
        await service.until("the key is doubted", lambda: service.now().tally.letters != {})
        await service.until("all is held", lambda: service.now().vitals.unauthorized is not None)
        api.set_faults()
        broker.produce([order("u-1", 40)])
        await service.until(
            "every event arrived", lambda: {event.metadata["n"] for event in api.ledger.accepted} == set(range(41))
        )
        await service.until("the redrive ended", lambda: bool(service.lines.events("redrive_ended")))
        (ended,) = service.lines.events("redrive_ended")
        (started,) = service.lines.events("redrive_started")
    assert started["letters"] == 5
    assert (ended["replayed"], ended["failed_again"], ended["left"]) == (5, 0, 0)


async def test_letters_of_other_reasons_and_without_the_setting_are_left_alone(
    configure: Configure, put: Put, kafka: EmbeddedKafka, api: Emulator, dlq: Dlq
) -> None:
    put(letter(1, route=OLD), letter(2, route=OLD, reason=LetterReason.UNAUTHORIZED, status=401))
    async with Service(configure()) as service:
        Broker(kafka).produce(orders(5))
        await service.until_done(5)
    assert len(api.ledger.accepted) == 5
    assert (await dlq("stats", "--json")).documents[0]["open"] == 2


def foreign_resolutions() -> list[Written]:
    """Records of the resolutions topic with keys that name no event, and values that are in order."""
    _, value = encode(Ended(Ending.REPLAYED, 1.5, Author("c", "u", "h")), parse(letter(1).record(0)), "")
    return [Written(key, value, [], 0) for key in (b'["ended",{}]', b'["ended",[[]]]', b'["attempt",{"a":1}]', b"[]")]


async def test_foreign_resolutions_end_neither_the_service_nor_its_redrive_nor_the_commands(
    configure: Configure, kafka: EmbeddedKafka, put: Put, dlq: Dlq, api: Emulator
) -> None:
    produce(kafka.bootstrap, f"{LETTERS}.resolutions", foreign_resolutions())
    put(letter(1, route=OLD, reason=LetterReason.UNAUTHORIZED, status=401), letter(2, route=OLD))
    (found,) = (await dlq("stats", "--json")).documents
    assert (found["open"], found["ignored_resolutions"]) == (2, 4)
    assert len((await dlq("list", "--json")).documents) == 2
    async with Service(configure(dead_letter={"redrive": {"reasons": ["unauthorized"]}})) as service:
        Broker(kafka).produce(orders(5))
        await service.until("the redrive ended", lambda: bool(service.lines.events("redrive_ended")))
        await service.until("they are counted", lambda: service.now().letters.open_by_reason is not None)
        (ended,) = service.lines.events("redrive_ended")
    assert (ended["replayed"], ended["left"]) == (1, 0)
    assert len(api.ledger.accepted) == 6


async def test_a_redrive_that_fails_never_ends_delivery_and_is_tried_again(
    configure: Configure, kafka: EmbeddedKafka, put: Put, api: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise TypeError("unhashable type: 'dict'")

    put(letter(1, route=OLD, reason=LetterReason.UNAUTHORIZED, status=401))
    monkeypatch.setattr(Redriver, "_plan", broken)
    monkeypatch.setattr(redrive, "PAUSE", 0.05)
    async with Service(configure(dead_letter={"redrive": {"reasons": ["unauthorized"]}})) as service:
        Broker(kafka).produce(orders(5))
        await service.until("it failed twice", lambda: len(service.lines.events("redrive_failed")) >= 2)
        Broker(kafka).produce([order("u-1", 5)])
        await service.until("delivery goes on", lambda: len(api.ledger.accepted) == 6)
        first = service.lines.events("redrive_failed")[0]
    assert first["detail"] == "TypeError: unhashable type: 'dict'"


def test_redrives_that_fail_in_a_row_come_ever_more_seldom() -> None:
    pauses = [pause_after(failures) for failures in range(50)]
    assert pauses[0] == PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1800.0


async def test_a_redrive_that_has_nowhere_to_write_what_became_of_a_letter_says_so(
    configure: Configure, kafka: EmbeddedKafka, api: Emulator
) -> None:
    broker = Broker(kafka)
    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body="{}"))
    nowhere = {"topic": "elsewhere.dlq", "redrive": {"reasons": ["unauthorized"]}}
    kafka.create_topic("elsewhere.dlq", 3)
    async with Service(configure(dead_letter=nowhere)) as service:
        broker.produce(orders(40))
        await service.until("all is held", lambda: service.now().vitals.unauthorized is not None)
        api.set_faults()
        broker.produce([order("u-1", 40)])
        await service.until("it was tried", lambda: bool(service.lines.events("redrive_failed")))
    assert service.lines.events("redrive_failed")[0]["detail"] == "elsewhere.dlq.resolutions does not exist"
    assert service.lines.events("redrive_started") == []


async def test_a_header_whose_name_is_not_utf8_makes_a_dead_letter_and_ends_nobody(
    configure: Configure, kafka: EmbeddedKafka, api: Emulator, dlq: Dlq
) -> None:
    """In a consumed topic, and in the dead-letter topic itself; as many as make the interpreter take short cuts."""
    produce_raw(kafka.bootstrap, "orders", orders(100), b"trace\xff")
    produce_raw(kafka.bootstrap, LETTERS, [b"{}"] * 100, b"trace\xff")
    async with Service(configure()) as service:
        Broker(kafka).produce([order("u-1", 1)])
        await service.until("the next event arrived", lambda: len(api.ledger.accepted) == 1)
        await service.until("they are dead letters", lambda: service.now().tally.dead_lettered == 100)
        await service.until("they are counted", lambda: service.now().letters.open_by_reason is not None)
    listed = (await dlq("list", "--json")).documents
    assert Counter(each["reason"] for each in listed) == {"undecodable": 100, "unknown": 100}
    undecodable = next(each for each in listed if each["reason"] == "undecodable")
    assert undecodable["message"].startswith("the name of a header is not UTF-8")
    assert undecodable["origin"]["topic"] == "orders"


async def test_another_bridges_dead_letters_and_resolutions_are_filtered_and_never_sent(
    configure: Configure, kafka: EmbeddedKafka, put: Put, dlq: Dlq, api: Emulator
) -> None:
    put(letter(1, route=OLD, group="other"), letter(2, route=OLD, group="other"))
    await dlq("discard", "0:0", "--because", "x", "--yes", kafka={"group_id": "other"})
    other = {"kafka": {"topics": ["orders", LETTERS, f"{LETTERS}.resolutions"]}, "dead_letter": {"topic": "own"}}
    kafka.create_topic("own", 1)
    async with Service(configure(**other)) as service:
        Broker(kafka).produce([order("u-1", 1)])
        await service.until("all are read", lambda: service.now().tally.consumed == 4)
        await service.until("one is sent", lambda: service.now().tally.delivered == 1)
        assert service.now().tally.filtered_by_reason() == {FilterReason.BRIDGE_RECORD: 3}
    assert len(api.ledger.accepted) == 1
