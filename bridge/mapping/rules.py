"""The rules of the mapping by event type: compiled, checked against each other, and found again for a type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from typing import Final

from bridge.config.fingerprint import route_hash
from bridge.config.keys.values import LiteralValue, PathValue, TemplateValue
from bridge.config.mapping_section import MappingConfig, RouteConfig
from bridge.config.topics.topic_patterns import is_pattern
from bridge.decode import plain_text
from bridge.mapping import globs
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.findings import Findings
from bridge.mapping.metadata import WholeObject
from bridge.mapping.routes import RouteParts, RouteTopics
from bridge.model import Filtered, FilterReason, Route

_NAMES_THE_API_KEEPS: Final = 10_000
_HASHES: Final = 2**64


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What is written under one key of `events`."""

    key: str
    """The exact type or the glob."""
    routes: tuple[RouteParts, ...]
    """None where the key says ``drop``."""
    identities: tuple[Route, ...]
    """Of the routes; for ``drop`` its own."""
    dropped: Filtered
    elsewhere: Filtered
    """Every route is limited to other topics."""


class RoutingRules:
    """All rules, and which of them a type falls under."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.all = tuple(rules)
        self._exact: Mapping[str, Rule] = {rule.key: rule for rule in self.all if not globs.is_glob(rule.key)}
        patterns = [rule for rule in self.all if globs.is_glob(rule.key)]
        patterns.sort(key=lambda rule: -len(globs.literal_prefix(rule.key)))
        self._globs = tuple((globs.compile_glob(rule.key), rule) for rule in patterns)

    def find(self, event_type: str) -> Rule | None:
        """The exact type first, then the glob with the longest literal beginning."""
        exact = self._exact.get(event_type)
        if exact is not None:
            return exact
        return next((rule for pattern, rule in self._globs if pattern.fullmatch(event_type)), None)


def compile_rules(config: MappingConfig, findings: Findings) -> RoutingRules:
    """Compiles `events`."""
    _refuse_ties(config.events, findings)
    rules = []
    for key, rule in config.events.items():
        if key.strip() != key or not key:
            findings.add(f"mapping.events.{key}", "is empty or has white space around it, which no event type has")
        if rule == "drop":
            rules.append(_drop(config, key))
            continue
        many = len(rule) > 1
        parts = []
        for place, route in enumerate(rule):
            name = f"{key}[{place}]" if many else key
            parts.append(_compile_route(config, key, name, route, findings))
        identities = tuple(part.route for part in parts)
        dropped = Filtered(FilterReason.RULE, identities[0])
        rules.append(Rule(key, tuple(parts), identities, dropped, Filtered(FilterReason.TOPIC, identities[0])))
    _count_names(rules, findings)
    return RoutingRules(rules)


def _drop(config: MappingConfig, key: str) -> Rule:
    route = Route(key, route_hash(config, key, None), "")
    dropped = Filtered(FilterReason.RULE, route)
    return Rule(key, (), (route,), dropped, dropped)


def _refuse_ties(keys: Iterable[str], findings: Findings) -> None:
    patterns = [key for key in keys if globs.is_glob(key)]
    for one, other in combinations(patterns, 2):
        if globs.literal_prefix(one) == globs.literal_prefix(other) and globs.overlap(one, other):
            findings.add(
                f"mapping.events.{other}",
                f"ties with {one!r}: both begin with {globs.literal_prefix(one)!r} and can match the same type; "
                "make one of them more specific",
            )


def _compile_route(config: MappingConfig, key: str, name: str, route: RouteConfig, findings: Findings) -> RouteParts:
    where = f"mapping.events.{name}"
    event_name = _event_name(key, route, where, findings)
    return RouteParts(
        route=Route(name, route_hash(config, key, route), _shown_name(key, route)),
        event_name=event_name,
        allowed_event_names=_allowed_names(event_name, route, where, findings),
        user_id=None if route.user_id is None else findings.value(route.user_id, f"{where}.user_id", "user_id"),
        when=findings.condition(route.when, f"{where}.when"),
        max_age=route.max_age,
        has_max_age="max_age" in route.model_fields_set,
        sample=_sampler(route, where, findings),
        topics=_topics(route, where, findings),
        metadata=_metadata(route, where, findings),
        switched_off=frozenset(name for name, spec in route.metadata.items() if spec is False),
        source=_source(route, where, findings),
    )


# --- the event's name


def _shown_name(key: str, route: RouteConfig) -> str:
    match route.event_name:
        case None:
            return key
        case TemplateValue(template=template):
            return template
        case LiteralValue(value=literal):
            return str(literal)
        case PathValue(path=path):
            return path
        case text:
            return text


def _event_name(key: str, route: RouteConfig, where: str, findings: Findings) -> str | ValueReader:
    """A plain text here is the name itself: an event's name is nearly always a literal."""
    match route.event_name:
        case None if globs.is_glob(key):
            findings.add(where, "needs an event_name, because the rule is a glob and not one type")
            name = key
        case None:
            name = key
        case str(text):
            name = text
        case LiteralValue(value=str(literal)):
            name = literal
        case LiteralValue():
            findings.add(f"{where}.event_name", "must be a text")
            name = key
        case spec:
            return findings.value(spec, f"{where}.event_name", "event_name")
    _check_name(name, f"{where}.event_name", findings)
    return name


def _check_name(name: str, where: str, findings: Findings) -> None:
    problem = plain_text.problem_of_identifier(name)
    if problem is not None:
        findings.add(where, f"{name!r} {problem}")
    elif not name.strip():
        findings.add(where, "is empty; an event needs a name")
    elif name.startswith("$"):
        findings.add(where, f"{name!r} begins with $, as the names do that Userpilot gives to what it captures itself")


def _allowed_names(event_name: str | ValueReader, route: RouteConfig, where: str, findings: Findings) -> frozenset[str]:
    allowed = route.allowed_event_names
    if isinstance(event_name, ValueReader):
        if allowed is None:
            findings.add(
                f"{where}.allowed_event_names",
                "is required where the event's name comes from the record: "
                "Userpilot keeps at most 10,000 names for ever",
            )
    elif allowed is not None and event_name not in allowed:
        findings.add(f"{where}.event_name", f"{event_name!r} is not one of allowed_event_names")
    for place, name in enumerate(allowed or ()):
        _check_name(name, f"{where}.allowed_event_names[{place}]", findings)
    return frozenset(allowed or ())


def _count_names(rules: Iterable[Rule], findings: Findings) -> None:
    names: set[str] = set()
    for rule in rules:
        for part in rule.routes:
            names |= part.allowed_event_names or {part.route.event_name}
    if len(names) > _NAMES_THE_API_KEEPS:
        findings.add("mapping.events", f"has {len(names)} different event names; Userpilot keeps at most 10,000")


# --- the rest of a route


def _sampler(route: RouteConfig, where: str, findings: Findings) -> Callable[[str], bool] | None:
    if not 0 <= route.sample <= 1:
        findings.add(f"{where}.sample", "must be from 0% to 100%")
        return None
    return sampler(route.sample)


def sampler(share: float) -> Callable[[str], bool] | None:
    """Whether a user is in a stable share of all, from 0 to 1; None where all are.

    The hash knows only the user, so whoever is in at 10 % is in at 20 %, too. It must never change: Python's own
    `hash` differs from process to process.
    """
    if share >= 1:
        return None
    limit = int(share * _HASHES)

    def contains(user_id: str) -> bool:
        digest = blake2b(user_id.encode(), digest_size=8, person=b"bridge.sample").digest()
        return int.from_bytes(digest) < limit

    return contains


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
