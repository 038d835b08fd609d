"""What ``track-bridge top`` shows and asks, and what a key makes of it. Pure: no terminal, no clock, no Kafka."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bridge.config.keys import scalars
from bridge.fleet.acts import offset_change
from bridge.formats.operator_hold import REASON_LIMIT

PAGE: Final = 10
"""Rows of a page up or down."""
TO: Final = "earliest"
"""Where an offset is set that nobody gave another place."""
FOR: Final = "15m"
"""How long a pause lasts that nobody gave another time."""


class TopTable(enum.StrEnum):
    """What is listed."""

    PARTITIONS = "partitions"
    ROUTES = "routes"
    REPLICAS = "replicas"
    HOLDS = "holds"


TABLES: Final = tuple(TopTable)


class Verb(enum.StrEnum):
    """What can be done."""

    HOLD = "hold"
    PAUSE = "pause"
    RELEASE = "release"
    OFFSETS = "set the offset of"
    SEND = "send"
    STOP = "stop sending"


class DialogStage(enum.Enum):
    """How far a dialog is."""

    PATH = enum.auto()
    """Which file is to be sent."""
    REASON = enum.auto()
    DURATION = enum.auto()
    WHERE = enum.auto()
    """Where the committed offset is to be."""
    LOSS = enum.auto()
    """How many records may be passed."""
    LOOKING = enum.auto()
    """What would be done is being found out."""
    CONFIRM = enum.auto()
    DOING = enum.auto()
    TOLD = enum.auto()
    """What became of it; any key goes on."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a row stands for, for whoever wants to act on it."""

    topic: str
    partitions: tuple[int, ...]


NOWHERE: Final = Target("", ())
"""Of a dialog that is about no partition."""
OF_FILES: Final = frozenset({Verb.SEND, Verb.STOP})
"""What needs no row, and concerns none."""


@dataclass(frozen=True, slots=True)
class RowKey:
    """One row of the table, as the state knows it."""

    key: str
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Dialog:
    """One act, from the first key to its outcome."""

    verb: Verb
    target: Target
    stage: DialogStage
    reason: str = ""
    duration: str = FOR
    to: str = TO
    loss: str = "0"
    path: str = ""
    is_proposed: bool = True
    """What stands there to be typed over was not typed by anybody."""
    is_whole_topic: bool = False
    problem: str = ""
    """Why what was typed does not do."""
    lines: tuple[str, ...] = ()
    """What is to be read before or after it."""

    @property
    def partitions(self) -> tuple[int, ...] | None:
        """None: all of the topic."""
        return None if self.is_whole_topic else self.target.partitions

    @property
    def seconds(self) -> float:
        """Of the pause. `ValueError` continues "for"."""
        return scalars.duration(self.duration)

    @property
    def where(self) -> str:
        """As ``track-bridge offsets set`` takes it."""
        topic = self.target.topic
        return topic if self.is_whole_topic else f"{topic}/{self.target.partitions[0]}"


class DialogWish(enum.Enum):
    """What the program has to do next for a dialog."""

    PREVIEW = enum.auto()
    CARRY_OUT = enum.auto()


@dataclass(frozen=True, slots=True)
class TopState:
    """Everything that keys change."""

    table: TopTable = TopTable.PARTITIONS
    rows: tuple[RowKey, ...] = ()
    selected: str | None = None
    """Key of a row."""
    is_open: bool = False
    """The selected row is shown alone, with all that is known of it."""
    scrolled: int = 0
    """Lines of that by which it is moved up."""
    sorted_by: Mapping[TopTable, int] = field(default_factory=dict)
    """Column by table; left out: what matters first."""
    is_reversed: bool = False
    columns: int = 1
    """Of the present table."""
    is_frozen: bool = False
    """The display stands still."""
    shows_help: bool = False
    dialog: Dialog | None = None
    wish: DialogWish | None = None
    message: str = ""
    """Said once, until the next key."""
    sending: str = ""
    """How far the file is that is sent from here, or how that ended; empty: none is."""
    is_sending: bool = False
    quits: bool = False

    @property
    def target(self) -> Target | None:
        """Of the selected row."""
        return next((row.target for row in self.rows if row.key == self.selected), None)


def seen(state: TopState, rows: Sequence[RowKey], columns: int) -> TopState:
    """The table has these rows now. A selected row that is gone gives way to the one in its place."""
    keys = [row.key for row in rows]
    selected = state.selected
    if selected not in keys:
        was = [row.key for row in state.rows]
        place = was.index(selected) if selected in was else 0
        selected = keys[min(place, len(keys) - 1)] if keys else None
    return replace(
        state,
        rows=tuple(rows),
        columns=columns,
        selected=selected,
        is_open=state.is_open and selected is not None and selected == state.selected,
    )


