"""What goes on where the environment does not have the endpoint or the key, for whoever needs neither."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, Final

from bridge.config.keys.problems import render
from bridge.config.reading.yaml_core import Path

NOWHERE: Final = "https://userpilot-endpoint.invalid"
"""Stands for the endpoint: no name under .invalid can ever be reached."""
_ENDPOINT: Final[Path] = ("track", "endpoint")
_KEYS: Final[AbstractSet[Path]] = {("track", "api_key"), ("track", "api_key_file")}


def without_keys(tree: Any, unknown: AbstractSet[Path]) -> tuple[str, ...]:
    """Of keys that could not be had: as if the file did not name them. Returns where they were."""
    unfound = sorted(unknown & _KEYS)
    for section, name in unfound:
        tree[section].pop(name, None)
    return tuple(render(path) for path in unfound)


def for_unset(tree: Any, unset: AbstractSet[Path]) -> tuple[str, ...]:
    """The same of variables that are not set, and of the endpoint, which becomes one that leads nowhere."""
    if _ENDPOINT not in unset:
        return without_keys(tree, unset)
    section, name = _ENDPOINT
    tree[section][name] = NOWHERE
    return (render(_ENDPOINT), *without_keys(tree, unset))
