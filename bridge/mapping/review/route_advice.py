"""What routes of users and companies are written for in vain, or in an order that is seldom meant: said by `check`.

Nothing is asked for here, and no record is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from bridge.config.events.route_section import RouteConfig
from bridge.config.mapping_section import MappingConfig
from bridge.mapping.destination import Destination
from bridge.mapping.review.cautions import Caution


def route_advice(config: MappingConfig, destination: Destination) -> list[Caution]:
    """Of the whole mapping."""
    rules = {key: rule for key, rule in config.events.items() if rule != "drop"}
    routes = [route for rule in rules.values() for route in rule]
    found = [each for key, rule in rules.items() for each in _behind_its_event(key, rule)]
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
    for place, route in enumerate(rule):
        if route.makes == "forget":
            name = f"{key}[{place}]" if len(rule) > 1 else key
            yield Caution(
                f"mapping.events.{name}: forget keeps the bridge from identifying a user by itself, which it does not "
                "do: track.unknown_users is send.",
                "remove it, write drop, or set track.unknown_users: identify; users are deleted in Userpilot itself",
            )
