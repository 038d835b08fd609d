"""Any document, any width: what needs someone comes first, and no line is wider than it may be."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.holds import REASONS, Reason
from bridge.model import Filtered, FilterReason, Retried, Retry, TopicPartition
from bridge.ops.group_view import GroupView, MemberView, TopicProblem, TopicView
from bridge.ops.snapshot import ClosedGate, KeyView, Letters, MovingBacklog, PartitionHold
from bridge.ops.status import status_document
from bridge.ops.status.status_text import NARROWEST, lines
from bridge.ops.status.status_text.layout import ScreenTable, laid_out, wrapped
from bridge.ops.status.status_text.times import Times
from bridge.text.printable import printable
from bridge.text.tables import columns
from tests.everyday import examples
from tests.unit.ops.test_status_text import shown, utc

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot

TEXTS = st.text(min_size=1, max_size=300) | st.sampled_from(
    ["注文が失敗しました" * 20, "x" * 500, "a b " * 100, "kafka-1:9092: Connection refused, " * 9, "é" * 90]
)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=249)
HOLDS = st.sampled_from([Reason.OUT_OF_RANGE, Reason.NO_START, Reason.POSITION_UNKNOWN, Reason.TRANSACTION_HANGING])
GATES = st.sampled_from(
    [Reason.UNAUTHORIZED, Reason.OUTAGE, Reason.MEMBERSHIP, Reason.RETRY_AFTER, Reason.RATE_LIMITED, Reason.DRAINING]
)


@st.composite
def snapshots(draw: st.DrawFn, busy: Snapshot) -> Snapshot:
    names = draw(st.lists(NAMES, min_size=1, max_size=4))
    partitions = tuple(
        replace(
            busy.partitions[0],
            partition=TopicPartition(draw(st.sampled_from(names)), number),
            position=draw(st.none() | st.integers(0, 2**63)),
            hold=draw(st.none() | st.builds(PartitionHold, HOLDS, st.floats(1.0, busy.at), TEXTS)),
        )
        for number in range(draw(st.sampled_from([0, 1, 2, 30])))
    )
    blocks = tuple(
        ClosedGate(gate, busy.at - 9, draw(TEXTS), busy.at + 1, draw(st.none() | st.floats(busy.at, busy.at + 1e6)))
        for gate in draw(st.lists(GATES, max_size=3, unique=True))
    )
    problem = st.none() | st.builds(
        TopicProblem, st.sampled_from([Reason.TOPIC_MISSING, Reason.NOT_AUTHORISED]), TEXTS, st.just(1.0)
    )
    topics = tuple(TopicView(name, 3, 9, (1, 2), problem=draw(problem)) for name in draw(st.lists(NAMES, max_size=3)))
    members = tuple(MemberView(name, "10.0.0.2", 7) for name in draw(st.lists(NAMES, max_size=3)))
    answer = Retry("timeout", draw(TEXTS))
    return replace(
        busy,
        partitions=partitions,
        blocks=blocks,
        group_view=GroupView(at=busy.at, state="Stable", members=members, topics=topics),
        key=KeyView(problem=draw(st.none() | TEXTS)),
        letters=Letters(open_by_reason=draw(st.none() | st.just({"rejected": 3})), oldest_open=busy.at - 1e6),
        retries=[Retried(TopicPartition(names[0], 1), 1, 0, "r", 2, 1, 12, 1.0, answer, 2)],
        backlog=draw(st.none() | st.just(MovingBacklog(9, busy.at - 60, 10**9, busy.at))),
        tally=replace(busy.tally, filtered_records={Filtered(FilterReason.UNMAPPED, None, draw(TEXTS)): 9}),
    )


@settings(deadline=None, max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), width=st.integers(0, 200))
def test_no_line_is_wider_than_the_width_and_what_needs_someone_comes_first(
    busy: Snapshot, data: st.DataObject, width: int
) -> None:
    snapshot = data.draw(snapshots(busy))
    document = json.loads(json.dumps(status_document.document(snapshot)))
    page = lines(document, width, utc)

    assert max(map(columns, page)) <= max(width, NARROWEST)
    assert all(line.isprintable() for line in page)
    needed = page.index("Needs someone")
    assert not any(line in {"Ends by itself", "Lost", "Topics", "Partitions", "Records"} for line in page[:needed])
    told = [concern["reason"] for concern in document["needs_someone"]]
    for partition in document["partitions"]:
        is_flowing = partition["why"] in {"sending", "idle"}
        by_itself = [concern["reason"] for concern in document["ends_by_itself"]]
        needs = REASONS[Reason(partition["why"])].needs_operator
        assert is_flowing or partition["why"] in (told if needs else by_itself)
    assert (document["state"] == "held") == any(
        reason not in {"key_file", "kafka_login", "open_dead_letters", "unaccounted", "retention_near"}
        for reason in told
    ) or document["state"] in {"draining", "waiting"}


@pytest.mark.parametrize("count", [1, 2, 12, 300])
@pytest.mark.parametrize(
    "topic", ["shop.orders", "eu.production.shop.orders.with.a.very.long.name.v2", "注文.イベント"]
)
def test_sixty_columns_hold_any_number_of_partitions(busy: Snapshot, count: int, topic: str) -> None:
    partitions = [
        replace(busy.partitions[0], partition=TopicPartition(topic, number), position=10**9, end=2 * 10**9)
        for number in range(count)
    ]
    page = shown(replace(busy, partitions=partitions), width=60)

    assert max(map(columns, page)) <= 60
    told = "\n".join(page[page.index("Partitions") :])
    assert all(f"/{number}" in told for number in range(count))


@settings(deadline=None)
@given(text=st.text(), width=st.integers(20, 80), indent=st.integers(0, 6))
def test_a_paragraph_keeps_every_character_but_spaces(text: str, width: int, indent: int) -> None:
    broken = wrapped(text, width, indent)

    assert "".join("".join(broken).split()) == "".join(printable(text).split())
    assert max(map(columns, broken)) <= width


def test_long_words_break_after_a_comma_or_a_slash() -> None:
    where = f"shop.orders/{','.join(str(number) for number in range(0, 90, 2))}"
    broken = wrapped(where, 30)
    assert all(line.endswith(",") for line in broken[:-1])


def test_a_short_remark_in_brackets_is_never_torn() -> None:
    assert wrapped("retry_after until 09:37:10 (in 59 s), since 09:36:10 (2 s): orders/0", 33) == [
        "retry_after until 09:37:10",
        "  (in 59 s), since 09:36:10",
        "  (2 s): orders/0",
    ]


def test_names_too_long_for_a_table_lose_their_middle_and_stay_apart() -> None:
    rows = [(f"eu.production.shop.orders.created.v2/{number}", "sending", "1") for number in range(3)]
    table = ScreenTable(("partition", "why", "lag"), rows, (2,))
    found = [line.text for line in laid_out([table], 40)]
    assert found == [
        "partition                   why      lag",
        "eu.productio….created.v2/0  sending    1",
        "eu.productio….created.v2/1  sending    1",
        "eu.productio….created.v2/2  sending    1",
    ]


def test_a_row_that_no_cutting_makes_fit_is_told_with_the_names_of_its_columns() -> None:
    table = ScreenTable(
        ("partition", "why", "lag"), [("shop.orders/3", "dead_letters_unwritable", "1,000,000,000")], (2,)
    )
    found = [line.text for line in laid_out([table], 30)]
    assert found == ["shop.orders/3", "  why dead_letters_unwritable,", "    lag 1,000,000,000"]


# --- times -------------------------------------------------------------------------------------------


def berlin(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, ZoneInfo("Europe/Berlin"))


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("now", "moment", "said"),
    [
        ("2026-07-01T12:00:00Z", "2026-07-01T12:32:10Z", "14:32:10"),
        ("2026-07-01T21:59:00Z", "2026-07-01T22:01:00Z", "2026-07-02 00:01:00"),
        ("2026-07-01T12:00:00Z", "2026-12-01T12:00:00Z", "2026-12-01 13:00:00 UTC+01:00"),
        ("2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z", "02:30:00 UTC+02:00"),
        ("2026-10-25T00:10:00Z", "2026-10-25T01:30:00Z", "02:30:00 UTC+01:00"),
    ],
    ids=["today", "tomorrow", "another offset", "the first of two", "the second of two"],
)
def test_a_time_has_its_date_on_another_day_and_its_offset_where_it_is_ambiguous(
    now: str, moment: str, said: str
) -> None:
    assert Times(at(now), berlin).at(moment) == said


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berlin", "14:00:00 CEST (UTC+02:00)"),
        ("UTC", "12:00:00 UTC"),
        ("America/Sao_Paulo", "09:00:00 UTC-03:00"),
        ("Asia/Kolkata", "17:30:00 IST (UTC+05:30)"),
    ],
)
def test_the_page_says_in_which_zone_its_times_are(zone: str, said: str) -> None:
    def there(seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, ZoneInfo(zone))

    assert Times(at("2026-07-01T12:00:00Z"), there).as_of() == said


def test_an_estimate_is_told_to_the_minute_and_never_too_early() -> None:
    times = Times(at("2026-07-01T12:00:00Z"), lambda seconds: datetime.fromtimestamp(seconds, UTC))
    assert times.about("2026-07-01T13:00:01Z") == "13:01"


def test_what_is_over_is_now_and_not_a_negative_span() -> None:
    assert Times(at("2026-07-01T12:00:00Z"), utc).until("2026-07-01T11:59:58Z") == "11:59:58 (now)"
