"""Every selector by itself, and all that are given together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.formats.letters import LetterPlace, parse
from bridge.mapping.expressions.queries import compile_query
from bridge.model import LetterReason, Route
from bridge.reprocess.reading.ledger import UNTOUCHED, LetterStanding, LetterState
from bridge.reprocess.reading.selection import LetterEntry, OriginName, OriginRange, Selection, select
from tests.support.reprocess.letters import WRITTEN_MS, letter, spring, value_of
from tests.unit.reprocess.test_plan import mapping

ORDER = Route("order.completed", "0123456789ab", "Order Completed")
GIFT = Route("gift.ordered[1]", "ba9876543210", "Gift Received")
ENTRIES = [
    LetterEntry(parse(made.record(place)), standing)
    for place, (made, standing) in enumerate(
        [
            (letter(0, route=ORDER, user="a"), UNTOUCHED),
            (letter(1, route=GIFT, user="b", status=503, reason=LetterReason.RETRIES_EXHAUSTED), UNTOUCHED),
            (letter(2, route=ORDER, user="c", topic="other", group="another"), UNTOUCHED),
            (letter(3, route=ORDER, user="a", partition=1), LetterStanding(LetterState.DISCARDED)),
            (spring(4, value=value_of("d", 4, kind="page.viewed")), LetterStanding(LetterState.FAILED_AGAIN)),
        ]
    )
]
ALL = Selection(states=frozenset(LetterState))


def chosen(selection: Selection) -> list[int]:
    return [entry.letter.place.offset for entry in select(ENTRIES, selection, mapping())]


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"states": frozenset({LetterState.OPEN, LetterState.FAILED_AGAIN})}, [0, 1, 2, 4]),
        ({"reasons": frozenset({"retries_exhausted"})}, [1]),
        ({"statuses": frozenset({503})}, [1]),
        ({"routes": frozenset({"order.completed"})}, [0, 2, 3]),
        ({"route_hashes": frozenset({"ba9876543210"})}, [1]),
        ({"types": frozenset({"page.viewed"})}, [4]),
        ({"users": frozenset({"a", "b"})}, [0, 1, 3]),
        ({"since_ms": WRITTEN_MS + 3}, [3, 4]),
        ({"until_ms": WRITTEN_MS + 3}, [0, 1, 2]),
        ({"origins": (OriginRange("other"), OriginRange("orders", 1))}, [2, 3]),
        ({"origins": (OriginRange("orders", 0, 1, 1),)}, [1]),
        ({"ids": (LetterPlace(0, 1), OriginName("other", 0, 2))}, [1, 2]),
        ({"match": compile_query("data.n >= `3`")}, [3, 4]),
        ({"group": "bridge"}, [0, 1, 3, 4]),
        ({"routes": frozenset({"order.completed"}), "users": frozenset({"c"})}, [2]),
    ],
    ids=lambda each: ",".join(each) if isinstance(each, dict) else "",
)
def test_each_selector_narrows_and_all_that_are_given_must_hold(given: dict[str, Any], places: list[int]) -> None:
    assert chosen(replace(ALL, **given)) == places


def test_a_limit_takes_the_oldest_whatever_the_order_they_come_in() -> None:
    found = select(reversed(ENTRIES), replace(ALL, limit=2), mapping())
    assert [entry.letter.place.offset for entry in found] == [0, 1]


@pytest.mark.parametrize(
    ("query", "number", "is_meant"),
    [
        ("data.n == `123456789012345679`", "123456789012345679.0", True),
        ("data.n == `123456789012345680`", "123456789012345679.0", False),
        ("data.n > `100`", "100.00000000000000000001", True),
        ("data.n == `5`", "1e400", False),
        ("data.n", "1e400", True),
        ("to_string(data) == 'x'", "1e400", False),
    ],
)
def test_letters_are_selected_by_numbers_as_they_are_written(query: str, number: str, *, is_meant: bool) -> None:
    value = b'{"type":"order.completed","id":"i","data":{"user":"u","n":%b}}' % number.encode()
    entries = [LetterEntry(parse(letter(0, value=value).record(0)), UNTOUCHED)]

    found = list(select(entries, replace(ALL, match=compile_query(query)), mapping()))

    assert (len(found) == 1) is is_meant
