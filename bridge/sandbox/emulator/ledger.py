"""What the emulated API saw: what it accepted in order, answers by kind, and signs of promises that a sender broke."""

from __future__ import annotations

import enum
from array import array
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bridge.sandbox.emulator.contract import BODIES, COMPANY, IDENTIFY, Body, Event, busiest_window
from bridge.sandbox.emulator.imports import IMPORTS, JOBS
from bridge.sandbox.emulator.people import PostedUser, Properties

_REFUSALS_KEPT = 50
_USERS_KNOWN = 200_000
"""Of a ledger that does not keep everything."""
_TIMES_KEPT = 100_000
"""As above: more than two hours at 600 requests a minute."""
_PATHS = frozenset({*BODIES, IMPORTS})


class Accepted(NamedTuple):
    """One accepted event."""

    number: int
    """Its place in the order of arrival, from 0."""
    at: float
    """Monotonic seconds."""
    user_id: str
    event_name: str
    metadata: Mapping[str, str | int | float | bool]
    body: bytes
    """As it was sent."""
    order: int = 0
    """Its place among all that was accepted, identifies and companies, too."""


class AcceptedIdentify(NamedTuple):
    """One accepted identify."""

    order: int
    """As for events."""
    at: float
    user_id: str
    metadata: Properties
    company: Properties | None
    body: bytes
    answered: bool
    """Whether an answer said so: False where the sender cannot know."""


class AcceptedCompany(NamedTuple):
    """One accepted company."""

    order: int
    """As for events."""
    at: float
    company_id: str
    metadata: Properties
    body: bytes
    answered: bool


class CountedAs(enum.StrEnum):
    """What requests are counted against."""

    TRACK = "track"
    IDENTIFY = "identify"
    """Identifies and companies."""
    TOGETHER = "together"
    """All of them: where the API has one counter."""


def budget_of(path: str) -> CountedAs:
    """Of a request to this path; one that does not exist counts as track."""
    return CountedAs.IDENTIFY if path in (IDENTIFY, COMPANY) else CountedAs.TRACK


