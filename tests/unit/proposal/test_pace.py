"""What sampled records mean a minute, against the budget."""

from __future__ import annotations

import json

from bridge.model import Record
from bridge.proposal.pace import sentences
from bridge.proposal.propose import propose


def records(each_ms: int, *, stored: bool = True) -> list[Record]:
    """61 records on each of two partitions."""
    out = []
    for n in range(122):
        at = 1767323045000 + (n // 2) * each_ms
        value = {"type": "a.paid", "userId": f"u-{n % 7}", "ts": at}
        out.append(Record("a", n % 2, n // 2, at if stored else None, None, json.dumps(value).encode(), ()))
    return out


def test_partitions_are_added_up_by_the_time_that_each_spans() -> None:
    traffic = propose(records(1000)).traffic
    assert (traffic.requests, traffic.users, traffic.per_minute) == (122, 7, 120)


def test_times_in_the_records_tell_where_kafka_s_are_not_known() -> None:
    assert propose(records(1000, stored=False)).traffic.per_minute == 120


def test_more_than_the_budget_is_said_with_what_to_do() -> None:
    lines = " ".join(sentences(propose(records(100)).traffic))
    assert "about 1,200 a minute. The budget is 600 a minute." in lines
    assert "2.0 times the budget" in lines
    assert "sample: 10%" in lines


def test_a_time_that_nobody_knows_is_not_made_up() -> None:
    same = [each._replace(timestamp_ms=None, value=b'{"type": "a.paid", "userId": "u"}') for each in records(1)]
    assert propose(same).traffic.per_minute is None
    assert "is not known" in sentences(propose(same).traffic)[0]


def test_what_is_dropped_costs_nothing() -> None:
    values = [{"type": "track", "event": "Paid"}, {"type": "identify"}]
    both = [
        Record("a", 0, n, 1767323045000 + n * 1000, None, json.dumps({**values[n % 2], "userId": "u"}).encode(), ())
        for n in range(40)
    ]
    assert propose(both).traffic.requests == 20
