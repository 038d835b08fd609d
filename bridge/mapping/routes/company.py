"""A route that says what is known of a company; no user belongs to it by that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.mapping.absent_keys import AbsentKeys
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.routes.identify import COMPANY_IDS
from bridge.mapping.routes.plan import ProfilePlan, RouteParts, encoded, identifier
from bridge.mapping.routes.properties import PropertiesParts, PropertiesWriter
from bridge.mapping.settings import Settings
from bridge.model import COMPANY, Filtered, Outcome, Request

LANE: Final = "company:"
"""Before the id of a company, where something is in the order of users."""


@dataclass(frozen=True, slots=True, eq=False)
class CompanyParts(RouteParts):
    """What is written of a company."""

    id: ValueReader
    properties: PropertiesParts = field(repr=False)

    @property
    def is_step(self) -> bool:
        """See `RouteParts`."""
        return True

    def bind(self, settings: Settings) -> CompanyPlan:
        """See `RouteParts`."""
        return CompanyPlan(self, settings)


class CompanyPlan(ProfilePlan):
    """A company on one kind of topic."""

    __slots__ = ("_writer",)

    kind = COMPANY

    def __init__(self, parts: CompanyParts, settings: Settings) -> None:
        super().__init__(parts.head, settings, parts.id)
        self._writer = PropertiesWriter(parts.properties, "company", stringify=settings.stringify, reserved=COMPANY_IDS)
        self.absent_keys = AbsentKeys(self._writer.watched(self.route.name))

    @property
    def readers(self) -> tuple[tuple[str, ValueReader], ...]:
        """See `RoutePlan`."""
        return (("company.id", self.user_id), *self._writer.readers)

    @property
    def keys(self) -> Mapping[str, ValueReader]:
        """See `RoutePlan`."""
        return dict(self._writer.named)

    def contents(self, document: Mapping[str, Any], /) -> Mapping[str, Any]:
        """See `RoutePlan`."""
        metadata: Mapping[str, Any] = document.get("metadata", {})
        return metadata

    def _subject(self, value: Any, scope: Scope) -> str | Filtered:
        return identifier(self.user_id, self.user_id.read(value, scope), scope, "company.id", "a company's id")

    def _outcome(self, subject: str, value: Any, scope: Scope, /) -> Outcome:
        made = self._writer.make(value, scope)
        document: dict[str, Any] = {"company_id": subject}
        if made.properties:
            document["metadata"] = made.properties
        self.absent_keys[made.absent] += 1
        return Request(COMPANY, f"{LANE}{subject}", "", encoded(document), self.route, made.left_out)
