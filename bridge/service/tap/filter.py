"""Which samples somebody wants to see. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bridge.model import Delivered, Failed, Filtered, Forget, Outcome, Outcomes, Reject, Request, Retry, Verdict
from bridge.text.amounts import listed

MAPPED: Final = "mapped"
FILTERED: Final = "filtered"
FAILED: Final = "failed"
ACCEPTED: Final = "accepted"
RETRIED: Final = "retried"
REJECTED: Final = "rejected"
UNAUTHORIZED: Final = "unauthorized"
DEAD_LETTERED: Final = "dead_lettered"

OF_RECORDS: Final = (MAPPED, FILTERED, FAILED)
OF_REQUESTS: Final = (ACCEPTED, RETRIED, REJECTED, UNAUTHORIZED)
OUTCOMES: Final = (*OF_RECORDS, *OF_REQUESTS, DEAD_LETTERED)
"""What can become of a record when it is mapped, of a request, and that a dead letter was written."""

_KEYS: Final = ("route", "user", "outcome")
_ROUTES_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class TapFilter:
    """None: of all."""

    route: str | None = None
    user: str | None = None
    outcome: str | None = None
    """One of `OUTCOMES`."""

    def follows(self, outcomes: Outcomes) -> bool:
        """Whether a sample may come of a record that was mapped to these."""
        if self.route is None and self.user is None:
            return True
        return any(
            self.takes(outcome) or not isinstance(outcome, Request | Filtered | Failed | Forget) for outcome in outcomes
        )

    def takes(self, outcome: Outcome) -> bool:
        """Whether one outcome is of the wanted route and user."""
        if self.route is not None and (outcome.route is None or outcome.route.name != self.route):
            return False
        return self.user is None or getattr(outcome, "user_id", None) == self.user

    def shows(self, outcome: str) -> bool:
        """Whether samples with this outcome are wanted."""
        return self.outcome is None or self.outcome == outcome

    @property
    def is_rare(self) -> bool:
        """Whether what is wanted may be one in a million, so that every record has to be followed for it."""
        return self.outcome not in {None, MAPPED, ACCEPTED}


def of_query(query: Mapping[str, str], routes: Collection[str]) -> TapFilter:
    """Raises `ValueError`, a sentence, for what is no filter, and for a route that is none of `routes`."""
    for name in query:
        if name not in _KEYS:
            raise ValueError(f"{name} is no filter; there are: {', '.join(_KEYS)}.")
    outcome = query.get("outcome")
    if outcome is not None and outcome not in OUTCOMES:
        raise ValueError(f"{outcome} is no outcome; there are: {', '.join(OUTCOMES)}.")
    route = query.get("route")
    if route is not None and route not in routes:
        there = listed(list(routes), _ROUTES_NAMED) if routes else "none"
        raise ValueError(f"{route} is no route; there are: {there}.")
    return TapFilter(route, query.get("user"), outcome)


def of_record(outcomes: Iterable[Outcome]) -> str:
    """What became of a record when it was mapped."""
    found = list(outcomes)
    if any(isinstance(outcome, Failed) for outcome in found):
        return FAILED
    return FILTERED if all(isinstance(outcome, Filtered | Forget) for outcome in found) else MAPPED


def of_request(verdict: Verdict) -> str:
    """What became of a request."""
    if isinstance(verdict, Delivered):
        return ACCEPTED
    if isinstance(verdict, Retry):
        return RETRIED
    return REJECTED if isinstance(verdict, Reject) else UNAUTHORIZED
