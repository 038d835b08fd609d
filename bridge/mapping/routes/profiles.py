"""Compiles what is written of users and companies: their ids and properties."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from bridge.config.events.route_section import CompanyConfig, IdentifyConfig
from bridge.config.keys.values import LiteralValue, PathValue, ValueSpec
from bridge.config.mapping_section import MappingConfig
from bridge.mapping import globs
from bridge.mapping.destination import Destination
from bridge.mapping.expressions.paths import Path, covers, parse_path
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.findings import Findings
from bridge.mapping.metadata import WholeObject
from bridge.mapping.routes.company import CompanyParts
from bridge.mapping.routes.identify import COMPANY_IDS, CompanyOfUser, IdentifyParts
from bridge.mapping.routes.plan import RouteHead
from bridge.mapping.routes.properties import LONGEST_NAME, MOST_PROPERTIES, PropertiesParts

_NO_NAMES: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class MadeFor:
    """What the rest of the configuration says of them."""

    destination: Destination
    never_send: tuple[Path, ...]

    @classmethod
    def of(cls, config: MappingConfig, destination: Destination) -> Self:
        """Of the whole mapping."""
        return cls(destination, tuple(path for text in config.never_send if (path := parse_path(text)) is not None))


def identify_parts(
    head: RouteHead,
    given: IdentifyConfig,
    user_id: ValueReader | None,
    made_for: MadeFor,
    where: str,
    findings: Findings,
) -> IdentifyParts:
    """`user_id` is the one that is written beside it; `where` is the route's key."""
    place = f"{where}.identify"
    if given.user_id is not None:
        user_id = _id(given.user_id, f"{place}.user_id", "user_id", made_for, findings)
    properties = _properties(given, place, "identify", _NO_NAMES, findings)
    company = None
    if given.company is not None:
        inside, label = f"{place}.company", "identify.company"
        company = CompanyOfUser(
            _id(given.company.id, f"{inside}.id", f"{label}.id", made_for, findings),
            _properties(given.company, inside, label, COMPANY_IDS, findings),
            made_for.destination.company_id_field,
        )
    return IdentifyParts(head, user_id, properties, company)


def company_parts(
    head: RouteHead, given: CompanyConfig, made_for: MadeFor, where: str, findings: Findings
) -> CompanyParts:
    """`where` is the route's key."""
    place = f"{where}.company"
    return CompanyParts(
        head,
        _id(given.id, f"{place}.id", "company.id", made_for, findings),
        _properties(given, place, "company", COMPANY_IDS, findings),
    )


def _id(spec: ValueSpec, place: str, label: str, made_for: MadeFor, findings: Findings) -> ValueReader:
    reader = findings.value(spec, place, label)
    path = reader.path if reader.uses_value else None
    if path is not None and any(covers(forbidden, path) for forbidden in made_for.never_send):
        findings.add(place, f"reads {reader.text}, which mapping.never_send takes out: nothing could be sent")
    return reader


def _properties(
    given: IdentifyConfig | CompanyConfig, where: str, label: str, ids: Collection[str], findings: Findings
) -> PropertiesParts:
    named = []
    for name, spec in given.properties.items():
        place = f"{where}.properties.{name}"
        findings.metadata_key(name, place)
        _check_name(name, place, ids, findings)
        named.append((name, findings.value(spec, place, f"{label}.properties.{name}")))
    if len(named) > MOST_PROPERTIES:
        findings.add(f"{where}.properties", f"has {len(named)} properties; Userpilot takes {MOST_PROPERTIES}")
    source = None
    if given.whole is not None:
        reader = findings.value(given.whole, f"{where}.from", f"{label}.from")
        source = WholeObject(reader, globs.any_of(given.omit) if given.omit else None)
    elif given.omit:
        findings.add(f"{where}.omit", "has nothing to leave out without from")
    for place_, name in enumerate(given.clear):
        _check_cleared(given, name, f"{where}.clear[{place_}]", ids, findings)
    return PropertiesParts(tuple(named), source, given.clear)


def _check_name(name: str, place: str, ids: Collection[str], findings: Findings) -> None:
    if name in ids:
        findings.add(place, "is what Userpilot calls the company's id, which the key id reads; remove it")
    elif len(name) > LONGEST_NAME:
        findings.add(place, f"has a name of {len(name)} characters; Userpilot takes {LONGEST_NAME}")


def _check_cleared(
    given: IdentifyConfig | CompanyConfig, name: str, place: str, ids: Collection[str], findings: Findings
) -> None:
    """That something can be null under the name: a slip would leave the property as it is, without a word."""
    _check_name(name, place, ids, findings)
    spec = given.properties.get(name)
    if spec is None and given.whole is None:
        findings.add(place, f"{name!r} is not among the properties beside it, so nothing can say that it is null")
    elif isinstance(spec, LiteralValue) or (isinstance(spec, PathValue) and spec.default is not None):
        why = "is a literal" if isinstance(spec, LiteralValue) else "has a default"
        findings.add(place, f"{name!r} {why}, so it is never null; remove one of the two")
