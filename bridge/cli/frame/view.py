"""What a person sees while the demo or a self-test runs: a bar on a terminal, a line every two seconds elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.console import Console

_EVERY: Final = 2.0


class View(Protocol):
    """Shows progress and sentences, on standard output."""

    def show(self, done: int, line: str, state: str) -> None:
        """How much is done, as a line and in a few words."""
        ...

    def tell(self, sentence: str) -> None:
        """Something happened."""
        ...

    def end(self) -> None:
        """Nothing more comes."""
        ...


def view_for(console: Console, total: int) -> View:
    """A bar where somebody watches, lines elsewhere."""
    return BarView(console, total) if console.is_terminal else LineView(console)


class LineView:
    """Plain lines with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._due = 0.0

    def show(self, _done: int, line: str, _state: str) -> None:
        """See `View`."""
        seconds = time.monotonic() - self._began
        if seconds >= self._due:
            self._due = seconds + _EVERY
            self.tell(line)

    def tell(self, sentence: str) -> None:
        """See `View`."""
        seconds = time.monotonic() - self._began
        self._console.print(f"{seconds:5.1f} s  {sentence}", markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """See `View`."""


class BarView:
    """A progress bar that stays at the bottom."""

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("starting", total=total)
        self._progress.start()

    def show(self, done: int, _line: str, state: str) -> None:
        """See `View`."""
        self._progress.update(self._task, completed=done, description=state)

    def tell(self, sentence: str) -> None:
        """See `View`."""
        self._progress.console.print(sentence, markup=False, highlight=False)

    def end(self) -> None:
        """See `View`."""
        self._progress.stop()
