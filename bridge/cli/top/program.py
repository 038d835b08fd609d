"""``track-bridge top`` as a program: looks at the fleet, draws, listens to keys, and has acts done."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bridge import terminal
from bridge.cli import status_screen
from bridge.cli.frame import acting
from bridge.cli.top import keyboard, screen
from bridge.cli.top import rows as tables_of
from bridge.cli.top.screen import SeenFleet
from bridge.cli.top.state import OF_FILES, Dialog, DialogWish, TopState, Verb, answered, press, seen
from bridge.errors import BridgeError
from bridge.fleet.acts import Act, FleetControl, HoldAct, PauseAct, ReleaseAct, offset_setting
from bridge.fleet.acts.outcomes import Fate
from bridge.ops.status.status_text.layout import ScreenLine
from bridge.ops.status.status_text.times import Local, local
from bridge.reprocess.author import author

if TYPE_CHECKING:
    from bridge.cli.top.sending import TopFiles
    from bridge.fleet.acts.offset_setting import OffsetSetting, PlannedOffsets
    from bridge.fleet.source import FleetSource

_MOST_CHANGES: Final = 6
"""Partitions whose offsets are told before they are set."""
_MEANT: Final = 0.05
"""Seconds after which an escape is the key and no beginning of a sequence."""
_NO_RIGHT: Final = (
    "Nothing can be changed from here: console.token_file is not set. Give the replicas and this command a file with "
    "the same token, or run the command beside the replica."
)


class Top:
    """Belongs to one event loop."""

    def __init__(
        self,
        source: FleetSource,
        control: FleetControl | None,
        by: str,
        draw: Callable[[list[ScreenLine]], None],
        size: Callable[[], tuple[int, int]],
        zone: Local = local,
        offsets: OffsetSetting | None = None,
        files: TopFiles | None = None,
    ) -> None:
        """`control`, `offsets`, `files`: None where nothing can be changed. `draw` shows lines; `size` is columns and
        lines.
        """
        self.state = TopState()
        self._source = source
        self._control = control
        self._by = by
        self._draw = draw
        self._size = size
        self._zone = zone
        self._offsets = offsets
        self._files = files
        if files is not None:
            files.changed = self.redraw
        self._planned: PlannedOffsets | None = None
        """Of the dialog that was looked at last."""
        self._seen: SeenFleet | None = None
        self._trouble = ""
        self._typed = ""
        self._escape: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Until somebody ends it."""
        looking = asyncio.create_task(self._look(), name="top")
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait((looking, ended), return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            for task in (looking, ended, *self._tasks):
                task.cancel()
            await asyncio.gather(looking, ended, *self._tasks, return_exceptions=True)

    def end(self) -> None:
        """As by the key."""
        self._ended.set()

    async def _look(self) -> None:
        while True:
            if not self.state.is_frozen or self._seen is None:
                try:
                    view = await self._source.view()
                except BridgeError as trouble:
                    self._trouble = f"{trouble} Asked again every 2 s; below is the last answer."
                else:
                    if not self.state.is_frozen or self._seen is None:
                        before = None if self._seen is None else (self._seen.view.at, self._seen.routes)
                        self._seen = SeenFleet(view, tables_of.routes(view, before))
                        self._trouble = ""
            self.redraw()
            await asyncio.sleep(status_screen.INTERVAL)

    def redraw(self) -> None:
        """Bring what is known to the screen: after a key, an answer, another size of the terminal."""
        wide, high = self._size()
        if self._seen is None:
            self._draw([ScreenLine((self._trouble or "Looking at the group …")[:wide])])
            return
        if self._files is not None and (self._files.is_sending or self.state.is_sending):
            self.state = replace(self.state, sending=self._files.line, is_sending=self._files.is_sending)
        width = min(wide, status_screen.WIDEST)
        self._list(self._seen, width)
        self._draw(screen.lines(self.state, self._seen, width, high, self._zone, self._trouble))

    def _list(self, shown: SeenFleet, width: int) -> None:
        """Tell the state which rows there are."""
        found, ordered = screen.listing(self.state, shown, width, self._zone)
        self.state = seen(self.state, screen.keys_of(ordered), len(found.head))

    # --- keys -------------------------------------------------------------------------------------

    def typed(self, text: str) -> None:
        """What came from the terminal; nothing: it is gone."""
        if not text:
            self.end()
            return
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None
        found, self._typed = keyboard.keys(self._typed + text)
        for key in found:
            self._press(key)
            if self._seen is not None:
                self._list(self._seen, min(self._size()[0], status_screen.WIDEST))
        if self._typed:
            self._escape = asyncio.get_running_loop().call_later(_MEANT, self._is_meant)
        self.redraw()

    def _is_meant(self) -> None:
        """Nothing followed: it was the key itself."""
        self._escape, self._typed = None, ""
        self._press("esc")
        self.redraw()

    def _press(self, key: str) -> None:
        self.state = press(self.state, key)
        wish, dialog = self.state.wish, self.state.dialog
        self.state = replace(self.state, wish=None)
        if self.state.quits:
            self.end()
        elif wish is not None and dialog is not None:
            task = asyncio.create_task(self._fulfil(wish, dialog), name="act")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # --- acts -------------------------------------------------------------------------------------

    async def _fulfil(self, wish: DialogWish, dialog: Dialog) -> None:
        lines, is_ready = await self._told(wish, dialog)
        if self.state.dialog == dialog:
            self.state = answered(self.state, lines, is_ready=is_ready)
            self.redraw()

    async def _told(self, wish: DialogWish, dialog: Dialog) -> tuple[list[str], bool]:
        """What is to be read, and whether it can be gone on with."""
        if self._control is None:
            return [_NO_RIGHT], False
        try:
            if dialog.verb in OF_FILES:
                return await self._files_told(wish, dialog)
            if dialog.verb is Verb.OFFSETS:
                return await self._offsets_told(self._offsets, wish, dialog)
            act = _act(dialog, time.time())
            if wish is DialogWish.PREVIEW:
                preview = await self._control.preview(act)
                ready = preview.with_fate(Fate.READY)
                head = f"{acting.listed(act.topic, ready)}?" if ready else "Nothing of it would be done."
                return [head, *acting.remarks(preview)], bool(ready)
            outcome = await self._control.carry_out(act, self._by)
        except BridgeError as problem:
            return [str(problem)], False
        done = outcome.with_fate(Fate.DONE, Fate.NOT_KEPT, Fate.UNCONFIRMED)
        head = f"Done: {acting.listed(act.topic, done)}." if done else "Nothing was done."
        return [head, *acting.remarks(outcome)], False

    async def _files_told(self, wish: DialogWish, dialog: Dialog) -> tuple[list[str], bool]:
        files, fleet = self._files, self._seen
        if files is None or fleet is None:
            return [_NO_RIGHT], False
        is_look = wish is DialogWish.PREVIEW
        if dialog.verb is Verb.STOP:
            return ([files.line], files.is_sending) if is_look else (files.stop(), False)
        if is_look:
            return await files.look(dialog.path, fleet.view)
        return files.begin(self._by, dialog.reason.strip()), False

    async def _offsets_told(
        self, offsets: OffsetSetting | None, wish: DialogWish, dialog: Dialog
    ) -> tuple[list[str], bool]:
        if offsets is None:
            return [_NO_RIGHT], False
        if wish is DialogWish.CARRY_OUT:
            planned = self._planned
            if planned is None:
                return ["It was not looked at. Nothing was set."], False
            by = author(f"from top: {dialog.reason.strip()}")._replace(user=self._by)
            outcome = await offsets.carry_out(planned, by, dialog.reason.strip())
            head = f"Set: {', '.join(str(each.before.partition) for each in outcome.done)}."
            return [head if outcome.done else "Nothing was set.", *outcome.remarks], False
        planned = await offsets.look(dialog.where, dialog.to.strip(), int(dialog.loss), _accepting)
        if self.state.dialog != dialog:
            return [], False  # It was left meanwhile, and another one may be looked at by now.
        self._planned = planned
        if not planned.changes:
            return ["The committed offset is there already."], False
        told = [*map(offset_setting.told, planned.changes[:_MOST_CHANGES])]
        more = len(planned.changes) - len(told)
        told += [f"and {more} more partitions"] * (more > 0)
        if planned.loss is not None:
            told.append(planned.loss)
        if planned.report is not None and not planned.report.is_complete:
            told += [planned.members or "", *acting.remarks(planned.report)]
        return told, planned.can_be_done


def _accepting(passed: int) -> str:
    return f"Let {passed} records be passed"


def _act(dialog: Dialog, now: float) -> Act:
    topic, partitions = dialog.target.topic, dialog.partitions
    match dialog.verb:
        case Verb.HOLD:
            return HoldAct(topic, partitions, dialog.reason)
        case Verb.PAUSE:
            return PauseAct(topic, partitions, dialog.reason, int(now + dialog.seconds))
        case Verb.RELEASE:
            return ReleaseAct(topic, partitions, dialog.reason)
        case _:
            raise AssertionError(f"{dialog.verb}: is no act on partitions")


async def on_terminal(
    source: FleetSource,
    control: FleetControl | None,
    by: str,
    offsets: OffsetSetting | None = None,
    files: TopFiles | None = None,
) -> None:
    """On standard input and output, which must be a terminal; given back as it was, whatever ends it."""
    canvas = status_screen.Canvas()
    top = Top(source, control, by, canvas.draw, canvas.size, offsets=offsets, files=files)
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    with keyboard.taken(number):
        loop.add_reader(number, lambda: top.typed(keyboard.read(number)))
        ends = terminal.ends()
        for each in ends:
            loop.add_signal_handler(each, top.end)
        loop.add_signal_handler(signal.SIGWINCH, top.redraw)
        try:
            await top.run()
            if files is not None:
                await files.close()  # What is in flight gets its answer.
        finally:
            loop.remove_reader(number)
            for each in (*ends, signal.SIGWINCH):
                with contextlib.suppress(ValueError):
                    loop.remove_signal_handler(each)
