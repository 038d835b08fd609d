"""The names of events: literals, or texts of a record out of those that are allowed."""

from __future__ import annotations

from typing import Final

from bridge.config.events.route_section import RouteConfig
from bridge.config.keys.values import LiteralValue, PathValue, TemplateValue
from bridge.decode import plain_text
from bridge.mapping import globs
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.findings import Findings

NAMES: Final = 10_000
"""Different event names per application, that the API keeps for ever."""
NAME_BYTES: Final = 512 * 1024
"""Of all of these together."""


def shown_name(key: str, route: RouteConfig) -> str:
    """The literal name, or the source of what makes one; `key` is that of the route's rule."""
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


def event_name_of(key: str, route: RouteConfig, where: str, findings: Findings) -> str | ValueReader:
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


def allowed_names(event_name: str | ValueReader, route: RouteConfig, where: str, findings: Findings) -> frozenset[str]:
    """Those that a name out of a record may be."""
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