def answered(state: TopState, lines: Sequence[str], *, is_ready: bool) -> TopState:
    """What the program found out for the dialog that wished it; nothing where that was given up."""
    dialog = state.dialog
    if dialog is None or dialog.stage not in (DialogStage.LOOKING, DialogStage.DOING):
        return state
    goes_on = is_ready and dialog.stage is DialogStage.LOOKING
    # What was done is to be seen: a display that stands still would show what was before.
    is_frozen = state.is_frozen and dialog.stage is not DialogStage.DOING
    return replace(
        state,
        is_frozen=is_frozen,
        dialog=replace(dialog, stage=DialogStage.CONFIRM if goes_on else DialogStage.TOLD, lines=tuple(lines)),
    )


def press(state: TopState, key: str) -> TopState:
    """What this key makes of it. A key that means nothing here changes nothing."""
    if key == "ctrl-c":
        return replace(state, quits=True)
    if state.dialog is not None:
        return _in_dialog(state, state.dialog, key)
    state = replace(state, message="")
    if state.shows_help:
        return replace(state, shows_help=False, quits=key == "q")
    if key in _ACTS:
        return _begin(state, _ACTS[key])
    if key in _STEPS:
        return _STEPS[key](state)
    return _moved(state, key) if key in _MOVES else _chosen(state, key)


def _chosen(state: TopState, key: str) -> TopState:
    numbers = [str(number) for number in range(1, len(TABLES) + 1)]
    return _turned_to(state, TABLES[numbers.index(key)]) if key in numbers else state


_ACTS: Final = {"h": Verb.HOLD, "p": Verb.PAUSE, "r": Verb.RELEASE, "f": Verb.OFFSETS, "u": Verb.SEND}
_MOVES: Final = {"up": -1, "down": 1, "k": -1, "j": 1, "pgup": -PAGE, "pgdn": PAGE, "home": -(10**9), "end": 10**9}


def _begin(state: TopState, verb: Verb) -> TopState:
    if verb is Verb.SEND:
        if state.is_sending:
            return replace(state, dialog=Dialog(Verb.STOP, NOWHERE, DialogStage.REASON))
        return replace(state, sending="", dialog=Dialog(verb, NOWHERE, DialogStage.PATH))
    target = state.target
    if target is None:
        where = "a partition, or a hold of one topic," if state.rows else "something"
        return replace(state, message=f"Select {where} to {verb.value}.")
    if verb is Verb.OFFSETS and len(target.partitions) != 1:
        return replace(state, message="Offsets are set of one partition at a time: select one in the first table.")
    return replace(state, dialog=Dialog(verb, target, DialogStage.REASON))


def _in_dialog(state: TopState, dialog: Dialog, key: str) -> TopState:
    match dialog.stage:
        case DialogStage.DOING:
            return state  # it cannot be called back
        case DialogStage.TOLD:
            return replace(state, dialog=None)
        case DialogStage.LOOKING:
            return replace(state, dialog=None, wish=None) if key == "esc" else state
        case DialogStage.CONFIRM:
            return _decided(state, dialog, key)
        case _:
            return _typed(state, dialog, key)


def _decided(state: TopState, dialog: Dialog, key: str) -> TopState:
    if key == "y":
        return replace(state, dialog=replace(dialog, stage=DialogStage.DOING), wish=DialogWish.CARRY_OUT)
    if key in ("n", "esc"):
        return replace(state, dialog=None, message="Nothing was changed.")
    if key == "tab" and dialog.verb not in OF_FILES:
        # What would be done is another thing now.
        wider = replace(dialog, is_whole_topic=not dialog.is_whole_topic, stage=DialogStage.LOOKING, lines=())
        return replace(state, dialog=wider, wish=DialogWish.PREVIEW)
    return state


