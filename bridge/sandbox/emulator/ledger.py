"""What the emulated API saw: accepted events in order, answers by kind, and signs of promises that a sender broke."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.sandbox.emulator.contract import Event, busiest_window

_REFUSALS_KEPT = 50


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


class RequestLedger:
    """Everything the emulator remembers."""

    def __init__(self) -> None:
        self.accepted: list[Accepted] = []
        self.requests = 0
        """Requests to the track path, whatever became of them."""
        self.answers: Counter[str] = Counter()
        """By status code, or by the kind of fault where no whole answer was given."""
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
        self._times = array("d")
        self._in_flight = 0
        self._per_user: Counter[str] = Counter()

    def arrived(self, user_id: str | None, now: float) -> None:
        """A request is read."""
        self.requests += 1
        self._times.append(now)
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        if user_id is not None:
            self._per_user[user_id] += 1
            together = self._per_user[user_id]
            self.max_in_flight_per_user = max(self.max_in_flight_per_user, together)
            if together > 1:
                self.overlaps.append(user_id)

    def ended(self, user_id: str | None) -> None:
        """The request was answered, or its connection is gone."""
        self._in_flight -= 1
        if user_id is not None:
            self._per_user[user_id] -= 1
            if not self._per_user[user_id]:
                del self._per_user[user_id]

    def accept(self, event: Event, body: bytes, now: float) -> None:
        """The event is in."""
        self.accepted.append(Accepted(len(self.accepted), now, event.user_id, event.event_name, event.metadata, body))

    def busiest(self, window: float = 60.0) -> int:
        """The most requests in any window of so many seconds, refused ones included."""
        return busiest_window(list(self._times), window)

    def stats(self) -> dict[str, Any]:
        """As the admin endpoint shows it."""
        return {
            "requests": self.requests,
            "accepted": len(self.accepted),
            "answers": dict(sorted(self.answers.items())),
            "refusals": list(self.refusals),
            "overlaps": len(self.overlaps),
            "max_in_flight": self.max_in_flight,
            "max_in_flight_per_user": self.max_in_flight_per_user,
            "max_requests_per_minute": self.busiest(),
            "connections": self.connections,
            "connections_opened": self.connections_opened,
            "pipelined": self.pipelined,
            "unheard": self.unheard,
        }
