"""The commands beside routes that identify users and describe companies: check, map and test name kind and request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Cli

Write = Callable[..., str]
ROUTES = """
    user.deleted: {forget: true}
    user.created:
      - identify: {properties: {plan: data.plan}, company: {id: data.org, properties: {name: data.name}}}
      - event_name: Created
  common_metadata: {occurred_at: false, event_id: false}
  examples:
    - name: a user
      input: {type: user.created, data: {user_id: u-1, plan: pro, org: c-1, name: Acme}}
      expect:
        - identify: {user_id: u-1, metadata: {plan: pro}, company: {COMPANY_ID: c-1, name: Acme}}
        - {user_id: u-1, event_name: Created}
"""
CREATED = {"type": "user.created", "data": {"user_id": "u-1", "plan": "pro", "org": "c-1", "name": "Acme"}}


@pytest.fixture
def configuration(config: Write) -> Callable[[str], str]:
    """Its path; the id of a company is called so."""

    def write(company_id: str) -> str:
        path = Path(config())
        text = path.read_text().rstrip() + ROUTES.replace("COMPANY_ID", company_id)
        path.write_text(text.replace("track:", f"track:\n  company_id_field: {company_id}"))
        return str(path)

    return write


@pytest.mark.parametrize("company_id", ["id", "company_id"])
def test_test_and_map_make_the_requests_that_the_section_track_asks_for(
    cli: Cli, configuration: Callable[[str], str], tmp_path: Path, company_id: str
) -> None:
    path = configuration(company_id)
    ran = cli("test", "-c", path)
    assert (ran.code, "passed  a user" in ran.out) == (0, True), ran
    record = tmp_path / "record.json"
    record.write_text(json.dumps(CREATED))
    found = json.loads(cli("map", str(record), "-c", path, "--json").out)
    outcomes: list[dict[str, Any]] = (found if isinstance(found, list) else [found])[0]["outcomes"]
    assert [(each["kind"], each["detail"]) for each in outcomes] == [
        ("identify", "identifies user 'u-1' with 1 property, of company 'c-1' with 1 property"),
        ("track", "sends 'Created' for user 'u-1'"),
    ]
    assert outcomes[0]["request"]["company"] == {company_id: "c-1", "name": "Acme"}


def test_check_says_which_routes_are_for_nothing(cli: Cli, configuration: Callable[[str], str]) -> None:
    ran = cli("check", "--offline", "-c", configuration("id"))
    assert ran.code == 0
    assert "mapping.events.user.deleted: forget keeps the bridge from identifying a user by itself" in ran.out
