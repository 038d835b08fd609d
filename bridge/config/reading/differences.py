"""Which keys two configurations differ in: for a process that takes some of them over while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.config.keys.fields import Section

_NOTHING: Final = object()


def changed_keys(before: Section | None, after: Section | None, where: str) -> tuple[str, ...]:
    """Their paths, such as ``kafka.properties.client.rack``, in the order of the section at `where`; never a value."""
    return tuple(_changed(before, after, where))


def _changed(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, Section) and type(before) is type(after):
        for key in type(before).model_fields:
            yield from _changed(getattr(before, key), getattr(after, key), f"{path}.{key}")
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from _changed(before.get(name, _NOTHING), after.get(name, _NOTHING), f"{path}.{name}")
    elif before != after:
        yield path
