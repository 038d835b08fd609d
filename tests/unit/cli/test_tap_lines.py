"""What `track-bridge tap` shows a person of requests and dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.cli.live.tap_lines import LONGEST, lines

PLACE = {"at": "2026-01-03T12:00:01.123Z", "topic": "shop.orders", "partition": 3, "offset": 1207}
REQUEST: dict[str, Any] = {
    **PLACE,
    "sample": "request",
    "kind": "track",
    "route": "order.completed",
    "user": "u-1",
    "outcome": "accepted",
    "status": 202,
    "code": None,
    "reason": None,
    "seconds": 0.0312,
    "attempt": 1,
    "request": {"user_id": "u-1"},
}
BEGIN = "12:00:01.123 out shop.orders/3/1207"
LETTER: dict[str, Any] = {
    **PLACE,
    "sample": "dead_letter",
    "route": "order.completed",
    "reason": "rejected",
    "message": "no\x1b[31m such user",
}


@pytest.mark.parametrize(
    ("sample", "shown"),
    [
        (
            REQUEST,
            [
                "12:00:01.123 out shop.orders/3/1207 track of order.completed user u-1: accepted (202) in 31 ms",
                '    {"user_id": "u-1"}',
            ],
        ),
        (
            REQUEST
            | {"attempt": 2, "outcome": "retry", "status": 503, "reason": "server_error", "request": None}
            | {"request_bytes": 70_000, "left_out": 3, "element": 4},
            [
                "... 3 samples left out",
                f"{BEGIN}#4 track of order.completed user u-1: retry (503 server_error) in 31 ms, attempt 2",
                "    70,000 bytes, too large to be shown",
            ],
        ),
        (
            LETTER,
            ["12:00:01.123 dlq shop.orders/3/1207 of order.completed: rejected: no\\x1b[31m such user"],
        ),
        (LETTER | {"route": None, "message": "no"}, ["12:00:01.123 dlq shop.orders/3/1207: rejected: no"]),
    ],
)
def test_a_sample_is_told_in_one_line_and_what_it_holds_below(sample: dict[str, Any], shown: list[str]) -> None:
    assert list(lines(sample)) == shown


def test_what_this_version_does_not_know_is_shown_as_it_came_and_cut() -> None:
    (line,) = lines({"sample": "new", "text": "x" * 2 * LONGEST})
    assert line.startswith('{"sample": "new"')
    assert len(line) <= LONGEST
