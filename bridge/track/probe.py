"""What can be found out about the API without sending an event: its name, the connection, the certificate, the key."""

from __future__ import annotations

import asyncio
import enum
import errno
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from bridge.model import Delivered, RequestKind, Retry, Unauthorized, Verdict
from bridge.track.answer import BODY_LIMIT, Answer
from bridge.track.classify import judge
from bridge.track.credentials import ApiKey
from bridge.track.dial import Dialer, ProxyError, Resolve, SocketAddress, failure_sentence, resolve
from bridge.track.httpx_transport import address_of, discard, one_connection, proxy_of, root_cause
from bridge.track.request import Endpoint, headers

VALIDATE = RequestKind("validate", "/v1/validate")
"""Undocumented: a published integration checks its key there. That it does not exist says nothing about the key."""


_NO_WAY_THERE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
"""This machine has no IPv6, for one. That is its own way of things, beside an address that works."""


class Step(enum.StrEnum):
    """What is looked at, in this order; a step after a failed one is not reached and not reported."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    KEY = "key"


class ProbeResult(enum.StrEnum):
    """How a step ended. `UNKNOWN` is no failure: the first event will tell."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """One step and what it showed, as a sentence for the operator."""

    step: Step
    result: ProbeResult
    sentence: str


async def probe(
    endpoint: Endpoint,
    credentials: ApiKey,
    *,
    timeout: float,  # noqa: ASYNC109 - part of what is configured
    tls: ssl.SSLContext,
    proxy: str | None = None,
    resolve: Resolve = resolve,
) -> tuple[ProbeFinding, ...]:
    """Look at the API as a sender would, in at most twice `timeout` seconds. Never raises for what it finds.

    Every address of the name is looked at: one that fails beside one that works is no failure, and is said.
    """
    findings: list[ProbeFinding] = []
    try:
        via = proxy_of(proxy, tls)
    except ProxyError as error:
        return (ProbeFinding(Step.CONNECT, ProbeResult.FAILED, str(error)),)
    addresses: Sequence[SocketAddress] = [None]
    if via is None:
        resolved, addresses = await _resolve(endpoint, timeout, resolve)
        findings.append(resolved)
        if resolved.result is ProbeResult.FAILED:
            return tuple(findings)
    verdict: Verdict | None = None
    broken: list[tuple[SocketAddress, BaseException]] = []
    for at in addresses:
        found = await _look(at, endpoint, credentials, tls, via, timeout / len(addresses))
        if isinstance(found, BaseException):
            broken.append((at, found))
        else:
            verdict = verdict or found
    if verdict is None:
        telling = next((each for _, each in broken if isinstance(each, ssl.SSLError)), broken[-1][1])
        return (*findings, _broken(telling, endpoint, via))
    through = f" through the proxy {via.url.netloc.decode()}" if via else ""
    findings.append(ProbeFinding(Step.CONNECT, ProbeResult.OK, f"{endpoint} accepts connections{through}"))
    if endpoint.tls:
        findings.append(ProbeFinding(Step.TLS, ProbeResult.OK, f"the certificate of {endpoint.host} is valid"))
    for at, cause in broken:
        if isinstance(cause, OSError) and cause.errno in _NO_WAY_THERE:
            continue
        one = _broken(cause, endpoint, via)
        where = f"at {at[0]}, one of the {len(addresses)} addresses of {endpoint.host}, which is passed over"
        findings.append(ProbeFinding(one.step, ProbeResult.UNKNOWN, f"{one.sentence}: {where}"))
    return (*findings, _about_key(verdict))


async def _look(
    at: SocketAddress,
    endpoint: Endpoint,
    credentials: ApiKey,
    tls: ssl.SSLContext,
    via: httpx.Proxy | None,
    timeout: float,  # noqa: ASYNC109 - this address's share of what is configured
) -> Verdict | BaseException:
    """What one address says, or why it says nothing."""
    transport = one_connection(tls, via)
    try:
        async with asyncio.timeout(timeout):
            return await _validate(transport, at, endpoint, credentials)
    except (httpx.TransportError, OSError) as error:
        return root_cause(error)
    finally:
        await discard(transport)


async def _resolve(
    endpoint: Endpoint,
    timeout: float,  # noqa: ASYNC109 - one bound for one lookup
    resolve: Resolve,
) -> tuple[ProbeFinding, Sequence[SocketAddress]]:
    try:
        async with asyncio.timeout(timeout):
            addresses = await Dialer(endpoint, resolve).resolve()
    except TimeoutError:
        return ProbeFinding(
            Step.RESOLVE, ProbeResult.FAILED, f"the name server does not answer for {endpoint.host}"
        ), ()
    except (OSError, UnicodeError) as error:
        return ProbeFinding(Step.RESOLVE, ProbeResult.FAILED, failure_sentence(error, endpoint)), ()
    shown = ", ".join(sorted({str(at[0]) for at in addresses}))
    return ProbeFinding(Step.RESOLVE, ProbeResult.OK, f"{endpoint.host} resolves to {shown}"), addresses


async def _validate(
    transport: httpx.AsyncHTTPTransport, at: SocketAddress, endpoint: Endpoint, credentials: ApiKey
) -> Verdict:
    url, extensions = address_of(endpoint, at, VALIDATE.path)
    request = httpx.Request("GET", url, headers=headers(VALIDATE, endpoint, credentials.header), extensions=extensions)
    response = await transport.handle_async_request(request)
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > BODY_LIMIT:
            break
    answer = Answer(response.status_code, tuple(response.headers.raw), bytes(body[:BODY_LIMIT]))
    return judge(VALIDATE, answer, credentials, credentials.generation)


def _broken(error: BaseException, endpoint: Endpoint, via: httpx.Proxy | None) -> ProbeFinding:
    step = Step.TLS if isinstance(error, ssl.SSLError) else Step.CONNECT
    through = f", through the proxy {via.url.netloc.decode()}" if via else ""
    return ProbeFinding(step, ProbeResult.FAILED, failure_sentence(error, endpoint) + through)


def _about_key(verdict: Verdict) -> ProbeFinding:
    match verdict:
        case Delivered():
            return ProbeFinding(Step.KEY, ProbeResult.OK, "the API accepts the key")
        case Unauthorized(status=401 | 403):
            return ProbeFinding(Step.KEY, ProbeResult.FAILED, f"the API refuses the key: {verdict.detail}")
        case Retry(reason="redirect"):
            return ProbeFinding(Step.KEY, ProbeResult.FAILED, verdict.detail)
        case Unauthorized():
            return ProbeFinding(
                Step.KEY,
                ProbeResult.UNKNOWN,
                "the API offers no way to check the key without an event; the first event will tell",
            )
        case _:
            return ProbeFinding(Step.KEY, ProbeResult.UNKNOWN, f"the key could not be checked: {verdict.detail}")
