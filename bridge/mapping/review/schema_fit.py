"""A mapping beside the schemas of its topics: paths that no record will have, and values of which nothing can be made.

Nothing is asked for here, and no record is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from bridge.config.mapping_section import MappingConfig
from bridge.decode.shape.shapes import NoMember, Shape, ShapeKind, array_on_the_way, follow
from bridge.mapping.expressions.paths import Path
from bridge.mapping.review.readings import ReadingPlace, route_places, routes_of, settings_places

_NAMES_SHOWN: Final = 8
_CORRECT: Final = "correct the path"


@dataclass(frozen=True, slots=True)
class TopicSchema:
    """What a topic's newest schema says of its values."""

    name: str
    """For people: ``schema id 42``."""
    shape: Shape


@dataclass(frozen=True, slots=True)
class Misfit:
    """One place that does not fit."""

    what: str
    """One sentence, which begins with the key in the file."""
    to_do: str


def misfits(config: MappingConfig, topics: Mapping[str, TopicSchema], others: Sequence[str]) -> list[Misfit]:
    """All that does not fit; `topics` are the consumed ones whose schemas are known, `others` all else.

    A route may be for several topics: what it reads is amiss where none of them has it, and nobody can tell where a
    topic's schema is not known.
    """
    found = [
        misfit
        for topic, schema in topics.items()
        for place in settings_places(config, topic)
        for misfit in _of_setting(place, topic, schema)
    ]
    routes: dict[str, list[str]] = {}
    for topic in (*topics, *others):
        for _, where, _ in routes_of(config, topic):
            routes.setdefault(where, []).append(topic)
    for topic in topics:
        for _, where, route in routes_of(config, topic):
            if routes.get(where, [""])[0] == topic and not set(routes[where]) & set(others):
                own = {name: topics[name] for name in routes[where]}
                found += [misfit for place in route_places(where, route) for misfit in _of_route(place, own)]
    return list(dict.fromkeys(found))


def _of_setting(place: ReadingPlace, topic: str, schema: TopicSchema) -> Iterator[Misfit]:
    for path in place.paths:
        missing = _missing(path, schema.shape)
        if missing is not None and not place.is_default:
            yield _absent(place, path, {topic: schema}, missing)
    yield from _wrong_kinds(place, {topic: schema})


def _of_route(place: ReadingPlace, topics: Mapping[str, TopicSchema]) -> Iterator[Misfit]:
    for path in place.paths:
        missing = [_missing(path, schema.shape) for schema in topics.values()]
        if all(missing) and not place.is_default and (first := missing[0]) is not None:
            yield _absent(place, path, topics, first)
    yield from _wrong_kinds(place, topics)


# --- what is not there


def _missing(path: Path, shape: Shape) -> NoMember | None:
    found = follow(shape, path)
    return found if isinstance(found, NoMember) else None


def _absent(place: ReadingPlace, path: Path, topics: Mapping[str, TopicSchema], at: NoMember) -> Misfit:
    wanted, parent = path[len(at.at)], ".".join(at.at) or "the value"
    text = ".".join(path)
    if at.kind in {"object", "map"}:
        near = get_close_matches(wanted, at.names, 1)
        has = f"{parent} has {_listed(at.names)}" if at.names else f"{parent} has no members"
        to_do = f"write {'.'.join((*at.at, near[0]))} if that is meant, or correct the path" if near else _CORRECT
    else:
        has, to_do = f"{parent} is {_SHOWN[at.kind]}, which has no members", _CORRECT
    return Misfit(f"{place.where}: {text} is not in {_of(topics)}: {has}.", to_do)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _of(topics: Mapping[str, TopicSchema]) -> str:
    parts = [f"{topic} ({schema.name})" for topic, schema in topics.items()]
    return f"the schema of {parts[0]}" if len(parts) == 1 else f"the schemas of {', '.join(parts)}"


# --- what is of another kind

