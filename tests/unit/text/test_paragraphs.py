"""Lines broken between words."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.text.paragraphs import wrapped
from bridge.text.tables import columns


def test_a_line_that_fits_stays_as_it_is() -> None:
    assert wrapped("  ok       a  b", 15) == ["  ok       a  b"]
    assert wrapped("", 30) == [""]


def test_what_follows_stands_under_the_text_behind_its_label() -> None:
    assert wrapped("  warning  no partition of shop.orders has a leader", 32) == [
        "  warning  no partition of",
        "           shop.orders has a",
        "           leader",
    ]
    assert wrapped("           To do: ask who runs the brokers", 32) == [
        "           To do: ask who runs",
        "           the brokers",
    ]


def test_without_a_label_it_is_seen_to_belong_to_the_line_above() -> None:
    assert wrapped("  mapping.user_id: is empty, name a path", 30) == [
        "  mapping.user_id: is empty,",
        "    name a path",
    ]
    assert wrapped("There is no terminal to ask on: add --yes.", 30) == [
        "There is no terminal to ask",
        "on: add --yes.",
    ]


def test_a_row_of_a_table_keeps_its_last_column_where_it_has_room_and_flows_where_it_has_not() -> None:
    assert wrapped("  total of it  0  0 %  no value at data.sum", 36) == [
        "  total of it  0  0 %  no value at",
        "                       data.sum",
    ]
    assert wrapped("  nothing was found at data.user_id in the record               12", 40) == [
        "  nothing was found at data.user_id in",
        "    the record  12",
    ]


def test_what_is_to_be_copied_and_words_that_are_too_long_are_not_broken() -> None:
    assert wrapped("Run `track-bridge hold shop.orders --yes` for it", 32) == [
        "Run",
        "`track-bridge hold shop.orders --yes`",
        "for it",
    ]
    assert wrapped("see /a/long/path/without/any/blank/in/it.yaml there", 30) == [
        "see",
        "/a/long/path/without/any/blank/in/it.yaml",
        "there",
    ]


@given(st.text(st.characters(categories=("L", "P", "Zs")), max_size=200), st.integers(30, 120))
def test_no_word_is_lost_and_only_a_word_is_wider_than_the_room(line: str, room: int) -> None:
    broken = wrapped(line, room)
    assert "".join(broken).replace(" ", "") == line.replace(" ", "")
    for each in broken:
        assert columns(each) <= room or " " not in each.strip(" ") or "`" in each
