"""What became of every event: what the records were due to become, held against what arrived. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.model import Failed, Filtered, Outcomes, Record, Request

Ordering = Literal["user", "key", "partition", "none"]
Coordinates = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing a record must become: a request, or a dead letter."""

    coordinates: Coordinates
    output: int
    """Which of the record's outcomes, from 0; as dead letters count."""
    user_id: str
    seen_at: float
    """When the record was in the topic, monotonic seconds."""
    order_key: Hashable
    """Events of one key arrive in order; None: in any."""

    def __str__(self) -> str:
        topic, partition, offset = self.coordinates
        return f"{topic}/{partition}/{offset}"


@dataclass(frozen=True, slots=True)
class SeenLetter:
    """A dead letter, as far as it counts here."""

    coordinates: Coordinates
    output: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it ended."""

    due: int
    """Requests that had to be made."""
    arrived: int
    """Of these, those the API accepted, each once."""
    given_up: Counter[str]
    """Dead letters by reason, each once."""
    lost: Sequence[str]
    duplicates: int
    overtaken: Sequence[str]
    foreign: int
    """Accepted requests that no record was due to become."""
    unexplained: Sequence[str]
    """Dead letters that no rule asks for."""


class Oracle:
    """Knows what is due and what arrived, told in any order; may be asked at any time how much is open."""

    def __init__(self, ordering: Ordering, *, may_be_rejected: Callable[[str], bool] = lambda _name: False) -> None:
        """`may_be_rejected` tells event names that the emulated API refuses on purpose."""
        self._ordering = ordering
        self._may_be_rejected = may_be_rejected
        self._requests: dict[bytes, list[Due]] = {}
        self._letters_due: dict[tuple[Coordinates, int], tuple[Due, str]] = {}
        self._by_output: dict[tuple[Coordinates, int], bytes] = {}
        self._rejectable: set[tuple[Coordinates, int]] = set()
        self._accepted: Counter[bytes] = Counter()
        self._in_order: list[bytes] = []
        self._times: list[float] = []
        self._letters: dict[tuple[Coordinates, int], str] = {}
        self._open: set[tuple[Coordinates, int]] = set()
        self.records = 0
        self.filtered = 0

    # --- what is known -----------------------------------------------------------------------------------

    def record(self, record: Record, outcomes: Outcomes, seen_at: float) -> None:
        """A record is in its topic, and the mapping makes this of it."""
        self.records += 1
        coordinates = (record.topic, record.partition, record.offset)
        self.filtered += all(isinstance(outcome, Filtered) for outcome in outcomes)
        for output, outcome in enumerate(outcomes):
            at = (coordinates, output)
            if isinstance(outcome, Request):
                due = Due(coordinates, output, outcome.user_id, seen_at, self._order_key(record, outcome.user_id))
                self._requests.setdefault(outcome.body, []).append(due)
                self._by_output[at] = outcome.body
                if self._may_be_rejected(outcome.event_name):
                    self._rejectable.add(at)
                if self._accepted[outcome.body] < len(self._requests[outcome.body]) and at not in self._letters:
                    self._open.add(at)
            elif isinstance(outcome, Failed):
                self._letters_due[at] = (Due(coordinates, output, "", seen_at, None), outcome.reason.value)
                if at not in self._letters:
                    self._open.add(at)

    def accepted(self, body: bytes, at: float) -> None:
        """The API accepted this request at this monotonic time."""
        number = self._accepted[body]
        self._accepted[body] = number + 1
        self._in_order.append(body)
        self._times.append(at)
        waiting = self._requests.get(body, ())
        if number < len(waiting):
            self._open.discard((waiting[number].coordinates, waiting[number].output))

    def letter(self, letter: SeenLetter) -> None:
        """A letter is in the dead-letter topic."""
        at = (letter.coordinates, letter.output)
        self._letters[at] = letter.reason
        self._open.discard(at)

    @property
    def open(self) -> int:
        """What is due and has neither arrived nor become a dead letter."""
        return len(self._open)

    @property
    def settled(self) -> int:
        """What is due and is done."""
        return len(self._by_output) + len(self._letters_due) - len(self._open)

    def _order_key(self, record: Record, user_id: str) -> Hashable:
        where = (record.topic, record.partition)
        match self._ordering:
            case "user":
                return (*where, user_id)
            case "key":
                return (*where, record.key)
            case "partition":
                return where
            case _:
                return None

    # --- judgement -----------------------------------------------------------------------------------------

    def judge(self) -> Verdict:
        """From all that is known now."""
        arrived = sum(min(self._accepted[body], len(due)) for body, due in self._requests.items())
        return Verdict(
            due=len(self._by_output),
            arrived=arrived,
            given_up=Counter(self._letters.values()),
            lost=[self._lost(at) for at in sorted(self._open)],
            duplicates=sum(max(0, self._accepted[body] - len(due)) for body, due in self._requests.items()),
            overtaken=self._overtaken(),
            foreign=sum(count for body, count in self._accepted.items() if body not in self._requests),
            unexplained=self._unexplained(),
        )

    def _lost(self, at: tuple[Coordinates, int]) -> str:
        (topic, partition, offset), output = at
        if at in self._letters_due:
            return f"{topic}/{partition}/{offset} is not in the dead-letter topic ({self._letters_due[at][1]})"
        return f"{topic}/{partition}/{offset}, event {output}, never reached the API"

    def _overtaken(self) -> list[str]:
        """First arrivals that came after that of a later event of the same order key: a repetition overtakes nobody."""
        newest: dict[Hashable, Due] = {}
        seen: set[bytes] = set()
        wrong = []
        for body in self._in_order:
            due = self._requests.get(body, ())
            # Of requests alike to the last byte nobody can tell which came first.
            if body in seen or len(due) != 1 or due[0].order_key is None:
                continue
            seen.add(body)
            (event,) = due
            last = newest.get(event.order_key)
            if last is not None and (event.coordinates[2], event.output) < (last.coordinates[2], last.output):
                wrong.append(f"{event} of user {event.user_id} arrived after {last}")
            else:
                newest[event.order_key] = event
        return wrong

    def _unexplained(self) -> list[str]:
        """A letter is explained by the mapping, by the API's refusal on purpose, or by a key that was refused."""
        wrong = []
        for at, reason in self._letters.items():
            (topic, partition, offset), _ = at
            expected = self._letters_due.get(at)
            if expected is not None:
                fine = expected[1] == reason
            elif at not in self._by_output:
                fine = False
            else:
                fine = reason == "unauthorized" or (reason == "rejected" and at in self._rejectable)
            if not fine:
                wrong.append(f"{topic}/{partition}/{offset} is in the dead-letter topic as {reason}")
        return wrong

    # --- times ---------------------------------------------------------------------------------------------

    @property
    def arrivals(self) -> Sequence[float]:
        """The monotonic times of all acceptances, ascending."""
        return self._times

    def spans(self) -> list[tuple[float, float]]:
        """For each event that arrived: when its record was there, and when it was first accepted."""
        seen: set[bytes] = set()
        spans = []
        for body, at in zip(self._in_order, self._times, strict=True):
            due = self._requests.get(body)
            if due is None or body in seen:
                continue
            seen.add(body)
            spans.append((due[0].seen_at, at))
        return spans
