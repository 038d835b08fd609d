"""``python -m bridge.sandbox.emulator``: the emulated Track API as a process of its own, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import httptools

from bridge.sandbox.emulator.contract import ACCEPTED, RateLimit
from bridge.sandbox.emulator.imports import ImportBehaviour
from bridge.sandbox.emulator.people import COMPANY_ID_FIELDS
from bridge.sandbox.emulator.server import DEFAULT_KEY, Emulator


class StubConnection(asyncio.Protocol):
    """Delimits requests and looks at nothing in them."""

    __slots__ = ("_answer", "_delay", "_parser", "_transport")

    def __init__(self, delay: float = 0.0) -> None:
        """`delay`: seconds before each answer."""
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is ready."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.abort()

    def on_message_complete(self) -> None:
        """The last byte of a message."""
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, ACCEPTED)
        else:
            self._transport.write(ACCEPTED)


def main(arguments: Sequence[str]) -> None:
    """Print the endpoint on one line once it listens, then serve."""
    options = _parser().parse_args(arguments)
    tls = _server_context(options.certificate, options.private_key) if options.certificate else None
    if options.loop == "uvloop":
        import uvloop  # noqa: PLC0415 - optional, and not there on every platform

        uvloop.run(_serve(options, tls))
    else:
        asyncio.run(_serve(options, tls))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bridge.sandbox.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", action="append", help=f"an accepted API key (default {DEFAULT_KEY}); may be repeated")
    parser.add_argument("--rate", type=int, help="requests a minute, more are answered 429")
    parser.add_argument("--identify-rate", type=int, help="the same for identifies and companies")
    parser.add_argument("--shared-rate", action="store_true", help="they draw on --rate together with events")
    parser.add_argument("--retry-after", action="store_true", help="a 429 says when to come back")
    parser.add_argument(
        "--unknown-users",
        choices=("accept", "400", "404"),
        default="accept",
        help="what an event of a user earns whom nobody identified",
    )
    parser.add_argument(
        "--company-id-field",
        choices=COMPANY_ID_FIELDS,
        default=COMPANY_ID_FIELDS[0],
        help="what a company within an identify must have",
    )
    parser.add_argument("--import-polls", type=int, default=1, metavar="N", help="a job ends at the N-th look at it")
    parser.add_argument("--import-seconds", type=float, default=0.0, metavar="S", help="and not before so many seconds")
    parser.add_argument("--no-imports", action="store_true", help="the plan has no imports: 401")
    parser.add_argument("--no-validate", action="store_true", help="GET /v1/validate does not exist")
    parser.add_argument("--certificate", type=Path, help="PEM chain: serve TLS")
    parser.add_argument("--private-key", type=Path, help="PEM key, unless it is in the same file")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--stub", action="store_true", help="answer 202 to everything, check and remember nothing")
    parser.add_argument("--stub-delay", type=float, default=0.0, metavar="SECONDS", help="before each answer of a stub")
    return parser


async def _serve(options: argparse.Namespace, tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if options.stub:
        server = await loop.create_server(
            lambda: StubConnection(options.stub_delay), options.host, options.port, ssl=tls, backlog=2048
        )
        port = server.sockets[0].getsockname()[1]
        _announce(f"{'https' if tls else 'http'}://{options.host}:{port}")
        await stop.wait()
        server.close()
        return
    emulator = Emulator(
        host=options.host,
        port=options.port,
        tls=tls,
        keys=options.key or (DEFAULT_KEY,),
        rate=_limit(options.rate, options),
        identify_rate=_limit(options.identify_rate, options),
        shared_rate=options.shared_rate,
        unknown_users=None if options.unknown_users == "accept" else int(options.unknown_users),
        company_id_field=options.company_id_field,
        imports=ImportBehaviour(
            permitted=not options.no_imports, polls=options.import_polls, seconds=options.import_seconds
        ),
        has_validate=not options.no_validate,
    )
    async with emulator:
        _announce(emulator.endpoint)
        await stop.wait()


def _limit(requests: int | None, options: argparse.Namespace) -> RateLimit | None:
    return RateLimit(requests, retry_after=options.retry_after) if requests else None


def _announce(endpoint: str) -> None:
    sys.stdout.write(f"{endpoint}\n")
    sys.stdout.flush()


def _server_context(certificate: Path, private_key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, private_key)
    return context


if __name__ == "__main__":
    main(sys.argv[1:])
