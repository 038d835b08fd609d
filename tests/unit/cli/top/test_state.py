"""What keys do to `track-bridge top`: `(state, key) -> state`."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest

from bridge.cli.top.state import (
    TABLES,
    DialogStage,
    DialogWish,
    RowKey,
    Target,
    TopState,
    TopTable,
    Verb,
    answered,
    press,
    seen,
)

RELEASE = ("r", *"fixed", "enter")
"""The keys until it is looked at."""
ROWS = [RowKey(f"orders/{number}", Target("orders", (number,))) for number in range(30)]


def after(*keys: str, state: TopState | None = None) -> TopState:
    return reduce(press, keys, seen(TopState(), ROWS, 4) if state is None else state)


def typed(text: str) -> list[str]:
    return list(text)


def test_the_first_row_is_selected_and_keys_move_within_the_rows() -> None:
    assert after().selected == "orders/0"
    assert after("down", "j").selected == "orders/2"
    assert after("down", "up", "up", "k").selected == "orders/0"
    assert after("pgdn", "pgdn").selected == "orders/20"
    assert after("end").selected == "orders/29"
    assert after("end", "pgup", "home").selected == "orders/0"


def test_a_row_that_is_gone_gives_way_to_the_one_in_its_place_and_one_that_moves_stays_selected() -> None:
    state = after("down", "down", "enter")
    assert state.is_open
    moved = seen(state, ROWS[::-1], 4)
    assert (moved.selected, moved.is_open) == ("orders/2", True)
    gone = seen(state, [row for row in ROWS if row.key != "orders/2"], 4)
    assert (gone.selected, gone.is_open) == ("orders/3", False)
    assert seen(state, [], 4).selected is None


def test_every_table_is_reached_by_its_number_and_one_after_the_other() -> None:
    for number, table in enumerate(TABLES, 1):
        assert after(str(number)).table is table
    state = after()
    for table in (*TABLES[1:], TABLES[0]):
        state = press(state, "tab")
        assert state.table is table
    assert after("down", "2").selected is None, "another table has other rows"
    assert after("9").table is TopTable.PARTITIONS


def test_a_row_opens_scrolls_and_closes() -> None:
    opened = after("enter", "down", "down")
    assert (opened.is_open, opened.scrolled, opened.selected) == (True, 2, "orders/0")
    assert not after("enter", "esc").is_open
    assert not after("enter", "backspace").is_open


def test_each_column_sorts_in_turn_then_what_matters_first_again() -> None:
    columns = [after(*["s"] * times).sorted_by.get(TopTable.PARTITIONS) for times in range(6)]
    assert columns == [None, 0, 1, 2, 3, None]
    assert after("o").is_reversed
    assert not after("o", "2").is_reversed


def test_the_display_stands_still_and_goes_on_help_comes_and_goes_and_q_ends_it() -> None:
    assert after(" ").is_frozen
    assert not after(" ", " ").is_frozen
    assert after("?").shows_help
    assert not after("?", "x").shows_help
    assert after("q").quits
    assert after("?", "q").quits
    for begun in ((), ("h",), ("?",), ("r",)):
        assert after(*begun, "ctrl-c").quits


def test_a_hold_needs_a_reason_then_a_look_then_a_yes() -> None:
    empty = after("h", "enter")
    assert empty.dialog is not None
    assert (empty.dialog.stage, "Say why" in empty.dialog.problem) == (DialogStage.REASON, True)
    asked = after("h", *typed("wrong quantity, jq?"), "enter")
    assert asked.dialog is not None
    assert (asked.dialog.reason, asked.dialog.stage, asked.wish) == (
        "wrong quantity, jq?",
        DialogStage.LOOKING,
        DialogWish.PREVIEW,
    )
    assert asked.dialog.target == Target("orders", (0,))
    assert not asked.quits, "a q in a reason is a letter"
    ready = answered(asked, ["orders/0 (a)?"], is_ready=True)
    assert ready.dialog is not None
    assert (ready.dialog.stage, ready.dialog.lines) == (DialogStage.CONFIRM, ("orders/0 (a)?",))
    doing = press(ready, "y")
    assert doing.dialog is not None
    assert (doing.dialog.stage, doing.wish) == (DialogStage.DOING, DialogWish.CARRY_OUT)
    told = answered(doing, ["Done."], is_ready=False)
    assert told.dialog is not None
    assert told.dialog.stage is DialogStage.TOLD
    assert press(told, "x").dialog is None


@pytest.mark.parametrize("key", ["n", "esc"])
def test_a_no_changes_nothing_and_says_so(key: str) -> None:
    ready = answered(after(*RELEASE), ["orders/0?"], is_ready=True)
    left = press(ready, key)
    assert (left.dialog, left.wish, left.message) == (None, ready.wish, "Nothing was changed.")


def test_nothing_but_a_yes_carries_anything_out() -> None:
    ready = answered(after(*RELEASE), ["orders/0?"], is_ready=True)
    ready = press(ready, "x")
    for key in ("enter", " ", "h", "r", "q", "down", "1", "?", "Y", "x"):
        assert press(ready, key).wish is not DialogWish.CARRY_OUT, key


def test_what_is_typed_ahead_while_the_replicas_are_asked_confirms_nothing() -> None:
    state = after(*RELEASE, "y", "y", "enter")
    assert state.dialog is not None
    assert state.dialog.stage is DialogStage.LOOKING
    assert answered(state, ["orders/0?"], is_ready=True).dialog is not None


def test_what_is_under_way_cannot_be_left_and_what_is_only_looked_at_can() -> None:
    doing = press(answered(after(*RELEASE), ["orders/0?"], is_ready=True), "y")
    assert press(doing, "esc") == doing
    left = press(after(*RELEASE), "esc")
    assert (left.dialog, left.wish) == (None, None)
    assert answered(left, ["orders/0?"], is_ready=True) == left, "the answer to what was left comes too late"


def test_where_nothing_would_be_done_there_is_nothing_to_confirm() -> None:
    told = answered(after(*RELEASE), ["Nothing of it would be done."], is_ready=False)
    assert told.dialog is not None
    assert told.dialog.stage is DialogStage.TOLD
    assert press(told, "y").wish is not DialogWish.CARRY_OUT


@pytest.mark.parametrize(
    ("text", "problem"), [("soon", "must be a duration"), ("0s", "above zero"), ("5ms", "a second")]
)
def test_a_pause_asks_how_long_and_takes_no_nonsense(text: str, problem: str) -> None:
    state = after("p", *typed("rebuilt"), "enter")
    assert state.dialog is not None
    assert (state.dialog.stage, state.dialog.duration) == (DialogStage.DURATION, "15m")
    usual = press(state, "enter")
    assert usual.dialog is not None
    assert (usual.dialog.seconds, usual.wish) == (900, DialogWish.PREVIEW)
    wrong = after(*["backspace"] * 3, *typed(text), "enter", state=state)
    assert wrong.dialog is not None
    assert (wrong.dialog.stage, problem in wrong.dialog.problem) == (DialogStage.DURATION, True), wrong.dialog.problem
    assert press(wrong, "x").dialog.problem == ""  # type: ignore[union-attr]


def test_what_is_proposed_gives_way_to_what_is_typed_and_what_was_typed_is_edited() -> None:
    state = after("p", *typed("rebuilt"), "enter", *typed("2h"))
    assert (state.dialog.duration, state.dialog.reason) == ("2h", "rebuilt")  # type: ignore[union-attr]
    edited = after("backspace", "m", state=state)
    assert edited.dialog.duration == "2m"  # type: ignore[union-attr]
    kept = after("p", *typed("rebuilt"), "enter", "backspace", "s")
    assert kept.dialog.duration == "15s"  # type: ignore[union-attr]


def test_a_display_that_stood_still_goes_on_once_something_was_done() -> None:
    ready = answered(after(" ", *RELEASE), ["orders/0?"], is_ready=True)
    assert ready.is_frozen
    assert press(ready, "n").is_frozen
    assert not answered(press(ready, "y"), ["Done."], is_ready=False).is_frozen


def test_the_whole_topic_is_taken_by_a_key_and_looked_at_anew() -> None:
    wide = after("h", "tab", *typed("why"), "enter")
    assert wide.dialog is not None
    assert wide.dialog.partitions is None
    ready = answered(wide, ["all?"], is_ready=True)
    narrow = press(ready, "tab")
    assert narrow.dialog is not None
    assert (narrow.dialog.partitions, narrow.dialog.stage, narrow.wish) == (
        (0,),
        DialogStage.LOOKING,
        DialogWish.PREVIEW,
    )


def test_a_reason_is_edited_and_is_never_longer_than_what_is_kept() -> None:
    state = after("h", *typed("wrn"), "backspace", *typed("ong"), "up", "f1")
    assert state.dialog is not None
    assert state.dialog.reason == "wrong"
    state = after("h", *typed("é" * 150))
    assert state.dialog is not None
    assert len(state.dialog.reason.encode()) == 200


@pytest.mark.parametrize("key", ["h", "p", "r", "f"])
def test_where_there_is_nothing_to_act_on_it_says_so(key: str) -> None:
    state = press(seen(TopState(), [RowKey("a route")], 4), key)
    assert state.dialog is None
    assert state.message.startswith("Select a partition")
    assert press(state, "down").message == ""
    assert press(TopState(), key).dialog is None


def test_every_verb_has_a_key() -> None:
    states = [*(after(key) for key in "hprfu"), press(replace(after(), is_sending=True), "u")]
    begun = {each.dialog.verb for each in states}  # type: ignore[union-attr]
    assert begun == set(Verb)


def test_an_offset_asks_why_where_to_and_how_much_may_be_passed_then_looks() -> None:
    where = after("f", *typed("retention"), "enter")
    assert where.dialog is not None
    assert (where.dialog.stage, where.dialog.to, where.wish) == (DialogStage.WHERE, "earliest", None)
    nonsense = after(*["backspace"] * 8, *typed("soon"), "enter", state=where)
    assert nonsense.dialog is not None
    assert nonsense.dialog.stage is DialogStage.WHERE
    assert "must be an offset, earliest, latest, end, or a time" in nonsense.dialog.problem
    loss = press(where, "enter")
    assert loss.dialog is not None
    assert (loss.dialog.stage, loss.dialog.loss, loss.wish) == (DialogStage.LOSS, "0", None)
    wrong = after("x", "enter", state=loss)
    assert wrong.dialog is not None
    assert "a number of records" in wrong.dialog.problem
    asked = after("backspace", *typed("400"), "enter", state=loss)
    assert asked.dialog is not None
    assert (asked.dialog.loss, asked.dialog.where, asked.wish) == ("400", "orders/0", DialogWish.PREVIEW)
    wide = press(answered(asked, ["?"], is_ready=True), "tab")
    assert wide.dialog is not None
    assert (wide.dialog.where, wide.wish) == ("orders", DialogWish.PREVIEW)


def test_an_offset_is_of_one_partition_that_was_selected() -> None:
    state = press(seen(TopState(), [RowKey("a hold", Target("orders", (0, 1)))], 4), "f")
    assert state.dialog is None
    assert "one partition at a time" in state.message


def test_a_release_needs_a_reason_as_a_hold_does() -> None:
    empty = after("r", "enter").dialog
    assert empty is not None
    assert (empty.stage, "Say why" in empty.problem) == (DialogStage.REASON, True)
    asked = after(*RELEASE)
    assert asked.dialog is not None
    assert (asked.dialog.reason, asked.dialog.stage, asked.wish) == ("fixed", DialogStage.LOOKING, DialogWish.PREVIEW)


def test_a_file_is_named_then_why_then_looked_at_wherever_one_is() -> None:
    state = press(seen(TopState(), [], 4), "u")
    assert state.dialog is not None
    assert (state.dialog.verb, state.dialog.stage) == (Verb.SEND, DialogStage.PATH)
    nameless = press(state, "enter").dialog
    assert nameless is not None
    assert nameless.problem == "Type where the file is."
    named = after(*typed("a q.ndjson"), "tab", "enter", "enter", state=state).dialog
    assert named is not None
    assert (named.path, named.stage, "Say why" in named.problem) == ("a q.ndjson", DialogStage.REASON, True)
    asked = after(*typed("a.ndjson"), "enter", *typed("lost"), "enter", state=state)
    assert asked.dialog is not None
    assert (asked.dialog.reason, asked.dialog.stage, asked.wish) == ("lost", DialogStage.LOOKING, DialogWish.PREVIEW)
    ready = answered(asked, ["1 request"], is_ready=True)
    assert press(ready, "tab") == ready, "there is no topic to take whole"
    assert press(ready, "y").wish is DialogWish.CARRY_OUT


def test_while_a_file_is_sent_the_same_key_stops_it_with_a_reason() -> None:
    state = press(replace(after(), is_sending=True, sending="Sending a.ndjson"), "u")
    assert state.dialog is not None
    assert (state.dialog.verb, state.dialog.stage) == (Verb.STOP, DialogStage.REASON)
    assert after(*typed("too much"), "enter", state=state).wish is DialogWish.PREVIEW
