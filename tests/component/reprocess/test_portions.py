"""Open letters taken in portions from a real topic: each once, in order, however many there are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import pytest

from bridge.formats.letters import LetterPlace
from bridge.kafka.letters.letter_log import BESIDE, LetterLog
from bridge.model import LetterReason, Route
from bridge.reprocess.reading import open_letters
from bridge.reprocess.reading import reader as reading
from bridge.reprocess.reading.open_letters import OpenLetters
from bridge.sandbox.broker import EmbeddedKafka
from tests.component.reprocess.conftest import Dlq
from tests.support.kafka.completing import settings
from tests.support.reprocess.letters import GROUP, letter
from tests.support.service.settings import LETTERS

pytestmark = pytest.mark.slow(reason="writes and reads thousands of letters", seconds=3)

OLD = Route("order.completed", "0123456789ab", "Order Completed")
REASON = LetterReason.UNAUTHORIZED


def log_of(kafka: EmbeddedKafka) -> LetterLog:
    return LetterLog(settings(kafka.bootstrap, GROUP, ["orders"]), LETTERS, logging.getLogger("kafka"), BESIDE)


def counted(log: LetterLog, reasons: Iterable[str] = (REASON.value,)) -> OpenLetters:
    found = OpenLetters(GROUP, log.extent().topic_id, frozenset(reasons))
    open_letters.take_all(log.read, log.extent(), found)
    return found


async def test_portions_hold_each_open_letter_once_and_each_partition_in_order(
    kafka: EmbeddedKafka, put: Callable[..., None], dlq: Dlq
) -> None:
    for number in range(50):
        put(
            letter(number, partition=number % 4, route=OLD, reason=REASON),
            letter(100 + number, partition=number % 4, route=OLD),
        )
    await dlq("discard", "0:0", "2:2", "--because", "x", "--yes")
    log = log_of(kafka)
    waiting: reading.Offsets = counted(log).offsets()
    taken: list[LetterPlace] = []
    sizes = []
    while waiting:
        reader, entries, waiting = reading.take_portion(log, waiting, most=8)
        assert all(entry.standing.state.is_open for entry in entries)
        assert all(entry.letter.reason == REASON for entry in entries)
        assert len(reader.ledger._facts) == 0, "nothing is kept of letters that are none of these"
        taken += [entry.letter.place for entry in entries]
        sizes.append(len(entries))
    assert max(sizes) <= 8
    assert len(taken) == len(set(taken)) == 48
    for partition in range(4):
        own = [place for place in taken if place.partition == partition]
        assert own == sorted(own)


async def test_a_portion_ends_where_its_records_get_large(
    kafka: EmbeddedKafka, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PORTION_BYTES", 50_000)
    put(*(letter(number, route=OLD, reason=REASON, value=b"x" * 20_000) for number in range(30)))
    log = log_of(kafka)
    waiting: reading.Offsets = counted(log).offsets()
    taken = 0
    while waiting:
        _, entries, waiting = reading.take_portion(log, waiting)
        taken += len(entries)
    assert taken == 30


async def test_a_letter_settled_since_it_was_counted_comes_as_settled(
    kafka: EmbeddedKafka, put: Callable[..., None], dlq: Dlq
) -> None:
    put(letter(1, route=OLD, reason=REASON), letter(2, route=OLD, reason=REASON))
    log = log_of(kafka)
    waiting = counted(log).offsets()
    await dlq("discard", "0:0", "--because", "x", "--yes")
    _, entries, left = reading.take_portion(log, waiting)
    assert [entry.standing.state.is_open for entry in entries] == [False, True]
    assert not left
