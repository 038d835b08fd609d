from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.text.tables import columns, table, without_middle


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    assert table([["a", "1"], ["日本", "20"]], right=(1,)) == ["a      1", "日本  20"]
    assert table([]) == []


@given(st.text(), st.integers(min_value=4, max_value=30))
def test_a_text_without_its_middle_fits_and_keeps_both_ends(text: str, width: int) -> None:
    cut = without_middle(text, width)
    assert columns(cut) <= max(width, 4)
    if cut != text:
        assert text.startswith(cut.partition("…")[0])
        assert text.endswith(cut.rpartition("…")[2])
