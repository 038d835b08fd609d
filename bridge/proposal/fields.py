"""The fields of sampled documents: where each is, as an expression says it, and what was found there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal

from bridge.mapping.expressions.expression import RESERVED
from bridge.proposal.documents import SampledDocument
from bridge.text.amounts import thousands

Origin = Literal["value", "header", "key", "outer"]
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
        return SampledField(self.expression, self.names, self.origin, len(numbers), kept)

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
    found: dict[tuple[Origin, tuple[str, ...]], dict[int, Any]] = {}
    for number, document in enumerate(documents):
        for place, value in _leaves(document):
            if place in found or len(found) < _MOST_FIELDS * 4:
                found.setdefault(place, {})[number] = value
    most = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_FIELDS]
    made = (
        SampledField(text, names, origin, len(documents), values)
        for (origin, names), values in most
        if (text := expression_of(origin, names)) is not None
    )
    return tuple(sorted(made, key=lambda each: each.expression))


def _leaves(document: SampledDocument) -> Iterator[tuple[tuple[Origin, tuple[str, ...]], Any]]:
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
    path = ".".join(name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False) for name in names)
    match origin:
        case "header":
            return f"header:{names[0]}" if _HEADER.fullmatch(names[0]) else None
        case "key":
            return f"key:{path}" if names else "key"
        case "outer":
            return f"outer:{path}"
        case "value":
            return json.dumps(names[0]) if len(names) == 1 and names[0] in RESERVED else path
