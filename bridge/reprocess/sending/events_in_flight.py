"""The events of one letter or line beside live traffic: as the dispatcher gets them, and which of them are open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.model import DeadLetter, Elements, Outcomes, Request, Steps, element_of, route_of


class SeparateParts(Elements):
    """Outcomes of one record of which not all wait for one another: each part is an element to the dispatcher."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Outcomes], size: int) -> None:
        """`parts` are as they come, in order; `size` as of `Elements`."""
        super().__init__(len(parts), size)
        self._parts = parts

    def map(self, element: int, now: float) -> Outcomes:  # noqa: ARG002 - they are mapped already
        """See `Elements`."""
        return self._parts[element]


class EventsInFlight:
    """Each event is known by its place among all of them, whatever number the dispatcher gives it."""

    __slots__ = ("_behind", "_first", "_open", "outcomes")

    def __init__(self, parts: Iterable[Outcomes] = (), size: int = 0, *, counts: tuple[type, ...] = (Request,)) -> None:
        """`parts`: what waits for one another is one of them, see `Steps`; `counts` are outcomes that are something to
        wait for; `size` is the record's, in bytes.
        """
        found = [part for part in parts if part]
        if not any(isinstance(part, Steps) for part in found):
            found = [tuple(each for part in found for each in part)]
        self.outcomes: Outcomes = found[0] if len(found) == 1 else (SeparateParts(found, size),)
        """For the dispatcher."""
        self._first: list[int] = [0]
        """The place of the first event of each part, and after the last."""
        self._behind: list[int] = []
        """By part: where what goes with an event that fails ends; 0: nothing does."""
        for part in found:
            self._first.append(self._first[-1] + len(part))
            self._behind.append(self._first[-1] if isinstance(part, Steps) else 0)
        every = (each for part in found for each in part)
        self._open = {place for place, outcome in enumerate(every) if isinstance(outcome, counts)}

    @property
    def are_open(self) -> bool:
        """Whether any is waited for."""
        return bool(self._open)

    def accept(self, output: int) -> int:
        """The API accepted the event of this number of the dispatcher's. Returns its place."""
        _, place = self._find(output)
        self._open.discard(place)
        return place

    def fail(self, output: int, *, rest_sent: bool = False) -> int:
        """It failed for good, and the steps behind it are not sent, or nevertheless. Returns its place."""
        part, place = self._find(output)
        self._open.discard(place)
        if not rest_sent:
            self._open.difference_update(range(place, self._behind[part]))
        return place

    def _find(self, output: int) -> tuple[int, int]:
        if len(self._behind) == 1:
            return 0, output
        part = element_of(output)
        return part, self._first[part] + route_of(output)


def rest_was_sent(letter: DeadLetter) -> bool:
    """Whether what waits for the step that failed is sent all the same."""
    return letter.step is not None and letter.step.rest_sent
