"""What `track-bridge top` shows of a group, at every size of a terminal and in every step of a dialog."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING

import pytest

from bridge.cli.top import rows as tables_of
from bridge.cli.top import screen
from bridge.cli.top.screen import SeenFleet
from bridge.cli.top.state import DialogStage, TopState, TopTable, answered, press, seen
from bridge.fleet.view import FleetConcern
from bridge.ops.status.status_text.layout import Tone
from bridge.text.tables import columns
from tests.unit.cli.top.conftest import AT, fleet

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView


def zone(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Watching:
    """The state beside what there is to see, as the program keeps them."""

    def __init__(self, view: FleetView, width: int = 100, height: int = 30) -> None:
        self.seen = SeenFleet(view, tables_of.routes(view))
        self.width, self.height = width, height
        self.state = TopState()
        self.look()

    def look(self) -> None:
        found, ordered = screen.listing(self.state, self.seen, self.width, zone)
        self.state = seen(self.state, screen.keys_of(ordered), len(found.head))

    def press(self, *keys: str) -> Watching:
        for key in keys:
            self.state = press(self.state, key)
            self.look()
        return self

    @property
    def lines(self) -> list[str]:
        return [line.text for line in screen.lines(self.state, self.seen, self.width, self.height, zone)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def test_what_needs_someone_comes_first_then_what_ends_by_itself_with_its_time(view: FleetView) -> None:
    lines = Watching(view).lines
    [needs] = [place for place, line in enumerate(lines) if line.startswith("dead_letter_hold for 1 h 0 min: Too many")]
    said = "held_by_operator for 1 min 0 s, until 12:14:00: Paused"
    [ends] = [place for place, line in enumerate(lines) if line.startswith(said)]
    assert needs + 1 == ends, "each is told in one line"
    marked = next(line for line in lines if line.startswith("> "))
    assert marked.startswith("> shop.orders/1  dead_letter_hold")


def test_whatever_is_wrong_is_named_above_the_table_and_what_is_cut_says_so(view: FleetView) -> None:
    names = ("unauthorized", "held_by_operator", "outage", "unowned", "mappings_differ")
    concerns = tuple(
        FleetConcern(name, place == 0, AT - 60, None, AT + 30 if name == "outage" else None, details=("word " * 40,))
        for place, name in enumerate(names)
    )
    for width in (60, 100):
        watching = Watching(replace(view, concerns=concerns), width, 24)
        told = [line for line in watching.lines if line.startswith(names)]
        assert [line.split()[0] for line in told] == list(names[:3])
        assert all(line.endswith("…") for line in told)
        assert told[2].startswith("outage for 1 min 0 s, tried at 12:00:30: word")
        [others] = [line for line in watching.lines if line.startswith("and 2 more: ")]
        assert others.startswith("and 2 more: unowned, mappings_differ")
        assert others.endswith("(4 shows all)")
        assert max(map(columns, watching.lines)) <= width


def test_the_names_of_the_tables_are_no_counts_and_what_keeps_records_is_counted(view: FleetView) -> None:
    assert any("[1:partitions]  2:routes   3:replicas   4:holds (2)" in line for line in Watching(view).lines)


def test_what_is_confirmed_is_read_with_its_reason(view: FleetView) -> None:
    watching = Watching(view).press("h", *"wrong amounts", "enter")
    watching.state = answered(watching.state, ["shop.orders/1 (10.0.0.4:9464)?"], is_ready=True)
    assert "Why: wrong amounts" in watching.lines


@pytest.mark.parametrize(
    "keys", [(), ("2",), ("3",), ("4",), ("enter",), ("?",), ("4", "enter"), ("h", "x"), ("p", "x", "enter")]
)
@pytest.mark.parametrize("height", [1, 5, 12, 24, 60])
@pytest.mark.parametrize("width", [20, 60, 80, 100, 160])
def test_no_screen_is_larger_than_its_terminal(view: FleetView, width: int, height: int, keys: tuple[str, ...]) -> None:
    watching = Watching(view, width, height).press(*keys)
    lines = watching.lines
    assert len(lines) <= height
    assert max(map(columns, lines)) <= width


@pytest.mark.parametrize("width", [60, 100])
def test_a_dialog_is_seen_whole_on_a_small_terminal(view: FleetView, width: int) -> None:
    watching = Watching(view, width, 24).press("h", *"wrong amounts")
    assert "Hold shop.orders/1" in watching.lines
    assert "Why? wrong amounts_" in watching.text
    assert "Tab takes all of shop.orders" in watching.text
    watching.press("enter")
    assert "Asking the replicas" in watching.text
    watching.state = answered(watching.state, ["shop.orders/1 (10.0.0.4:9464)?"], is_ready=True)
    assert "shop.orders/1 (10.0.0.4:9464)?" in watching.text
    assert "y does it, n leaves it" in watching.text
    watching.press("y")
    assert "Doing it" in watching.text


def test_the_selected_row_is_always_on_the_screen(view: FleetView) -> None:
    watching = Watching(view, 60, 14)
    for _ in range(20):
        marked = [line for line in watching.lines if line.startswith("> ")]
        assert [line.split()[1] for line in marked] == [watching.state.selected]
        watching.press("down")
    assert watching.state.selected == "shop.users/11"
    assert "more)" in watching.text


def test_each_column_sorts_numbers_from_the_largest_and_names_from_the_first(view: FleetView) -> None:
    watching = Watching(view).press("s")
    assert [row.key for row in watching.state.rows][:4] == [f"shop.orders/{n}" for n in range(3)] + ["shop.users/0"]
    watching.press("s", "s")
    assert "lag*" in watching.text
    assert [row.key for row in watching.state.rows][:3] == [f"shop.orders/{n}" for n in (1, 2, 0)]
    watching.press("o")
    assert [row.key for row in watching.state.rows][-3:] == [f"shop.orders/{n}" for n in (0, 2, 1)]


def test_one_partition_is_told_with_all_that_is_known(view: FleetView) -> None:
    text = Watching(view).press("down", "enter").text
    for said in (
        "shop.orders/2: held_by_operator", "Paused by alice until then", "until 12:14:00 (in 14 min 0 s)",
        "replica: bridge-2", "committed offset 100, log 0 to 700", "lag: 600", "by alice: index is rebuilt",
    ):  # fmt: skip
        assert said in text, said


def test_a_hold_says_since_when_why_until_when_where_and_what_to_do(view: FleetView) -> None:
    text = Watching(view).press("4", "enter").text
    for said in ("needs someone", "Too many dead letters", "To do: Look at", "where: shop.orders/1", "10.0.0.4:9464"):
        assert said in text, said
    assert "ends by itself" in Watching(view).press("4", "down", "enter").text


def test_a_replica_that_is_silent_is_told_with_the_reason(view: FleetView) -> None:
    watching = Watching(view).press("3")
    lines = screen.lines(watching.state, watching.seen, 100, 30, zone)
    [silent] = [line for line in lines if "10.0.0.5:9464" in line.text]
    assert ("silent" in silent.text, silent.tone) == (True, Tone.NEEDS_SOMEONE)
    assert "Connection refused" in watching.press("home", "enter").text + watching.press("esc", "down", "enter").text


def test_routes_are_added_up_over_replicas_and_have_a_pace_from_the_second_look_on() -> None:
    first = fleet(600)
    before = tables_of.routes(first)
    assert before["order.completed"].counts["delivered"] == 600
    assert before["order.completed"].counts["dead_lettered"] == 8
    assert before["order.completed"].per_second is None
    after = tables_of.routes(fleet(620, AT + 2), (first.at, before))
    assert after["order.completed"].per_second == 10
    assert tables_of.routes(fleet(0, AT + 2), (first.at, before))["order.completed"].per_second is None
    watching = Watching(first)
    watching.seen = SeenFleet(first, after)
    assert "600/min" in watching.press("2").text


def test_without_anything_wrong_it_says_so(view: FleetView) -> None:
    watching = Watching(replace(view, concerns=())).press("4")
    assert "Nothing keeps records from going" in watching.text
    assert "There is nothing to list." in Watching(replace(view, partitions=())).text


def test_a_display_that_stands_still_and_trouble_are_seen(view: FleetView) -> None:
    watching = Watching(view).press(" ")
    assert "STANDS STILL" in watching.lines[0]
    lines = screen.lines(watching.state, watching.seen, 100, 30, zone, "No broker answers. Asked again every 2 s.")
    assert any(line.text.startswith("No broker answers") and line.tone is Tone.NEEDS_SOMEONE for line in lines)


def test_names_from_elsewhere_move_no_cursor(view: FleetView) -> None:
    evil = replace(view.partitions[0], why="\x1b[2Jidle", replica="http://a\x1b]0;x\x07", detail="a\x1b[5mb\u202e")
    watching = Watching(replace(view, partitions=(evil,)))
    assert all(line.isprintable() for line in watching.lines + watching.press("enter").lines)


def test_no_state_of_a_dialog_is_without_a_way_out(view: FleetView) -> None:
    for stage in DialogStage:
        watching = Watching(view).press("h")
        assert watching.state.dialog is not None
        watching.state = replace(watching.state, dialog=replace(watching.state.dialog, stage=stage))
        ended = reduce(press, ("esc",), watching.state)
        assert ended.dialog is None or stage is DialogStage.DOING
    assert TopTable.PARTITIONS is TopState().table
