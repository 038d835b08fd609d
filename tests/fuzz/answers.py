"""HTTP answers: whatever comes over the wire, however it is cut, each request gets one verdict that is safe to show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from bridge.model import TRACK, DeadLetter, Delivered, LetterReason, Record, Request, Retry, Route, Verdict
from bridge.track.answer import DETAIL_LIMIT, KEPT_BYTES, Answer
from bridge.track.classify import judge
from bridge.track.connection import Connection
from bridge.track.credentials import FixedKey
from tests.fuzz.choices import Choices
from tests.fuzz.letters import check_letter

KEY: Final = "NX-marked-7f3a9c"


class Attempt:
    """What a connection carries."""

    request = Request(TRACK, "u-1", "e", b'{"user_id":"u-1","event_name":"e"}', Route("e", "", "e"))


class Transport(asyncio.Transport):
    """A transport's two ends that matter here."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.aborted = True


class Owner:
    """Takes the request off its connection as the sink does, and remembers what became of it."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self._credentials = FixedKey(KEY)

    def connected(self, connection: Connection[Attempt]) -> None:
        """Nothing to do."""

    def accepted(self, connection: Connection[Attempt], status: int) -> None:
        """A plain 2xx."""
        connection.release()
        self.verdicts.append(Delivered(status))

    def answered(self, connection: Connection[Attempt], answer: Answer, closed_for: str | None) -> None:  # noqa: ARG002
        """Any other answer."""
        connection.release()
        self.verdicts.append(judge(TRACK, answer, self._credentials, 1))

    def unanswered(self, connection: Connection[Attempt], closed_for: str, sentence: str, *, stale: bool) -> None:  # noqa: ARG002
        """No status came."""
        connection.release()
        self.verdicts.append(Retry("connection", sentence, ambiguous=True))

    def closed_idle(self, connection: Connection[Attempt], closed_for: str) -> None:
        """No request was on it."""

    def lost(self, connection: Connection[Attempt]) -> None:
        """The last call."""


def verdict_on(chunks: Sequence[bytes]) -> Verdict:
    """What these bytes, in these pieces, and then the end of the connection mean for the one request."""
    owner, transport = Owner(), Transport()
    connection = Connection(owner)
    connection.connection_made(transport)
    connection.request(Attempt(), b"POST / HTTP/1.1\r\nContent-Length: ", 1, 0.0)
    for chunk in chunks:
        if transport.aborted:
            break
        connection.data_received(chunk)
        assert sum(len(kept) for kept in connection._kept) <= KEPT_BYTES
    if not transport.aborted:
        connection.eof_received()
    connection.connection_lost(None)
    assert connection.attempt is None
    (verdict,) = owner.verdicts
    check_verdict(verdict)
    return verdict


def check_verdict(verdict: Verdict) -> None:
    """One printable, bounded line without the key, that fits a dead letter's headers as well."""
    if isinstance(verdict, Delivered):
        assert 200 <= verdict.status < 300
        return
    assert verdict.detail.isprintable()
    assert len(verdict.detail.encode()) <= DETAIL_LIMIT
    assert KEY not in repr(verdict)
    if isinstance(verdict, Retry):
        assert verdict.after is None or verdict.after >= 0
        code = None
    else:
        code = verdict.error_code
    record = Record("orders", 0, 0, 0, None, None, ())
    check_letter(
        DeadLetter(record, LetterReason.REJECTED, verdict.detail, status=verdict.status or None, error_code=code)
    )


def check_pieces(chunks: Sequence[bytes]) -> None:
    """How the network cuts an answer changes nothing about the status that counts."""
    cut, whole = verdict_on(chunks), verdict_on([b"".join(chunks)])
    assert (type(cut), cut.status) == (type(whole), whole.status)


def fuzz(data: bytes) -> None:
    """Where to cut, then the answer."""
    choices = Choices(data)
    cuts = [choices.number(64) + 1 for _ in range(choices.number(8))]
    text = choices.rest().replace(b"<KEY>", KEY.encode())
    chunks = []
    for cut in cuts:
        chunks.append(text[:cut])
        text = text[cut:]
    check_pieces([chunk for chunk in [*chunks, text] if chunk])
