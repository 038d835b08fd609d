"""A listener that remembers what it heard of each record, and checks that it was told in an order that makes sense."""

from __future__ import annotations

from typing import Any

from bridge.model import DeadLetter, Disposition, Outcomes, Record, Request, Verdict


class Heard:
    """One record's life, in order."""

    def __init__(self, record: Record, outcomes: Outcomes) -> None:
        self.record = record
        self.outcomes = outcomes
        self.story: list[tuple[Any, ...]] = []
        self.end: object = None
        self.on_wire: set[Request] = set()
        self.letters: dict[int, DeadLetter] = {}

    def __repr__(self) -> str:
        return f"Heard({self.record.coordinates}, {self.story}, {self.end})"

    @property
    def trace(self) -> str:
        return f"trace of {self.record.coordinates}"

    def element_mapped(self, element: int, outcomes: Outcomes) -> None:
        assert self.end is None, f"{self}: an element is opened behind its end"
        self.story.append(("element", element, len(outcomes)))

    def attempt_began(self, request: Request, output: int, attempt: int) -> None:
        assert request not in self.on_wire, f"{self}: {request} began twice"
        self.on_wire.add(request)
        self.story.append(("began", request.kind.name, output, attempt))

    def attempt_ended(self, request: Request, verdict: Verdict) -> None:
        assert request in self.on_wire, f"{self}: {request} ended and never began"
        self.on_wire.discard(request)
        self.story.append(("ended", request.kind.name, type(verdict).__name__))

    def letter_begins(self, letter: DeadLetter) -> str | None:
        self.story.append(("letter", letter.output))
        return f"trace of {letter.record.coordinates}#{letter.output}"

    def letter_refused(self, letter: DeadLetter, why: str) -> None:
        assert letter.trace == f"trace of {letter.record.coordinates}#{letter.output}"
        self.story.append(("refused", letter.output, why))

    def letter_written(self, letter: DeadLetter) -> None:
        assert letter.output not in self.letters, f"{self}: two letters of one event"
        assert letter.trace == f"trace of {letter.record.coordinates}#{letter.output}"
        self.letters[letter.output] = letter
        self.story.append(("written", letter.output))

    def done(self, disposition: Disposition) -> None:
        assert self.end is None, f"{self}: it ends a second time"
        assert (disposition is Disposition.DEAD_LETTERED) <= bool(self.letters), f"{self}: no letter of it was written"
        self.end = disposition

    def given_up(self) -> None:
        assert self.end is None, f"{self}: it ends a second time"
        self.end = "given up"


class Hearing:
    """All records that came in, in order. `of` says which are followed."""

    def __init__(self, users: str | None = None) -> None:
        """`users`: only records of which the value begins so are followed."""
        self._users = users
        self.asked = 0
        self.lives: list[Heard] = []

    def came_in(self, record: Record, outcomes: Outcomes) -> Heard | None:
        self.asked += 1
        if self._users is not None and not (record.value or b"").decode().startswith(self._users):
            return None
        life = Heard(record, outcomes)
        self.lives.append(life)
        return life

    @property
    def ends(self) -> list[object]:
        return [life.end for life in self.lives]
