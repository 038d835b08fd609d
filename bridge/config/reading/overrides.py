"""``BRIDGE_<SECTION>__<FIELD>``: the environment over the file, in the same words.

Names without a double underscore are left alone (a Kubernetes Service named bridge injects BRIDGE_PORT and its like),
unless one underscore is all that keeps them from meaning something.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.config.keys.fields import Section
from bridge.config.keys.problems import Problem
from bridge.config.keys.scalars import Substituted
from bridge.config.reading import hints, yaml_core
from bridge.config.reading.files import PROPERTY_MAPS
from bridge.config.reading.shape import FileShape, is_structure, subsection
from bridge.config.reading.yaml_core import Path

PREFIX = "BRIDGE_"
_BETWEEN = "__"
_NAMES_ENDING_IN_FILE = frozenset({
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.jwt.template.file",
})  # fmt: skip
"""Properties of librdkafka that end in .file themselves, where _FILE is not our suffix."""


@dataclass(frozen=True, slots=True)
class _OverridePlace:
    path: tuple[str, ...]
    structure: bool
    """A list or a map: the variable holds YAML."""


@dataclass(slots=True)
class Overrides:
    """What the environment says: value by path, the variable it came from, and what is wrong with it."""

    values: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)
    sources: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def apply(self, tree: dict[str, Any]) -> None:
        """Puts the values into the tree; a section that is no map keeps its own problem."""
        for path, value in self.values.items():
            node: Any = tree
            for part in path[:-1]:
                if node.get(part) is None:
                    node[part] = {}
                node = node[part]
                if not isinstance(node, dict):
                    break
            else:
                node[path[-1]] = value


def read(environ: Mapping[str, str], shape: FileShape) -> Overrides:
    """All overrides in the environment of a file of that shape."""
    found = Overrides()
    variables = sorted(variable for variable in environ if variable.startswith(PREFIX))
    known = dict(_places(shape.model, ())) if variables else {}
    for variable in variables:
        name = variable.removeprefix(PREFIX)
        place = known.get(name) or _property(name)
        if place is not None:
            _take(variable, environ[variable], place, found)
        elif _BETWEEN in name:
            found.problems.append(Problem(variable, f"overrides no known key; {_advice(name, known, shape.leaves)}"))
        else:
            meant = [each for each in known if each.replace(_BETWEEN, "_") == name and _BETWEEN in each]
            if meant:
                found.problems.append(
                    Problem(variable, f"overrides nothing; write {PREFIX}{meant[0]}, with two underscores between")
                )
    return found


def _take(variable: str, text: str, place: _OverridePlace, found: Overrides) -> None:
    value: Any = Substituted(text)
    if place.structure:
        try:
            value = _outside(yaml_core.parse(text).tree)
        except yaml_core.Malformed as error:
            found.problems.append(Problem(variable, f"holds a list or a map and {error}"))
            return
    found.values[place.path] = value
    found.sources[place.path] = f"environment variable {variable}"


def _outside(node: Any) -> Any:
    """Marks each text as one that messages must not repeat."""
    match node:
        case dict():
            return {key: _outside(value) for key, value in node.items()}
        case list():
            return [_outside(value) for value in node]
        case str():
            return Substituted(node)
        case _:
            return node


def _places(model: type[Section], path: tuple[str, ...]) -> Iterator[tuple[str, _OverridePlace]]:
    for key in model.model_fields:
        here = (*path, key)
        inner = subsection(model, key)
        if inner is not None:
            yield from _places(inner, here)
        else:
            yield _BETWEEN.join(here).upper(), _OverridePlace(here, structure=is_structure(model, key))


def _property(name: str) -> _OverridePlace | None:
    """KAFKA__PROPERTIES__SASL_PASSWORD is sasl.password; no property of librdkafka has an underscore in its name."""
    for section in PROPERTY_MAPS:
        prefix = _BETWEEN.join(section).upper() + _BETWEEN
        if name.startswith(prefix) and len(name) > len(prefix):
            key = name.removeprefix(prefix).lower().replace("_", ".")
            if key.endswith(".file") and key not in _NAMES_ENDING_IN_FILE:
                key = key.removesuffix(".file") + "_file"
            return _OverridePlace((*section, key), structure=False)
    return None


def _advice(name: str, known: Mapping[str, _OverridePlace], leaves: Collection[str]) -> str:
    *above, last = name.lower().split(_BETWEEN)
    if above[0] == "mapping" and len(above) > 1:
        return f"below mapping only whole keys can be overridden, such as {PREFIX}MAPPING__EVENTS with YAML"
    close = hints.nearest(name, known, cutoff=0.9)
    if close:
        return f"did you mean {PREFIX}{close[0]}?"
    section = ".".join(above)
    siblings = [place.path[-1] for place in known.values() if ".".join(place.path[:-1]) == section]
    meant = hints.meant(last, above[-1], section, siblings, leaves)
    variable = meant.upper().replace(".", _BETWEEN) if meant else ""
    if variable in known:
        return f"did you mean {PREFIX}{variable}?"
    return f"remove it, or name a key as in {PREFIX}KAFKA__GROUP_ID"
