"""Samples of what comes in and what goes out, for whoever asks on the machine of the bridge."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Configure, Start
from tests.support.prepared.client import program
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.waiting import patience

TAP = {"tap": True}
SECRET = "ann@secret.example"


@asynccontextmanager
async def watching(service: Service, query: str = "") -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The samples, from the first behind the one that says that somebody watches."""
    assert service.bridge.admin_address is not None
    host, port = service.bridge.admin_address
    async with (
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", f"http://{host}:{port}/tap{query}") as answer,
    ):
        assert answer.status_code == 200
        lines = answer.aiter_lines()

        async def samples() -> AsyncIterator[dict[str, Any]]:
            async for line in lines:
                yield json.loads(line)

        found = samples()
        async with patience("the samples come"):
            assert (await anext(found))["sample"] == "tap"
            yield found


async def test_a_record_and_its_request_are_shown_redacted_and_the_listener_ends_with_the_client(
    broker: Broker, start: Start
) -> None:
    service = await start(
        observability=TAP,
        dead_letter={"redact": ["data.email"]},
        mapping={
            "never_send": ["data.card"],
            "events": {"order.completed": {"event_name": "Bought", "metadata": {"mail": "data.email", "n": "data.n"}}},
        },
    )
    listeners = service.bridge._parts.dispatcher.listeners
    assert listeners.came_in is None
    async with watching(service) as samples:
        broker.produce([events.record("order.completed", "u-1", 1, email=SECRET, card="4111")])
        record, request = await anext(samples), await anext(samples)

    assert (record["sample"], record["outcome"], record["topic"]) == ("record", "mapped", "orders")
    assert record["value"]["data"] == {"user": "u-1", "n": 1, "email": "***", "card": "***"}
    assert record["outcomes"] == [{"route": "order.completed", "outcome": "track", "user": "u-1"}]
    assert (request["sample"], request["outcome"], request["status"]) == ("request", "accepted", 202)
    assert (request["user"], request["route"], request["attempt"]) == ("u-1", "order.completed", 1)
    assert request["request"]["metadata"]["mail"] == "***"
    await service.until("nobody listens", lambda: listeners.came_in is None)
    assert [line["of_one_user"] for line in service.lines.events("tap_opened")] == [False]
    assert len(service.lines.events("tap_closed")) == 1
    assert SECRET not in service.lines.text.decode()


async def test_who_watches_through_a_reload_sees_nothing_of_what_the_new_mapping_never_sends(
    broker: Broker, start: Start, configure: Configure
) -> None:
    sections: dict[str, Any] = {"observability": TAP}
    service = await start(**sections)
    async with watching(service) as samples:
        broker.produce([events.record("order.completed", "u-1", 1, card="4111")])
        record, _ = await anext(samples), await anext(samples)
        assert record["value"]["data"]["card"] == "4111"
        configure(**sections, mapping={"never_send": ["data.card"]})
        service.bridge.reload()
        await service.until("it works", lambda: bool(service.lines.events("configuration_reloaded")))
        broker.produce([events.record("order.completed", "u-1", 2, card="4111")])
        record = await anext(samples)
        assert record["value"]["data"] == {"user": "u-1", "n": 2, "card": "***"}
    async with watching(service) as samples:
        broker.produce([events.record("order.completed", "u-1", 3, card="4111")])
        assert (await anext(samples))["value"]["data"]["card"] == "***"


async def test_samples_of_one_outcome_are_shown_with_what_the_api_answered(
    broker: Broker, api: Emulator, start: Start
) -> None:
    service = await start(observability=TAP)
    api.set_faults(Fault(kind=FaultKind.STATUS, status=422))
    async with watching(service, "?outcome=rejected") as rejected, watching(service, "?user=u-2") as of_a_user:
        broker.produce([events.order("u-1", 1), events.view("u-1", 2), events.order("u-2", 3)])
        first, second = await anext(rejected), await anext(rejected)
        told = [await anext(of_a_user) for _ in range(3)]

    assert {first["user"], second["user"]} == {"u-1", "u-2"}
    assert (first["status"], first["reason"]) == (422, None)
    assert [(each["sample"], each["outcome"]) for each in told] == [
        ("record", "mapped"),
        ("request", "rejected"),
        ("dead_letter", "dead_lettered"),
    ]


async def test_without_it_there_is_no_such_page(start: Start) -> None:
    service = await start()

    assert (await service.get("/tap")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"host": "bridge.example"}, "the Host of the request is not this machine's own"),
        ({"x-forwarded-for": "10.0.0.1"}, "a proxy asks for it"),
        ({"origin": "http://evil.example"}, "a browser asks for it"),
    ],
)
async def test_who_may_not_be_on_this_machine_is_refused_with_a_sentence(
    start: Start, headers: dict[str, str], why: str
) -> None:
    service = await start(observability=TAP)
    assert service.bridge.admin_address is not None
    host, port = service.bridge.admin_address
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(f"http://{host}:{port}/tap", headers=headers)

    assert (answer.status_code, why in answer.text) == (403, True)
    assert service.bridge._parts.dispatcher.listeners.came_in is None


async def test_the_command_shows_samples_and_ends_behind_the_last_that_was_asked_for(
    broker: Broker, start: Start
) -> None:
    service = await start(observability=TAP)
    assert service.bridge.admin_address is not None
    url = f"127.0.0.1:{service.bridge.admin_address[1]}"
    process = await program("tap", "--url", url, "--outcome", "filtered", "--limit", "1")
    await service.until("it watches", lambda: bool(service.lines.events("tap_opened")))
    broker.produce([events.order("u-1", 1), events.view("u-9", 2)])
    async with patience("the command shows one sample and ends"):
        said, beside = await process.communicate()

    assert process.returncode == 0, beside
    head, value = said.decode().splitlines()
    assert " in  orders/" in head
    assert head.endswith(": filtered (rule) of page.viewed")
    assert json.loads(value) == json.loads(events.view("u-9", 2))
    assert beside.decode() == "Watching; Ctrl-C ends it.\n"


async def test_the_command_says_what_to_do_where_samples_are_not_shown(start: Start) -> None:
    service = await start()
    assert service.bridge.admin_address is not None
    process = await program("tap", "--url", f"127.0.0.1:{service.bridge.admin_address[1]}")
    async with patience("the command ends"):
        _, beside = await process.communicate()

    assert process.returncode == 3
    assert b"Set observability.tap: true in its configuration" in beside
