"""The schemas that a schema refers to: each once, each after those that it needs itself, within bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.registry.outcomes import SCHEMA_LIMIT, UnusableSchema

MOST_REFERENCES: Final = 500
DEEPEST: Final = 50


@dataclass(frozen=True, slots=True)
class Needed:
    """A schema that is referred to."""

    name: str
    """How it is called where it is referred to: a full name of Avro, the path of an import of Protobuf."""
    subject: str
    """Where it is in the registry."""
    version: str
    by: str
    """Who refers to it, for sentences."""
    group: str = ""
    """Of Apicurio: the group that the artifact (`subject`) is in."""


ReadNeeded = Callable[[Needed], Awaitable[tuple[str, list[Needed]]]]
"""Gives the text of a schema and what it refers to."""


class Collected:
    """What is gathered around one schema."""

    def __init__(self, what: str, text: str) -> None:
        """`what` is the schema itself, for sentences."""
        self._what = what
        self._size = 0
        self._found: dict[str, str] = {}
        self._count(text)

    def references(self) -> tuple[tuple[str, str], ...]:
        """See `Schema.references`."""
        return tuple(self._found.items())

    async def follow(self, needed: Sequence[Needed], read: ReadNeeded, path: tuple[Needed, ...] = ()) -> None:
        """Read all of them and what they need. Raises the signals of `outcomes`."""
        for each in needed:
            self._check_circle(each, path)
            if each.name in self._found:
                continue
            if len(path) >= DEEPEST or len(self._found) >= MOST_REFERENCES:
                raise UnusableSchema(f"{self._what} refers to more schemas than the bridge follows")
            text, further = await read(each)
            self._count(text)
            await self.follow(further, read, (*path, each))
            self._found[each.name] = text

    def _check_circle(self, each: Needed, path: tuple[Needed, ...]) -> None:
        place = (each.group, each.subject, each.version)
        places = [(one.group, one.subject, one.version) for one in path]
        if place in places:
            circle = [*path[places.index(place) :], each]
            way = " → ".join(f"{one.subject} version {one.version}" for one in circle)
            raise UnusableSchema(f"the references of {self._what} go in a circle: {way}")

    def _count(self, text: str) -> None:
        self._size += len(text)
        if self._size > SCHEMA_LIMIT:
            raise UnusableSchema(
                f"{self._what} is larger than the bridge takes (more than {SCHEMA_LIMIT // 1024**2} MiB with all it"
                " refers to)"
            )
