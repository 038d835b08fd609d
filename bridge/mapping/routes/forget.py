"""A route that forgets a user: nothing is sent, and the bridge never identifies the user by itself again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.routes.plan import ProfilePlan, RouteParts, identifier, names_nobody
from bridge.mapping.settings import Settings
from bridge.model import Filtered, FilterReason, Forget, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class ForgetParts(RouteParts):
    """What is written of it. Its head has no sample and lifts `max_age`: it is never too late to forget."""

    user_id: ValueReader | None

    def bind(self, settings: Settings) -> ForgetPlan:
        """See `RouteParts`."""
        return ForgetPlan(self, settings)


class ForgetPlan(ProfilePlan):
    """Users to forget, of one kind of topic."""

    __slots__ = ("_counts_as", "_drops_without_user")

    def __init__(self, parts: ForgetParts, settings: Settings) -> None:
        super().__init__(parts.head, settings, parts.user_id or settings.user_id)
        self._drops_without_user = settings.on_no_user == "drop"
        self._counts_as = Filtered(FilterReason.FORGET, self.route)

    @property
    def readers(self) -> tuple[tuple[str, ValueReader], ...]:
        """See `RoutePlan`."""
        return (("user_id", self.user_id),)

    @property
    def keys(self) -> Mapping[str, ValueReader]:
        """See `RoutePlan`."""
        return {}

    def contents(self, _document: Mapping[str, Any], /) -> Mapping[str, Any]:
        """See `RoutePlan`."""
        return {}

    def _subject(self, value: Any, scope: Scope) -> str | Filtered:
        user_id = self.user_id.read(value, scope)
        if self._drops_without_user and names_nobody(user_id):
            return self._filtered[FilterReason.NO_USER]
        return identifier(self.user_id, user_id, scope)

    def _outcome(self, subject: str, _value: Any, _scope: Scope, /) -> Outcome:
        return Forget(subject, self._counts_as)
