"""Orders over the network, at a real admin server on loopback: who may give them, and what an observer can do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from bridge.ops.admin.server import AdminServer, PageResponse, ServerLimits
from bridge.ops.control import signed_client, signed_requests, signing
from bridge.ops.control.control_client import NoAnswerError, NobodyThereError, RefusedError
from bridge.ops.control.control_key import ControlKey
from bridge.ops.control.signed_requests import SignedRequests
from bridge.ops.control.signing import Stamp
from tests.support.waiting import patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

TOKEN = "correct-horse-battery-staple"
GROUP = "bridge-prod"
REQUEST = {"command": "hold", "topic": "shop.orders", "partitions": None, "reason": "wrong amounts", "by": "alice"}


class Site:
    def __init__(self, folder: Path, name: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.file = folder / f"{name}.token"
        self.file.write_text(f"{TOKEN}\n")
        self.carried_out: list[tuple[Mapping[str, Any], str]] = []
        self.refused: list[tuple[str, str]] = []
        self.ahead = 0.0
        """Seconds by which its clock is ahead."""
        self.moment = 0.0
        self.key = ControlKey(self.file, GROUP, lambda: self.moment)
        self.requests = SignedRequests(self.handle, self.key, self.told, self.now, sleep)
        self.proceed = asyncio.Event()
        self.proceed.set()
        self.address = ""

    def now(self) -> float:
        return time.time() + self.ahead

    def told(self, why: str, peer: str) -> None:
        self.refused.append((why, peer))

    async def handle(self, request: Mapping[str, Any], peer: str) -> Mapping[str, Any]:
        self.carried_out.append((request, peer))
        await self.proceed.wait()
        if request["command"] == "nonsense":
            return {"error": "unknown", "message": "use its own version."}
        return {"topic": request["topic"], "partitions": [{"partition": 0, "outcome": "done"}]}

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    async def ask(self, key: bytes | None = None, patience: float = 20.0, **more: Any) -> dict[str, Any]:
        signed = self.key.get() if key is None else key
        return await asyncio.to_thread(signed_client.ask, self.address, {**REQUEST, **more}, signed, patience)

    async def raw(self, head: str, body: bytes) -> tuple[int, bytes]:
        """What comes of a request as it is written here."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"POST /control HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body)
        try:
            async with patience("the answer ends", within=10):
                answer = await reader.read()
        finally:
            writer.close()
        lines, _, content = answer.partition(b"\r\n\r\n")
        return int(lines.split()[1]), content

    async def signed(self, body: bytes, **other: Any) -> str:
        """The head of a request that is signed right, but for `other`."""
        about = json.loads(self.requests.about())
        values = {"instance": about["instance"], "at": int(self.now()), "nonce": signing.nonce(), **other}
        stamp = Stamp(body=signing.digest(body), **values)
        return f"{signing.HEADER}: {stamp.header(self.key.get())}\r\nContent-Length: {len(body)}"


@asynccontextmanager
async def site(folder: Path, name: str = "a", limits: ServerLimits | None = None, **more: Any) -> AsyncIterator[Site]:
    here = Site(folder, name, **more)
    pages = {signing.PATH: lambda _accept: PageResponse(here.requests.about(), media_type="application/json")}
    server = AdminServer(pages, limits, {signing.PATH: here.requests.take})
    _, port = await server.start("127.0.0.1", 0)
    here.address = f"http://127.0.0.1:{port}"
    try:
        yield here
    finally:
        await server.close()


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_requests, "PENALTY", 0.01)


