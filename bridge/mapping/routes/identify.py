"""A route that identifies a user: an id, properties, and perhaps the company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bridge.mapping.absent_keys import AbsentKeys
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.routes.plan import ProfilePlan, RouteParts, encoded, identifier, names_nobody
from bridge.mapping.routes.properties import PropertiesParts, PropertiesWriter
from bridge.mapping.settings import Settings
from bridge.model import IDENTIFY, Filtered, FilterReason, Outcome, Request

CompanyIdField = Literal["id", "company_id", "both"]
COMPANY_IDS: Final = frozenset({"id", "company_id"})
"""Names that no property of a company may have: what Userpilot's pages call its id, of which they disagree."""
_ID_FIELDS: Final[Mapping[CompanyIdField, tuple[str, ...]]] = {
    "id": ("id",),
    "company_id": ("company_id",),
    "both": ("id", "company_id"),
}


@dataclass(frozen=True, slots=True)
class CompanyOfUser:
    """The company that is written beside a user."""

    id: ValueReader
    properties: PropertiesParts = field(repr=False)
    id_field: CompanyIdField


@dataclass(frozen=True, slots=True, eq=False)
class IdentifyParts(RouteParts):
    """What is written of a user."""

    user_id: ValueReader | None
    properties: PropertiesParts = field(repr=False)
    company: CompanyOfUser | None

    @property
    def is_step(self) -> bool:
        """See `RouteParts`."""
        return True

    def bind(self, settings: Settings) -> IdentifyPlan:
        """See `RouteParts`."""
        return IdentifyPlan(self, settings)


class IdentifyPlan(ProfilePlan):
    """A user on one kind of topic."""

    __slots__ = ("_company", "_drops_without_user", "_of_company", "_of_user", "_shift")

    kind = IDENTIFY

    def __init__(self, parts: IdentifyParts, settings: Settings) -> None:
        super().__init__(parts.head, settings, parts.user_id or settings.user_id)
        self._drops_without_user = settings.on_no_user == "drop"
        self._company = company = parts.company
        self._of_user = PropertiesWriter(parts.properties, "identify", stringify=settings.stringify)
        self._of_company: PropertiesWriter | None = None
        watched = list(self._of_user.watched(self.route.name))
        self._shift = len(watched)
        if company is not None:
            self._of_company = PropertiesWriter(
                company.properties, "identify.company", stringify=settings.stringify, reserved=COMPANY_IDS
            )
            watched += self._of_company.watched(self.route.name)
        self.absent_keys = AbsentKeys(watched)

    @property
    def readers(self) -> tuple[tuple[str, ValueReader], ...]:
        """See `RoutePlan`."""
        company = () if self._company is None else (("identify.company.id", self._company.id),)
        of_company = () if self._of_company is None else self._of_company.readers
        return (("user_id", self.user_id), *self._of_user.readers, *company, *of_company)

    @property
    def keys(self) -> Mapping[str, ValueReader]:
        """See `RoutePlan`."""
        of_company = () if self._of_company is None else self._of_company.named
        return dict([*self._of_user.named, *((f"company: {name}", reader) for name, reader in of_company)])

    def contents(self, document: Mapping[str, Any], /) -> Mapping[str, Any]:
        """See `RoutePlan`."""
        company = document.get("company", {})
        named = {f"company: {name}": each for name, each in company.items() if name not in COMPANY_IDS}
        return {**document.get("metadata", {}), **named}

    def _subject(self, value: Any, scope: Scope) -> str | Filtered:
        user_id = self.user_id.read(value, scope)
        if self._drops_without_user and names_nobody(user_id):
            return self._filtered[FilterReason.NO_USER]
        return identifier(self.user_id, user_id, scope)

    def _outcome(self, subject: str, value: Any, scope: Scope, /) -> Outcome:
        document: dict[str, Any] = {"user_id": subject}
        made = self._of_user.make(value, scope)
        left_out, absent = made.left_out, made.absent
        if made.properties:
            document["metadata"] = made.properties
        company, of_company = self._company, self._of_company
        if company is not None and of_company is not None:
            company_id = identifier(
                company.id, company.id.read(value, scope), scope, "identify.company.id", "a company's id"
            )
            made = of_company.make(value, scope)
            document["company"] = dict.fromkeys(_ID_FIELDS[company.id_field], company_id) | made.properties
            left_out, absent = left_out + made.left_out, absent | made.absent << self._shift
        self.absent_keys[absent] += 1
        return Request(IDENTIFY, subject, "", encoded(document), self.route, left_out)
