"""The API of the measurements: 202 for everything at the least cost, and a log of what came, from which all is checked.

A process of its own, told what to do on standard input: ``expect TOTAL MARK`` begins a run, ``report`` ends it.
Standard output: one JSON object per line, the URL, then ``first``, ``mark`` and ``done`` as that many requests came,
and the reports. While a run lasts nothing is decoded: bodies are kept, and looked at when a report is asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import ssl
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import orjson
import uvloop

ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nx-request-id: stub\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
TICK = 0.001
"""Seconds between two looks at which delayed answers are due."""


class Log:
    """What came since the last ``expect``."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.bodies: list[bytes] = []
        self.times: list[float] = []
        self.total = self.mark = 0
        self.connections = 0

    def expect(self, total: int, mark: int) -> None:
        """A run begins."""
        self.bodies.clear()
        self.times.clear()
        self.total, self.mark = total, mark
        self.connections = 0
        tell({"did": "expect"})

    def came(self, body: bytes) -> None:
        """One request."""
        self.bodies.append(body)
        self.times.append(time.time())
        count = len(self.bodies)
        if count == self.total:
            tell({"did": "done", "at": self.times[-1]})
        elif count == self.mark:
            tell({"did": "mark", "at": self.times[-1]})
        elif count == 1:
            tell({"did": "first", "at": self.times[-1]})

    def report(self, *, times: bool) -> None:
        """Everything that can be said of the run, in one line."""
        found = judged(self.bodies, self.times, self.delay)
        if not times:
            del found["times"]
        tell({"did": "report", "connections": self.connections, **found})


def judged(bodies: Sequence[bytes], times: Sequence[float], delay: float) -> dict[str, Any]:
    """Requests in the order they came, with their times and the seconds each waited for its answer: were they right?

    ``together`` are those that came while an earlier one of their user cannot have been answered yet.
    """
    seen: dict[int, float] = {}
    last: dict[str, tuple[int, float]] = {}
    duplicates = disorder = together = others = 0
    others_done = 0.0
    for body, at in zip(bodies, times, strict=True):
        request = orjson.loads(body)
        user, number = request["user_id"], int(request["metadata"]["event_id"])
        before = last.get(user)
        if number in seen:
            duplicates += 1
        elif before is not None and number < before[0]:
            disorder += 1
        elif before is not None and delay and at - before[1] < 0.9 * delay:
            together += 1
        seen[number] = at
        last[user] = (number, at)
        if user != "user-0":
            others += 1
            others_done = at
    return {
        "requests": len(bodies),
        "distinct": len(seen),
        "duplicates": duplicates,
        "disorder": disorder,
        "together": together,
        "others": others,
        "others_done": others_done,
        "times": {str(number): at for number, at in seen.items()},
    }


class Connection(asyncio.Protocol):
    """Delimits requests by their Content-Length."""

    __slots__ = ("buffer", "log", "postman", "transport")

    def __init__(self, log: Log, postman: Postman | None) -> None:
        self.log = log
        self.postman = postman
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.log.connections += 1

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
            self.buffer = b""
        while data:
            start = data.find(b"\r\n\r\n")
            length = _LENGTH.search(data, 0, start) if start >= 0 else None
            if length is None:
                self.buffer = data
                return
            end = start + 4 + int(length[1])
            if len(data) < end:
                self.buffer = data
                return
            self.log.came(data[start + 4 : end])
            if self.postman is None:
                self.transport.write(ACCEPTED)
            else:
                self.postman.later(self.transport)
            data = data[end:]


class Postman:
    """Answers after the delay; all delays are equal, so one queue and one timer do."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        self._loop = loop
        self._delay = delay
        self._due: deque[tuple[float, asyncio.Transport]] = deque()
        self._runs = False

    def later(self, transport: asyncio.Transport) -> None:
        """Answer on this connection when it is time."""
        self._due.append((self._loop.time() + self._delay, transport))
        if not self._runs:
            self._runs = True
            self._loop.call_later(self._delay, self._deliver)

    def _deliver(self) -> None:
        now, due = self._loop.time(), self._due
        while due and due[0][0] <= now:
            transport = due.popleft()[1]
            if not transport.is_closing():  # a program that was stopped leaves requests behind
                transport.write(ACCEPTED)
        self._runs = bool(due)
        if due:
            self._loop.call_later(max(TICK, due[0][0] - now), self._deliver)


def tell(what: dict[str, Any]) -> None:
    """One line to whoever started this."""
    sys.stdout.buffer.write(orjson.dumps(what) + b"\n")
    sys.stdout.buffer.flush()


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    log = Log(options.delay)
    postman = Postman(loop, options.delay) if options.delay else None
    tls = None
    if options.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
    server = await loop.create_server(lambda: Connection(log, postman), "127.0.0.1", 0, ssl=tls, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    tell({"url": f"{'https' if tls else 'http'}://127.0.0.1:{port}"})
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async for line in orders:
        word, *rest = line.decode().split()
        if word == "expect":
            log.expect(int(rest[0]), int(rest[1]))
        else:
            log.report(times="times" in rest)


def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser(prog="python -m bench.stub", description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--certificate", type=Path, help="PEM with chain and key: serve TLS 1.3")
    uvloop.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
