"""Dead letters on the shelf: read once, kept up to date, paged through quickly, and without what is in them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest

from bridge.config.sections import MappingConfig
from bridge.formats.letters import parse
from bridge.formats.resolutions import Author, Ended, Ending, encode
from bridge.kafka.letters.letter_log import LetterLog
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import LetterReason, Record
from bridge.reprocess.reading.redaction import redaction
from bridge.reprocess.reading.shelf import LetterShelf
from bridge.reprocess.reading.wanted import WantedLetters
from tests.support.processor_time import processor_time
from tests.support.reprocess.letters import letter
from tests.support.reprocess.log_in_memory import TOPIC, LogInMemory

MADE = compile_mapping(
    MappingConfig.model_validate({"user_id": "data.user", "events": {"order.*": {"event_name": "Order"}}})
)
BY = Author("track-bridge dlq discard", "ann", "host")


def shelf_of(log: LogInMemory, *hidden: str) -> LetterShelf:
    assert isinstance(MADE, CompiledMapping)
    shelf = LetterShelf(cast("LetterLog", log), MADE, redaction(hidden, everything=False))
    shelf.refresh()
    return shelf


def places(shelf: LetterShelf, wanted: WantedLetters | None = None, number: int = 1, size: int = 50) -> list[str]:
    wanted = wanted or WantedLetters()
    page = shelf.page(wanted.selection("bridge"), number, size, wanted.match or "")
    return [str(row.letter.place) for row in page.rows]


def test_pages_are_newest_first_and_together_all_that_there_are() -> None:
    log = LogInMemory()
    log.write(*(letter(number, partition=number % 2) for number in range(25)))
    shelf = shelf_of(log)
    pages = [places(shelf, number=number, size=10) for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert pages[0][0] == "0:12"
    assert len({place for page in pages for place in page}) == 25


def test_a_refresh_reads_only_what_is_new_and_forgets_what_retention_took() -> None:
    log = LogInMemory()
    log.write(*(letter(number, partition=0) for number in range(10)))
    shelf = shelf_of(log)
    log.write(letter(10, partition=0))
    log.reads.clear()
    shelf.refresh()
    assert sum(log.reads) == 1
    log.first = 4
    shelf.refresh()
    assert len(places(shelf)) == 7


def test_a_topic_that_was_made_anew_is_read_anew() -> None:
    log = LogInMemory()
    log.write(letter(1, partition=0), letter(2, partition=0))
    shelf = shelf_of(log)
    log.letters, log.topic_id = {0: [], 1: []}, "b"
    log.write(letter(1, partition=0))
    shelf.refresh()
    assert places(shelf) == ["0:0"]


def test_what_was_settled_is_gone_and_is_there_where_it_is_asked_for() -> None:
    log = LogInMemory()
    log.write(letter(1, partition=0), letter(2, partition=0))
    shelf = shelf_of(log)
    key, value = encode(Ended(Ending.DISCARDED, 1.0, BY, "x"), parse(log.letters[0][0]), "a")
    log.resolutions[0].append(Record(f"{TOPIC}.resolutions", 0, 0, None, key, value, ()))
    shelf.refresh()
    assert places(shelf) == ["0:1"]
    ended = shelf.page(WantedLetters().selection("bridge", with_ended=True), 1, 50)
    assert {str(row.letter.place): row.standing.state.value for row in ended.rows} == {
        "0:0": "discarded",
        "0:1": "open",
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (WantedLetters(reason=("expired",)), ["0:1"]),
        (WantedLetters(status=(401,)), ["0:2"]),
        (WantedLetters(origin=("orders:0:0-1",)), ["0:1", "0:0"]),
        (WantedLetters(user=("u-3",)), ["0:3"]),
        (WantedLetters(type=("order.cancelled",)), ["0:2"]),
        (WantedLetters(match="data.n > `1`"), ["0:3", "0:2"]),
        (WantedLetters(match="data.n > `1`", user=("u-1",)), ["0:2"]),
    ],
    ids=str,
)
def test_every_selector_of_the_commands_selects_here(wanted: WantedLetters, found: list[str]) -> None:
    log = LogInMemory()
    cancelled = b'{"type": "order.cancelled", "data": {"user": "u-1", "n": 2}}'
    log.write(
        letter(0, partition=0),
        letter(1, partition=0, reason=LetterReason.EXPIRED),
        letter(2, partition=0, status=401, value=cancelled),
        letter(3, partition=0, user="u-3"),
    )
    assert places(shelf_of(log), wanted) == found


def test_the_contents_are_read_once_for_a_question_and_not_for_each_page() -> None:
    log = LogInMemory()
    log.write(*(letter(number, partition=0) for number in range(30)))
    shelf = shelf_of(log)
    log.reads.clear()
    for number in (1, 2, 3):
        assert len(places(shelf, WantedLetters(match="data.n >= `0`"), number, 10)) == 10
    assert sum(log.reads) == 30
    log.write(letter(30, partition=0))
    shelf.refresh()
    assert len(places(shelf, WantedLetters(match="data.n >= `0`"))) == 31


def test_nothing_that_is_in_a_letter_stays() -> None:
    log = LogInMemory()
    secret = b'{"type": "order.x", "data": {"user": "u-secret", "email": "ann@example.org"}}'
    log.write(letter(0, partition=0, value=secret, message="ann@example.org is 'taken'", request=secret))
    shelf = shelf_of(log, "data.user")
    page = shelf.page(WantedLetters().selection("bridge"), 1, 50)
    assert "secret" not in str([tuple(row.letter) for row in page.rows])
    assert "example.org" not in str([tuple(row.letter) for row in page.rows])
    assert page.rows[0].user == "***"
    assert page.messages == (("rejected", page.rows[0].letter.message, 1),)


@pytest.mark.slow
def test_a_hundred_thousand_are_paged_through_in_less_than_a_second_each() -> None:
    log = LogInMemory()
    some = [letter(number, partition=0) for number in range(100)]
    log.write(*some)
    shelf = shelf_of(log)
    one = shelf._letters[0]
    shelf._letters = [
        one._replace(letter=one.letter._replace(place=one.letter.place._replace(offset=n)), name=("at", 0, n))
        for n in range(100_000)
    ]
    wanted = WantedLetters(reason=("rejected",), since="2020-01-01T00:00:00Z").selection("bridge")
    assert shelf.page(wanted, 1_000, 50).found == 100_000
    assert processor_time(lambda: shelf.page(wanted, 1_000, 50)) < 1, "seconds"


def test_a_condition_that_takes_its_time_keeps_nobody_else_waiting() -> None:
    log = LogInMemory()
    log.write(*(letter(number, partition=0) for number in range(3)))
    shelf = shelf_of(log)
    asked, goes_on = threading.Event(), threading.Event()

    def takes_long(_document: object) -> bool:
        asked.set()
        return goes_on.wait(30)

    selection = replace(WantedLetters().selection("bridge"), match=takes_long)
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(lambda: shelf.page(selection, 1, 50, "slow"))
        assert asked.wait(30)
        log.write(letter(3, partition=0))
        try:
            threads.submit(shelf.refresh).result(30)
            assert len(threads.submit(lambda: places(shelf)).result(30)) == 4
            assert not slow.done()
        finally:
            goes_on.set()
        assert slow.result(30).found >= 3
