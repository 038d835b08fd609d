"""How far a long work is: a bar where a person watches, a line now and then where not. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bridge.text.amounts import per_second, span, thousands

EVERY = 10.0
"""Seconds between two lines."""

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
