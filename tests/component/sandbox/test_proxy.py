"""The proxy does to a connection what it was told, when it was told, and says how often."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from tests.support.proxy import Conditions, Link, Proxy, ThreadedProxy
from tests.support.waiting import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo() -> AsyncIterator[tuple[str, int]]:
    """The address of a server that sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


@pytest.fixture
async def proxy(echo: tuple[str, int]) -> AsyncIterator[Proxy]:
    async with Proxy(echo) as running:
        yield running


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[Streams]:
    """A connection through the proxy that has been used."""
    streams = await asyncio.open_connection(proxy.host, proxy.port)
    assert await ask(streams, b"first") == b"first"
    yield streams
    streams[1].close()


async def ask(streams: Streams, data: bytes) -> bytes:
    streams[1].write(data)
    return await streams[0].readexactly(len(data))


async def is_silent(streams: Streams) -> bool:
    """Nothing comes and nothing ends, for as long as is reasonable to look."""
    try:
        await asyncio.wait_for(streams[0].read(1), 0.2)
    except TimeoutError:
        return True
    return False


async def test_in_good_weather_everything_passes_and_is_counted(proxy: Proxy, client: Streams) -> None:
    sent = bytes(range(256)) * 4096
    assert await ask(client, sent) == sent
    assert (proxy.counts.opened, proxy.counts.requests, proxy.counts.answers) == (1, len(sent) + 5, len(sent) + 5)


async def test_latency_delays_both_ways_and_keeps_the_order_when_it_ends(proxy: Proxy, client: Streams) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    proxy.conditions = Conditions(latency=0.1)
    assert await ask(client, b"slow") == b"slow"
    assert loop.time() - began >= 0.19
    client[1].write(b"one")
    await until("it came in", lambda: proxy.counts.requests >= 5 + 4 + 3)
    proxy.conditions = Conditions()
    assert await ask(client, b"two") == b"one"
    assert await client[0].readexactly(3) == b"two"


async def test_answers_come_at_so_many_bytes_a_second(proxy: Proxy, client: Streams) -> None:
    loop = asyncio.get_running_loop()
    proxy.conditions = Conditions(bytes_per_second=1000)
    began = loop.time()
    assert await ask(client, b"x" * 300) == b"x" * 300
    assert loop.time() - began >= 0.28


async def test_refused_connections_end_and_old_ones_go_on(proxy: Proxy, client: Streams) -> None:
    proxy.conditions = Conditions(link=Link.REFUSED)
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    assert await ask(client, b"old") == b"old"
    assert proxy.counts.refused == 1


async def test_half_open_connections_are_accepted_and_never_answered_and_old_ones_go_on(
    proxy: Proxy, client: Streams
) -> None:
    proxy.conditions = Conditions(link=Link.HALF_OPEN)
    fresh = await asyncio.open_connection(proxy.host, proxy.port)
    fresh[1].write(b"hello?")
    assert await is_silent(fresh)
    assert await ask(client, b"old") == b"old"
    proxy.conditions = Conditions()
    assert await is_silent(fresh)
    assert proxy.counts.swallowed == 6
    fresh[1].close()


async def test_in_a_blackhole_bytes_of_old_connections_vanish_and_nothing_ends(proxy: Proxy, client: Streams) -> None:
    proxy.conditions = Conditions(link=Link.BLACKHOLE)
    client[1].write(b"hello?")
    assert await is_silent(client)


async def test_a_connection_that_lost_bytes_stays_dead_and_one_that_did_not_goes_on(
    proxy: Proxy, client: Streams
) -> None:
    other = await asyncio.open_connection(proxy.host, proxy.port)
    assert await ask(other, b"first") == b"first"
    proxy.conditions = Conditions(link=Link.BLACKHOLE)
    client[1].write(b"hello?")
    await until("it is swallowed", lambda: bool(proxy.counts.swallowed))
    proxy.conditions = Conditions()
    client[1].write(b"again")
    assert await is_silent(client)
    assert await ask(other, b"again") == b"again"
    other[1].close()


async def test_an_answer_is_reset_after_so_many_bytes(proxy: Proxy, client: Streams) -> None:
    proxy.conditions = Conditions(reset_after=3)
    client[1].write(b"answer")
    assert await client[0].readexactly(3) == b"ans"
    with pytest.raises(ConnectionResetError):
        await client[0].readexactly(1)
    assert proxy.counts.reset == 1


async def test_a_cut_resets_what_is_open(proxy: Proxy, client: Streams) -> None:
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await client[0].readexactly(1)
    assert proxy.connections == 0


async def test_a_server_that_is_not_there_is_a_reset(proxy: Proxy) -> None:
    proxy.upstream = ("127.0.0.1", 1)
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()


async def test_the_end_of_one_side_is_the_end_of_the_other(proxy: Proxy, client: Streams) -> None:
    client[1].close()
    await client[1].wait_closed()
    await until("both connections are closed", lambda: not proxy.connections)


async def test_on_a_thread_of_its_own_it_does_the_same(echo: tuple[str, int]) -> None:
    def talk(port: int, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(data)
            return sock.recv(100)

    with ThreadedProxy() as proxy:
        proxy.lead_to(*echo)
        assert await asyncio.to_thread(talk, proxy.port, b"hello") == b"hello"
        proxy.set(Conditions(link=Link.REFUSED))
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(talk, proxy.port, b"hello")
        assert (proxy.counts.opened, proxy.counts.refused) == (1, 1)


def test_a_connection_that_it_takes_while_it_ends_is_closed() -> None:
    for _ in range(20):
        with ThreadedProxy(("127.0.0.1", 1)) as proxy:
            client = socket.create_connection(("127.0.0.1", proxy.port))
        with client, contextlib.suppress(ConnectionResetError):
            client.settimeout(30)
            assert client.recv(1) == b""
