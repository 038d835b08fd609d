"""`track-bridge explain`: what may be asked, and how the answer looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.cli.explaining.page import page
from bridge.explain.explain import explain
from bridge.explain.explanation import Explanation
from bridge.explain.facts import Halt
from bridge.explain.fates import Retrying
from bridge.explain.questions import ById, SearchBounds, parse_place
from bridge.explain.shown import ShownContent
from bridge.explain.sources import ReplicasTold
from bridge.model import TopicPartition
from bridge.ops.status.status_text.layout import Tone
from bridge.text.tables import columns
from tests.support.reprocess.letters import letter, value_of
from tests.unit.cli.conftest import Cli
from tests.unit.explain.fakes import FakeCluster
from tests.unit.mapping.conftest import compiled

MAPPING = """
user_id: data.user
events:
  order.completed: {event_name: Order, metadata: {number: data.n, absent: data.absent}}
  audit.*: drop
"""
P0 = TopicPartition("shop.orders", 0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Say which record is meant"),
        (["shop.orders/0/1", "--user", "u"], "Say which record is meant"),
        (["--user", "u", "--event-id", "e"], "Say which record is meant"),
        (["shop.orders/0"], "write TOPIC/PARTITION/OFFSET"),
        (["shop.orders/0/1", "--since", "1h"], "they need --event-id or --user"),
        (["--user", "u", "--since", "yesterday"], "--since must be a time with its zone"),
        (["--user", "u", "--timeout", "10"], "--timeout must be a duration"),
    ],
)
def test_a_question_that_cannot_be_understood_is_refused_with_what_to_write(
    cli: Cli, config: Callable[..., str], arguments: list[str], says: str
) -> None:
    ran = cli("explain", *arguments, "-c", config())

    assert ran.code == 2
    assert says in ran.err


@pytest.mark.slow
def test_without_a_broker_nothing_is_said_of_any_record(cli: Cli, config: Callable[..., str]) -> None:
    ran = cli("explain", "shop.orders/0/1", "-c", config())

    assert (ran.code, ran.out) == (3, "")
    assert "Cannot connect to any broker" in ran.err


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster(compiled(MAPPING), group="bridge")
    made.write(*(value_of(f"u-{number}", number) for number in range(8)), topic="shop.orders")
    made.committed = {P0: 5}
    stamp = made.records[P0][3].timestamp_ms or 0
    dead = letter(3, topic="shop.orders", value=value_of("u-3", 3), timestamp_ms=stamp - 3)
    made.letter_records = [dead.record(0)]
    sentence = "Waits for the rate budget of the API token."
    retrying = Retrying(2, "server_error", 503, "req-1", "2026-01-02T04:00:10.000Z")
    made.told = ReplicasTold({P0: Halt("rate_limited", sentence, 1.7e9, 1.7e9 + 60)}, {(P0, 6, 0): retrying})
    return made


def answered(cluster: FakeCluster, place: str) -> Explanation:
    return explain(parse_place(place), cluster, ShownContent(), clock=lambda: 1_767_326_400.0)


@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_line_is_wider_than_the_terminal(cluster: FakeCluster, width: int) -> None:
    answers = [answered(cluster, f"shop.orders/0/{offset}") for offset in (2, 3, 6)]
    answers.append(explain(ById("nobody", SearchBounds(records=3)), cluster, ShownContent()))

    for answer in answers:
        lines = page(answer, width)
        assert lines
        assert all(columns(line.text) <= width for line in lines)


def test_what_became_of_it_is_said_before_how_the_mapping_goes(cluster: FakeCluster) -> None:
    lines = [line.text.strip() for line in page(answered(cluster, "shop.orders/0/2"), 100)]

    assert lines[0].startswith("shop.orders/0/2 2026-01-02T")
    assert lines[1] == "DELIVERED: order.completed, track"
    assert lines.index("How the mapping goes") < lines.index("What would be sent now by order.completed")
    assert any(line.startswith("Not known: This is by today's mapping.") for line in lines)


def test_a_waiting_event_says_why_how_many_are_before_it_and_its_attempts(cluster: FakeCluster) -> None:
    text = " ".join(line.text.strip() for line in page(answered(cluster, "shop.orders/0/6"), 100))

    assert "rate_limited, at most 1 record before it, since 2023-11-14T22:13:20Z, until 2023-11-14T22:14:20Z" in text
    assert "Then: a request." in text
    assert "Tried 2 times: 503 server_error, request req-1, again at 2026-01-02T04:00:10.000Z." in text


def test_a_dead_letter_stands_out_and_names_the_command(cluster: FakeCluster) -> None:
    lines = page(answered(cluster, "shop.orders/0/3"), 100)

    assert (lines[1].text.strip(), lines[1].tone) == ("DEAD LETTER: order.completed, track", Tone.NEEDS_SOMEONE)
    assert any("`track-bridge dlq show 0:0` shows it." in line.text for line in lines)


def test_a_search_that_did_not_read_everything_says_where_it_did_not_look(cluster: FakeCluster) -> None:
    answer = explain(ById("nobody", SearchBounds(records=3)), cluster, ShownContent())
    lines = [line.text.strip() for line in page(answer, 100)]

    assert lines[0] == "Not found, as far as it was looked for."
    assert "Not searched, as the limit was reached: 5 older offsets." in " ".join(lines)
    assert "shop.orders/0: 0 to 4" in lines
    whole = [line.text.strip() for line in page(explain(ById("nobody"), cluster, ShownContent()), 100)]
    assert whole[0] == "There is none."
