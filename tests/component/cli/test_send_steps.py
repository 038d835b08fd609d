"""`track-bridge send` of a record with steps: each kind's request as it is sent, and what is behind a refused one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.cli.conftest import Cli

Config = Callable[..., str]
STEPS = """\
mapping:
  user_id: data.user_id
  events:
    user.signed_up:
      - identify:
          properties: {plan: data.plan}
          company: {id: data.company}
      - company: {id: data.company, properties: {name: data.name}}
      - event_name: Signed Up
"""
SIGNED_UP = {
    "type": "user.signed_up",
    "id": "e-1",
    "data": {"user_id": "u-1", "plan": "pro", "company": "c-1", "name": "Acme"},
}
IDENTIFY = "/v1/identify"


@pytest.fixture
def steps(config: Config) -> Config:
    """The configuration, with a setting of the mapping and of `track` if wanted."""

    def write(*, mapping: str = "", track: str = "") -> str:
        path = Path(config())
        text = path.read_text()
        head = text[: text.index("mapping:\n")].replace("track:\n", f"track:\n{track}")
        path.write_text(head + STEPS + mapping)
        return str(path)

    return write


@pytest.fixture
def record(tmp_path: Path) -> str:
    path = tmp_path / "signed-up.json"
    path.write_text(json.dumps(SIGNED_UP))
    return str(path)


async def test_each_steps_request_is_shown_and_sent_in_order(
    cli: Cli, steps: Config, api: Emulator, record: str
) -> None:
    ran = await cli("send", record, "--yes", "-c", steps())
    assert ran.code == 0
    ledger = api.ledger
    (user,), (company,), (event,) = ledger.identified, ledger.companies, ledger.accepted
    assert (user.order, company.order, event.order) == (0, 1, 2)
    assert json.loads(user.body) == {"user_id": "u-1", "metadata": {"plan": "pro"}, "company": {"id": "c-1"}}
    assert json.loads(company.body) == {"company_id": "c-1", "metadata": {"name": "Acme"}}
    lines = ran.out.splitlines()
    shown = [line for line in lines if line.startswith("POST ")]
    assert shown == [f"POST {path} HTTP/1.1" for path in (IDENTIFY, "/v1/companies/identify", "/v1/track")]
    assert {user.body.decode(), company.body.decode(), event.body.decode()} <= set(lines)
    assert lines[-3:] == [
        "202: accepted: the user is identified.",
        "202: accepted. A company shows in Userpilot once a user belongs to it.",
        "202: accepted. It can take 15 minutes until the event shows in Userpilot.",
    ]


@pytest.mark.parametrize(("on_rejected", "events", "results"), [
    ("dead_letter", 0, ["rejected", "not_sent", "not_sent"]), ("send", 1, ["rejected", "accepted", "accepted"]),
])  # fmt: skip
async def test_what_is_behind_a_refused_identify_is_sent_only_where_the_mapping_says_so(
    cli: Cli, steps: Config, api: Emulator, record: str, on_rejected: str, events: int, results: list[str]
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, path=IDENTIFY))
    file = steps(mapping=f"  on_identify_rejected: {on_rejected}\n")
    ran = await cli("send", record, "--yes", "--json", "-c", file)
    assert ran.code == 1
    assert [answer["result"] for answer in json.loads(ran.out)["answers"]] == results
    assert len(api.ledger.accepted) == events


async def test_that_it_identifies_nobody_by_itself_is_said_where_a_bridge_would(
    cli: Cli, steps: Config, api: Emulator, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(SIGNED_UP | {"type": "user.signed_in"}))
    file = steps(mapping="    user.signed_in: {event_name: Signed In}\n", track="  unknown_users: identify\n")
    ran = await cli("send", str(plain), "--yes", "-c", file)
    assert "a bridge would identify a user that it does not know first (track.unknown_users)" in ran.out
    assert (ran.code, len(api.ledger.accepted), api.ledger.identified) == (0, 1, [])


async def test_a_file_tells_its_requests_by_kind_and_leaves_out_who_is_to_be_forgotten(
    cli: Cli, steps: Config, tmp_path: Path
) -> None:
    file = tmp_path / "lost.ndjson"
    gone = SIGNED_UP | {"type": "user.deleted"}
    file.write_text("".join(f"{json.dumps(each)}\n" for each in (SIGNED_UP, SIGNED_UP, gone)))
    ran = await cli("send", "--file", str(file), "-c", steps(mapping="    user.deleted: {forget: true}\n"))
    assert "6  requests (2 track, 2 identify, 2 company)" in ran.out
    assert "1  left out, by a rule of the mapping" in ran.out
