"""Compiles one route, or says everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from bridge.config.events.route_section import RouteConfig, RouteKind
from bridge.config.fingerprint import route_hash
from bridge.config.mapping_section import MappingConfig
from bridge.config.topics.topic_patterns import is_pattern
from bridge.mapping import globs
from bridge.mapping.destination import Destination
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.findings import Findings
from bridge.mapping.metadata import WholeObject
from bridge.mapping.routes.event_names import allowed_names, event_name_of, shown_name
from bridge.mapping.routes.forget import ForgetParts
from bridge.mapping.routes.plan import RouteHead, RouteParts, RouteTopics
from bridge.mapping.routes.profiles import MadeFor, company_parts, identify_parts
from bridge.mapping.routes.sample import compiled_sample
from bridge.mapping.routes.track import TrackParts
from bridge.model import Route


def compile_route(
    config: MappingConfig, key: str, name: str, route: RouteConfig, destination: Destination, findings: Findings
) -> RouteParts:
    """`key` is that of its rule, `name` says also which of the rule's routes it is."""
    where = f"mapping.events.{name}"
    for wrong, message in _out_of_place(route):
        findings.add(f"{where}.{wrong}", message)
    makes = route.makes
    head = RouteHead(
        route=Route(
            name,
            route_hash(config, key, route, destination.company_id_field),
            shown_name(key, route) if makes == "track" else "",
        ),
        when=findings.condition(route.when, f"{where}.when"),
        max_age=route.max_age,
        has_max_age="max_age" in route.model_fields_set or makes == "forget",
        sample=compiled_sample(route, where, findings),
        topics=_topics(route, where, findings),
    )
    user_id = None if route.user_id is None else findings.value(route.user_id, f"{where}.user_id", "user_id")
    if route.identify is not None:
        return identify_parts(head, route.identify, user_id, MadeFor.of(config, destination), where, findings)
    if route.company is not None:
        return company_parts(head, route.company, MadeFor.of(config, destination), where, findings)
    if makes == "forget":
        return ForgetParts(head, user_id)
    event_name = event_name_of(key, route, where, findings)
    return TrackParts(
        head=head,
        event_name=event_name,
        allowed_event_names=allowed_names(event_name, route, where, findings),
        user_id=user_id,
        metadata=_metadata(route, where, findings),
        switched_off=frozenset(name for name, spec in route.metadata.items() if spec is False),
        source=_source(route, where, findings),
    )


# --- what means nothing in a route of its kind

_KINDS: Final[Mapping[RouteKind, str]] = {
    "identify": "sends what is known of a user and no event",
    "company": "sends what is known of a company and no event",
    "forget": "sends nothing",
}
_OF_EVENTS: Final = {
    "event_name": "; an event is a route of its own in the list",
    "allowed_event_names": "",
    "metadata": "; what is known of a user or a company is under properties",
    "metadata_from": "; a whole object that becomes properties is under from",
    "metadata_omit": "; what is left out of from is under omit",
}
_ALWAYS: Final = "whoever is to be forgotten is, however late it is said"
_OF_OTHERS: Final[Mapping[RouteKind, Mapping[str, str]]] = {
    "company": {"user_id": "it is of no user; company.id says which company it is"},
    "forget": {"sample": _ALWAYS, "max_age": _ALWAYS},
}


def _out_of_place(route: RouteConfig) -> Iterator[tuple[str, str]]:
    """Keys with a sentence each."""
    makes, written = route.makes, route.model_fields_set
    if makes == "track":
        return
    yield from _other_kinds(makes, written)
    for key, instead in _OF_EVENTS.items():
        if key in written:
            yield key, f"means nothing beside {makes}, which {_KINDS[makes]}{instead}"
    for key, why in _OF_OTHERS.get(makes, {}).items():
        if key in written:
            yield key, f"means nothing beside {makes}: {why}"
    if route.identify is not None and "user_id" in written & route.identify.model_fields_set:
        yield "user_id", "is written under identify, too; remove one of the two"


def _other_kinds(makes: RouteKind, written: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    for other in ("company", "forget"):
        if other == makes or other not in written:
            continue
        is_inside = makes == "identify" and other == "company"
        inside = ", or put company under identify where the user belongs to it" if is_inside else ""
        yield other, f"is another kind of route than {makes} beside it; write two routes in a list{inside}"


# --- what all kinds have


def _topics(route: RouteConfig, where: str, findings: Findings) -> RouteTopics | None:
    if route.topics is None:
        return None
    patterns = [
        findings.topic_pattern(text, f"{where}.topics[{place}]")
        for place, text in enumerate(route.topics)
        if is_pattern(text)
    ]
    names = frozenset(text for text in route.topics if not is_pattern(text))
    return RouteTopics(names, tuple(pattern for pattern in patterns if pattern is not None))


# --- of events


def _metadata(route: RouteConfig, where: str, findings: Findings) -> tuple[tuple[str, ValueReader], ...]:
    entries = []
    for key, spec in route.metadata.items():
        place = f"{where}.metadata.{key}"
        findings.metadata_key(key, place)
        if spec is not False:
            entries.append((key, findings.value(spec, place, f"metadata.{key}")))
    return tuple(entries)


def _source(route: RouteConfig, where: str, findings: Findings) -> WholeObject | None:
    if route.metadata_from is None:
        if route.metadata_omit:
            findings.add(f"{where}.metadata_omit", "has nothing to leave out without metadata_from")
        return None
    reader = findings.value(route.metadata_from, f"{where}.metadata_from", "metadata_from")
    return WholeObject(reader, globs.any_of(route.metadata_omit) if route.metadata_omit else None)
