"""One keep-alive connection: writes a request, delimits its answer, notices everything that can go wrong between.

HTTP/1.1 tells answers apart by their order alone. On a connection where more came than was asked for, the next answer
may be another request's; one that a server closes without a word costs the request that was just written to it. So
`Reuse` learns whether a connection may carry a second request.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from time import monotonic
from typing import Any, Final, Generic, Protocol, cast

import httptools

from bridge.pipeline.ports import AttemptT
from bridge.track import tls
from bridge.track.answer import KEPT_BYTES, Answer, read_answer

MAX_ANSWER = 1_000_000
"""Bytes of one answer that are read; a longer one costs its connection."""
SPELL: Final = 300.0
"""Seconds in which each connection carries one request, after the destination gave a reason. What a destination that
keeps giving one costs is a few requests per spell; what a restarted load balancer costs is a spell's handshakes."""
_A_DEATH: Final = 4
_TOO_MANY: Final = 12


class ConnectionOwner(Protocol[AttemptT]):
    """What a connection reports. At most one of `accepted`, `answered` and `unanswered` per request."""

    def connected(self, connection: Connection[AttemptT], /) -> None:
        """The transport is ready for a request."""

    def accepted(self, connection: Connection[AttemptT], status: int, /) -> None:
        """A 2xx came whole and the connection can be used again."""

    def answered(self, connection: Connection[AttemptT], answer: Answer, closed_for: str | None, /) -> None:
        """An answer came whole, or its head came whole and the connection ended; `closed_for` says why it ended."""

    def unanswered(self, connection: Connection[AttemptT], closed_for: str, sentence: str, /, *, stale: bool) -> None:
        """The connection ended with no answer to the request it carried.

        `stale`: it had carried others before, and not a byte came for this one.
        """

    def closed_idle(self, connection: Connection[AttemptT], closed_for: str, /) -> None:
        """The connection ended while it carried no request, which is no failure."""

    def lost(self, connection: Connection[AttemptT], /) -> None:
        """The transport is gone; the last call of all."""


