"""Rows of users and companies: by the field tables, each before the events, from the very requests of the mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.backfill.manifest import BackfillSettings, Manifest, RowKind
from bridge.backfill.run_directory import RunDirectory
from tests.unit.backfill.histories import Log, planned, record, write

MAPPING = {
    "user_id": "user_id",
    "common_metadata": {"event_id": False, "occurred_at": False},
    "events": {
        "user.signed_up": [
            {
                "identify": {
                    "properties": {"plan": "data.plan", "seats": "data.seats"},
                    "company": {"id": "data.company.id", "properties": {"name": "data.company.name"}},
                }
            },
            {"event_name": "Signed Up"},
        ],
        "company.renamed": [{"company": {"id": "data.id", "properties": {"name": "data.name"}}}],
        "user.gone": [{"forget": True}],
    },
}
TIME = "2024-07-28T08:55:35.874555Z"
AT = "2024-07-28 08:55:35.874555"
SIGNED_UP = record(
    0,
    type_="user.signed_up",
    time=TIME,
    data={"plan": "pro", "seats": 12, "company": {"id": "c1", "name": "Acme"}},
)


def run(path: Path, *records: Any, settings: BackfillSettings | None = None) -> Manifest:
    directory, log = RunDirectory(path), Log({0: [each._replace(offset=at) for at, each in enumerate(records)]})
    planned(directory, log, settings=settings)
    return write(directory, log, mapping=MAPPING)


def rows(path: Path, kind: str) -> list[Any]:
    return [
        json.loads(line) for each in sorted(path.glob(f"{kind}-*.ndjson")) for line in each.read_bytes().splitlines()
    ]


def test_an_identify_with_a_company_is_a_row_of_each_and_the_event_follows(tmp_path: Path) -> None:
    manifest = run(tmp_path / "run", SIGNED_UP)

    common = {"source": "backend-http-import", "inserted_at": AT}
    assert rows(tmp_path / "run", "companies") == [
        {"event_type": "identify_company", **common, "company_id": "c1", "metadata": {"name": "Acme"}}
    ]
    assert rows(tmp_path / "run", "users") == [
        {"event_type": "identify_user", **common, "user_id": "u0", "metadata": {"plan": "pro", "seats": 12}}
    ]
    assert rows(tmp_path / "run", "events") == [
        {"event_type": "track", **common, "user_id": "u0", "event_name": "Signed Up"}
    ]
    assert [each.kind for each in manifest.files] == [RowKind.COMPANIES, RowKind.USERS, RowKind.EVENTS]


def test_rows_of_users_and_companies_have_metadata_even_where_there_is_none(tmp_path: Path) -> None:
    bare = record(0, type_="user.signed_up", time=TIME, data={"company": {"id": "c1"}})
    run(tmp_path / "run", bare, record(1, type_="company.renamed", data={"id": "c2"}))

    assert [each["metadata"] for each in rows(tmp_path / "run", "users")] == [{}]
    assert [each["metadata"] for each in rows(tmp_path / "run", "companies")] == [{}, {}]


def test_a_company_alone_is_a_row(tmp_path: Path) -> None:
    run(tmp_path / "run", record(0, type_="company.renamed", time=TIME, data={"id": "c2", "name": "New"}))

    assert rows(tmp_path / "run", "companies") == [
        {
            "event_type": "identify_company",
            "source": "backend-http-import",
            "inserted_at": AT,
            "company_id": "c2",
            "metadata": {"name": "New"},
        }
    ]


def test_track_rows_have_the_company_of_their_record_where_that_is_wanted(tmp_path: Path) -> None:
    run(tmp_path / "run", SIGNED_UP, settings=BackfillSettings(company_id=True))

    assert [each.get("company_id") for each in rows(tmp_path / "run", "events")] == ["c1"]
    assert "company_id" not in rows(tmp_path / "run", "users")[0]


def test_behind_a_step_that_cannot_be_mapped_nothing_is_written_and_the_reject_says_so(tmp_path: Path) -> None:
    """As a running bridge leaves the rest with the dead letter."""
    manifest = run(tmp_path / "run", record(0, type_="user.signed_up", user_id=None))

    found = [json.loads(line) for line in (tmp_path / "run" / "rejects.ndjson").read_bytes().splitlines()]
    assert [(each["route"], each["steps_left_out"]) for each in found] == [("user.signed_up[0]", 1)]
    assert manifest.written.rows == {}


def test_where_the_rest_follows_a_refused_identify_it_is_written(tmp_path: Path) -> None:
    """`on_identify_rejected: send`, as a running bridge has it."""
    mapping = {
        "user_id": "user_id",
        "on_identify_rejected": "send",
        "events": {
            "user.signed_up": [
                {"identify": {"user_id": "data.missing", "properties": {"plan": "data.plan"}}},
                {"event_name": "Signed Up"},
            ]
        },
    }
    directory, log = RunDirectory(tmp_path / "run"), Log({0: [SIGNED_UP]})
    planned(directory, log)

    manifest = write(directory, log, mapping=mapping)

    assert manifest.written.rows == {"events": 1}
    assert manifest.written.rejects == {"unmappable": 1}


def test_forgetting_is_no_row(tmp_path: Path) -> None:
    manifest = run(tmp_path / "run", record(0, type_="user.gone"))

    assert manifest.written.rows == {}
    assert manifest.written.filtered == {"forget": 1}


@pytest.mark.parametrize("digits", ["1.10000000000000000001", "123456789012345678901234567890"])
def test_properties_have_all_their_digits(tmp_path: Path, digits: str) -> None:
    raw = (SIGNED_UP.value or b"").replace(b'"seats":12', b'"seats":' + digits.encode())

    run(tmp_path / "run", SIGNED_UP._replace(value=raw))

    assert b'"seats":' + digits.encode() in (tmp_path / "run" / "users-00001.ndjson").read_bytes()


def test_each_element_of_a_record_has_its_own_rows_company_and_rejects(tmp_path: Path) -> None:
    elements = [
        {"type": "user.signed_up", "user_id": f"u{number}", "data": {"company": {"id": f"c{number}"}}}
        for number in range(3)
    ]
    elements[1]["user_id"] = ""
    bundle = record(0)._replace(value=json.dumps({"time": TIME, "items": elements}).encode())
    mapping = MAPPING | {"each": "items", "occurred_at": "outer:time"}
    directory, log = RunDirectory(tmp_path / "run"), Log({0: [bundle]})
    planned(directory, log, settings=BackfillSettings(company_id=True))

    manifest = write(directory, log, mapping=mapping)

    events = rows(tmp_path / "run", "events")
    assert [(each["user_id"], each["company_id"], each["inserted_at"]) for each in events] == [
        ("u0", "c0", AT),
        ("u2", "c2", AT),
    ]
    reject = json.loads((tmp_path / "run" / "rejects.ndjson").read_bytes())
    assert (reject["element"], reject["steps_left_out"]) == (1, 1)
    assert manifest.written.records == 1
