"""One route for each type; where there are too many of them, one for all that begin alike, or one for all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from bridge.decode import plain_text
from bridge.proposal.choices import ProposedRoute
from bridge.proposal.fields import SampledField
from bridge.proposal.metadata import keys_of
from bridge.proposal.words import title, words
from bridge.text.amounts import thousands

_MOST: Final = 60
"""Rules of one topic."""
_DROPPED: Final = {
    "read": "rows of a snapshot: they were there before, nothing happened",
    "truncate": "a table was emptied: no user is in it",
    "message": "messages of the database, of no row",
    "identify": "says what is known of a user, and is no event: docs/several-events.md has the route that identifies",
    "group": "says to which company a user belongs, and is no event",
    "alias": "joins two ids, and is no event",
    "page ping": "a heartbeat of a page that stays open",
    "heartbeat": "a heartbeat",
    "ping": "a heartbeat",
    "health check": "a heartbeat",
}
_CALLS: Final = {"page": "Page Viewed", "screen": "Screen Viewed"}
_SEPARATOR: Final = re.compile(r"[._:/-]")
_CRUD: Final = frozenset({"read", "truncate", "message"})


def routes_of(
    types: Mapping[int, str],
    fields: Sequence[SampledField],
    used: Collection[str],
    *,
    subject: str,
    changes: bool,
    named: str,
    topic: str,
) -> tuple[tuple[ProposedRoute, ...], tuple[str, ...]]:
    """Routes, and remarks on what has none. `named` is a name for the only type that there is, may be empty;
    `topic` the topic's, where that is the type.
    """
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    odd = 0
    for number, event_type in types.items():
        if _is_usable(event_type):
            numbers[event_type].append(number)
        else:
            odd += 1
    remarks = [f"{thousands(odd)} types have no route: they have wildcards, white space or control characters"] * bool(
        odd
    )
    groups, how = _grouped(numbers)
    remarks += [how] * bool(how)
    routes = []
    for key in sorted(groups, key=lambda each: (-len(groups[each]), each)):
        own = sorted(groups[key])
        last = " ".join(words(_SEPARATOR.split(key)[-1])) if changes else " ".join(words(key))
        if last in _DROPPED and (changes or last not in _CRUD):
            routes.append(ProposedRoute(key, "", len(own), remark=_DROPPED[last]))
            continue
        within = [each.within(own) for each in fields]
        keys = keys_of([each for each in within if each.values], used)
        name = named if named and len(groups) == 1 else _name(key, subject, topic)
        routes.append(ProposedRoute(key, name, len(own), keys))
    return tuple(routes), tuple(remarks)


def _name(key: str, subject: str, topic: str) -> str:
    """`topic` is the key where the topic's name is the type."""
    if key in _CALLS:
        return _CALLS[key]
    plain = key.rstrip("*").rstrip("._:/-")
    name = title(subject if key == topic else plain, subject) if plain or key == topic else "Event"
    return name if plain_text.problem_of_identifier(name) is None and not name.startswith("$") else "Event"


def _is_usable(event_type: str) -> bool:
    return (
        bool(event_type)
        and event_type == event_type.strip()
        and not set("*?") & set(event_type)
        and len(event_type) <= 200
        and event_type.isprintable()
    )


def _grouped(numbers: Mapping[str, list[int]]) -> tuple[Mapping[str, list[int]], str]:
    """Types, or globs with the documents of all types under them."""
    if len(numbers) <= _MOST:
        return numbers, ""
    by_beginning: defaultdict[str, list[int]] = defaultdict(list)
    for event_type, own in numbers.items():
        parts = _SEPARATOR.split(event_type, maxsplit=1)
        beginning = event_type[: len(parts[0]) + 1] if len(parts) > 1 and parts[0] else ""
        by_beginning[f"{beginning}*"] += own
    count = thousands(len(numbers))
    if 1 <= len(by_beginning) <= _MOST and len(numbers) >= 2 * len(by_beginning):
        return by_beginning, f"{count} types are too many for a route each: one route takes all that begin alike"
    return {"*": [each for own in numbers.values() for each in own]}, (
        f"{count} types are too many for a route each, and have no beginnings in common: one route takes all; is this "
        "field really the type?"
    )
