from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest

from bridge.ops.admin.server import MAX_HEAD, AdminServer, CannotListenError, PageResponse, ServerLimits
from tests.support.waiting import patience, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BIG = 4_000_000
"""More than the buffers of a connection take while nobody reads."""


def hello(accept: str) -> PageResponse:
    return PageResponse(f"hello {accept}".encode())


def broken(_accept: str) -> PageResponse:
    raise RuntimeError("a defect")


PAGES = {"/hello": hello, "/big": lambda _accept: PageResponse(b"x" * BIG), "/broken": broken}


@asynccontextmanager
async def serving(limits: ServerLimits | None = None) -> AsyncIterator[tuple[AdminServer, int]]:
    server = AdminServer(PAGES, limits)
    _, port = await server.start("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.close()


NO_WAIT = 5.0
"""Seconds: less than a request has time to come, after which a connection is closed for that."""


async def exchange(port: int, sent: bytes) -> bytes:
    """Everything the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        async with patience(f"the answer to {sent[:100]!r} ends", within=10):
            return await reader.read()
    finally:
        writer.close()


async def test_a_real_client_gets_a_page_and_keeps_its_connection() -> None:
    async with (
        serving() as (server, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        for _ in range(3):
            answer = await client.get("/hello?unused=1", headers={"accept": "text/plain"})
            assert (answer.status_code, answer.text) == (200, "hello text/plain")
            assert answer.headers["cache-control"] == "no-store"
        assert server.connections == 1


async def test_head_answers_with_the_length_and_without_the_body() -> None:
    async with serving() as (_, port):
        said = await exchange(port, b"HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 6" in head
    assert body == b""


async def test_the_root_lists_the_pages() -> None:
    async with serving() as (_, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        assert (await client.get("/")).text.split() == list(PAGES)


async def test_an_unknown_page_is_404_and_keeps_the_connection() -> None:
    async with (
        serving() as (server, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        assert (await client.get("/hello/../etc")).status_code == HTTPStatus.NOT_FOUND
        assert (await client.get("/hello")).status_code == HTTPStatus.OK
        assert server.connections == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_nothing_but_get_and_head_is_answered(method: str) -> None:
    async with serving() as (_, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        answer = await client.request(method, "/hello", content=b"body" if method != "OPTIONS" else None)

    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /hello\r\n\r\n",
        b"GET  /hello HTTP/1.1\r\n\r\n",
        b"GET hello HTTP/1.1\r\n\r\n",
        b"GET /hello HTTP/2.0\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nContent-Length : 5\r\n\r\nhello",
        b"GET /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /hello HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_answered_400_and_ends_the_connection(sent: bytes) -> None:
    async with serving() as (_, port):
        said = await exchange(port, sent)

    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert said.count(b"Content-Length") == 1


async def test_too_many_bytes_of_headers_are_answered_431_before_they_end() -> None:
    async with serving() as (_, port):
        said = await exchange(port, b"GET /hello HTTP/1.1\r\nA: " + b"a" * MAX_HEAD)

    assert said.startswith(b"HTTP/1.1 431 ")


async def test_a_request_that_comes_byte_by_byte_is_answered() -> None:
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        async with patience("the answer ends", within=10):
            said = await reader.read()
        writer.close()

    assert said.endswith(b"hello ")


async def test_requests_sent_at_once_are_all_answered_in_their_order() -> None:
    count = 500
    sent = b"".join(b"GET /hello HTTP/1.1\r\nAccept: %d\r\n\r\n" % number for number in range(count))
    async with serving() as (_, port):
        said = await exchange(port, sent + b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")

    bodies = [part.partition(b"\r\n\r\n")[2] for part in said.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [b"hello %d" % number for number in range(count)] + [b"hello "]


async def test_a_connection_that_sent_many_requests_at_once_can_go_on_afterwards() -> None:
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for accept in (b"one", b"two"):
            writer.write(b"GET /hello HTTP/1.1\r\n\r\n" * 10 + b"GET /hello HTTP/1.1\r\nAccept: %b\r\n\r\n" % accept)
            async with patience(f"{accept!r} is answered", within=10):
                await reader.readuntil(b"hello " + accept)
        writer.close()


async def test_an_http_1_0_client_gets_its_answer_and_the_end_of_the_connection() -> None:
    async with serving() as (_, port):
        assert (await exchange(port, b"GET /hello HTTP/1.0\r\n\r\n")).endswith(b"hello ")


async def test_a_client_that_never_ends_its_request_is_dropped() -> None:
    async with serving(ServerLimits(head_timeout=0.05)) as (server, port):
        assert await exchange(port, b"GET /hello HTTP/1.1\r\nA: ") == b""
        assert server.connections == 0


async def test_a_client_that_drips_its_request_is_dropped_all_the_same() -> None:
    async with serving(ServerLimits(head_timeout=0.05)) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def drip() -> None:
            while True:
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            async with patience("the connection is closed", within=10):
                await reader.readexactly(1)
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.close()


async def test_a_client_that_says_nothing_at_all_is_dropped() -> None:
    async with serving(ServerLimits(head_timeout=0.05)) as (_, port):
        assert await exchange(port, b"") == b""


async def test_an_idle_connection_is_dropped_after_its_time_and_not_before() -> None:
    async with serving(ServerLimits(head_timeout=0.01, idle_timeout=0.7)) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /hello HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"hello ")
        answered = asyncio.get_running_loop().time()

        async with patience("the idle connection is closed", within=10):
            assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - answered >= 0.6
        assert server.connections == 0
        writer.close()


async def test_a_client_that_does_not_read_its_answers_is_asked_nothing_more_and_dropped() -> None:
    made = 0

    def big(_accept: str) -> PageResponse:
        nonlocal made
        made += 1
        return PageResponse(b"x" * BIG)

    server = AdminServer({"/big": big}, ServerLimits(head_timeout=0.3))
    _, port = await server.start("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.send(b"GET /big HTTP/1.1\r\n\r\n" * 100)
        await until("the client is dropped", lambda: made > 0 and server.connections == 0, within=10)
    await server.close()

    assert made <= 3


async def test_others_are_answered_while_one_does_not_read() -> None:
    async with serving() as (_, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        with socket.create_connection(("127.0.0.1", port)) as stuck:
            stuck.send(b"GET /big HTTP/1.1\r\n\r\n" * 100)
            for _ in range(20):
                assert (await client.get("/hello")).status_code == HTTPStatus.OK


async def test_a_slow_reader_gets_the_whole_of_a_large_page() -> None:
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /big HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")
        async with patience("both pages are read"):
            said = await reader.read()
        writer.close()

    assert said.count(b"x") >= BIG
    assert said.endswith(b"hello ")


async def test_strangers_who_hold_connections_open_cannot_starve_a_probe() -> None:
    async with serving(ServerLimits(connections=4)) as (server, port):
        holders = [await asyncio.open_connection("127.0.0.1", port) for _ in range(12)]

        said = await exchange(port, b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")

        assert said.endswith(b"hello ")
        assert server.connections <= 4
        for _, writer in holders:
            writer.close()


async def test_a_flood_of_new_connections_over_many_idle_ones_leaves_every_probe_its_answer() -> None:
    """Idle connections that asked once, a crowd that opens and says nothing, and probes with one connection each."""
    async with serving() as (server, port):
        idle = []
        for _ in range(64):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /hello HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"hello ")
            idle.append(writer)
        crowd = []
        for _ in range(60):
            # Before and after the probe's connection, and while its request is on its way.
            crowd += [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            crowd += [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
            writer.write(b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")
            async with patience("the probe is answered", within=NO_WAIT):
                assert (await reader.read()).endswith(b"hello ")
            writer.close()
        assert server.connections <= 64
        for writer in [*idle, *(writer for _, writer in crowd)]:
            writer.close()


async def test_a_probe_that_comes_in_one_burst_with_a_hundred_others_is_answered() -> None:
    async with serving() as (server, port):
        with socket.create_connection(("127.0.0.1", port)) as probe:
            probe.send(b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")
            # The loop does not run meanwhile: all of them are accepted in one turn.
            others = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
            probe.setblocking(False)
            async with patience("the probe is answered, and the others are dropped", within=NO_WAIT):
                said = await asyncio.get_running_loop().sock_recv(probe, 65536)
                while server.connections > 64:
                    await asyncio.sleep(0.01)
            for other in others:
                other.close()

    assert said.endswith(b"hello ")


async def test_a_client_that_drips_its_request_does_not_count_as_busy() -> None:
    async with serving(ServerLimits(connections=2)) as (_, port):
        drips, dripping = await asyncio.open_connection("127.0.0.1", port)
        answers, keeping = await asyncio.open_connection("127.0.0.1", port)
        keeping.write(b"GET /hello HTTP/1.1\r\n\r\n")
        await answers.readuntil(b"hello ")
        dripping.write(b"GET /hel")
        _, newcomer = await asyncio.open_connection("127.0.0.1", port)
        async with patience("the one that drips is closed, and the other answered", within=NO_WAIT):
            with suppress(ConnectionError):
                await drips.read()
            keeping.write(b"GET /hello HTTP/1.1\r\n\r\n")
            await answers.readuntil(b"hello ")
        for writer in (dripping, keeping, newcomer):
            writer.close()


async def test_a_page_with_a_defect_is_500_and_the_others_go_on() -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    async with serving() as (_, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        answer = await client.get("/broken")
        assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        assert "defect" not in answer.text
        assert (await client.get("/hello")).status_code == HTTPStatus.OK

    assert [context["message"] for context in told] == ["/broken cannot be rendered"]


async def test_an_address_that_is_taken_is_told_in_one_sentence() -> None:
    async with serving() as (_, port):
        with pytest.raises(CannotListenError) as refused:
            await AdminServer(PAGES).start("127.0.0.1", port)

    assert str(refused.value) == (
        f"observability.listen: cannot listen on 127.0.0.1:{port} (Address already in use); end what uses the port, or"
        " choose another address."
    )


async def test_an_address_that_does_not_exist_is_told_in_one_sentence() -> None:
    with pytest.raises(CannotListenError, match=r"^observability\.listen: cannot listen on 127\.0\.0\.1\.invalid:1 \("):
        await AdminServer(PAGES).start("127.0.0.1.invalid", 1)


async def test_closing_drops_every_connection_and_frees_the_address() -> None:
    server = AdminServer(PAGES)
    _, port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /hello HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"hello ")

    await server.close()

    async with patience("the connection is closed", within=10):
        assert await reader.read() == b""
    writer.close()
    again = AdminServer(PAGES)
    assert await again.start("127.0.0.1", port) == ("127.0.0.1", port)
    await again.close()


async def test_ten_thousand_requests_over_many_connections_are_all_answered() -> None:
    request = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"

    async def client(port: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answered = 0
        for _ in range(313):
            writer.write(request)
            await reader.readuntil(b"hello ")
            answered += 1
        writer.close()
        return answered

    async with serving() as (_, port):
        assert sum(await asyncio.gather(*(client(port) for _ in range(32)))) == 313 * 32
