"""The one hook on a record's life: who listens hears what becomes of each record, and changes nothing of it.

`RecordListener.came_in` is asked once per record, behind mapping; what it returns, a `RecordLife`, goes with the record
and hears the rest. None: nobody wants to hear more of this one, and nothing is called for it any more. Where nobody
listens at all, nothing is called for any record.

All calls come on the thread of the dispatcher, must return at once and never raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from bridge.model import DeadLetter, Disposition, Outcomes, Record, Request, Verdict


class RecordLife(Protocol):
    """Hears what becomes of one record. It ends with exactly one of `done` and `given_up`.

    Behind `given_up` an answer or a receipt may still come: of a request or letter that was on its way.
    """

    @property
    def trace(self) -> str | None:
        """The ``traceparent`` of what is recorded of it, as log lines name it; None: there is none."""

    def element_mapped(self, element: int, outcomes: Outcomes, /) -> None:
        """The record holds many; this one of them, from 0, was mapped to these."""

    def attempt_began(self, request: Request, output: int, attempt: int, /) -> None:
        """A request is handed to the sink, for the event of this number; `attempt` counts from 1.

        The same object is handed over again with each attempt. It may be an identify that the bridge itself sends
        before the event of this number.
        """

    def attempt_ended(self, request: Request, verdict: Verdict, /) -> None:
        """What came of the attempt that began last with this request."""

    def letter_begins(self, letter: DeadLetter, /) -> str | None:
        """A dead letter is about to be made of one event: the ``traceparent`` that it is to carry, None for none.

        Asked again for the same event where the letter had to wait before it could be written.
        """

    def letter_refused(self, letter: DeadLetter, why: str, /) -> None:
        """Kafka did not take it; it is written again, or its partition waits for a person."""

    def letter_written(self, letter: DeadLetter, /) -> None:
        """All in-sync replicas have it."""

    def done(self, disposition: Disposition, /) -> None:
        """Nothing is left to do for the record, and its offset may be committed: delivered, filtered, dead_lettered."""

    def given_up(self) -> None:
        """Its partition left this replica before it was done: the next owner begins it anew."""


class RecordListener(Protocol):
    """Wants to hear of records."""

    def came_in(self, record: Record, outcomes: Outcomes, /) -> RecordLife | None:
        """A record was mapped to these; they are one `Elements` where it holds many.

        Not asked: of records that an earlier assignment completed, of what its header filters before it is a record,
        and, until they are mapped, of records that wait for a schema.
        """


class RecordListeners:
    """All that listen, as one; they may come and go at any time. A record's life is heard by those who were there."""

    __slots__ = ("_all", "came_in")

    def __init__(self) -> None:
        self._all: tuple[RecordListener, ...] = ()
        self.came_in: Callable[[Record, Outcomes], RecordLife | None] | None = None
        """Asked once for every record. None: nobody listens."""

    def add(self, listener: RecordListener) -> None:
        """It hears of every record that is mapped from now on."""
        self._take((*self._all, listener))

    def remove(self, listener: RecordListener) -> None:
        """It hears of no further record; of those it follows, it still hears the end."""
        self._take(tuple(each for each in self._all if each is not listener))

    def _take(self, listeners: tuple[RecordListener, ...]) -> None:
        self._all = listeners
        if not listeners:
            self.came_in = None
        elif len(listeners) == 1:
            self.came_in = listeners[0].came_in
        else:
            self.came_in = self._ask_all

    def _ask_all(self, record: Record, outcomes: Outcomes) -> RecordLife | None:
        lives = [life for each in self._all if (life := each.came_in(record, outcomes)) is not None]
        return heard_by(lives)


def heard_by(lives: list[RecordLife]) -> RecordLife | None:
    """All of them as one."""
    if len(lives) > 1:
        return SharedLife(lives)
    return lives[0] if lives else None


class SharedLife:
    """A record that several follow."""

    __slots__ = ("_lives",)

    def __init__(self, lives: Iterable[RecordLife]) -> None:
        self._lives = tuple(lives)

    @property
    def trace(self) -> str | None:
        """Of the first that has one."""
        return next((each.trace for each in self._lives if each.trace is not None), None)

    def element_mapped(self, element: int, outcomes: Outcomes) -> None:
        """See `RecordLife`; so the others."""
        for each in self._lives:
            each.element_mapped(element, outcomes)

    def attempt_began(self, request: Request, output: int, attempt: int) -> None:
        """See `RecordLife`."""
        for each in self._lives:
            each.attempt_began(request, output, attempt)

    def attempt_ended(self, request: Request, verdict: Verdict) -> None:
        """See `RecordLife`."""
        for each in self._lives:
            each.attempt_ended(request, verdict)

    def letter_begins(self, letter: DeadLetter) -> str | None:
        """Of the first that has one."""
        told = [each.letter_begins(letter) for each in self._lives]
        return next((trace for trace in told if trace is not None), None)

    def letter_refused(self, letter: DeadLetter, why: str) -> None:
        """See `RecordLife`."""
        for each in self._lives:
            each.letter_refused(letter, why)

    def letter_written(self, letter: DeadLetter) -> None:
        """See `RecordLife`."""
        for each in self._lives:
            each.letter_written(letter)

    def done(self, disposition: Disposition) -> None:
        """See `RecordLife`."""
        for each in self._lives:
            each.done(disposition)

    def given_up(self) -> None:
        """See `RecordLife`."""
        for each in self._lives:
            each.given_up()
