"""The client of imports against a server that shows what came, byte for byte, and answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.track.credentials import FixedKey, KeyFile
from bridge.track.imports.client import ImportsClient
from bridge.track.imports.jobs import ImportJob, JobList
from bridge.track.imports.multipart import FilePart
from bridge.track.imports.replies import NoAnswer, QuestionResult, UploadResult
from bridge.track.request import USER_AGENT, Endpoint

KEY = "key-of-imports-4711"
ROWS = b'{"event_type":"track","user_id":"u1"}\n{"event_type":"track","user_id":"u2"}\n'
ACCEPTED = b'{"job_id":"bulk:jobs:NX-1:c6f9","status":"queued","total_rows":"2"}'
Act = Callable[[bytes, asyncio.StreamWriter], None]


def answer(status: int, body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), more, body)


class Server:
    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.answers: list[bytes | None] = []
        """None: the connection is reset after the request."""
        self.port = 0
        self.hangs = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: ")), 0
            )
            self.requests.append(head + await reader.readexactly(length))
            if self.hangs:
                await reader.read()
                return
            planned = self.answers.pop(0)
            if planned is None:
                writer.transport.abort()
                return
            writer.write(planned)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    listening = await asyncio.start_server(serving.serve, "127.0.0.1", 0)
    serving.port = listening.sockets[0].getsockname()[1]
    try:
        yield serving
    finally:
        listening.close()


def client(server: Server, key: FixedKey | KeyFile | None = None, *, patience: float = 5.0) -> ImportsClient:
    endpoint = Endpoint("http", "127.0.0.1", server.port)
    tls = ssl.create_default_context()
    return ImportsClient(endpoint, key or FixedKey(KEY), timeout=patience, tls=tls, upload_patience=patience)


def part(tmp_path: Path, content: bytes = ROWS, *, offset: int = 0, length: int | None = None) -> FilePart:
    path = tmp_path / "events-0001.ndjson"
    path.write_bytes(content)
    return FilePart(path, "backfill-1-0001-events.ndjson", offset, len(content) - offset if length is None else length)


async def test_the_documented_import_request_byte_for_byte(server: Server, tmp_path: Path) -> None:
    server.answers = [answer(200, ACCEPTED)]
    reply = await client(server).upload(part(tmp_path))
    body = (
        b"--track-bridge-rows-of-history\r\n"
        b'Content-Disposition: form-data; name="file"; filename="backfill-1-0001-events.ndjson"\r\n'
        b"Content-Type: application/x-ndjson\r\n"
        b"\r\n" + ROWS + b"\r\n"
        b"--track-bridge-rows-of-history--\r\n"
    )
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/imports HTTP/1.1"
    assert sorted(lines[1:]) == sorted([
        f"Host: 127.0.0.1:{server.port}",
        f"User-Agent: {USER_AGENT}",
        "X-API-Version: 2020-09-22",
        "Accept: application/json",
        "Accept-Encoding: identity",
        f"Authorization: Token {KEY}",
        "Content-Type: multipart/form-data; boundary=track-bridge-rows-of-history",
        f"Content-Length: {len(body)}",
    ])  # fmt: skip
    assert reply.result is UploadResult.ACCEPTED
    assert reply.job is not None
    assert (reply.job.job_id, reply.job.total_rows) == ("bulk:jobs:NX-1:c6f9", 2)


async def test_only_the_part_of_the_file_is_sent(server: Server, tmp_path: Path) -> None:
    server.answers = [answer(200, ACCEPTED)] * 2
    half = ROWS.index(b"\n") + 1
    await client(server).upload(part(tmp_path, length=half))
    await client(server).upload(part(tmp_path, offset=half))
    assert ROWS[:half] in server.requests[0]
    assert b"u2" not in server.requests[0]
    assert ROWS[half:] in server.requests[1]
    assert b"u1" not in server.requests[1]


async def test_a_large_file_is_never_in_memory(server: Server, tmp_path: Path) -> None:
    server.answers = [answer(200, ACCEPTED)]
    large = part(tmp_path, b"x" * 5_000_000)
    pieces = list(large.chunks())
    assert sum(map(len, pieces)) == large.body_length
    assert max(map(len, pieces)) <= 256 * 1024
    reply = await client(server).upload(large)
    assert reply.result is UploadResult.ACCEPTED


async def test_a_job_is_asked_for_by_its_opaque_id_percent_encoded(server: Server) -> None:
    server.answers = [answer(200, ACCEPTED)]
    reply = await client(server).job("bulk:jobs:NX-1/2:c6f9?x")
    assert isinstance(reply, ImportJob)
    assert server.requests[0].startswith(b"GET /v1/background_jobs/bulk%3Ajobs%3ANX-1%2F2%3Ac6f9%3Fx HTTP/1.1\r\n")


async def test_the_list_of_jobs(server: Server) -> None:
    server.answers = [answer(200, b"[%b]" % ACCEPTED), answer(200, b"<html>"), answer(200, b"[]")]
    first, second, third = [await client(server).jobs() for _ in range(3)]
    assert isinstance(first, JobList)
    assert len(first.jobs) == 1
    assert isinstance(second, NoAnswer)
    assert second.result is QuestionResult.UNANSWERED
    assert third == JobList(())


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, UploadResult.ACCEPTED),
        (202, UploadResult.ACCEPTED),
        (409, UploadResult.BUSY),
        (429, UploadResult.NOT_SENT),
        (407, UploadResult.NOT_SENT),
        (408, UploadResult.LOST),
        (500, UploadResult.LOST),
        (502, UploadResult.LOST),
        (504, UploadResult.LOST),
        (400, UploadResult.REFUSED),
        (401, UploadResult.REFUSED),
        (403, UploadResult.REFUSED),
        (404, UploadResult.REFUSED),
        (413, UploadResult.REFUSED),
        (301, UploadResult.REFUSED),
        (307, UploadResult.REFUSED),
    ],
)
async def test_what_an_answer_means(server: Server, tmp_path: Path, status: int, result: UploadResult) -> None:
    server.answers = [answer(status, b"{}", b"Location: http://127.0.0.1:1/\r\n")]
    reply = await client(server).upload(part(tmp_path))
    assert (reply.result, reply.status) == (result, status)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "bytes_",
    [
        None,
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
    ],
    ids=["reset", "closed", "cut short", "no HTTP", "half a head"],
)
async def test_no_whole_answer_may_have_been_taken(server: Server, tmp_path: Path, bytes_: bytes | None) -> None:
    server.answers = [bytes_]
    reply = await client(server).upload(part(tmp_path))
    assert reply.result is UploadResult.LOST


async def test_silence_ends_and_may_have_been_taken(server: Server, tmp_path: Path) -> None:
    server.hangs = True
    reply = await client(server, patience=0.3).upload(part(tmp_path))
    assert reply.result is UploadResult.LOST
    assert "has the whole file and did not answer within 0.3 s" in reply.detail
    question = await client(server, patience=0.3).jobs()
    assert isinstance(question, NoAnswer)


async def test_an_answer_that_drips_for_ever_ends(tmp_path: Path) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"--\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)

    serving = Server()
    async with running(drip) as serving.port:
        reply = await client(serving, patience=0.5).upload(part(tmp_path))
    assert reply.result is UploadResult.LOST


@asynccontextmanager
async def running(serve: Callable[..., object]) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)  # type: ignore[misc]  # any coroutine function
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(kept, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_server_that_takes_no_more_of_a_file_is_left(tmp_path: Path) -> None:
    async def stuck(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.Event().wait()

    serving = Server()
    async with running(stuck) as serving.port:
        reply = await client(serving, patience=0.5).upload(part(tmp_path, b"x" * 20_000_000))
    assert reply.result is UploadResult.LOST
    assert "took no more of the file" in reply.detail


async def test_a_refusal_before_the_whole_file_was_read_is_that_refusal(tmp_path: Path) -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(413, b"{}"))
        await writer.drain()
        while await reader.read(1 << 16):
            pass

    serving = Server()
    async with running(early) as serving.port:
        reply = await client(serving).upload(part(tmp_path, b"x" * 8_000_000))
    assert (reply.result, reply.status) == (UploadResult.REFUSED, 413)


async def test_without_a_connection_nothing_was_sent(tmp_path: Path, unused_tcp_port: int) -> None:
    serving = Server()
    serving.port = unused_tcp_port
    reply = await client(serving).upload(part(tmp_path))
    assert reply.result is UploadResult.NOT_SENT
    assert "refused" in reply.detail


async def test_a_key_that_was_replaced_is_used_once_the_old_one_is_refused(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old-key-0815", encoding="utf-8")
    key = KeyFile(file)
    server.answers = [answer(401, b"{}"), answer(200, ACCEPTED), answer(401, b"{}"), answer(200, b"[]")]
    file.write_text("new-key-4711", encoding="utf-8")
    reply = await client(server, key).upload(part(tmp_path))
    assert reply.result is UploadResult.ACCEPTED
    assert b"Token old-key-0815" in server.requests[0]
    assert b"Token new-key-4711" in server.requests[1]
    file.write_text("newest-key-1", encoding="utf-8")
    assert await client(server, key).jobs() == JobList(())


async def test_a_key_that_is_refused_and_stays_is_refused_once(server: Server, tmp_path: Path) -> None:
    server.answers = [answer(401, b'{"errors":[{"message":"no %b"}]}' % KEY.encode())]
    reply = await client(server).upload(part(tmp_path))
    assert (reply.result, reply.status) == (UploadResult.REFUSED, 401)
    assert KEY not in reply.detail
    assert "[API key]" in reply.detail


async def test_a_file_that_became_shorter_is_no_whole_request(server: Server, tmp_path: Path) -> None:
    reply = await client(server).upload(part(tmp_path, length=len(ROWS) + 10))
    assert reply.result is UploadResult.LOST
    assert not server.requests


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (404, QuestionResult.UNKNOWN_JOB),
        (401, QuestionResult.REFUSED),
        (403, QuestionResult.REFUSED),
        (429, QuestionResult.UNANSWERED),
        (503, QuestionResult.UNANSWERED),
    ],
)
async def test_what_it_means_that_a_job_is_not_told(server: Server, status: int, result: QuestionResult) -> None:
    server.answers = [answer(status, b"{}", b"Retry-After: 7\r\n")]
    reply = await client(server).job("j")
    assert isinstance(reply, NoAnswer)
    assert reply.result is result
    assert (reply.after == 7.0) is (result is QuestionResult.UNANSWERED)
