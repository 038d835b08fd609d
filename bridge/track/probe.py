"""What can be found out about the API without sending an event: its name, the connection, the certificate, the key."""

from __future__ import annotations

import asyncio
import enum
import ssl
from dataclasses import dataclass

import httpx

from bridge.model import Delivered, Retry, Unauthorized, Verdict
from bridge.track.answer import BODY_LIMIT, Answer
from bridge.track.credentials import ApiKey
from bridge.track.dial import Dialer, failure_sentence
from bridge.track.httpx_transport import ProxyError, discard, one_connection, proxy_of, root_cause
from bridge.track.judge import judge
from bridge.track.request import Endpoint, headers

VALIDATE_PATH = "/v1/validate"
"""Undocumented: a published integration checks its key there. That it does not exist says nothing about the key."""


class Step(enum.StrEnum):
    """What is looked at, in this order; a step after a failed one is not reached and not reported."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    KEY = "key"


class Result(enum.StrEnum):
    """How a step ended. `UNKNOWN` is no failure: the first event will tell."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One step and what it showed, as a sentence for the operator."""

    step: Step
    result: Result
    sentence: str


async def probe(
    endpoint: Endpoint,
    credentials: ApiKey,
    *,
    timeout: float,  # noqa: ASYNC109 - part of what is configured
    tls: ssl.SSLContext,
    proxy: str | None = None,
) -> tuple[Finding, ...]:
    """Look at the API as a sender would, in at most twice `timeout` seconds. Never raises for what it finds."""
    findings: list[Finding] = []
    try:
        via = proxy_of(proxy, tls)
    except ProxyError as error:
        return (Finding(Step.CONNECT, Result.FAILED, str(error)),)
    if via is None:
        resolved = await _resolve(endpoint, timeout)
        findings.append(resolved)
        if resolved.result is Result.FAILED:
            return tuple(findings)
    transport = one_connection(tls, via)
    try:
        async with asyncio.timeout(timeout):
            verdict = await _validate(transport, endpoint, credentials)
    except (httpx.TransportError, OSError) as error:
        return (*findings, _broken(root_cause(error), endpoint, via))
    finally:
        await discard(transport)
    through = f" through the proxy {via.url.netloc.decode()}" if via else ""
    findings.append(Finding(Step.CONNECT, Result.OK, f"{endpoint} accepts connections{through}"))
    if endpoint.tls:
        findings.append(Finding(Step.TLS, Result.OK, f"the certificate of {endpoint.host} is valid"))
    return (*findings, _about_key(verdict))


async def _resolve(endpoint: Endpoint, timeout: float) -> Finding:  # noqa: ASYNC109 - one bound for one lookup
    try:
        async with asyncio.timeout(timeout):
            addresses = await Dialer(endpoint).resolve()
    except TimeoutError:
        return Finding(Step.RESOLVE, Result.FAILED, f"the name server does not answer for {endpoint.host}")
    except (OSError, UnicodeError) as error:
        return Finding(Step.RESOLVE, Result.FAILED, failure_sentence(error, endpoint))
    shown = ", ".join(sorted({str(at[0]) for at in addresses}))
    return Finding(Step.RESOLVE, Result.OK, f"{endpoint.host} resolves to {shown}")


async def _validate(transport: httpx.AsyncHTTPTransport, endpoint: Endpoint, credentials: ApiKey) -> Verdict:
    request = httpx.Request(
        "GET",
        f"{endpoint.scheme}://{endpoint.authority}{VALIDATE_PATH}",
        headers=headers(endpoint, credentials.header),
    )
    response = await transport.handle_async_request(request)
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > BODY_LIMIT:
            break
    answer = Answer(response.status_code, tuple(response.headers.raw), bytes(body[:BODY_LIMIT]))
    return judge(answer, credentials, credentials.generation)


def _broken(error: BaseException, endpoint: Endpoint, via: httpx.Proxy | None) -> Finding:
    step = Step.TLS if isinstance(error, ssl.SSLError) else Step.CONNECT
    through = f", through the proxy {via.url.netloc.decode()}" if via else ""
    return Finding(step, Result.FAILED, failure_sentence(error, endpoint) + through)


def _about_key(verdict: Verdict) -> Finding:
    match verdict:
        case Delivered():
            return Finding(Step.KEY, Result.OK, "the API accepts the key")
        case Unauthorized(status=401 | 403):
            return Finding(Step.KEY, Result.FAILED, f"the API refuses the key: {verdict.detail}")
        case Retry(reason="redirect"):
            return Finding(Step.KEY, Result.FAILED, verdict.detail)
        case Unauthorized():
            return Finding(
                Step.KEY,
                Result.UNKNOWN,
                "the API offers no way to check the key without an event; the first event will tell",
            )
        case _:
            return Finding(Step.KEY, Result.UNKNOWN, f"the key could not be checked: {verdict.detail}")
