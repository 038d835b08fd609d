"""What a person sees while it runs: a bar on a terminal, a line every two seconds elsewhere."""

from __future__ import annotations

import time
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_EVERY: Final = 2.0


class SelftestView(Protocol):
    """Shows progress and sentences."""

    def show(self, done: int, waiting: int) -> None:
        """Events done and waiting, as of now."""
        ...

    def tell(self, sentence: str) -> None:
        """Something happened."""
        ...

    def end(self) -> None:
        """Nothing more comes."""
        ...


def view_for(console: Console, total: int) -> SelftestView:
    """A bar where somebody watches, lines elsewhere."""
    return SelftestBarView(console, total) if console.is_terminal else SelftestLineView(console)


class SelftestLineView:
    """Plain lines with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._due = 0.0

    def show(self, done: int, waiting: int) -> None:
        """See `SelftestView`."""
        seconds = time.monotonic() - self._began
        if seconds >= self._due:
            self._due = seconds + _EVERY
            self.tell(f"done {done:,} · waiting {waiting:,}")

    def tell(self, sentence: str) -> None:
        """See `SelftestView`."""
        seconds = time.monotonic() - self._began
        self._console.print(f"{seconds:5.1f} s  {sentence}", markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """See `SelftestView`."""


class SelftestBarView:
    """A progress bar that stays at the bottom."""

    def __init__(self, console: Console, total: int) -> None:
        columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("starting", total=total)
        self._progress.start()

    def show(self, done: int, waiting: int) -> None:
        """See `SelftestView`."""
        self._progress.update(self._task, completed=done, description=f"waiting {waiting:,}")

    def tell(self, sentence: str) -> None:
        """See `SelftestView`."""
        self._progress.console.print(sentence, markup=False, highlight=False)

    def end(self) -> None:
        """See `SelftestView`."""
        self._progress.stop()
