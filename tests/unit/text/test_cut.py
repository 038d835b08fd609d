from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.text.printable import cut, cut_bytes


@given(st.text(), st.integers(min_value=3, max_value=20))
def test_what_is_cut_fits_and_says_that_it_is_cut(text: str, longest: int) -> None:
    assert len(cut(text, longest)) <= longest
    assert cut(text, longest) == text or cut(text, longest).endswith("…")
    assert len(cut_bytes(text, longest).encode()) <= longest
    assert cut_bytes(text, longest) == text or cut_bytes(text, longest).endswith("…")


def test_no_character_is_cut_in_half_and_none_is_without_an_encoding() -> None:
    assert cut_bytes("äöü", 5) == "ä…"
    assert cut_bytes("a\ud800", 5) == "a?"
