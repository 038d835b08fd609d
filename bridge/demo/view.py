"""What a person sees while the demo works: a bar on a terminal, a line every two seconds elsewhere."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bridge.ops.hold_reasons import closed_gate
from bridge.ops.snapshot import Snapshot

_EVERY = 2.0


class DemoView(Protocol):
    """Shows progress and sentences."""

    def show(self, now: Snapshot) -> None:
        """The state of this moment."""
        ...

    def tell(self, sentence: str) -> None:
        """Something happened."""
        ...

    def end(self) -> None:
        """Nothing more comes."""
        ...


def view_for(console: Console, total: int) -> DemoView:
    """A bar where somebody watches, lines elsewhere."""
    return DemoBarView(console, total) if console.is_terminal else DemoLineView(console)


def state(now: Snapshot) -> str:
    """What it does, in a few words."""
    gate = closed_gate(now)
    if gate is None:
        return "sending"
    return {"retry_after": "waiting as asked", "rate_limited": "at the rate limit"}.get(
        gate.gate.value, gate.gate.value
    )


class DemoLineView:
    """Plain lines with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._due = 0.0

    def show(self, now: Snapshot) -> None:
        """See `DemoView`."""
        seconds = time.monotonic() - self._began
        if seconds < self._due:
            return
        self._due = seconds + _EVERY
        records = now.tally
        self._line(
            seconds,
            f"delivered {records.delivered:,} · filtered {records.filtered:,} · dead-lettered "
            f"{records.dead_lettered:,} · in hand {records.buffered:,} · {state(now)}",
        )

    def tell(self, sentence: str) -> None:
        """See `DemoView`."""
        self._line(time.monotonic() - self._began, sentence)

    def end(self) -> None:
        """See `DemoView`."""

    def _line(self, seconds: float, text: str) -> None:
        self._console.print(f"{seconds:5.1f} s  {text}", markup=False, highlight=False, soft_wrap=True)


class DemoBarView:
    """A progress bar that stays at the bottom."""

    def __init__(self, console: Console, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=total)
        self._progress.start()

    def show(self, now: Snapshot) -> None:
        """See `DemoView`."""
        records = now.tally
        done = records.delivered + records.filtered + records.dead_lettered
        self._progress.update(self._task, completed=done, description=state(now))

    def tell(self, sentence: str) -> None:
        """See `DemoView`."""
        self._progress.console.print(sentence, markup=False, highlight=False)

    def end(self) -> None:
        """See `DemoView`."""
        self._progress.stop()
