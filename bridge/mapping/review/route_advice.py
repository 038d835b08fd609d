"""What routes of users and companies are written for in vain, or in an order that is seldom meant: said by `check`.

Nothing is asked for here, and no record is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from bridge.config.events.route_section import CompanyConfig, IdentifyConfig, RouteConfig
from bridge.config.keys.values import ValueSpec
from bridge.config.mapping_section import MappingConfig
from bridge.mapping import globs
from bridge.mapping.destination import Destination
from bridge.mapping.expressions.paths import Path, parse_path
from bridge.mapping.review.cautions import Caution
from bridge.text.amounts import listed

_SET_BY_USERPILOT: Final = frozenset({"first_seen_at", "last_seen_at"})
_TIMES_OF_EVENTS: Final = frozenset({"time", "timestamp", "envelope:time", "envelope:occurred_at"})


def route_advice(config: MappingConfig, destination: Destination) -> list[Caution]:
    """Of the whole mapping."""
    rules = {key: rule for key, rule in config.events.items() if rule != "drop"}
    routes = [route for rule in rules.values() for route in rule]
    found = [each for key, rule in rules.items() for each in _behind_its_event(key, rule)]
    found += [each for key, rule in rules.items() for each in _of_each_user(key, rule)]
    found += _created_again(rules)
    if not destination.identifies_unknown:
        found += [each for key, rule in rules.items() for each in _forgets_nobody(key, rule)]
    if any(route.makes == "company" for route in routes) and not any(
        route.identify is not None and route.identify.company is not None for route in routes
    ):
        found.append(
            Caution(
                "Routes describe companies, and none puts a user into one: Userpilot shows a company once a user "
                "belongs to it.",
                "identify its users with identify.company, unless something else does",
            )
        )
    return found


def _of_each_user(key: str, rule: tuple[RouteConfig, ...]) -> Iterator[Caution]:
    for where, route in _named(key, rule):
        identify = route.identify
        if identify is None:
            continue
        for name in sorted(_SET_BY_USERPILOT & set(identify.properties)):
            yield Caution(
                f"{where}.identify.properties.{name}: Userpilot sets {name} itself, with each identify.",
                "give the property another name",
            )
        inside = None if identify.company is None else _company_within(identify, identify.company)
        if inside is not None:
            yield Caution(
                f"{where}.identify.from: what is under {inside} becomes properties of the user, too, and not of the "
                "company alone.",
                f"omit: [{inside}]",
            )


def _company_within(identify: IdentifyConfig, company: CompanyConfig) -> str | None:
    """The field of the object that becomes the user's properties in which the company is."""
    outer, inner = (_path(spec) for spec in (identify.whole, company.id))
    if outer is None or inner is None or inner[: len(outer)] != outer or len(inner) < len(outer) + 2:
        return None
    field = inner[len(outer)]
    omits = globs.any_of(identify.omit)
    return None if omits(field) or omits(f"{field}.{inner[len(outer) + 1]}") else field


def _created_again(rules: Mapping[str, tuple[RouteConfig, ...]]) -> Iterator[Caution]:
    """When an event occurred is when its user was created in one kind of event at most."""
    for name in ("created_at", "signed_up_at"):
        places = [
            f"{where}.identify"
            for key, rule in rules.items()
            for where, route in _named(key, rule)
            if route.identify is not None and route.identify.properties.get(name) in _TIMES_OF_EVENTS
        ]
        if len(places) > 1:
            yield Caution(
                f"{name} is the time of the event in {listed(places)}: the last of them is taken for the creation.",
                f"leave {name} out where the event does not create the user, or read it from the data",
            )


def _path(spec: ValueSpec | None) -> Path | None:
    return parse_path(spec) if isinstance(spec, str) else None


def _named(key: str, rule: tuple[RouteConfig, ...]) -> Iterator[tuple[str, RouteConfig]]:
    for place, route in enumerate(rule):
        yield f"mapping.events.{f'{key}[{place}]' if len(rule) > 1 else key}", route


def _behind_its_event(key: str, rule: tuple[RouteConfig, ...]) -> Iterator[Caution]:
    """A bare identify, or one of the first sight of a user, must be before the event to be of use to it."""
    for place, (event, behind) in enumerate(pairwise(rule), start=1):
        if event.makes == "track" and behind.makes == "identify":
            yield Caution(
                f"mapping.events.{key}[{place}] identifies the user after an event of the same record was accepted: "
                "where the user is new, that event is of nobody whom Userpilot knows.",
                "put the identify first, unless the event must be before it",
            )


def _forgets_nobody(key: str, rule: tuple[RouteConfig, ...]) -> Iterator[Caution]:
    for where, route in _named(key, rule):
        if route.makes == "forget":
            yield Caution(
                f"{where}: forget keeps the bridge from identifying a user by itself, which it does not "
                "do: track.unknown_users is send.",
                "remove it, write drop, or set track.unknown_users: identify; users are deleted in Userpilot itself",
            )
