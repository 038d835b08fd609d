"""Asks the API about imports: one request a connection, so that none is lost on one that the API closes meanwhile."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import quote

import httpx

from bridge.config.sections import Track
from bridge.model import Delivered, Reject, RequestKind, Retry, Unauthorized, Verdict
from bridge.track.answer import Answer
from bridge.track.classify import judge
from bridge.track.credentials import ApiKey
from bridge.track.dial import failure_sentence
from bridge.track.httpx_transport import discard, one_connection, proxy_of, root_cause
from bridge.track.imports.jobs import ImportJob, JobList, read_job, read_list
from bridge.track.imports.multipart import BOUNDARY, FilePart
from bridge.track.imports.replies import JobReply, ListReply, NoAnswer, QuestionResult, UploadReply, UploadResult
from bridge.track.request import API_VERSION, USER_AGENT, Endpoint
from bridge.track.tls import client_context

IMPORTS: Final = RequestKind("import", "/v1/imports")
JOBS: Final = RequestKind("background_jobs", "/v1/background_jobs")

ANSWER_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an answer that are read: the list of jobs has no documented end."""
UPLOAD_PATIENCE: Final = 120.0
"""Seconds between the last byte of a file and its whole answer: the API may look through the file first."""

Found = TypeVar("Found", ImportJob, JobList)


