"""The `# --` comments of a values.yaml, in the form helm-docs reads, with the values they describe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_MARK = "# --"
_DEFAULT = "# @default --"
_TYPE = re.compile(r"\((?P<type>[\w/]+)\) ")


@dataclass(frozen=True, slots=True)
class Documented:
    """One value with its comment."""

    path: tuple[str, ...]
    default: Any
    text: str
    """One line; empty where there is no comment."""
    shown: str | None
    """What the reference shows instead of the default."""
    type: str | None
    """A type named in the comment, as in `# -- (int) …`."""

    @property
    def name(self) -> str:
        """The path as people write it."""
        return ".".join(self.path)


def documented(text: str) -> list[Documented]:
    """Every key of the file in its order, maps before what is in them; those of lists are not looked at."""
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    return list(_below(tree, (), text.splitlines(), yaml.safe_load(text)))


def _below(node: Any, path: tuple[str, ...], lines: Sequence[str], value: Any) -> Iterator[Documented]:
    for key, below in node.value:
        here = (*path, key.value)
        yield _one(here, value[key.value], _comment(lines, key.start_mark.line))
        if isinstance(below, yaml.MappingNode):
            yield from _below(below, here, lines, value[key.value])


def _comment(lines: Sequence[str], line: int) -> list[str]:
    """The lines right above a key, from the last `# --` on; others are for who reads the file."""
    found: list[str] = []
    for above in reversed(lines[:line]):
        if not above.strip().startswith("#"):
            return []
        found.insert(0, above.strip())
        if above.strip().startswith(_MARK):
            return found
    return []


def _one(path: tuple[str, ...], default: Any, comment: list[str]) -> Documented:
    shown = next((line.removeprefix(_DEFAULT).strip() for line in comment if line.startswith(_DEFAULT)), None)
    words = [line.removeprefix(_MARK).lstrip("#").strip() for line in comment if not line.startswith(_DEFAULT)]
    text = " ".join(words)
    kind = _TYPE.match(text)
    return Documented(path, default, text[kind.end() :] if kind else text, shown, kind["type"] if kind else None)
