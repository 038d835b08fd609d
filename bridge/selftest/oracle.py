"""What became of every event: what the records were due to become, held against what arrived. No I/O."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.model import IDENTIFY, Failed, Filtered, Forget, Outcomes, Record, Request, Steps

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
    rest_sent: bool = False
    """The steps behind it are sent nevertheless."""


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


def own_identify(user_id: str) -> bytes:
    """The request that the bridge sends before a user's first event."""
    return json.dumps({"user_id": user_id}, ensure_ascii=False, separators=(",", ":")).encode()


class Oracle:
    """Knows what is due and what arrived, told in any order; may be asked at any time how much is open."""

    def __init__(
        self,
        ordering: Ordering,
        *,
        may_be_rejected: Callable[[str], bool] = lambda _name: False,
        rest_follows: Callable[[str], bool] = lambda _topic: False,
        identifies_itself: bool = False,
    ) -> None:
        """`may_be_rejected` tells event names that the emulated API refuses on purpose; `rest_follows`, of a topic,
        whether what comes behind an identify that is refused is sent nevertheless; `identifies_itself`: the bridge
        sends an identify of its own before a user's first event.
        """
        self._ordering = ordering
        self._rest_follows = rest_follows
        self._identifies_itself = identifies_itself
        self._own: set[bytes] = set()
        """Identifies that the bridge may send of itself: they may come any number of times."""
        self._steps: dict[Coordinates, list[tuple[int, bytes | None]]] = {}
        """Of each record that has steps: their numbers and bodies."""
        self._left_from: dict[Coordinates, int] = {}
        """Of each record with a letter that leaves the steps behind it: the number of the step that failed."""
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
        self.filtered += all(isinstance(outcome, (Filtered, Forget)) for outcome in outcomes)
        last = len(outcomes)
        if isinstance(outcomes, Steps):
            last = self._left_from.get(coordinates, last)
            outcomes = self._until_one_fails(record, outcomes)
            bodies = [outcome.body if isinstance(outcome, Request) else None for outcome in outcomes]
            self._steps[coordinates] = list(enumerate(bodies))
        for output, outcome in enumerate(outcomes):
            at = (coordinates, output)
            if isinstance(outcome, Request):
                due = Due(coordinates, output, outcome.user_id, seen_at, self._order_key(record, outcome.user_id))
                self._requests.setdefault(outcome.body, []).append(due)
                self._by_output[at] = outcome.body
                if self._may_be_rejected(outcome.event_name):
                    self._rejectable.add(at)
                if self._accepted[outcome.body] < len(self._requests[outcome.body]) and at not in self._letters:
                    self._open.update([at] if output <= last else [])
            elif isinstance(outcome, Failed):
                self._letters_due[at] = (Due(coordinates, output, "", seen_at, None), outcome.reason.value)
                if at not in self._letters and output <= last:
                    self._open.add(at)

    def _until_one_fails(self, record: Record, steps: Steps) -> Outcomes:
        """The steps that are due: those behind one that cannot be sent are left with its letter."""
        for output, outcome in enumerate(steps):
            is_identify = isinstance(outcome, Failed) and outcome.kind == IDENTIFY.name
            if isinstance(outcome, Failed) and not (is_identify and self._rest_follows(record.topic)):
                return steps[: output + 1]
        return steps

    def identified(self, user_id: str, body: bytes, at: float) -> None:
        """The API accepted an identify, which a record may have asked for, or the bridge itself."""
        if self._identifies_itself and body == own_identify(user_id):
            self._own.add(body)
        self.accepted(body, at)

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
        if not letter.rest_sent:
            self._left_from[letter.coordinates] = letter.output
            for output, _ in self._steps.get(letter.coordinates, ()):
                if output > letter.output:
                    self._open.discard((letter.coordinates, output))

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
            duplicates=sum(
                max(0, self._accepted[body] - len(due)) for body, due in self._requests.items() if body not in self._own
            ),
            overtaken=[*self._overtaken(), *self._too_early()],
            foreign=sum(
                count for body, count in self._accepted.items() if body not in self._requests and body not in self._own
            ),
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
            if body in seen or body in self._own or len(due) != 1 or due[0].order_key is None:
                continue
            seen.add(body)
            (event,) = due
            last = newest.get(event.order_key)
            if last is not None and (event.coordinates[2], event.output) < (last.coordinates[2], last.output):
                wrong.append(f"{event} of user {event.user_id} arrived after {last}")
            else:
                newest[event.order_key] = event
        return wrong

    def _too_early(self) -> list[str]:
        """Steps that arrived before the one before them was accepted."""
        first = {body: number for number, body in reversed(list(enumerate(self._in_order)))}
        wrong = []
        for coordinates, steps in self._steps.items():
            before = -1
            for output, body in steps:
                at = -1 if body is None or (coordinates, output) in self._letters else first.get(body, -1)
                # One that is alike to the last byte with others may have come for any of them.
                if body is not None and len(self._requests.get(body, ())) == 1 and -1 < at < before:
                    topic, partition, offset = coordinates
                    wrong.append(f"step {output + 1} of {topic}/{partition}/{offset} arrived before the one before it")
                before = max(before, at)
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
