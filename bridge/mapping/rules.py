"""The rules of the mapping by event type: compiled, checked against each other, and found again for a type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from bridge.config.fingerprint import route_hash
from bridge.config.mapping_section import MappingConfig
from bridge.mapping import globs
from bridge.mapping.destination import Destination
from bridge.mapping.findings import Findings
from bridge.mapping.routes.compile_route import compile_route
from bridge.mapping.routes.event_names import NAMES
from bridge.mapping.routes.plan import RouteParts
from bridge.mapping.routes.track import TrackParts
from bridge.model import Filtered, FilterReason, Route

_USUAL: Final = Destination()


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

    def considered(self, event_type: str) -> tuple[Rule, ...]:
        """Every rule that the type falls under, in the order in which they count: `find` takes the first."""
        exact = self._exact.get(event_type)
        fitting = tuple(rule for pattern, rule in self._globs if pattern.fullmatch(event_type))
        return fitting if exact is None else (exact, *fitting)


def compile_rules(config: MappingConfig, findings: Findings, destination: Destination = _USUAL) -> RoutingRules:
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
            parts.append(compile_route(config, key, name, route, destination, findings))
        identities = tuple(part.head.route for part in parts)
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


def _count_names(rules: Iterable[Rule], findings: Findings) -> None:
    names: set[str] = set()
    for rule in rules:
        for part in rule.routes:
            if isinstance(part, TrackParts):
                names |= part.allowed_event_names or {part.head.route.event_name}
    if len(names) > NAMES:
        findings.add("mapping.events", f"has {len(names)} different event names; Userpilot keeps at most 10,000")
