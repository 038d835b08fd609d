"""What lies ahead, where it is told: the document, the text for a terminal, the metrics."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.model import TopicPartition
from bridge.ops.metrics import exposition_format
from bridge.ops.snapshot import MovingBacklog, OldestOpen, PartitionView
from bridge.ops.status import status_document
from bridge.ops.status.backlog_trend import FARTHEST
from bridge.ops.status.status_text import Tone, lines, page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.ops.snapshot import Snapshot

HOUR, DAY = 3_600.0, 86_400.0
SCHEMA = json.loads(resources.files("bridge").joinpath("schemas", "status.schema.json").read_text(encoding="utf-8"))


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def behind(
    busy: Snapshot, *moves: tuple[int, int, int], age: float = HOUR, retention: float = 7 * DAY, speed: float = 2.0,
    budget: float | None = None,
) -> Snapshot:  # fmt: skip
    """Partitions of shop.orders, each of which (records, records ten minutes ago, arrived meanwhile)."""
    views: list[PartitionView] = []
    moved = {}
    for number, (records, before, arrived) in enumerate(moves):
        partition = TopicPartition("shop.orders", number)
        oldest = OldestOpen(100, since=busy.at - 10, timestamp=busy.at - age) if records else None
        views.append(PartitionView(partition, 100, 100 + records, oldest=oldest))
        moved[partition] = MovingBacklog(records, busy.at - 600, before, busy.at, arrived, speed)
    return replace(busy, partitions=views, moved=moved, retention={"shop.orders": retention}, budget=budget)


def told(snapshot: Snapshot) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(status_document.document(snapshot)))
    jsonschema.validate(document, SCHEMA)
    return document


def section(snapshot: Snapshot, title: str = "Forecast") -> list[str]:
    shown = lines(told(snapshot), 400, utc)
    if title not in shown:
        return []
    rest = shown[shown.index(title) + 1 :]
    return [line.strip() for line in (rest[: rest.index("")] if "" in rest else rest)]


def metrics(snapshot: Snapshot) -> dict[str, float]:
    text = exposition_format.Exposition().render(snapshot, exposition_format.TEXT).decode()
    found = [each for family in text_string_to_metric_families(text) for each in family.samples]
    begin = "track_bridge_forecast_"
    assert all(each.labels == {"topic": "shop.orders"} for each in found if each.name.startswith(begin))
    return {each.name.removeprefix(begin): each.value for each in found if each.name.startswith(begin)}


def test_a_backlog_that_shrinks_says_when_it_is_empty_everywhere_alike(busy: Snapshot) -> None:
    shrinks = behind(busy, (6_000, 9_000, 1_000), (600, 1_200, 1_000))

    document = told(shrinks)
    assert document["forecast"] == {
        "records": 6_600,
        "empty_at": "2026-01-02T12:20:00.000Z",
        "pace": "shrinking",
        "loses_from": None,
        "lost_by": "nothing",
        "arriving_per_minute": 200.0,
        "done_per_minute": 560.0,
    }
    assert document["partitions"][1]["forecast"]["empty_at"] == "2026-01-02T12:10:00.000Z"
    assert section(shrinks) == [
        "in all: 6,600 records, empty about 12:20 (in 20 min 0 s), 560 done and 200 new a minute",
        "shop.orders/0: 6,000 records, empty about 12:20 (in 20 min 0 s), 400 done and 100 new a minute",
        "shop.orders/1: 600 records, empty about 12:10 (in 10 min 0 s), 160 done and 100 new a minute",
    ]
    assert metrics(shrinks) == {"empty_seconds": 1_200, "loss_seconds": math.inf}


def test_a_backlog_that_grows_never_ends_and_says_from_when_on_records_are_lost(busy: Snapshot) -> None:
    """Half of what arrives is done: ten hours are left, and the oldest record grows old by half a second a second."""
    grows = behind(busy, (60_000, 54_000, 12_000), age=HOUR, retention=11 * HOUR, speed=0.5)

    assert told(grows)["forecast"]["loses_from"] == "2026-01-03T08:00:00.000Z"
    assert section(grows) == [
        (
            "in all: 60,000 records, grows: never empty at this pace, 600 done and 1,200 new a minute, deleted unsent"
            " from 2026-01-03 08:00:00 (in 20 h 0 min) on at this rate"
        )
    ]
    assert metrics(grows) == {"empty_seconds": math.inf, "loss_seconds": 20 * HOUR}
    assert told(grows)["needs_someone"] == []


def test_a_loss_within_six_hours_needs_someone_and_is_in_the_first_sentence(busy: Snapshot) -> None:
    near = behind(busy, (60_000, 54_000, 12_000), age=HOUR, retention=4 * HOUR, speed=0.5)
    (concern,) = told(near)["needs_someone"]

    assert (concern["reason"], concern["partitions"]) == ("loses_data_soon", ["shop.orders/0"])
    assert concern["details"] == [
        (
            "Kafka keeps records of shop.orders for 4 h 0 min, and what waits is sent too slowly: at this rate records"
            " are deleted unsent from 2026-01-02T18:00:00Z on, in 6 h 0 min."
        )
    ]
    assert concern["action"].startswith("Lengthen retention.ms of the topic first")
    assert concern["details"][0] in told(near)["sentence"]
    later = behind(busy, (60_000, 54_000, 12_000), age=HOUR, retention=4 * HOUR, speed=0.51)
    assert told(later)["needs_someone"] == []


def test_records_that_are_old_already_are_told_once(busy: Snapshot) -> None:
    old = behind(busy, (60_000, 54_000, 12_000), age=3 * HOUR, retention=4 * HOUR, speed=0.5)

    assert [each["reason"] for each in told(old)["needs_someone"]] == ["retention_near"]
    assert told(old)["forecast"]["loses_from"] == "2026-01-02T14:00:00.000Z"


@pytest.mark.parametrize(
    ("move", "said"),
    [
        ((900, 900, 0), "900 records, does not move: never empty at this pace, 0 done and 0 new a minute"),
        ((10**9, 10**9 + 10, 0), "is not empty within 30 days at this pace"),
    ],
)
def test_what_has_no_end_says_why(busy: Snapshot, move: tuple[int, int, int], said: str) -> None:
    assert FARTHEST == 30 * DAY
    assert said in section(behind(busy, move, speed=1.0))[0]


def test_what_is_not_known_is_not_told(busy: Snapshot) -> None:
    unknown = replace(busy, retention={"shop.orders": DAY})

    forecast = told(unknown)["forecast"]
    assert (forecast["records"], forecast["pace"], forecast["lost_by"]) == (60, "unknown", "unknown")
    assert section(unknown) == ["in all: 60 records, its pace is not known yet"]
    assert metrics(unknown) == {}


def test_where_nothing_waits_or_only_what_is_on_its_way_nothing_is_said(busy: Snapshot) -> None:
    assert section(behind(busy, (0, 0, 600))) == []
    assert section(behind(busy, (9, 0, 6_000))) == []
    assert section(behind(busy)) == []
    assert metrics(behind(busy, (0, 0, 600))) == {"empty_seconds": 0, "loss_seconds": math.inf}


def test_of_many_partitions_those_that_lose_records_first_are_told(busy: Snapshot) -> None:
    many = behind(busy, *[(60_000 + number, 54_000, 12_000) for number in range(40)], speed=0.5, retention=11 * HOUR)
    old = replace(many.partitions[33], oldest=OldestOpen(100, busy.at, busy.at - 2 * HOUR))
    found = section(replace(many, partitions=[*many.partitions[:33], old, *many.partitions[34:]]))

    assert len(found) == 7
    assert found[1].startswith("shop.orders/33: ")
    assert found[-1] == "and 35 partitions more"


@pytest.mark.parametrize(("retention", "tone"), [(4 * HOUR, Tone.NEEDS_SOMEONE), (11 * HOUR, Tone.WAITS)])
def test_a_loss_is_coloured_by_how_near_it_is(busy: Snapshot, retention: float, tone: Tone) -> None:
    shown = page(told(behind(busy, (60_000, 54_000, 12_000), retention=retention, speed=0.5)), 400, utc)

    assert [each.tone for each in shown if each.text.strip().startswith("in all: ")] == [tone]


def test_a_document_of_an_earlier_version_is_shown_without(busy: Snapshot) -> None:
    document = told(busy)
    del document["forecast"]
    for partition in document["partitions"]:
        del partition["forecast"]

    assert "Forecast" not in lines(document, 400, utc)


@pytest.mark.parametrize("width", [60, 100])
def test_it_fits_the_terminal(busy: Snapshot, width: int) -> None:
    grows: Sequence[str] = lines(
        told(behind(busy, (60_000, 54_000, 12_000), (5, 9, 1), age=HOUR, retention=11 * HOUR, speed=0.5)), width, utc
    )

    assert max(map(len, grows)) <= width
