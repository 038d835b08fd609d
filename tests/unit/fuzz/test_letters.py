from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.formats.letter_headers import CONNECT, OWN
from bridge.model import DeadLetter, LetterReason, Record, Route
from tests.fuzz.letters import check_letter

NAMES = st.sampled_from([f"{OWN}replays", f"{OWN}message", f"{OWN}x", f"{CONNECT}topic", "x", ""]) | st.text(max_size=6)
VALUES = st.none() | st.sampled_from([b"3", b"9" * 30, "\u0663".encode(), b"-1"]) | st.binary(max_size=10)
TEXTS = st.text(max_size=30) | st.text(min_size=1, max_size=3).map(lambda text: text * 900)
TIMES = st.none() | st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=6),
    st.sampled_from(LetterReason),
    TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | st.integers(0, 999),
    st.tuples(TIMES, TIMES, TIMES),
)
def test_the_headers_of_a_letter_keep_their_schema_whatever_they_are_made_of(
    headers: list[tuple[str, bytes | None]],
    reason: LetterReason,
    message: str,
    route: str | None,
    code: str | None,
    status: int | None,
    times: tuple[int | None, int | None, int | None],
) -> None:
    check_letter(
        DeadLetter(
            Record("shop.orders", 3, 17, times[0], b"key", b"value", headers),
            reason,
            message,
            route=None if route is None else Route(route, "0123456789ab", "Event"),
            status=status,
            error_code=code,
            first_attempt_ms=times[1],
            last_attempt_ms=times[2],
        )
    )
