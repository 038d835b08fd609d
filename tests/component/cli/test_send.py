"""`track-bridge send`: what is shown is what is sent, and the answer is explained."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.cli.conftest import Cli

Config = Callable[..., str]
ORDER = {"type": "order.completed", "id": "e-1", "data": {"user_id": "u-1", "amount": 3, "gift": False}}


@pytest.fixture
def order(tmp_path: Path) -> str:
    path = tmp_path / "order.json"
    path.write_text(json.dumps(ORDER, indent=2))
    return str(path)


async def test_the_request_shown_is_the_request_sent(cli: Cli, config: Config, api: Emulator, order: str) -> None:
    ran = await cli("send", order, "--yes", "-c", config())
    assert ran.code == 0
    (accepted,) = api.ledger.accepted
    lines = ran.out.splitlines()
    shown = lines[lines.index("POST /v1/track HTTP/1.1") :]
    assert "Authorization: Token ****" in shown
    assert "X-API-Version: 2020-09-22" in shown
    assert f"Content-Length: {len(accepted.body)}" in shown
    assert accepted.body.decode() in shown
    assert lines[-1].startswith("202: accepted.")


async def test_two_events_of_one_record_are_sent_in_their_order(cli: Cli, config: Config, api: Emulator) -> None:
    gift = {**ORDER, "data": {"user_id": "u-1", "recipient": "u-2", "gift": True}}
    ran = await cli("send", "-", "--yes", "-c", config(), stdin=json.dumps(gift).encode())
    assert ran.code == 0
    assert [(event.user_id, event.event_name) for event in api.ledger.accepted] == [
        ("u-1", "Order Completed"),
        ("u-2", "Gift Ordered"),
    ]


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (400, 1, "would put this record into the dead-letter topic"),
        (401, 1, "concerns every event"),
        (404, 1, "wrong host"),
        (429, 1, "would try again"),
        (503, 1, "may have been accepted all the same"),
    ],
)
async def test_each_answer_is_shown_with_what_the_bridge_would_do(
    cli: Cli, config: Config, api: Emulator, order: str, status: int, code: int, sentence: str
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=status))
    ran = await cli("send", order, "--yes", "-c", config())
    assert ran.code == code
    assert f"the API answered {status}" in ran.out.splitlines()[-1]
    assert sentence in ran.out.splitlines()[-1]


async def test_an_api_that_is_not_there_is_3(cli: Cli, config: Config, order: str) -> None:
    ran = await cli("send", order, "--yes", "-c", config(endpoint="http://127.0.0.1:1"))
    assert ran.code == 3
    assert "Connection refused" in ran.out


async def test_without_yes_nothing_leaves(cli: Cli, config: Config, api: Emulator, order: str) -> None:
    ran = await cli("send", order, "-c", config())
    assert (ran.code, api.ledger.requests) == (2, 0)


KEYS = {"result", "status", "detail", "error_code", "retry_after_seconds", "ambiguous"}


@pytest.mark.parametrize(
    ("status", "code", "result"),
    [(None, 0, "accepted"), (400, 1, "rejected"), (401, 1, "unauthorized"), (429, 1, "retry"), (503, 1, "retry")],
)
async def test_a_script_gets_every_answer_in_one_shape_with_the_exit_code_of_the_text(
    cli: Cli, config: Config, api: Emulator, order: str, status: int | None, code: int, result: str
) -> None:
    if status is not None:
        api.set_faults(Fault(kind=FaultKind.STATUS, status=status))
    text = await cli("send", order, "--yes", "-c", config())
    ran = await cli("send", order, "--yes", "--json", "-c", config())
    document = json.loads(ran.out)
    (answer,) = document["answers"]

    assert ran.code == text.code == code
    assert (document["sent"], document["endpoint"]) == (True, api.endpoint)
    assert (answer["result"], answer["status"], set(answer)) == (result, status or 202, KEYS)
    assert document["outcomes"][0]["request"]["user_id"] == "u-1"


async def test_a_script_sees_what_makes_no_request_and_where_nothing_answers(
    cli: Cli, config: Config, order: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"type": "page.viewed"}')
    ran = await cli("send", str(other), "--yes", "--json", "-c", config())
    document = json.loads(ran.out)
    assert (ran.code, document["sent"], document["answers"]) == (1, False, [])
    assert document["outcomes"][0]["reason"] == "unmapped"

    ran = await cli("send", order, "--yes", "--json", "-c", config(endpoint="http://127.0.0.1:1"))
    (answer,) = json.loads(ran.out)["answers"]
    assert (ran.code, answer["result"], answer["status"]) == (3, "retry", None)


async def test_what_is_no_single_record_is_refused_beside_the_document(cli: Cli, config: Config) -> None:
    path = config()
    ran = await cli("send", "-", "--yes", "--json", "-c", path, stdin=b"{}\n{}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("The input has 2 records; without --file exactly one is sent. `")
    assert ran.err.endswith(f"bridge send --file FILE -c {path}` sends all of them.\n")
