from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.formats import offset_map
from bridge.formats.offset_map import Demand, Head
from tests.fuzz.commits import check_text, sealed

RUNS = st.lists(st.integers(1, 2**40), max_size=20).map(lambda runs: runs[: len(runs) // 2 * 2])


@st.composite
def written(draw: st.DrawFn) -> str:
    return offset_map.encode(
        draw(st.integers(0, 2**63 - 1)),
        draw(RUNS),
        leader_epoch=draw(st.none() | st.integers(0, 2**31 - 1)),
        topic_id=draw(st.text("Aa0_-", max_size=22)),
        demand=Demand(draw(st.integers(0, 10**11)), draw(st.integers(0, 10**11)), draw(st.booleans())),
        head=Head(draw(st.integers(0, 10**15)), draw(st.integers(0, 10**8))),
        max_length=3000,
    )


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(written())
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 5)))
    return text[:start] + draw(st.text(max_size=5)) + text[end:]


@given(written() | damaged() | st.text(max_size=40), st.sampled_from(["", "~1", "~1\0", "\0", "~" + "9" * 30]))
def test_metadata_of_anybody_is_a_usable_map_or_none(text: str, end: str) -> None:
    check_text(text + end)


FIELDS = st.integers(0, 10**20).map(str) | st.text("0123456789-._Aa=~", max_size=6)


@given(st.lists(FIELDS, min_size=6, max_size=9), st.text("Aa0_-=", max_size=40) | st.just("_" * 400))
def test_a_right_checksum_over_wrong_fields_is_still_a_usable_map_or_none(fields: list[str], runs: str) -> None:
    check_text(sealed(".".join([*fields, runs])))


@given(written())
def test_a_checksum_finds_a_single_changed_character(text: str) -> None:
    for place in range(0, len(text), 7):
        changed = text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]
        assert offset_map.decode(changed) is None