class ImportsClient:
    """See `backfill.submit.driver.Imports`."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: ApiKey,
        *,
        timeout: float,
        tls: ssl.SSLContext,
        proxy: str | None = None,
        upload_patience: float = UPLOAD_PATIENCE,
    ) -> None:
        """`timeout` (seconds) is for each step: connecting, each piece of a file, an answer. Raises `ProxyError`."""
        self._endpoint = endpoint
        self._key = credentials
        self._timeout = timeout
        self._tls = tls
        self._proxy = proxy_of(proxy, tls)
        self._upload_patience = max(upload_patience, timeout)

    async def upload(self, part: FilePart) -> UploadReply:
        """Send it once; with a new key a second time, where the first one was refused and the key file has another."""
        headers = [
            (b"Content-Type", f"multipart/form-data; boundary={BOUNDARY}".encode("ascii")),
            (b"Content-Length", str(part.body_length).encode("ascii")),
        ]
        body = self._body(part)
        found = await self._asked("POST", IMPORTS.path, headers, body)
        if isinstance(found, Answer) and found.status == 401 and self._has_another_key():
            body = self._body(part)
            found = await self._asked("POST", IMPORTS.path, headers, body)
        if isinstance(found, str):
            return UploadReply(UploadResult.LOST if body.began else UploadResult.NOT_SENT, found)
        return self._upload_reply(found)

    async def job(self, job_id: str) -> JobReply:
        """One job, with its ``completed_rows``."""
        return await self._question(f"{JOBS.path}/{quote(job_id, safe='')}", read_job, about_one=True)

    async def jobs(self) -> ListReply:
        """All jobs that the API shows of this key's application."""
        return await self._question(JOBS.path, read_list, about_one=False)

    def _body(self, part: FilePart) -> _FileBody:
        return _FileBody(part.chunks(), each=self._timeout, last=self._upload_patience)

    def _has_another_key(self) -> bool:
        before = self._key.generation
        return self._key.refresh() != before

    async def _question(self, path: str, read: Callable[[bytes], Found | None], *, about_one: bool) -> Found | NoAnswer:
        found = await self._asked("GET", path, [])
        if isinstance(found, Answer) and found.status == 401 and self._has_another_key():
            found = await self._asked("GET", path, [])
        if isinstance(found, str):
            return NoAnswer(QuestionResult.UNANSWERED, found)
        verdict = self._verdict(JOBS, found)
        match verdict:
            case Delivered():
                answered = read(found.body)
                wrong = f"the API answered {found.status} to GET {JOBS.path} with something that is no list of jobs"
                wrong = wrong.replace("no list of jobs", "no job") if about_one else wrong
                return NoAnswer(QuestionResult.UNANSWERED, wrong, found.status) if answered is None else answered
            case Retry():
                kind = QuestionResult.REFUSED if verdict.reason == "redirect" else QuestionResult.UNANSWERED
                return NoAnswer(kind, verdict.detail, verdict.status, verdict.after)
            case Unauthorized(status=404) if about_one:
                return NoAnswer(QuestionResult.UNKNOWN_JOB, verdict.detail, 404)
            case Unauthorized() | Reject():
                return NoAnswer(QuestionResult.REFUSED, verdict.detail, verdict.status)

    def _upload_reply(self, answer: Answer) -> UploadReply:
        verdict = self._verdict(IMPORTS, answer)
        match verdict:
            case Delivered():
                job = read_job(answer.body)
                return UploadReply(UploadResult.ACCEPTED, f"the API answered {answer.status}", answer.status, job)
            case Reject(status=409):
                return UploadReply(UploadResult.BUSY, verdict.detail, 409)
            case Retry() if verdict.reason != "redirect":
                kind = UploadResult.LOST if verdict.ambiguous else UploadResult.NOT_SENT
                return UploadReply(kind, verdict.detail, verdict.status, after=verdict.after)
            case _:
                return UploadReply(UploadResult.REFUSED, verdict.detail, answer.status)

    def _verdict(self, kind: RequestKind, answer: Answer) -> Verdict:
        return judge(kind, answer, self._key, self._key.generation)

    async def _asked(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: _FileBody | None = None
    ) -> Answer | str:
        """A whole answer, or why there is none."""
        name, _, value = self._key.header.partition(b": ")
        common = [
            (b"Host", self._endpoint.authority.encode("ascii")),
            (b"User-Agent", USER_AGENT.encode("ascii")),
            (b"X-API-Version", API_VERSION.encode("ascii")),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (name, value),
        ]
        request = httpx.Request(method, self._endpoint.url(path), headers=[*common, *headers], content=body)
        transport = one_connection(self._tls, self._proxy)
        try:
            async with asyncio.timeout(self._timeout) as deadline:
                if body is not None:
                    body.deadline = deadline
                return await _whole(await transport.handle_async_request(request))
        except TimeoutError:
            return self._silence(body)
        except (httpx.TransportError, httpx.StreamError, OSError) as error:
            cause = root_cause(error)
            if isinstance(cause, TimeoutError):
                return self._silence(body)
            said = failure_sentence(cause, self._endpoint)
            return said.replace("no connection to", "no answer from", 1) if body is not None and body.began else said
        finally:
            await discard(transport)

    def _silence(self, body: _FileBody | None) -> str:
        if body is None or not body.began:
            return f"{self._endpoint} did not answer within {self._timeout:g} s"
        if body.is_sent:
            return f"{self._endpoint} has the whole file and did not answer within {self._upload_patience:g} s"
        return f"{self._endpoint} took no more of the file for {self._timeout:g} s"


class _FileBody:
    """Hands out the body, and tells how far it is."""

    def __init__(self, chunks: Iterator[bytes], *, each: float, last: float) -> None:
        """Seconds for the next piece to be taken, and for the answer once all are."""
        self._chunks = chunks
        self._each = each
        self._last = last
        self.deadline: asyncio.Timeout
        self.began = False
        """A byte may be on its way."""
        self.is_sent = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.began = True
            self._moved(self._each)
            yield chunk
        self.is_sent = True
        self._moved(self._last)

    def _moved(self, patience: float) -> None:
        self.deadline.reschedule(asyncio.get_running_loop().time() + patience)


async def _whole(response: httpx.Response) -> Answer:
    body = bytearray()
    with suppress(httpx.ResponseNotRead):
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_LIMIT:
                break
    return Answer(response.status_code, tuple(response.headers.raw), bytes(body[:ANSWER_LIMIT]))


def build_client(track: Track, credentials: ApiKey, proxy: str | None) -> ImportsClient:
    """By the configuration's section ``track``. Raises `CaFileError` and `ProxyError`."""
    endpoint, tls = Endpoint.parse(track.endpoint), client_context(track.ca_file)
    return ImportsClient(endpoint, credentials, timeout=track.timeout, tls=tls, proxy=proxy)
