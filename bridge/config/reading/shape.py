"""The keys a file may have, read from the models: for hints, overrides and empty sections."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Union, get_args, get_origin

from bridge.config.keys.fields import Section


@cache  # models never change, and a file is asked about each key several times
def subsection(model: type[Section], key: str) -> type[Section] | None:
    """The model of a key whose value is a map with fixed keys, or may be left out altogether."""
    field = model.model_fields.get(key)
    found = [each for each in _alternatives(field.annotation) if each is not type(None)] if field else []
    only = found[0] if len(found) == 1 else None
    return only if isinstance(only, type) and issubclass(only, Section) else None


@cache
def may_be_left_out(model: type[Section], key: str) -> bool:
    """Whether a section that is not there is something else than one with nothing set."""
    return type(None) in _alternatives(model.model_fields[key].annotation)


@cache
def is_structure(model: type[Section], key: str) -> bool:
    """Whether a key's value is a list or a map with free keys."""
    annotation = model.model_fields[key].annotation
    return _plain_origin(annotation) in {tuple, Mapping}


@dataclass(frozen=True)
class FileShape:
    """All keys of a file, from the model of the whole."""

    model: type[Section]

    def models_at(self, path: Sequence[str | int]) -> tuple[type[Section], ...]:
        """The models whose keys may be at `path`; several where the value has several shapes."""
        found: list[Any] = [self.model]
        for part in path:
            found = [inner for annotation in found for inner in _step(annotation, part)]
        return tuple(model for annotation in found for model in _models(annotation))

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The dotted paths of all keys outside maps with free keys, sections included."""
        return tuple(_leaves(self.model, ""))


def _leaves(model: type[Section], prefix: str) -> Iterator[str]:
    for key in model.model_fields:
        path = f"{prefix}{key}"
        yield path
        inner = subsection(model, key)
        if inner is not None:
            yield from _leaves(inner, f"{path}.")


def _step(annotation: Any, part: str | int) -> list[Any]:
    """The annotations one key or index further down."""
    if isinstance(part, int):
        return [get_args(each)[0] for each in _alternatives(annotation) if get_origin(each) is tuple]
    found: list[Any] = []
    for each in _alternatives(annotation):
        if get_origin(each) is tuple:  # one map may stand for a list of one
            found.extend(_step(get_args(each)[0], part))
        elif get_origin(each) is Mapping:
            found.append(get_args(each)[1])
        elif isinstance(each, type) and issubclass(each, Section) and part in each.model_fields:
            found.append(each.model_fields[part].annotation)
    return found


def _models(annotation: Any) -> list[type[Section]]:
    """The models among a value's shapes; a list's item too, because one map may stand for a list of one."""
    found: list[type[Section]] = []
    for each in _alternatives(annotation):
        if get_origin(each) is tuple:
            found.extend(_models(get_args(each)[0]))
        elif isinstance(each, type) and issubclass(each, Section):
            found.append(each)
    return found


def _alternatives(annotation: Any) -> list[Any]:
    """A union's members without their annotations."""
    if hasattr(annotation, "__metadata__"):
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return [each for member in get_args(annotation) for each in _alternatives(member)]
    return [annotation]


def _plain_origin(annotation: Any) -> Any:
    found = [get_origin(each) for each in _alternatives(annotation) if each is not type(None)]
    return found[0] if len(found) == 1 else None
