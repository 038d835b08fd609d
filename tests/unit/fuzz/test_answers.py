from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.track.answer import KEPT_BYTES
from bridge.track.connection import MAX_ANSWER
from tests.everyday import examples
from tests.fuzz.answers import KEY, check_pieces, check_verdict, verdict_on

STATUSES = st.sampled_from([100, 101, 103, 200, 202, 204, 301, 304, 400, 401, 404, 408, 422, 429, 500, 503, 999])
BODIES = st.sampled_from(
    [
        b"",
        b'{"errors":[{"error_code":"invalid","message":"no ' + KEY.encode() + b'"}]}',
        b'{"errors":[{"message":"' + b"\\u004e" + KEY[1:].encode() + b'"}]}',
        b"<html>" + b"x" * 2000,
        b'{"errors":' + b"[" * 500,
        b"\x1f\x8b\x08" + b"\0" * 20,
    ]
) | st.binary(max_size=60)
FIELDS = st.sampled_from(
    [
        b"Retry-After: 3",
        b"Retry-After: Fri, 02 Jan 2026 03:04:05 GMT",
        b"Retry-After: -0000",
        b"Location: https://user:" + KEY.encode() + b"@other.example/",
        b"Connection: close",
        b"Upgrade: h2c",
        b"X-Request-Id: " + KEY.encode(),
        b"Content-Length: 5",
        b"Content-Length: 99999999999999999999",
        b"Transfer-Encoding: chunked",
        b"Bad Header : x",
        b"\xff: \xff",
    ]
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """One answer, with the length it has or with one that it has not."""
    body, fields = draw(BODIES), draw(st.lists(FIELDS, max_size=4))
    if draw(st.booleans()):
        fields = [b"Content-Length: %d" % len(body), *fields]
    version = draw(st.sampled_from([b"1.1", b"1.0", b"2.0", b"0.9"]))
    return b"HTTP/%b %d X\r\n" % (version, draw(STATUSES)) + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def pieces(text: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 5000), max_size=6)


@given(st.lists(answers() | st.binary(max_size=12), max_size=3), CUTS)
def test_every_request_gets_one_verdict_that_is_safe_to_show_however_its_answer_is_cut(
    sent: list[bytes], cuts: list[int]
) -> None:
    check_pieces(pieces(b"".join(sent), cuts))


ENDLESS = [b"HTTP/1.1 500 X\r\n\r\n", b"HTTP/1.1 500 X\r\nA: ", b"", b"HTTP/1.1 103 E\r\n\r\n"]


@settings(max_examples=examples(20))
@given(
    st.integers(1, 40),
    st.sampled_from([b"HTTP/1.1 500 X\r\n\r\n", b"HTTP/1.1 500 X\r\nA: ", b"", b"HTTP/1.1 103 E\r\n\r\n"]),
)
def test_an_answer_without_end_is_ended_and_little_of_it_is_kept(size: int, start: bytes) -> None:
    piece = b"HTTP/1.1 103 E\r\n\r\n" if b"103" in start else b"x" * size * 1000
    count = (MAX_ANSWER + KEPT_BYTES) // len(piece) + 2
    check_verdict(verdict_on([start, *[piece] * count]))
