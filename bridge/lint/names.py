"""Names of events and of their metadata: near what the API keeps, and near each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from bridge.config.events.route_section import CompanyConfig, IdentifyConfig
from bridge.config.keys.values import LiteralValue
from bridge.config.mapping_section import MappingConfig
from bridge.decode import exact_json
from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSubject, NamedRoute
from bridge.mapping.routes.event_names import NAME_BYTES, NAMES
from bridge.mapping.routes.properties import LONGEST_NAME, MOST_PROPERTIES
from bridge.text.amounts import listed, plural, thousands

NEAR: Final = 0.8
"""The part of a limit from which on it is near."""
DOCUMENTED_METADATA: Final[int] = MappingConfig.model_fields["metadata_limit"].default
"""Bytes: the default is what the API is told to take."""


def many_event_names(subject: LintSubject) -> Iterator[Pointed]:
    """All that the mapping may send; more of them than the API keeps are refused when it is loaded."""
    names = {name for _, each in _event_names(subject) for name in each}
    size = sum(len(name.encode("utf-8", "surrogatepass")) for name in names)
    if len(names) >= NEAR * NAMES:
        yield Pointed(
            "mapping.events",
            f"has {thousands(len(names))} different event names, and Userpilot keeps {thousands(NAMES)} for ever",
            "put what differs into the metadata",
        )
    elif size >= NEAR * NAME_BYTES:
        yield Pointed(
            "mapping.events",
            f"has event names of {thousands(size)} bytes together, and Userpilot keeps {thousands(NAME_BYTES)}",
            "shorten them, or put what differs into the metadata",
        )


def long_names(subject: LintSubject) -> Iterator[Pointed]:
    """Of metadata and properties, as far as they are written; the limit is that of a property."""
    for where, name in _field_names(subject):
        if len(name) >= NEAR * LONGEST_NAME:
            what = f"its name has {len(name)} characters; of a property Userpilot takes {LONGEST_NAME}"
            yield Pointed(where, what, "give it a shorter name")


def many_properties(subject: LintSubject) -> Iterator[Pointed]:
    """Of one event, user or company: as written, and as samples have them."""
    for route in subject.routes:
        most = max((len(each) for each in _property_maps(subject, route)), default=0)
        written = [route.route.metadata, *(part.properties for _, part in _parts(route))]
        most = max([most, *map(len, written)])
        if most >= NEAR * MOST_PROPERTIES:
            what = f"sends {plural(most, 'property', 'properties')}; Userpilot takes {MOST_PROPERTIES}"
            yield Pointed(route.where, what, "send those that somebody looks at")


def large_metadata(subject: LintSubject) -> Iterator[Pointed]:
    """Of samples: the next one is a dead letter."""
    for route in subject.routes:
        sizes = [
            len(exact_json.dumps(sent.document["metadata"]))
            for samples in subject.every_sample()
            for sent in samples.sent.get(route.name, ())
            if sent.kind == "track" and "metadata" in sent.document
        ]
        limit = subject.section.metadata_limit
        largest = max(sizes, default=0)
        if largest >= NEAR * limit:
            what = f"a sample's metadata has {thousands(largest)} bytes, and metadata_limit is {thousands(limit)}"
            yield Pointed(route.where, what, "send less of it: a larger one is a dead letter")


def limit_above_the_api(subject: LintSubject) -> Iterator[Pointed]:
    """What is larger may be cut or refused, which nobody documents."""
    places = [("mapping.metadata_limit", subject.section.metadata_limit)]
    for topic, own in subject.section.per_topic.items():
        places.append((f"mapping.per_topic.{topic}.metadata_limit", own.metadata_limit or 0))
    for where, limit in places:
        if limit > DOCUMENTED_METADATA:
            what = f"is {thousands(limit)} bytes, and the API is said to take {thousands(DOCUMENTED_METADATA)}"
            yield Pointed(where, what, "leave it out, and send less where the limit is met")


def similar_event_names(subject: LintSubject) -> Iterator[Pointed]:
    """Userpilot keeps each for ever, as an event of its own."""
    yield from _similar(
        ((where, name) for where, names in _event_names(subject) for name in names), "event", "an event of its own"
    )


def similar_metadata_names(subject: LintSubject) -> Iterator[Pointed]:
    """Of all events: a report finds one of them."""
    yield from _similar(_field_names(subject), "property", "a property of its own")


def _similar(named: Iterable[tuple[str, str]], what: str, as_what: str) -> Iterator[Pointed]:
    first: dict[str, str] = {}
    told: set[str] = set()
    for where, name in named:
        plain = re.sub(r"[\s._-]+", "", name).casefold()
        known = first.setdefault(plain, name) if plain else name
        if known != name and name not in told:
            told.add(name)
            sentence = f"{name!r} and {known!r} differ in case or separators only, and each is {as_what}"
            yield Pointed(where, sentence, f"write the {what} in one way everywhere")


def several_types(subject: LintSubject) -> Iterator[Pointed]:
    """One event of several types, each with its own metadata: a report over it has holes."""
    by_name: dict[str, list[NamedRoute]] = {}
    for route in subject.routes:
        name = _literal_name(route)
        if name is not None and route.route.makes == "track":
            by_name.setdefault(name, []).append(route)
    for name, routes in by_name.items():
        if len({route.key for route in routes}) < 2:
            continue
        keys = {frozenset(route.route.metadata) for route in routes}
        if len(keys) == 1 and len({str(route.route.metadata_from) for route in routes}) == 1:
            continue  # two versions of a type that say the same
        others = listed([route.key for route in routes[:-1]])
        what = f"{name!r} is also what {others} becomes, with other metadata: in Userpilot they are one event"
        yield Pointed(routes[-1].where, what, "give it another event_name, or the same metadata")


def _literal_name(route: NamedRoute) -> str | None:
    match route.route.event_name:
        case None:
            return route.key
        case str(name):
            return name
        case LiteralValue(value=literal):
            return str(literal)
    return None


def _event_names(subject: LintSubject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for route in subject.routes:
        if route.route.makes != "track":
            continue
        if route.route.allowed_event_names is not None:
            yield f"{route.where}.allowed_event_names", route.route.allowed_event_names
            continue
        name = _literal_name(route)
        if name is not None:
            yield route.where if route.route.event_name is None else f"{route.where}.event_name", (name,)


def _field_names(subject: LintSubject) -> Iterator[tuple[str, str]]:
    for name in subject.section.common_metadata:
        yield f"mapping.common_metadata.{name}", name
    for route in subject.routes:
        for name in route.route.metadata:
            yield f"{route.where}.metadata.{name}", name
        for prefix, part in _parts(route):
            for name in part.properties:
                yield f"{route.where}.{prefix}.properties.{name}", name


def _parts(route: NamedRoute) -> Iterator[tuple[str, IdentifyConfig | CompanyConfig]]:
    given = route.route
    if given.identify is not None:
        yield "identify", given.identify
        if given.identify.company is not None:
            yield "identify.company", given.identify.company
    if given.company is not None:
        yield "company", given.company


def _property_maps(subject: LintSubject, route: NamedRoute) -> Iterator[dict[str, Any]]:
    for samples in subject.every_sample():
        for sent in samples.sent.get(route.name, ()):
            yield sent.document.get("metadata", {})
