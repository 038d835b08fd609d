"""What a type's rule comes to on one topic."""

from __future__ import annotations

from typing import Any, Final

from bridge.mapping.expressions.scope import Scope
from bridge.mapping.routes.plan import RoutePlan
from bridge.model import Filtered, FilterReason, Outcomes, Steps

LONGEST_TYPE_KEPT: Final = 200
"""Characters of a type that is remembered: types come from the records."""


class Unmapped:
    """Hands out one `Filtered` per type that has no rule, up to a bound, and then one for all others."""

    def __init__(self, bound: int = 1_000) -> None:
        self._bound = bound
        self._by_type: dict[str, Outcomes] = {}
        self._others: Outcomes = (Filtered(FilterReason.UNMAPPED),)

    def of(self, event_type: str) -> Outcomes:
        """Always the same instance for a type."""
        known = self._by_type.get(event_type)
        if known is not None:
            return known
        if len(self._by_type) >= self._bound or len(event_type) > LONGEST_TYPE_KEPT:
            return self._others
        outcomes = (Filtered(FilterReason.UNMAPPED, event_type=event_type),)
        self._by_type[event_type] = outcomes
        return outcomes


class Match:
    """What a type's rule comes to on one topic: outcomes for all its records alike, or routes to look at each."""

    __slots__ = ("are_steps", "event_type", "outcomes", "plans", "rule")

    def __init__(
        self,
        event_type: str,
        rule: str | None,
        outcomes: Outcomes | None,
        plans: tuple[RoutePlan, ...] = (),
        *,
        are_steps: bool = False,
    ) -> None:
        self.event_type = event_type
        self.rule = rule
        """The rule's key; None where the type has no rule."""
        self.outcomes = outcomes
        self.plans = plans
        self.are_steps = are_steps
        """Whether what the plans make is a `Steps`: there are several, and not all make events."""

    def by_each(self, value: Any, scope: Scope, now: float) -> Outcomes:
        """What each of its plans makes of a record."""
        made = [plan.map(value, scope, now) for plan in self.plans]
        return Steps(made) if self.are_steps else tuple(made)