async def test_who_knows_the_token_is_served_and_known_by_address(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        answer = await here.ask()
        assert answer["partitions"] == [{"partition": 0, "outcome": "done"}]
        [(request, peer)] = here.carried_out
        assert (request["reason"], request["by"], peer) == ("wrong amounts", "alice", "127.0.0.1")
        with pytest.raises(RefusedError, match="use its own version") as refused:
            await here.ask(command="nonsense")
        assert refused.value.kind == "unknown"
        assert here.refused == []


async def test_an_order_of_some_megabytes_is_taken_whole(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.ask(moves=["x" * 1000] * 3000)
        assert len(here.carried_out[0][0]["moves"]) == 3000
        with pytest.raises(RefusedError, match="bytes to ask"):
            await here.ask(moves=["x" * 1000] * 9000)


@pytest.mark.usefixtures("_at_once")
async def test_who_does_not_know_the_token_or_is_of_another_group_changes_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for wrong in (signing.key_of(b"another-token-altogether", GROUP), signing.key_of(TOKEN.encode(), "other")):
            with pytest.raises(NobodyThereError, match="403"):
                await here.ask(wrong)
        for header in ("", f"{signing.HEADER}: v1 mac=00\r\n", f"{signing.HEADER}: {'x' * 4000}\r\n"):
            status, _ = await here.raw(f"{header}Content-Length: 2", b"{}")
            assert status == 400
        assert here.carried_out == []
        assert {peer for _, peer in here.refused} == {"127.0.0.1"}
        assert len(here.refused) == 5
        assert (await here.ask())["topic"] == "shop.orders", "who does know it is served meanwhile"


async def test_a_wrong_signature_is_refused_late_and_no_more_than_some_wait_at_once(tmp_path: Path) -> None:
    over, slept = asyncio.Event(), asyncio.Queue[float]()

    async def sleep(seconds: float) -> None:
        slept.put_nowait(seconds)
        await over.wait()

    async with site(tmp_path, sleep=sleep) as here:
        wrong = [asyncio.create_task(here.raw("Content-Length: 2", b"{}")) for _ in range(signed_requests.PENALTIES)]
        assert {await slept.get() for _ in wrong} == {signed_requests.PENALTY}
        assert await here.raw("Content-Length: 2", b"{}") == (429, b"Too many wrong requests at once.\n")
        assert (await here.ask())["topic"] == "shop.orders", "who knows the token waits for nobody"
        over.set()
        assert {status for status, _ in await asyncio.gather(*wrong)} == {400}


async def test_what_an_observer_heard_is_good_neither_a_second_time_nor_at_another_replica_nor_later(
    tmp_path: Path,
) -> None:
    body = json.dumps({"version": 1, **REQUEST}).encode()
    async with site(tmp_path, "a") as here, site(tmp_path, "b") as other:
        heard = await here.signed(body)
        assert (await here.raw(heard, body))[0] == 200
        status, said = await here.raw(heard, body)
        assert (status, b"made before" in said) == (409, True)
        status, said = await other.raw(heard, body)
        assert (status, b"another process" in said) == (409, True)
        for late in (-61, 62):
            status, said = await here.raw(await here.signed(body, at=int(time.time()) + late), body)
            assert (status, b"set the clocks right" in said) == (409, True)
        changed = body.replace(b"alice", b"mally")
        status, said = await here.raw(await here.signed(body), changed)
        assert (status, b"not the one that was signed" in said) == (409, True)
        assert (len(here.carried_out), other.carried_out) == (1, [])
        assert len(here.refused) == 4


async def test_nonces_are_remembered_for_as_long_as_they_are_good_and_no_more_than_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_requests, "NONCES", 3)
    body = json.dumps({"version": 1, **REQUEST}).encode()
    async with site(tmp_path) as here:
        for _ in range(3):
            assert (await here.raw(await here.signed(body), body))[0] == 200
        assert (await here.raw(await here.signed(body), body))[0] == 429
        here.ahead = 61.5
        assert (await here.raw(await here.signed(body), body))[0] == 200


async def test_no_body_is_read_of_whoever_does_not_know_the_token(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(b"POST /control HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(64):
                writer.write(b"x" * 65536)
        async with patience("the refusal comes", within=10):
            head = await reader.readuntil(b"\r\n")
        writer.close()
        assert b" 400 " in head
        status, _ = await here.raw("Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n")
        assert status == HTTPStatus.LENGTH_REQUIRED


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    body = json.dumps({"version": 1, **REQUEST}).encode()
    async with site(tmp_path, limits=ServerLimits(head_timeout=0.3)) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        head = await here.signed(body)
        writer.write(f"POST /control HTTP/1.1\r\n{head}\r\n\r\n".encode() + body[:10])
        async with patience("the connection is closed", within=10):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        assert here.carried_out == []


async def test_an_order_that_was_taken_is_carried_out_whether_or_not_somebody_still_waits(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.proceed.clear()
        with pytest.raises(NoAnswerError, match="may be done all the same"):
            await here.ask(patience=0.5)
        assert len(here.carried_out) == 1
        here.proceed.set()


async def test_an_answer_that_the_bridge_did_not_sign_is_not_believed(tmp_path: Path) -> None:
    async with site(tmp_path) as here:

        async def forged(*_: object) -> signed_requests.OrderReply:
            return signed_requests.OrderReply(HTTPStatus.OK, b'{"version": 1, "topic": "t", "partitions": []}')

        pages = {signing.PATH: lambda _accept: PageResponse(here.requests.about())}
        server = AdminServer(pages, None, {signing.PATH: forged})
        _, port = await server.start("127.0.0.1", 0)
        here.address = f"http://127.0.0.1:{port}"
        with pytest.raises(NoAnswerError, match="not signed"):
            await here.ask()
        await server.close()


async def test_a_token_that_is_replaced_is_the_one_that_counts_from_then_on(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        old = here.key.get()
        here.file.write_text("another-token-altogether")
        here.moment += 2
        with pytest.raises(NobodyThereError, match="403"):
            await here.ask(old)
        assert (await here.ask())["topic"] == "shop.orders"
        here.file.write_text("short")
        here.moment += 2
        with pytest.raises(NobodyThereError, match=r"503.*cannot take orders; its log says why"):
            await here.ask(old)
        assert "has 5 characters" in here.refused[-1][0]
        here.file.unlink()
        here.moment += 2
        with pytest.raises(NobodyThereError, match=r"503.*cannot take orders; its log says why"):
            await here.ask(old)
        assert "cannot be read" in here.refused[-1][0]


async def test_where_no_bridge_takes_orders_the_sentence_says_so_and_that_nothing_was_done(tmp_path: Path) -> None:
    key = signing.key_of(TOKEN.encode(), GROUP)
    async with site(tmp_path) as here:
        plain = AdminServer({"/status": lambda _accept: PageResponse(b"{}")})
        _, port = await plain.start("127.0.0.1", 0)
        here.address = f"http://127.0.0.1:{port}"
        with pytest.raises(NobodyThereError, match=r"takes no orders: give it console\.token_file"):
            await here.ask(key)
        status, said = await here.raw("Content-Length: 2", b"{}")
        assert (status, said) == (405, b"Only GET and HEAD.\n")
        await plain.close()
        with pytest.raises(NobodyThereError, match="refused"):
            await here.ask(key)