class Connection(asyncio.Protocol, Generic[AttemptT]):
    """Carries one request at a time.

    The parser only delimits: it has no header or body callbacks, which makes an ordinary answer cost 0.4 µs. The bytes
    of an answer are kept, up to `KEPT_BYTES`, and read again in full only when it is not a plain 2xx.

    `pause_writing` is ignored on purpose: one request of some KB is outstanding at a time, so the transport's buffer
    is bounded by the largest body, which the mapping bounds.
    """

    __slots__ = (
        "_kept", "_look", "_open", "_owner", "_parser", "_received", "_reusable", "_status", "_surplus", "_transport",
        "address", "attempt", "key", "retired_for", "served", "since", "until",
    )  # fmt: skip

    def __init__(self, owner: ConnectionOwner[AttemptT], address: Any = None) -> None:
        """`address`: where it leads, as the socket has it."""
        self._owner = owner
        self.address = address
        self.until = float("inf")
        """Monotonic: no further request is written from then on."""
        self.retired_for = "max_age"
        """Why, as `counts.SinkStats.connections_closed` names it."""
        self.served = False
        """It has carried a request to its answer, so the next one is written to what may have ended meanwhile."""
        self._look: Callable[[int], list[tuple[int, int]]] | None = None
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._open = False
        self.attempt: AttemptT | None = None
        self.key = 0
        """Generation of the key the request carried."""
        self.since = 0.0
        """Monotonic: when the request was handed over or, while idle, when the last one ended."""
        self._status = 0
        """Of the final answer that is complete; 0 until then."""
        self._reusable = False
        self._surplus = False
        """Another message began after the final answer, which nobody asked for."""
        self._kept: list[bytes] = []
        self._received = 0

    def request(self, attempt: AttemptT, head: bytes, key: int, since: float) -> None:
        """Write one request. The connection must be open and idle."""
        self.attempt = attempt
        self.key = key
        self.since = since
        body = attempt.request.body
        # One write: with two, Nagle's algorithm and delayed acknowledgements can cost 40 ms.
        self._transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))

    def server_certificate_ends(self) -> float | None:
        """Unix time at which the certificate of whoever answers here ends; None without TLS."""
        return tls.server_certificate_ends(self._transport)

    def is_quiet(self) -> bool:
        """Whether nothing waits to be read, not even the end of the connection.

        What does was not asked for by the next request, and would be taken for its answer.
        """
        return self._look is None or not self._look(0)

    def release(self) -> AttemptT:
        """Take the request off this connection: whatever comes later is nobody's."""
        attempt = self.attempt
        if attempt is None:
            raise RuntimeError("the connection carries no request")
        self.attempt = None
        return attempt

    def end(self) -> None:
        """Close at once; `lost` follows from the loop. Closing politely would wait for a peer that may be gone."""
        if self._open:
            self._open = False
            self._transport.abort()

    def overdue(self) -> None:
        """The request's time is over: an answer whose head came still counts, for its status is known."""
        self._finish("timeout", "no answer in time")

    # --- asyncio.Protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is ready."""
        self._transport = cast("asyncio.Transport", transport)
        self._open = True
        self.since = monotonic()
        own = transport.get_extra_info("socket")
        if own is not None:
            poll = select.poll()
            poll.register(own.fileno(), select.POLLIN)
            self._look = poll.poll
        self._owner.connected(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self.attempt is None:
            self._close_idle("unexpected_data")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep(data)
            self._finish("unreadable", "the answer is not HTTP")
            return
        status = self._status
        if 200 <= status < 300 and self._reusable and not self._surplus:
            self._status = 0
            if self._received:
                self._forget()
            self._owner.accepted(self, status)
        else:
            self._proceed(data)

    def eof_received(self) -> bool:
        """The peer sends nothing more."""
        self._end_of_input("closed_by_server", "the connection was closed before the answer was complete")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        if self._open:
            why = "the connection broke" if exc is None else f"the connection broke: {exc}"
            self._end_of_input("broken", why)
        self._open = False
        self._owner.lost(self)

    # --- httptools ----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of an answer."""
        if self._status:
            self._surplus = True

    def on_message_complete(self) -> None:
        """The last byte of an answer."""
        status = self._parser.get_status_code()
        if not self._status and not 100 <= status < 200:
            self._status = status
            self._reusable = self._parser.should_keep_alive()

    # --- the ways an answer ends ----------------------------------------------------------------------

    def _proceed(self, data: bytes) -> None:
        """Anything but a plain 2xx in one piece: part of an answer, or a whole one to look at."""
        self._keep(data)
        if self._status:
            self._complete()
        elif self._received > MAX_ANSWER:
            self._finish("too_large", f"the answer is longer than {MAX_ANSWER} bytes")
        elif self._received > KEPT_BYTES >= self._received - len(data) and read_answer(b"".join(self._kept)) is None:
            self._finish("unreadable", f"the answer's head is longer than {KEPT_BYTES} bytes")

    def _complete(self) -> None:
        """A whole final answer is there, and maybe bytes after it that nobody asked for."""
        closed_for = "unexpected_data" if self._surplus else None if self._reusable else "server_asked"
        answer = read_answer(b"".join(self._kept)) or Answer(self._status, (), b"")
        self._reset_or_end(closed_for)
        self._owner.answered(self, answer, closed_for)

    def _end_of_input(self, closed_for: str, sentence: str) -> None:
        if self.attempt is None:
            self._close_idle(closed_for)
        else:
            self._finish(closed_for, sentence)

    def _finish(self, closed_for: str, sentence: str) -> None:
        """The answer will not get more complete: the status decides, if it came."""
        answer = read_answer(b"".join(self._kept))
        stale = self.served and not self._received and closed_for != "timeout"
        self._reset_or_end(closed_for)
        if answer is None:
            self._owner.unanswered(self, closed_for, sentence, stale=stale)
        else:
            self._owner.answered(self, answer, closed_for)

    def _close_idle(self, closed_for: str) -> None:
        if self._open:
            self.end()
            self._owner.closed_idle(self, closed_for)

    def _reset_or_end(self, closed_for: str | None) -> None:
        self._forget()
        self._status = 0
        if closed_for is not None:
            self.end()

    def _keep(self, data: bytes) -> None:
        room = KEPT_BYTES - self._received
        if room > 0:
            self._kept.append(data[:room])
        self._received += len(data)

    def _forget(self) -> None:
        self._kept.clear()
        self._received = 0


class Reuse:
    """Whether a connection may carry a second request: learned from what became of those that did.

    Three connections that died under a request without a byte of an answer are too many where hardly any carried one
    well between.
    """

    __slots__ = ("_again_at", "suspicion")

    def __init__(self) -> None:
        self._again_at = float("-inf")
        self.suspicion = 0
        """Above 0: whoever sees a connection carry another request well calls `worked`."""

    def allowed(self, now: float) -> bool:
        """Whether a connection opened now may carry more than one request."""
        return now >= self._again_at

    def worked(self) -> None:
        """A connection that had carried a request carried another one."""
        self.suspicion = max(0, self.suspicion - 1)

    def died(self, now: float) -> bool:
        """A connection that had carried a request ended under the next one; True when that is once too often."""
        self.suspicion += _A_DEATH
        if self.suspicion < _TOO_MANY:
            return False
        return self.stop(now)

    def stop(self, now: float) -> bool:
        """Something came that nobody asked for: once is too often. True, for the sake of `died`."""
        self.suspicion = 0
        self._again_at = now + SPELL
        return True
