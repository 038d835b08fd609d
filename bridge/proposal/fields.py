"""The fields of sampled documents: where each is, as an expression says it, and what was found there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal

from bridge.mapping.expressions.expression import RESERVED
from bridge.proposal.documents import SampledDocument
from bridge.proposal.texts import NEARLY_ALL, objects_in
from bridge.text.amounts import thousands

Origin = Literal["value", "header", "key", "outer"]
Place = tuple[Origin, tuple[str, ...]]
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Without quotes in JMESPath, too: a path may become a part of a longer expression."""
_HEADER: Final = re.compile(r"[\w.!#$%&'*+^`|~/:-]+")
_DEEPEST: Final = 6
_MOST_LEAVES: Final = 400
"""Of one document: the first by name."""
_MOST_FIELDS: Final = 3_000
_LONGEST: Final = 512
"""Characters that are kept of a text."""
_LONGEST_NAME: Final = 100
_MOST_TEXTS: Final = 4
"""Fields of a topic that are opened, because each of their texts holds JSON."""


@dataclass(frozen=True)
class SampledField:
    """One place in the documents of a topic that holds texts, numbers or truth values."""

    expression: str
    """As the mapping writes it."""
    names: tuple[str, ...]
    origin: Origin
    of: int
    """Documents that were looked at."""
    values: Mapping[int, Any] = field(repr=False)
    """What was found, by the number of the document."""
    text: tuple[str, ...] = ()
    """Where the text is that holds it as JSON; empty: it is in none."""
    unread: frozenset[int] = field(default=frozenset(), repr=False)
    """Documents without such a text: to read it is a failure there, and not only nothing."""

    @cached_property
    def distinct(self) -> int:
        """How many different values were found."""
        return len({(value.__class__ is bool, value) for value in self.values.values()})

    @property
    def share(self) -> float:
        """Of the documents that have it."""
        return len(self.values) / self.of if self.of else 0.0

    @cached_property
    def is_text(self) -> bool:
        """Whether it is never anything else."""
        return all(isinstance(value, str) for value in self.values.values())

    def within(self, numbers: Sequence[int]) -> SampledField:
        """The same field in some of the documents."""
        kept = {number: self.values[number] for number in numbers if number in self.values}
        unread = self.unread & set(numbers)
        return SampledField(self.expression, self.names, self.origin, len(numbers), kept, self.text, unread)

    @property
    def found(self) -> str:
        """For people: ``in 98 % of 1,000 records``."""
        return f"in {percent(len(self.values), self.of)} of {thousands(self.of)}"


def percent(part: int, whole: int) -> str:
    """Rounded, but never to all or nothing."""
    shown = round(100 * part / whole) if whole else 0
    if (shown == 100 and part < whole) or (shown == 0 and part):
        return "> 99 %" if shown else "< 1 %"
    return f"{shown} %"


def fields_of(documents: Sequence[SampledDocument]) -> tuple[SampledField, ...]:
    """All fields, the same whatever the documents' order but for the numbers; sorted by expression."""
    leaves = ((number, place, value) for number, document in enumerate(documents) for place, value in _leaves(document))
    made = [
        SampledField(text, names, origin, len(documents), values)
        for (origin, names), values in _gathered(leaves)
        if (text := expression_of(origin, names)) is not None
    ]
    made += _in_texts(made, documents)
    return tuple(sorted(made, key=lambda each: each.expression))


def _gathered(leaves: Iterable[tuple[int, Place, Any]]) -> list[tuple[Place, dict[int, Any]]]:
    """By place what was found there; the places that most documents have."""
    found: dict[Place, dict[int, Any]] = {}
    for number, place, value in leaves:
        if place in found or len(found) < _MOST_FIELDS * 4:
            found.setdefault(place, {})[number] = value
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_FIELDS]


def _in_texts(fields: Sequence[SampledField], documents: Sequence[SampledDocument]) -> Iterator[SampledField]:
    """The fields in texts that hold JSON, one text deep: those of the texts that most documents have."""
    texts = [each for each in fields if each.origin == "value" and _looks_like_json(each)]
    texts.sort(key=lambda each: (-len(each.values), each.expression))
    for text in texts[:_MOST_TEXTS]:
        objects = objects_in(text.names, documents)
        if objects is None:
            continue
        unread = frozenset(range(len(documents))) - objects.keys()
        places = _gathered(
            (number, (text.origin, names), value) for number, each in objects.items() for names, value in _walk(each)
        )
        for (origin, names), values in places:
            expression = f"from_json({_path(text.names)}).{_path(names)}"
            whole = (*text.names, *names)
            yield SampledField(expression, whole, origin, len(documents), values, text.names, unread)


def _looks_like_json(field: SampledField) -> bool:
    beginnings = sum(isinstance(value, str) and value[:1] == "{" for value in field.values.values())
    return beginnings >= NEARLY_ALL * len(field.values)


def _leaves(document: SampledDocument) -> Iterator[tuple[Place, Any]]:
    for names, value in _walk(document.value):
        yield ("value", names), value
    for name, text in sorted(document.headers.items()):
        yield ("header", (name,)), text[:_LONGEST]
    match document.key:
        case dict():
            for names, value in _walk(document.key):
                yield ("key", names), value
        case str() if document.key:
            yield ("key", ()), document.key[:_LONGEST]
    if document.outer is not None:
        for names, value in _walk(document.outer):
            yield ("outer", names), value


def _walk(value: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Breadth first, so that a bound takes what is deepest."""
    left = _MOST_LEAVES
    level: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), value)]
    for _ in range(_DEEPEST):
        below: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        for names, inner in level:
            for name in sorted(each for each in inner if 0 < len(each) <= _LONGEST_NAME):
                leaf = inner[name]
                if isinstance(leaf, dict):
                    below.append(((*names, name), leaf))
                elif isinstance(leaf, str | int | float | Decimal):
                    left -= 1
                    if left < 0:
                        return
                    yield (*names, name), leaf[:_LONGEST] if isinstance(leaf, str) else leaf
        level = below


def expression_of(origin: Origin, names: tuple[str, ...]) -> str | None:
    """As the mapping writes it; None for what no expression can name."""
    path = _path(names)
    match origin:
        case "header":
            return f"header:{names[0]}" if _HEADER.fullmatch(names[0]) else None
        case "key":
            return f"key:{path}" if names else "key"
        case "outer":
            return f"outer:{path}"
        case "value":
            return json.dumps(names[0]) if len(names) == 1 and names[0] in RESERVED else path


def _path(names: Sequence[str]) -> str:
    return ".".join(name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False) for name in names)
