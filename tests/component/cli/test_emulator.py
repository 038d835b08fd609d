"""`track-bridge emulator` as a process: what a test in CI asserts on, and how it ends."""

from __future__ import annotations

import json
import signal

import httpx

from tests.component.cli.conftest import Cli
from tests.support.prepared.client import program


async def test_it_tells_each_request_as_json_refuses_its_address_to_another_and_ends_with_a_summary(cli: Cli) -> None:
    process = await program("emulator", "--listen", "127.0.0.1:0", "--json", "--fault", "503:times=1")
    assert process.stdout is not None
    listening = json.loads(await process.stdout.readline())
    endpoint = listening["endpoint"]
    headers = {"Authorization": "Token NX-emulator", "X-API-Version": "2020-09-22"}
    async with httpx.AsyncClient(base_url=endpoint, trust_env=False, headers=headers, timeout=60) as client:
        body = {"user_id": "u-1", "event_name": "Order Completed"}
        answers = [(await client.post("/v1/track", json=body)).status_code for _ in range(2)]
    taken = await cli("emulator", "--listen", endpoint.removeprefix("http://"))
    process.send_signal(signal.SIGINT)
    out, _ = await process.communicate()

    assert answers == [503, 202]
    assert process.returncode == 0
    *requests, summary = [json.loads(line) for line in out.splitlines()]
    assert [(each["type"], each["answer"], each["accepted"]) for each in requests] == [
        ("request", 503, False),
        ("request", 202, True),
    ]
    assert summary["events"] == {"Order Completed": {"accepted": 1, "refused": 1}}
    assert taken.code == 3
    address = endpoint.removeprefix("http://")
    assert taken.err == (
        f"--listen: cannot listen on {address} (Address already in use); end what uses the port,"
        " or choose another: --listen 127.0.0.1:0 takes a free one.\n"
    )


async def test_it_says_what_to_set_where_a_configuration_asks_for_variables() -> None:
    process = await program("emulator", "--listen", "127.0.0.1:0")
    assert process.stdout is not None
    told = ""
    while "Ctrl-C" not in told:
        line = (await process.stdout.readline()).decode()
        assert line, told
        told += line
    process.send_signal(signal.SIGINT)
    await process.communicate()
    exports = [line.strip() for line in told.splitlines() if line.strip().startswith("export ")]
    assert [each.partition("=")[0] for each in exports] == ["export USERPILOT_ENDPOINT", "export USERPILOT_API_KEY"]
    assert exports[0].partition("=")[2] == told.split()[6]
