"""The screen of ``track-bridge top`` as lines: head, table or one row alone, below it keys or a dialog. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.cli.top import rows as tables_of
from bridge.cli.top.rows import WIDE, RouteCounts, Rows, TopRow
from bridge.cli.top.state import OF_FILES, TABLES, Dialog, DialogStage, RowKey, TopState, TopTable, Verb
from bridge.fleet import headline
from bridge.ops.status.status_text import NARROWEST, layout
from bridge.ops.status.status_text.layout import Item, ScreenLine, Text, Tone
from bridge.ops.status.status_text.times import Local, Times
from bridge.text import tables
from bridge.text.amounts import plural, span, thousands
from bridge.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.fleet.view import FleetConcern, FleetView

HELP: Final = (
    ("1 2 3 4, Tab", "partitions, routes, replicas, holds"),
    ("↑ ↓ j k PgUp PgDn", "move"),
    ("Enter, Esc", "one row with all that is known of it, and back"),
    ("s, o", "sort by the next column, the other way round"),
    ("Space", "let the display stand still, and go on"),
    ("h", "hold: nothing of it is sent until somebody releases it"),
    ("p", "pause: the same for a time"),
    ("f", "set the committed offset of a held partition: from where it is read"),
    ("r", "release what an operator or dead letters hold, or a pause"),
    ("u", "send a file within the budget, or stop that"),
    ("q, Ctrl-C", "end"),
)
_KEYS: Final = "Enter look  s sort  h hold  p pause  r release  f offset  u send  Space still  ? help  q end"
_SHORT_KEYS: Final = "h hold  p pause  r release  f offset  u send  ? help  q end"
_STATES: Final = {"held": Tone.NEEDS_SOMEONE, "waiting": Tone.WAITS, "unknown": Tone.NEEDS_SOMEONE}
_MARK, _NO_MARK = "> ", "  "
_HEAD_LINES: Final = 4
"""Of the sentence on the whole group, at most: the table needs the room."""
_CONCERNS: Final = 3
"""How many are told above the table, each in one line; the table of holds has all of them whole."""
_DONE: Final = {
    Verb.HOLD: "Hold",
    Verb.PAUSE: "Pause",
    Verb.RELEASE: "Release",
    Verb.OFFSETS: "Set the offset of",
    Verb.SEND: "Send",
    Verb.STOP: "Stop sending",
}


@dataclass(frozen=True, slots=True)
class SeenFleet:
    """What there is to show, of one moment."""

    view: FleetView
    routes: Mapping[str, RouteCounts]


def listing(state: TopState, seen: SeenFleet, width: int, zone: Local) -> tuple[Rows, list[TopRow]]:
    """The present table and its rows in order."""
    times = Times(seen.view.at, zone)
    found = tables_of.table(state.table, seen.view, seen.routes, times, is_wide=width >= WIDE)
    return found, tables_of.ordered(found, state.sorted_by.get(state.table), is_reversed=state.is_reversed)


def keys_of(ordered: Sequence[TopRow]) -> list[RowKey]:
    """For the state."""
    return [each.row for each in ordered]


def lines(
    state: TopState, seen: SeenFleet, width: int, height: int, zone: Local, trouble: str = ""
) -> list[ScreenLine]:
    """No more than `height`, none wider than `width` columns (20 at least). `trouble` is why there is nothing newer."""
    width = max(width, NARROWEST)
    times = Times(seen.view.at, zone)
    head = _head(state, seen.view, times, width, trouble)
    foot = _foot(state, width)
    room = max(0, height - len(head) - len(foot))
    if state.shows_help:
        body = _help(width)[:room]
    elif state.is_open and state.selected is not None:
        items = tables_of.detail(state.table, state.selected, seen.view, seen.routes, times)
        told = layout.laid_out(items, width)
        begin = max(0, min(state.scrolled, len(told) - room))
        body = told[begin : begin + room]
    else:
        body = _table(state, *listing(state, seen, width, zone), width, room)
    filled = [*body, *[ScreenLine()] * (room - len(body))]
    return [*head, *filled, *foot][:height] if height >= len(foot) else foot[:height]


def _head(state: TopState, view: FleetView, times: Times, width: int, trouble: str) -> list[ScreenLine]:
    answer = sum(each.problem is None for each in view.replicas)
    still = "  STANDS STILL (Space goes on)" if state.is_frozen else ""
    first = f"group {view.group_id}: {answer} of {plural(len(view.replicas), 'replica')} answer, {times.as_of()}{still}"
    out = layout.laid_out([Text(first, tone=Tone.WAITS if state.is_frozen else Tone.TITLE)], width)
    process = headline.state(view).value
    sentence = f"{process.upper()}: {headline.sentence(view)} {headline.lost(view)}"
    said: list[Item] = [Text(sentence, tone=_STATES.get(process, Tone.GOOD))]
    told = layout.laid_out(said, width)
    out += told[:_HEAD_LINES]
    out += _concerns(view.concerns, times, width)
    if state.sending:
        out += layout.laid_out([Text(state.sending, tone=Tone.WAITS)], width)[:_HEAD_LINES]
    if trouble:
        out += layout.laid_out([Text(trouble, tone=Tone.NEEDS_SOMEONE)], width)[:_HEAD_LINES]
    return [*out, ScreenLine(_cut(_tabs(state, view), width), Tone.TITLE)]


def _concerns(concerns: Sequence[FleetConcern], times: Times, width: int) -> list[ScreenLine]:
    """A line for each, and one for those that have none."""
    tones = {True: Tone.NEEDS_SOMEONE, False: Tone.WAITS}
    shown, others = concerns[:_CONCERNS], concerns[_CONCERNS:]
    out = [ScreenLine(_shortened(_concern(each, times), width), tones[each.needs_someone]) for each in shown]
    if others:
        names = ", ".join(dict.fromkeys(each.reason for each in others))
        end = "  (4 shows all)"
        text = _shortened(f"and {len(others)} more: {names}", width - len(end)) + end
        out.append(ScreenLine(text, tones[any(each.needs_someone for each in others)]))
    return out


def _concern(concern: FleetConcern, times: Times) -> str:
    """What, since and until when, and why, in this order: what is cut is the end."""
    since = "" if concern.since is None else f" for {span(max(0.0, times.now - concern.since))}"
    when = "until " if concern.until is not None else ""
    ends = tables_of.ends(concern.until, concern.next_try, times)
    said = f"{concern.reason}{since}{f', {when}{ends}' if ends else ''}: {' '.join(concern.details[:1])}"
    return printable(said)


def _shortened(text: str, width: int) -> str:
    if tables.columns(text) <= width:
        return text
    return f"{text[: tables.fitting(text, width - 1)].rstrip()}…"


def _tabs(state: TopState, view: FleetView) -> str:
    named = []
    for place, each in enumerate(TABLES, 1):
        count = f" ({len(view.concerns)})" if each is TopTable.HOLDS and view.concerns else ""
        name = f"{place}:{each.value}{count}"
        named.append(f"[{name}]" if each is state.table else f" {name} ")
    return " ".join(named)


def _table(state: TopState, found: Rows, ordered: Sequence[TopRow], width: int, room: int) -> list[ScreenLine]:
    if room <= 0:
        return []
    if not ordered:
        empty = {TopTable.HOLDS: "Nothing keeps records from going, and nothing needs someone."}
        return layout.laid_out([Text(empty.get(state.table, "There is nothing to list."))], width)[:room]
    column = state.sorted_by.get(state.table)
    sign = "^" if state.is_reversed else "*"
    head = tuple(f"{name}{sign}" if place == column else name for place, name in enumerate(found.head))
    begin, end = _window([each.row.key for each in ordered], state.selected, max(1, room - 1))
    shown = ordered[begin:end]
    cells = [tuple(map(printable, each.cells)) for each in shown]
    widths = _widths([head, *cells], width - len(_MARK))
    out = [ScreenLine(_cut(_NO_MARK + _row(head, widths, found.right), width), Tone.TITLE)]
    for each, row in zip(shown, cells, strict=True):
        mark = _MARK if each.row.key == state.selected else _NO_MARK
        out.append(ScreenLine(_cut(mark + _row(row, widths, found.right), width), each.tone))
    hidden = len(ordered) - len(shown)
    if hidden and out:
        out[0] = ScreenLine(_cut(f"{out[0].text}  ({thousands(hidden)} more)", width), Tone.TITLE)
    return out[:room]


def _window(keys: Sequence[str], selected: str | None, room: int) -> tuple[int, int]:
    """Which rows are on the screen: the selected one among them, in the middle where there is more on both sides."""
    place = keys.index(selected) if selected in keys else 0
    begin = max(0, min(place - room // 2, len(keys) - room))
    return begin, begin + room


def _widths(cells: Sequence[tuple[str, ...]], width: int) -> list[int]:
    """Where there is too little room the names give way."""
    wanted = tables.widths(cells)
    spare = width - sum(wanted) - len(tables.GAP) * (len(wanted) - 1)
    return [max(12, wanted[0] + spare) if spare < 0 else wanted[0], *wanted[1:]]


def _row(cells: tuple[str, ...], widths: Sequence[int], right: tuple[int, ...]) -> str:
    return tables.aligned((tables.without_middle(cells[0], widths[0]), *cells[1:]), widths, right)


def _cut(text: str, width: int) -> str:
    return text if tables.columns(text) <= width else text[: tables.fitting(text, width)]


def _help(width: int) -> list[ScreenLine]:
    return [ScreenLine(_cut(line, width)) for line in tables.table(HELP)]


# --- the bottom ---------------------------------------------------------------------------------------


def _foot(state: TopState, width: int) -> list[ScreenLine]:
    if state.dialog is not None:
        return [ScreenLine("─" * width), *_dialog(state.dialog, width)]
    if state.message:
        return layout.laid_out([Text(state.message, tone=Tone.WAITS)], width)
    keys = _KEYS if len(_KEYS) <= width else _SHORT_KEYS
    return [ScreenLine(_cut("Any key goes back." if state.shows_help else keys, width), Tone.TITLE)]


def _dialog(dialog: Dialog, width: int) -> list[ScreenLine]:
    what = f"{_DONE[dialog.verb]} {_places(dialog)}"
    items: list[Item] = [Text(what, tone=Tone.TITLE)]
    match dialog.stage:
        case DialogStage.LOOKING:
            looking = "Reading it" if dialog.verb in OF_FILES else "Asking the replicas what would be done"
            items.append(Text(f"{looking} … Esc leaves it."))
        case DialogStage.CONFIRM:
            items += [Text(each) for each in (*dialog.lines, *_why(dialog))]
            items.append(Text(f"y does it, n leaves it{_other(dialog)}.", tone=Tone.WAITS))
        case DialogStage.DOING:
            doing = "Doing it …" if dialog.verb in OF_FILES else "Doing it: what is in flight is finished first …"
            items.append(Text(doing))
        case DialogStage.TOLD:
            items += [Text(each) for each in dialog.lines]
            items.append(Text("Any key goes on.", tone=Tone.TITLE))
        case _:
            items += map(Text, _asked(dialog))
    if dialog.problem:
        items.append(Text(dialog.problem, tone=Tone.NEEDS_SOMEONE))
    return layout.laid_out(items, width)


def _asked(dialog: Dialog) -> list[str]:
    """What is to be typed."""
    match dialog.stage:
        case DialogStage.PATH:
            how = "Values one a line, an array, or what kcat -J writes. Enter goes on, Esc leaves it."
            return [f"Which file? {dialog.path}_", how]
        case DialogStage.DURATION:
            how = "Such as 15m or 2h. Enter goes on, Esc leaves it."
            return [f"Why: {dialog.reason}", f"For how long? {dialog.duration}_", how]
        case DialogStage.WHERE:
            how = "earliest, latest, end, an offset, or a time such as 2026-01-31T00:00:00Z."
            return [f"Why: {dialog.reason}", f"Where to? {dialog.to}_", how]
        case DialogStage.LOSS:
            how = "Those that are not done and lie below it are never sent. Enter goes on, Esc leaves it."
            return [f"Where to: {dialog.to}", f"How many records may be passed? {dialog.loss}_", how]
        case _:
            return [f"Why? {dialog.reason}_", f"Enter goes on{_other(dialog)}, Esc leaves it."]


def _why(dialog: Dialog) -> list[str]:
    return [f"Why: {dialog.reason}"] if dialog.reason else []


def _places(dialog: Dialog) -> str:
    if dialog.verb in OF_FILES:
        return dialog.path.strip() or "a file"
    target = dialog.target
    if dialog.is_whole_topic:
        return f"all of {target.topic}"
    return f"{target.topic}/{', '.join(map(str, target.partitions))}"


def _other(dialog: Dialog) -> str:
    if dialog.verb in OF_FILES:
        return ""
    return f", Tab takes {'only what was selected' if dialog.is_whole_topic else f'all of {dialog.target.topic}'}"
