"""``NAME_file`` among librdkafka properties: the value of NAME is in that file."""

from __future__ import annotations

from typing import Any

from bridge.config.keys.scalars import Substituted
from bridge.config.problems import Problem, render
from bridge.config.reading.substitution import UNKNOWN, Substitution, Unavailable, UnknownValue, read_file

_SUFFIX = "_file"
_SECTIONS = ("kafka", "dead_letter")


def resolve(found: Substitution) -> None:
    """Replaces each ``NAME_file`` of the two maps of properties by its ``NAME``."""
    for section in _SECTIONS:
        tree = found.tree.get(section)
        properties = tree.get("properties") if isinstance(tree, dict) else None
        if isinstance(properties, dict):
            for key in [each for each in properties if each.endswith(_SUFFIX)]:
                _resolve_one(key, properties, section, found)


def _resolve_one(key: str, properties: dict[str, Any], section: str, found: Substitution) -> None:
    given = properties.pop(key)
    name = key.removesuffix(_SUFFIX)
    path = (section, "properties", name)
    where = render((section, "properties", key))
    if isinstance(given, UnknownValue) or given is None or given == "":
        return  # what could not be had is a problem already; nothing there means not given
    if not isinstance(given, str):
        found.problems.append(Problem(where, "must be the path of a file"))
    elif name in properties and properties[name] != "":
        found.problems.append(Problem(where, f"must not be set beside {name}; remove one of the two"))
    else:
        try:
            file = found.files.find((section, "properties", key), given)
            properties[name] = Substituted(read_file(file))
            found.sources[path] = f"file {file}"
        except Unavailable as error:
            properties[name] = UNKNOWN
            found.unknown.add(path)
            found.problems.append(Problem(where, str(error)))
