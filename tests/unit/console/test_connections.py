"""Strangers with half a request keep nobody out."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

from bridge.config.keys import scalars
from bridge.console.connections import ConnectionLimits
from bridge.console.serving import listening, serve
from tests.support.console.running import ConsoleSetting, console_of, logging_to
from tests.support.log_output import LogOutput
from tests.support.waiting import patience

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
HALF_OF_A_FORM = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\ncsrf="
PATIENT = ConnectionLimits(head_timeout=600, request_timeout=600)
Reader = asyncio.StreamReader


class Opener:
    """Opens connections to one port, and closes them in the end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, begun: bytes, source: str = "127.0.0.1") -> Reader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(source, 0))
        self._writers.append(writer)
        writer.write(begun)
        await writer.drain()
        return reader

    async def ask(self, path: str, source: str = "127.0.0.1") -> bytes:
        """The first line of its answer; nothing where the connection is closed."""
        reader = await self.open(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(), source)
        async with patience(f"{path} is answered, or its connection closed", within=60):
            with contextlib.suppress(ConnectionError):
                return await reader.readline()
        return b""

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


async def ended(reader: Reader) -> bool:
    """Waits until the console closes it."""
    with contextlib.suppress(ConnectionError):
        await reader.read()
    return True


@contextlib.asynccontextmanager
async def served(setting: ConsoleSetting, limits: ConnectionLimits) -> AsyncIterator[Opener]:
    log = logging_to(LogOutput())
    with listening(scalars.listen("127.0.0.1:0")) as (server_socket, address):
        serving = asyncio.ensure_future(serve(console_of(setting, log.logger), server_socket, log.logger, limits))
        opener = Opener(int(address.rpartition(":")[2]))
        try:
            assert await opener.ask("/livez") == b"HTTP/1.1 200 OK\r\n"
            yield opener
        finally:
            opener.close()
            signal.raise_signal(signal.SIGTERM)
            await serving
            log.close()


def run(setting: ConsoleSetting, limits: ConnectionLimits, steps: Callable[[Opener], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with patience("all steps are taken", within=90), served(setting, limits) as opener:
            await steps(opener)

    asyncio.run(all_of_it())


def test_probes_are_answered_while_a_stranger_holds_hundreds_of_half_requests(setting: ConsoleSetting) -> None:
    async def steps(opener: Opener) -> None:
        for _ in range(520):
            await opener.open(HALF)
        assert await opener.ask("/livez") == b"HTTP/1.1 200 OK\r\n"
        assert await opener.ask("/livez", source="127.0.0.2") == b"HTTP/1.1 200 OK\r\n"

    run(setting, PATIENT, steps)


def test_half_a_form_holds_no_more_than_half_a_head(setting: ConsoleSetting) -> None:
    async def steps(opener: Opener) -> None:
        for number in range(520):
            await opener.open(HALF_OF_A_FORM, source=f"127.0.0.{2 + number % 200}")
        assert await opener.ask("/livez") == b"HTTP/1.1 200 OK\r\n"

    run(setting, PATIENT, steps)


def test_what_one_address_holds_is_taken_from_nobody_else(setting: ConsoleSetting) -> None:
    async def steps(opener: Opener) -> None:
        neighbour = asyncio.ensure_future(ended(await opener.open(HALF, source="127.0.0.2")))
        held = [await opener.open(HALF) for _ in range(6)]
        await ended(held[0])
        await ended(held[1])
        assert await opener.ask("/livez") == b"HTTP/1.1 200 OK\r\n"
        assert not neighbour.done()
        neighbour.cancel()

    run(setting, ConnectionLimits(connections=50, per_address=4, head_timeout=600, request_timeout=600), steps)


def test_a_request_that_does_not_become_whole_is_closed(setting: ConsoleSetting) -> None:
    async def steps(opener: Opener) -> None:
        assert await ended(await opener.open(HALF))
        assert await ended(await opener.open(b""))
        assert await ended(await opener.open(HALF_OF_A_FORM))

    run(setting, ConnectionLimits(head_timeout=0.1, request_timeout=0.2), steps)


def test_a_page_that_follows_outlives_the_time_that_a_request_has(setting: ConsoleSetting) -> None:
    async def steps(opener: Opener) -> None:
        live = await opener.open(b"GET /live/now HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        following = asyncio.ensure_future(ended(live))
        assert await ended(await opener.open(HALF))  # opened later, and closed by its time
        assert await ended(await opener.open(HALF))
        assert not following.done()
        following.cancel()

    run(setting, ConnectionLimits(head_timeout=0.1, request_timeout=0.1), steps)
