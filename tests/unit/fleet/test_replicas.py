"""All replicas are asked at once, and one that says nothing takes nothing from the others."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bridge.fleet import replicas
from bridge.ops.admin.status_client import StatusError
from bridge.text.moments import iso
from tests.unit.fleet.conftest import NOW, row

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Pages of a replica, on loopback."""
    with ExitStack() as stack:

        def start(document: Mapping[str, Any]) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    body = json.dumps(document).encode()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


def document(group: str = "shop", started: float = NOW, *numbers: int) -> dict[str, Any]:
    return {"state": "idle", "group": group, "started_at": iso(started), "partitions": [row(n) for n in numbers]}


async def test_each_says_what_it_says_in_the_order_in_which_they_are_named(serve: Serve) -> None:
    addresses = [serve(document("shop", NOW, 0)), serve(document("shop", NOW, 1))]
    found = await replicas.ask(addresses, "shop")
    assert [each.address for each in found] == addresses
    assert [(each.document or {})["partitions"][0]["partition"] for each in found] == [0, 1]


async def test_one_that_is_not_there_is_shown_with_its_problem(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}"
    silent, there = await replicas.ask([gone, serve(document())], "shop")
    assert silent.document is None
    assert f"No bridge answers at {gone}" in (silent.problem or "")
    assert there.state == "idle"


async def test_one_that_takes_the_connection_and_says_nothing_is_waited_for_only_so_long(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        silent, there = await replicas.ask([address, serve(document())], "shop", patience=1.0)
    assert "no answer in time" in (silent.problem or "")
    assert there.state == "idle"


async def test_one_that_begins_and_never_ends_is_waited_for_only_so_long() -> None:
    hangs = threading.Event()

    def fetch(_address: str, _timeout: float) -> Mapping[str, Any]:
        hangs.wait(30)
        raise StatusError("late")

    (found,) = await replicas.ask(["http://x:1"], "shop", fetch, patience=0.05)
    hangs.set()
    assert (found.problem or "").startswith("http://x:1 gave no whole answer within 0.1 s: see its log, and whether")


async def test_all_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(20)

    def fetch(address: str, _timeout: float) -> Mapping[str, Any]:
        together.wait(30)
        return document("shop", NOW, int(address.rpartition(":")[2]))

    found = await replicas.ask([f"http://x:{n}" for n in range(1, 21)], "shop", fetch, patience=30)
    assert all(each.document is not None for each in found)


async def test_one_of_another_group_is_refused_with_a_sentence(serve: Serve) -> None:
    address = serve(document("other"))
    (found,) = await replicas.ask([address], "shop")
    assert found.document is None
    assert found.other_group == "other"
    assert f"The bridge at {address} is of group other, not of shop" in (found.problem or "")


async def test_a_replica_with_two_addresses_is_there_once() -> None:
    def fetch(address: str, _timeout: float) -> Mapping[str, Any]:
        return document("shop", NOW, 0) if "same" in address else document("shop", NOW, 1)

    found = await replicas.ask(["http://same-4:1", "http://same-6:1", "http://other:1"], "shop", fetch)
    assert [each.address for each in found] == ["http://same-4:1", "http://other:1"]