class RequestLedger:
    """Everything the emulator remembers."""

    def __init__(self, keeps: int | None = None) -> None:
        """`keeps`: as many of each kind, the last ones, for a process that has no end; None: all of them."""
        self.keeps = keeps
        self._forgotten: Counter[int] = Counter()
        self.accepted: list[Accepted] = []
        self.identified: list[AcceptedIdentify] = []
        self.companies: list[AcceptedCompany] = []
        self.known: set[str] = set()
        """Users of whom an identify was accepted, or a row imported."""
        self.requests = 0
        """Requests to the track path, whatever became of them."""
        self.identify_requests = 0
        """Requests to the paths of identifies and companies, whatever became of them."""
        self.answers: Counter[str] = Counter()
        """By status code, or by the kind of fault where no whole answer was given."""
        self.answers_by_path: dict[str, Counter[str]] = {}
        """The same for each path that exists; jobs are under the path of all of them."""
        self.refusals: deque[str] = deque(maxlen=_REFUSALS_KEPT)
        """The last sentences said with a 4xx."""
        self.overlaps: list[str] = []
        """Users of whom a request came while another was unanswered: their order was not kept."""
        self.max_in_flight = 0
        self.max_in_flight_per_user = 0
        self.connections_opened = 0
        self.connections = 0
        self.pipelined = 0
        """Requests that came before the previous one on their connection was answered."""
        self.unheard = 0
        """Requests on a connection where a surplus answer had been sent: who takes it for theirs loses the event."""
        self._times = {CountedAs.TRACK: array("d"), CountedAs.IDENTIFY: array("d")}
        self._order = 0
        self._in_flight = 0
        self._per_user: Counter[str] = Counter()

    def arrived(self, budget: CountedAs, user_id: str | None, now: float) -> None:
        """A request is read."""
        if budget is CountedAs.TRACK:
            self.requests += 1
        else:
            self.identify_requests += 1
        times = self._times[budget]
        times.append(now)
        if self.keeps is not None and len(times) > _TIMES_KEPT:
            del times[: _TIMES_KEPT // 2]
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        if user_id is not None:
            self._per_user[user_id] += 1
            together = self._per_user[user_id]
            self.max_in_flight_per_user = max(self.max_in_flight_per_user, together)
            if together > 1:
                self._keep(self.overlaps, user_id)

    def ended(self, user_id: str | None) -> None:
        """The request was answered, or its connection is gone."""
        self._in_flight -= 1
        if user_id is not None:
            self._per_user[user_id] -= 1
            if not self._per_user[user_id]:
                del self._per_user[user_id]

    def answered(self, path: str, answer: str) -> None:
        """A status, or the kind of fault that came instead of an answer."""
        self.answers[answer] += 1
        known = path if path in _PATHS else JOBS if path.startswith(JOBS) else None
        if known is not None:
            self.answers_by_path.setdefault(known, Counter())[answer] += 1

    def accept(self, body: Body, sent: bytes, now: float, *, answered: bool = True) -> None:
        """It is in; `sent` is the request's body, `answered` whether the answer says so."""
        order, self._order = self._order, self._order + 1
        if isinstance(body, Event):
            event = (body.user_id, body.event_name, body.metadata)
            number = len(self.accepted) + self.forgotten(self.accepted)
            self._keep(self.accepted, Accepted(number, now, *event, sent, order))
        elif isinstance(body, PostedUser):
            if self.keeps is None or len(self.known) < _USERS_KNOWN:
                self.known.add(body.user_id)
            user = (body.user_id, body.metadata, body.company)
            self._keep(self.identified, AcceptedIdentify(order, now, *user, sent, answered))
        else:
            self._keep(self.companies, AcceptedCompany(order, now, body.company_id, body.metadata, sent, answered))

    def _keep(self, found: list[Any], each: Any) -> None:
        found.append(each)
        if self.keeps is not None and len(found) > self.keeps:
            del found[0]
            self._forgotten[id(found)] += 1

    def forgotten(self, found: Sequence[Any]) -> int:
        """How many of one of its lists came before the first that it still has."""
        return self._forgotten[id(found)]

    def before_identify(self, *, answered: bool = False) -> list[Accepted]:
        """Accepted events of users of whom no identify was accepted before; ``answered``: and its sender told so."""
        first: dict[str, int] = {}
        for user in self.identified:
            if user.answered or not answered:
                first.setdefault(user.user_id, user.order)
        return [event for event in self.accepted if first.get(event.user_id, self._order) > event.order]

    def busiest(self, window: float = 60.0, budget: CountedAs = CountedAs.TRACK) -> int:
        """The most requests in any window of so many seconds, refused ones included."""
        if budget is not CountedAs.TOGETHER:
            return busiest_window(list(self._times[budget]), window)
        return busiest_window(sorted([*self._times[CountedAs.TRACK], *self._times[CountedAs.IDENTIFY]]), window)

    def stats(self) -> dict[str, Any]:
        """As the admin endpoint shows it."""
        return {
            "requests": self.requests,
            "accepted": len(self.accepted) + self.forgotten(self.accepted),
            "identify_requests": self.identify_requests,
            "identified": len(self.identified) + self.forgotten(self.identified),
            "companies": len(self.companies) + self.forgotten(self.companies),
            "known_users": len(self.known),
            "events_before_identify": len(self.before_identify()),
            "answers": _by_name(self.answers),
            "answers_by_path": {path: _by_name(found) for path, found in self.answers_by_path.items()},
            "refusals": list(self.refusals),
            "overlaps": len(self.overlaps),
            "max_in_flight": self.max_in_flight,
            "max_in_flight_per_user": self.max_in_flight_per_user,
            "max_requests_per_minute": self.busiest(),
            "max_identify_requests_per_minute": self.busiest(budget=CountedAs.IDENTIFY),
            "max_requests_per_minute_together": self.busiest(budget=CountedAs.TOGETHER),
            "connections": self.connections,
            "connections_opened": self.connections_opened,
            "pipelined": self.pipelined,
            "unheard": self.unheard,
        }


def _by_name(answers: Counter[str]) -> dict[str, int]:
    """For JSON, whose keys must be texts and no more: the name of a kind of fault is a member of its enum, too."""
    return {str(answer): count for answer, count in sorted(answers.items())}
