"""The page Find: what may be asked, what is shown, and to whom."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.testclient import TestClient  # noqa: F401 - that the extra is installed

from bridge.console.pages.find import question_of
from bridge.explain.explain import explain
from bridge.explain.explanation import Explanation
from bridge.explain.facts import Halt
from bridge.explain.questions import AtOffset, ById, ByUser, Question
from bridge.explain.shown import ShownContent
from bridge.explain.sources import ReplicasTold
from bridge.model import TopicPartition
from bridge.reprocess.reading.redaction import redaction
from tests.support.console.page_faults import faults, text_of
from tests.support.console.running import ConsoleSetting, Opened, Visitor
from tests.support.reprocess.letters import letter, value_of
from tests.unit.explain.fakes import FakeCluster
from tests.unit.mapping.conftest import compiled

MAPPING = """
user_id: data.user
event_id: data.id
events:
  order.completed: {event_name: Order, metadata: {number: data.n, absent: data.absent}}
  audit.*: drop
per_topic:
  lists: {each: items, user_id: user}
"""
P0 = TopicPartition("shop.orders", 0)
HARM = "<script>alert(1)</script>"


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster(compiled(MAPPING))
    made.write(*(value_of(f"u-{number}", number, id=f"id-{number}") for number in range(8)), topic="shop.orders")
    made.write(value_of("secret-user", 8, "audit.login", id=HARM), topic="shop.orders")
    items = [{"type": "order.completed", "user": "u-l"}, {"type": "audit.x"}]
    made.write(json.dumps({"items": items}).encode(), topic="lists")
    made.committed = {P0: 5, TopicPartition("lists", 0): 1}
    stamp = made.records[P0][3].timestamp_ms or 0
    made.letter_records = [letter(3, topic="shop.orders", value=value_of("u-3", 3), timestamp_ms=stamp - 3).record(0)]
    made.told = ReplicasTold({P0: Halt("rate_limited", "Waits for the rate budget of the API token.")})
    return made


@pytest.fixture
def finding(setting: ConsoleSetting, cluster: FakeCluster) -> ConsoleSetting:
    """A console over this cluster."""
    hidden = redaction(["data.n"], everything=False)

    async def find(question: Question, shows_values: bool) -> Explanation | str:  # noqa: FBT001 - as `Find` has it
        await asyncio.sleep(0)
        try:
            return explain(question, cluster, ShownContent(hidden if shows_values else None))
        except Exception as error:  # noqa: BLE001 - as `ConsoleFinder` does of those of the bridge
            return str(error)

    setting.find = find
    return setting


def answered(visitor: Visitor, **given: str) -> str:
    page = visitor.post("/find", given)
    assert page.status_code == 200
    assert faults(page.text) == []
    return text_of(page.text)


@pytest.mark.parametrize(
    ("offset", "says"),
    [
        (2, ["delivered", "order.completed, track", "Not known: This is by today's mapping"]),
        (3, ["dead letter", "track-bridge dlq show 0:0", "It is sent when somebody replays it."]),
        (6, ["waiting", "rate_limited, at most 1 record before it", "Then: a request."]),
        (8, ["waiting", "Then: nothing, as it is filtered (rule)"]),
        (77, ["no record", "Nothing is written there yet"]),
    ],
)
def test_a_record_is_found_by_its_place_in_the_address(
    finding: ConsoleSetting, opened: Opened, offset: int, says: list[str]
) -> None:
    with opened(finding) as visitor:
        page = visitor.get(f"/find?place=shop.orders/0/{offset}")
    assert faults(page.text) == []
    text = text_of(page.text)
    assert [each for each in says if each not in text] == []
    assert "How the mapping goes" in text or offset == 77


def test_users_and_ids_are_asked_for_by_a_form_and_are_in_no_address(finding: ConsoleSetting, opened: Opened) -> None:
    with opened(finding) as visitor:
        text = answered(visitor, user="u-6")
        assert "shop.orders/0/6" in text
        assert "Searched 10 records, the newest first, and 1 dead letter" in text
        assert "There is none." in answered(visitor, id="nobody")
        assert "shop.orders/0/4" in answered(visitor, id="id-4")
        page = visitor.get("/find").text
        assert 'method="post"' in page
        assert "shop.orders/0/6" not in text_of(visitor.get("/find?user=u-6").text)


def test_elements_are_shown_one_by_one(finding: ConsoleSetting, opened: Opened) -> None:
    with opened(finding) as visitor:
        text = answered(visitor, place="lists/0/0")
    assert text.index("Element 0") < text.index("Element 1")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"place": " "}, "Say which record is meant"),
        ({"user": "u", "id": "i"}, "Say which record is meant"),
        ({"place": "shop.orders"}, "write TOPIC/PARTITION/OFFSET"),
        ({"user": "u", "since": "yesterday"}, "Since must be a time with its zone"),
    ],
)
def test_a_question_that_cannot_be_understood_is_a_sentence(
    finding: ConsoleSetting, opened: Opened, given: dict[str, str], says: str
) -> None:
    with opened(finding) as visitor:
        page = visitor.post("/find", given)
    assert page.status_code == 400
    assert faults(page.text) == []
    assert says in text_of(page.text)


def test_what_kafka_does_not_answer_is_a_sentence(finding: ConsoleSetting, opened: Opened) -> None:
    with opened(finding) as visitor:
        assert "The cluster has no topic nothing" in answered(visitor, place="nothing/0/1")


def test_nothing_of_a_record_is_shown_unless_that_is_configured_and_then_redacted(
    finding: ConsoleSetting, opened: Opened
) -> None:
    with opened(finding) as visitor:
        page = visitor.get("/find?place=shop.orders/0/2").text
    assert "u-2" not in page
    finding.with_values()
    with opened(finding) as visitor:
        page = visitor.get("/find?place=shop.orders/0/2").text
    assert faults(page) == []
    assert "u-2" in page
    assert "***" in page


def test_what_a_record_holds_becomes_no_part_of_the_page(finding: ConsoleSetting, opened: Opened) -> None:
    finding.with_values()
    with opened(finding) as visitor:
        page = visitor.post("/find", {"id": HARM}).text
    assert "shop.orders/0/8" in page
    assert "<script>alert" not in page


def test_what_is_asked_is_asked_within_bounds() -> None:
    place = question_of({"place": "a/1/2"}, 1_000.0)
    user = question_of({"user": "u", "since": "10s", "topic": "a"}, 1_000.0)
    by_id = question_of({"id": "i"}, 1_000.0)

    assert place == AtOffset(TopicPartition("a", 1), 2)
    assert isinstance(user, ByUser)
    assert (user.bounds.since_ms, user.bounds.topics) == (990_000, ("a",))
    assert isinstance(by_id, ById)
    bounds: Any = by_id.bounds
    assert (bounds.records, bounds.seconds) == (50_000, 20.0)