def _typed(state: TopState, dialog: Dialog, key: str) -> TopState:
    name = _TYPED[dialog.stage]
    text: str = getattr(dialog, name)
    if key == "esc":
        return replace(state, dialog=None, message="Nothing was changed.")
    if key == "tab" and dialog.verb not in OF_FILES:
        return replace(state, dialog=replace(dialog, is_whole_topic=not dialog.is_whole_topic))
    if key == "enter":
        return _entered(state, dialog)
    if dialog.is_proposed and dialog.stage in _PROPOSED and len(key) == 1:
        text = ""
    if key == "backspace":
        text = text[:-1]
    elif len(key) == 1 and key.isprintable() and len((text + key).encode()) <= REASON_LIMIT:
        text += key
    else:
        return state
    changed: Mapping[str, Any] = {name: text, "problem": "", "is_proposed": False}
    return replace(state, dialog=replace(dialog, **changed))


_TYPED: Final = {
    DialogStage.PATH: "path",
    DialogStage.REASON: "reason",
    DialogStage.DURATION: "duration",
    DialogStage.WHERE: "to",
    DialogStage.LOSS: "loss",
}
"""What of the dialog is typed at which stage."""
_PROPOSED: Final = (DialogStage.DURATION, DialogStage.WHERE, DialogStage.LOSS)
"""Where something stands already that is typed over."""
_NEXT: Final = {
    (Verb.SEND, DialogStage.PATH): DialogStage.REASON,
    (Verb.PAUSE, DialogStage.REASON): DialogStage.DURATION,
    (Verb.OFFSETS, DialogStage.REASON): DialogStage.WHERE,
    (Verb.OFFSETS, DialogStage.WHERE): DialogStage.LOSS,
}
"""Left out: the last thing to be typed."""


def _entered(state: TopState, dialog: Dialog) -> TopState:
    if dialog.stage is DialogStage.REASON and not dialog.reason.strip():
        return replace(state, dialog=replace(dialog, problem="Say why: it is kept in the log and shown to others."))
    problem = _problem_of(dialog)
    if problem:
        return replace(state, dialog=replace(dialog, problem=problem))
    following = _NEXT.get((dialog.verb, dialog.stage))
    if following is not None:
        return replace(state, dialog=replace(dialog, stage=following, problem="", is_proposed=True))
    return replace(state, dialog=replace(dialog, stage=DialogStage.LOOKING, problem=""), wish=DialogWish.PREVIEW)


def _problem_of(dialog: Dialog) -> str:
    try:
        match dialog.stage:
            case DialogStage.PATH:
                return "" if dialog.path.strip() else "Type where the file is."
            case DialogStage.DURATION:
                return "" if dialog.seconds >= 1 else "It must be a second at least."
            case DialogStage.WHERE:
                offset_change.parse(dialog.to.strip())
            case DialogStage.LOSS if not (dialog.loss.isascii() and dialog.loss.isdigit() and len(dialog.loss) < 19):
                return "It must be a number of records; 0 is none."
    except ValueError as problem:
        return f"It {problem}."
    return ""


# --- looking about ------------------------------------------------------------------------------------


def _moved(state: TopState, key: str) -> TopState:
    by = _MOVES[key]
    if state.is_open:
        return replace(state, scrolled=max(0, min(state.scrolled + by, 10**6)))
    keys = [row.key for row in state.rows]
    if not keys:
        return state
    place = keys.index(state.selected) if state.selected in keys else 0
    return replace(state, selected=keys[max(0, min(place + by, len(keys) - 1))])


def _turned_to(state: TopState, table: TopTable) -> TopState:
    if table is state.table:
        return replace(state, is_open=False)
    return replace(state, table=table, rows=(), selected=None, is_open=False, scrolled=0, is_reversed=False)


def _next_table(state: TopState) -> TopState:
    return _turned_to(state, TABLES[(TABLES.index(state.table) + 1) % len(TABLES)])


def _opened(state: TopState) -> TopState:
    return replace(state, is_open=state.selected is not None, scrolled=0)


def _back(state: TopState) -> TopState:
    return replace(state, is_open=False, scrolled=0)


def _next_order(state: TopState) -> TopState:
    """Through all columns, then back to what matters first."""
    present = state.sorted_by.get(state.table, -1)
    place = present + 1
    others = {table: column for table, column in state.sorted_by.items() if table is not state.table}
    return replace(state, sorted_by=others if place >= state.columns else {**others, state.table: place})


_STEPS: Final[Mapping[str, Callable[[TopState], TopState]]] = {
    "q": lambda state: replace(state, quits=True),
    "?": lambda state: replace(state, shows_help=True),
    " ": lambda state: replace(state, is_frozen=not state.is_frozen),
    "tab": _next_table,
    "enter": _opened,
    "esc": _back,
    "backspace": _back,
    "s": _next_order,
    "o": lambda state: replace(state, is_reversed=not state.is_reversed),
}
