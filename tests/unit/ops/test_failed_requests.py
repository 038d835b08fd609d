"""The requests that failed lately, where they are told: the document and the text for a terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from bridge.model import FailedAnswer
from bridge.ops.status import status_document
from bridge.ops.status.status_text import lines

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot

SCHEMA = json.loads(resources.files("bridge").joinpath("schemas", "status.schema.json").read_text(encoding="utf-8"))


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def told(snapshot: Snapshot) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(status_document.document(snapshot)))
    jsonschema.validate(document, SCHEMA)
    return document


def section(snapshot: Snapshot, width: int = 400) -> list[str]:
    shown = lines(told(snapshot), width, utc)
    rest = shown[shown.index("Failed requests") + 1 :]
    return [line.strip() for line in (rest[: rest.index("")] if "" in rest else rest)]


@pytest.fixture
def failing(busy: Snapshot) -> Snapshot:
    return replace(
        busy,
        failures=(
            FailedAnswer("track", "server_error", 503, "overloaded", 1_200, busy.at - 60, busy.at - 2, ("r-2", "r-1")),
            FailedAnswer("identify", "timeout", None, None, 1, busy.at - 9, busy.at - 9, ()),
            FailedAnswer("track", "rejected", 422, None, 3, busy.at - 9, busy.at - 9, ("r-0",)),
        ),
    )


def test_the_document_has_each_answer_with_its_count_and_times(failing: Snapshot) -> None:
    answers = told(failing)["answers"]

    assert answers["failed"][0] == {
        "kind": "track",
        "reason": "server_error",
        "status": 503,
        "code": "overloaded",
        "count": 1_200,
        "first_at": "2026-01-02T11:59:00.000Z",
        "last_at": "2026-01-02T11:59:58.000Z",
        "request_ids": ["r-2", "r-1"],
    }
    assert [each["reason"] for each in answers["failed"]] == ["server_error", "timeout", "rejected"]
    assert answers["left_out"] == 0
    assert answers["since"] == told(failing)["started_at"]


def test_the_terminal_shows_the_last_ones_shortly(failing: Snapshot) -> None:
    found = [" ".join(line.split()) for line in section(failing)]

    assert found == [
        "answer kind times last at last x-request-id",
        "503 overloaded (server_error) track 1,200 11:59:58 r-2",
        "timeout identify 1 11:59:51 -",
        "422 (rejected) track 3 11:59:51 r-0",
    ]


def test_of_many_the_first_five_are_shown_and_the_others_counted(failing: Snapshot) -> None:
    many = [replace(failing.failures[0], status=status) for status in range(500, 510)]

    found = section(replace(failing, failures=many, failures_left_out=7))
    assert len(found) == 7
    assert found[-1] == "and 12 other answers, longer ago"


@pytest.mark.parametrize("width", [60, 100])
def test_it_fits_the_terminal(failing: Snapshot, width: int) -> None:
    assert max(map(len, section(failing, width))) <= width


def test_where_no_request_failed_nothing_is_said_nor_of_a_document_of_an_earlier_version(busy: Snapshot) -> None:
    assert "Failed requests" not in lines(told(busy), 400, utc)
    earlier = told(busy)
    del earlier["answers"]
    assert "Failed requests" not in lines(earlier, 400, utc)
