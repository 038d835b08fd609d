"""How far a long work is: a bar where a person watches, a line now and then where not.

On standard error, beside what a command prints; of the demo and the self-test, which print nothing else meanwhile, on
standard output.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.text.amounts import per_second, span, thousands

if TYPE_CHECKING:
    from rich.console import Console


EVERY = 10.0
"""Seconds between two lines."""
_EVERY_OF_A_VIEW: Final = 2.0

Report = Callable[[int], None]
"""Takes how much is done in all."""


@dataclass(slots=True)
class Lines:
    """Says it in words, for logs."""

    what: str
    total: int
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    began: float | None = None
    """When the first of them was done: what comes before is no part of the pace."""
    told_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.told_at = self.clock()

    def report(self, done: int) -> None:
        """A line, if it is time for one."""
        now = self.clock()
        if self.began is None:
            self.began = now
        if now - self.told_at < EVERY:
            return
        self.told_at = now
        rate = done / (now - self.began) if now > self.began else 0.0
        pace = f" ({per_second(rate)}, {span((self.total - done) / rate)} left)" if rate > 0 else ""
        self.say(f"{self.what}: {thousands(done)} of {thousands(self.total)}{pace}")


@contextmanager
def shown(what: str, total: int, *, before: str | None = None) -> Iterator[Report]:
    """Hands out where to report how much is done; ``before`` says what is waited for until the first of them is."""
    if not sys.stderr.isatty():
        yield Lines(what, total, _to_stderr).report
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(before or what, total=total, rate="")

        def report(done: int) -> None:
            speed = bar.tasks[0].speed  # Of the last half minute: what came before the first is no part of the pace.
            bar.update(task, description=what, completed=done, rate="" if speed is None else per_second(speed))

        yield report


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def waiting(description: str) -> Iterator[None]:
    """Says on standard error what is being waited for, where that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(description):
        yield


@contextmanager
def watched(what: str, total: int) -> Iterator[Report]:
    """As `shown`, for a work of seconds: nothing where no person watches."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


# --- the demo and the self-test ---------------------------------------------------------------------


class LineView:
    """Plain lines with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._due = 0.0

    def show(self, _done: int, line: str, _state: str) -> None:
        """How much is done, as a line and in a few words."""
        seconds = time.monotonic() - self._began
        if seconds >= self._due:
            self._due = seconds + _EVERY_OF_A_VIEW
            self.tell(line)

    def tell(self, sentence: str) -> None:
        """Something happened."""
        seconds = time.monotonic() - self._began
        self._console.print(f"{seconds:5.1f} s  {sentence}", markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """Nothing more comes."""


class BarView:
    """A progress bar that stays at the bottom."""

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("starting", total=total)
        self._progress.start()

    def show(self, done: int, _line: str, state: str) -> None:
        """How much is done, as a line and in a few words."""
        self._progress.update(self._task, completed=done, description=state)

    def tell(self, sentence: str) -> None:
        """Something happened."""
        self._progress.console.print(sentence, markup=False, highlight=False)

    def end(self) -> None:
        """Nothing more comes."""
        self._progress.stop()


def view_for(console: Console, total: int) -> LineView | BarView:
    """A bar where somebody watches, lines elsewhere."""
    return BarView(console, total) if console.is_terminal else LineView(console)
