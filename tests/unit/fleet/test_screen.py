"""The screen of the group: what needs someone first, at every width, and nothing that no width has room for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.fleet import screen
from bridge.fleet.compose import compose
from bridge.fleet.document import document
from bridge.fleet.view import FleetView, ReplayView, ReplicaView
from bridge.holds import REASONS, Reason
from bridge.ops.snapshot import Letters, RecordedLosses
from bridge.ops.status.forecast import Forecast, LostBy, Pace, written
from bridge.ops.status.status_text.layout import Tone
from bridge.text.moments import iso
from bridge.text.tables import columns
from tests.unit.fleet.conftest import NOW, Answer, Facts, group, member, orders, row
from tests.unit.fleet.conftest import said as concern_said


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def shown(view: FleetView, width: int = 400) -> list[str]:
    return [line.text for line in screen.page(json.loads(json.dumps(document(view))), width, utc)]


def section(page: list[str], title: str) -> list[str]:
    rest = page[page.index(title) + 1 :]
    return [line.strip() for line in (rest[: rest.index("")] if "" in rest else rest)]


@pytest.fixture
def busy(facts: Facts, answer: Answer) -> FleetView:
    """A budget that is used, a replica that was killed, dead letters, a replay."""
    ahead = written(Forecast(300, NOW + 60, Pace.BUDGET, None, LostBy.NOTHING))
    limited = REASONS[Reason.RATE_LIMITED]
    replica = answer(
        "10.0.0.1",
        state="waiting",
        partitions=[
            row(n, why="rate_limited", oldest_open={"timestamp": iso(NOW - 90)}, forecast=ahead) for n in (0, 1)
        ],
        ends_by_itself=[
            concern_said("rate_limited", partitions=["orders/0-1"], details=[limited.meaning], action=limited.action)
        ],
        forecast=ahead,
        kinds=[{"kind": "track", "limit": 10.0, "share": 5.0}, {"kind": "identify", "limit": None, "share": None}],
        rate={"used_last_minute": 596},
        dead_letters={"open": {"by_reason": {"invalid": 4}, "at_least": [], "oldest_at": iso(NOW - 120)}},
    )
    gone = ReplicaView("http://10.0.0.2:9464", "No bridge answers at http://10.0.0.2:9464.", since=NOW - 30)
    members = group(member("10.0.0.1", 0, 1), member("10.0.0.2", 2, 3))
    found = facts(
        group=members,
        replays=(ReplayView("kim-1", NOW - 2, 2.0, "a replay of dead letters"),),
        losses=RecordedLosses(0, 0, None, (), 0),
    )
    return compose(found, [replica, gone], NOW)


def test_the_page_begins_with_who_answers_and_how_it_is(busy: FleetView) -> None:
    page = shown(busy)
    assert page[0] == f"group shop: 1 of 2 replicas answer, at {utc(NOW):%H:%M:%S} UTC"
    assert page[1].startswith("WAITING: 1 thing needs someone, 2 things end by themselves, 40 records wait.")


def test_sections_come_in_the_order_in_which_somebody_at_night_needs_them(busy: FleetView) -> None:
    page = shown(busy)
    titles = ("Needs someone", "Ends by itself", "Lost", "Budget", "Replicas", "Partitions")
    assert [page.index(title) for title in titles] == sorted(page.index(title) for title in titles)


def test_what_needs_someone_says_since_when_and_what_to_do(busy: FleetView) -> None:
    found = section(shown(busy), "Needs someone")
    assert found[0] == f"open_dead_letters since {utc(NOW - 120):%H:%M:%S} (2 min 0 s)"
    assert found[1] == "4 dead letters are open: invalid 4."
    assert found[2].startswith("To do: Look at them")


def test_what_ends_by_itself_says_when_and_how_much(busy: FleetView) -> None:
    found = section(shown(busy), "Ends by itself")
    assert found[0] == f"replica_silent 20 records, since {utc(NOW - 30):%H:%M:%S} (30 s)"
    assert found[1] == "orders/2-3"
    (limited,) = [line for line in found if line.startswith("rate_limited")]
    assert limited == (
        f"rate_limited done about {utc(-(-(NOW + 60) // 60) * 60):%H:%M} (in 1 min 0 s), 20 records,"
        f" since {utc(NOW - 60):%H:%M:%S} (1 min 0 s)"
    )


@pytest.mark.parametrize(
    ("pace", "said"),
    [
        (
            Pace.UNKNOWN,
            "20 records at 600/min take 2 s. How long it really takes is said when it was watched for a minute.",
        ),
        (Pace.GROWING, "20 records at 600/min take 2 s if no more come; now as many come as go, or more."),
    ],
)
def test_what_the_budget_takes_at_least_is_said_where_nothing_can_be_forecast(
    facts: Facts, answer: Answer, pace: Pace, said: str
) -> None:
    ahead = written(Forecast(20, None, pace, None, LostBy.UNKNOWN))
    replica = answer(
        "10.0.0.1",
        partitions=[row(n, why="rate_limited", forecast=ahead) for n in (0, 1)],
        ends_by_itself=[concern_said("rate_limited", partitions=["orders/0-1"])],
        forecast=ahead,
        kinds=[{"kind": "track", "limit": 10.0, "share": 5.0}],
    )
    found = section(shown(compose(facts(2), [replica], NOW)), "Ends by itself")
    assert found[-1] == said


def test_that_nothing_is_lost_is_said_in_words(busy: FleetView, facts: Facts) -> None:
    assert section(shown(busy), "Lost") == ["nothing is recorded as lost"]
    well = facts(letters=Letters({}), losses=RecordedLosses(0, 0, None, (), 0))
    assert section(shown(compose(well, [], NOW)), "Lost") == ["nothing is recorded as lost", "no dead letter is open"]
    unread = facts(letters_problem="The brokers do not answer.")
    assert section(shown(compose(unread, [], NOW)), "Lost") == [
        "what was lost before has not been read yet",
        "open dead letters: not counted. The brokers do not answer.",
    ]


def test_what_will_be_lost_is_said_before_it_is(facts: Facts) -> None:
    lying = facts(
        1, group=group(), written=dict.fromkeys(orders(0), NOW - 3_000), retention={"orders": 3_600.0}
    )  # fmt: skip
    lost = section(shown(compose(lying, [], NOW)), "Lost")
    assert (
        f"From {utc(NOW + 600):%H:%M:%S} (in 10 min 0 s) on, Kafka deletes records unsent if it goes on like this."
        in lost
    )


def test_the_budget_says_who_uses_it(busy: FleetView) -> None:
    assert section(shown(busy), "Budget") == [
        "track: 596 in the last minute of 600/min; may now: 10.0.0.1:9464 300/min",
        f"kim-1: a replay of dead letters asks for 120/min, since {utc(NOW - 2):%H:%M:%S} (2 s)",
    ]


def test_replicas_and_partitions_are_tables(busy: FleetView) -> None:
    page = shown(busy)
    assert section(page, "Replicas")[0] == "group stable, 2 members, protocol consumer"
    assert section(page, "Replicas")[3].split() == ["10.0.0.2:9464", "silent", "?"]
    rows = section(page, "Partitions")
    assert rows[1].split()[:3] == ["orders/0", "rate_limited", "10"]
    assert rows[1].endswith("10.0.0.1:9464")
    assert rows[3].endswith("track-bridge at 10.0.0.2")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(busy: FleetView, width: int) -> None:
    assert max(map(columns, shown(busy, width))) <= width


def test_at_60_columns_the_tables_are_still_tables(busy: FleetView) -> None:
    page = shown(busy, 60)
    assert "partition  why           lag  oldest" in [line.strip() for line in page]
    assert any(line.split() == ["replica", "state", "partitions", "version", "mapping"] for line in page)


def test_a_watched_screen_shows_of_many_partitions_those_that_matter(facts: Facts, answer: Answer) -> None:
    rows: list[dict[str, Any]] = [row(n, why="idle", lag=0) for n in range(99)] + [row(99, why="no_start", lag=7)]
    view = compose(facts(100), [answer("10.0.0.1", partitions=rows)], NOW)
    lines = [line.text for line in screen.watched(json.loads(json.dumps(document(view))), 100, utc)]
    found = section(lines, "Partitions")
    assert found[1].split()[:2] == ["orders/99", "no_start"]
    assert found[-1] == "and 80 more, 80 of them sending or idle"
    assert len(section(shown(view), "Partitions")) == 101


def test_what_has_no_partitions_names_the_replicas_that_say_it(facts: Facts, answer: Answer) -> None:
    told = concern_said(
        "configuration_file", details=["The file does not load: mapping is missing."], action="Correct it."
    )
    replicas = [answer(f"10.0.0.{n}", needs_someone=[told]) for n in (1, 2)]
    assert section(shown(compose(facts(0), [*replicas, answer("10.0.0.3")], NOW)), "Needs someone")[-3:] == [
        "at 10.0.0.1:9464, 10.0.0.2:9464",
        "The file does not load: mapping is missing.",
        "To do: Correct it.",
    ]


def test_a_replica_that_the_sentence_names_is_not_named_again(facts: Facts, answer: Answer) -> None:
    told = concern_said("configuration_file", details=["The file at 10.0.0.1:9464 does not load."])
    view = compose(facts(0), [answer("10.0.0.1", needs_someone=[told])], NOW)
    assert not [line for line in shown(view) if line.startswith("  at ")]


def test_lines_have_the_tone_of_what_they_say(busy: FleetView) -> None:
    tones = {line.text: line.tone for line in screen.page(json.loads(json.dumps(document(busy))), 400, utc)}
    assert tones["Needs someone"] is Tone.NEEDS_SOMEONE
    assert tones["Ends by itself"] is Tone.WAITS
    assert tones["Lost"] is Tone.TITLE


def test_a_kafka_that_is_not_seen_is_told_at_the_top(facts: Facts, answer: Answer) -> None:
    gone = facts(
        topics={}, committed={}, ends={}, problem="No Kafka broker answers at k:9092: refused.", down_since=NOW
    )
    page = shown(compose(gone, [answer("10.0.0.1", 0)], NOW))
    assert page[2] == "No Kafka broker answers at k:9092: refused."


def test_where_the_group_was_not_heard_nobody_is_said_to_have_nothing(facts: Facts) -> None:
    problem = "The group's members are not known: its coordinator did not answer in time."
    page = shown(compose(facts(1, group_problem=problem), [], NOW))
    assert problem in section(page, "Replicas")
    assert section(page, "Partitions")[-1].endswith("not known")
    assert section(shown(compose(facts(1, group=group()), [], NOW)), "Partitions")[-1].endswith("nobody")


def test_of_what_concerns_no_partition_it_is_said_which_replica_says_it(facts: Facts, answer: Answer) -> None:
    told = answer("10.0.0.1", needs_someone=[concern_said("configuration_file")])
    assert "at 10.0.0.1:9464" in section(shown(compose(facts(1), [told], NOW)), "Needs someone")