_SHOWN: Final[Mapping[ShapeKind, str]] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number that may have a fraction",
    "boolean": "a boolean",
    "object": "an object",
    "map": "an object",
    "array": "an array",
    "null": "always null",
    "any": "anything",
}
_PARTED: Final[frozenset[ShapeKind]] = frozenset({"object", "map", "array"})
_NO_NUMBER: Final[frozenset[ShapeKind]] = frozenset({"object", "map", "array", "boolean"})
_NO_TEXT: Final[frozenset[ShapeKind]] = frozenset({"object", "map", "array", "boolean", "integer", "number"})
_NO_OBJECT: Final[frozenset[ShapeKind]] = frozenset({"string", "integer", "number", "boolean", "array"})
_NO_ID: Final[frozenset[ShapeKind]] = frozenset({"object", "map", "array", "boolean", "number"})


def _wrong_kinds(place: ReadingPlace, topics: Mapping[str, TopicSchema]) -> Iterator[Misfit]:
    if place.plain is None:
        return
    problems: dict[str, tuple[str, str]] = {}
    for topic, schema in topics.items():
        through = array_on_the_way(schema.shape, place.plain)
        if through is not None:
            name, rest = ".".join(through), ".".join(place.plain[len(through) :])
            problems[topic] = (
                f"{name or 'the value'} is an array, of which {'.'.join(place.plain)} finds nothing",
                f"choose of it, as in {name}[0].{rest}, or give mapping.each",
            )
            continue
        found = follow(schema.shape, place.plain)
        problem = None if isinstance(found, NoMember) else _problem(place, found)
        if problem is not None:
            problems[topic] = problem
    if len(problems) == len(topics) and problems:
        topic, (what, to_do) = next(iter(problems.items()))
        yield Misfit(f"{place.where}: by {_of({topic: topics[topic]})} {what}.", to_do)


def _problem(place: ReadingPlace, found: Shape) -> tuple[str, str] | None:
    """What is wrong, and what to do."""
    text, kind = ".".join(place.plain or ()), found.kind
    if kind == "any" or (place.joins and kind == "array"):
        return None
    is_shown = f"{text} is {_SHOWN[kind]}"
    if kind == "null":
        return is_shown, "remove it, or correct the path"
    wanted = _WANTED.get(place.converts_to or ("number" if place.divides else f"role:{place.role}"))
    if wanted is None:
        return None
    refused, needed, to_do = wanted
    return (f"{is_shown}; {needed} is needed", to_do) if kind in refused else None


_WANTED: Final[Mapping[str, tuple[frozenset[ShapeKind], str, str]]] = {
    "datetime": (_NO_NUMBER, "a time, or a number that counts one", _CORRECT),
    "integer": (_NO_NUMBER, "a number, or a text that holds one", _CORRECT),
    "number": (_NO_NUMBER, "a number, or a text that holds one", _CORRECT),
    "boolean": (_PARTED, "a boolean, or a text that says one", _CORRECT),
    "string": (_PARTED, "a text, a number or a boolean", _CORRECT),
    "role:type": (
        _NO_TEXT,
        "a text",
        "{path: …, type: string} makes one of a number; else correct the path",
    ),
    "role:name": (_NO_TEXT, "a text", "{path: …, type: string} makes one of a number"),
    "role:user": (_NO_ID, "a text or a whole number", _CORRECT),
    "role:company": (_NO_ID, "a text or a whole number", _CORRECT),
    "role:id": (_NO_ID, "a text or a whole number", _CORRECT),
    "role:time": (_NO_NUMBER, "a time", _CORRECT),
    "role:object": (_NO_OBJECT, "an object", "metadata takes single values; metadata_from a whole object"),
    "role:properties": (_NO_OBJECT, "an object", "properties takes single values; from a whole object"),
}
"""By the type of the conversion, or by what is made of it: kinds that end as dead letters, and what is needed."""
