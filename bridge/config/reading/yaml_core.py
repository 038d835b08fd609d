"""YAML 1.2, core schema: only ``true`` and ``false`` are booleans, so a country code NO and a time 12:30:00 stay text.

PyYAML's scanner is used, not its YAML 1.1 constructors. The tree is built from events, without recursion, so neither
deep nesting nor aliases of aliases can exhaust the process; every key of a map is text, exactly as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isinf
from typing import Any

import yaml

from bridge.config.keys.problems import Problem, render
from bridge.errors import InvalidError

Path = tuple[str | int, ...]

MAX_DEPTH = 100
MAX_NODES = 200_000
"""Far above any mapping written by people; aliases count with all they mean."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is missing from some builds of PyYAML

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}|0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII
)
_STANDARD_TAG = "tag:yaml.org,2002:"
_KINDS: Mapping[str, tuple[type, ...]] = {"null": (type(None),), "bool": (bool,), "int": (int,), "float": (int, float)}


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text: its tree, the line of each key and item, and what is wrong with it."""

    tree: Any = field(repr=False)
    lines: Mapping[Path, int]
    problems: tuple[Problem, ...]


class Malformed(InvalidError):  # noqa: N818  # named for what the text is
    """The text is not one YAML document; says why, with line and column."""


def parse(text: str) -> Document:
    """The one document in `text`. Raises `Malformed`; a key given twice is a problem of the document instead."""
    builder = _Builder()
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise Malformed(_sentence(error)) from None
    except yaml.YAMLError as error:  # the reader's: a control character, which has a position but no mark
        found = getattr(error, "position", None)
        place = f" in {_place_of(text, found)}" if isinstance(found, int) else ""
        raise Malformed(f"has a control character{place}; remove it") from None
    except UnicodeError:
        raise Malformed("has a character that is half of one (a lone surrogate); remove it") from None
    return Document(builder.tree, builder.lines, tuple(builder.problems))


def scalar(text: str) -> Any:
    """What plain, unquoted text means."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        # More than a float holds stays text, for the key's own parser to refuse.
        return text if isinf(value) and text[-1].isdigit() else value
    return text


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader=_Loader)


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not come yet."""

    value: dict[str, Any] | list[Any] = field(repr=False)
    path: Path
    anchor: str | None
    nodes_before: int
    key: str | None = None
    """In a map: the key whose value comes next."""
    skip: bool = False
    """That key was there before: its value is read and dropped."""
    height: int = 1


@dataclass(slots=True)
class _Anchored:
    value: Any = field(repr=False)
    nodes: int
    height: int


@dataclass(slots=True)
class _Builder:
    """Takes events in order and grows the tree."""

    tree: Any = field(default=None, repr=False)
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, _Anchored] = field(default_factory=dict)
    _nodes: int = 0
    _documents: int = 0

    def take(self, event: Any) -> None:
        """One event of the scanner."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise Malformed(f"has a second document {_at(event.start_mark)}; remove the line ---")
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case _:
                pass

    def _begin(self, event: Any) -> None:
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in {None, "!", _STANDARD_TAG + ("map" if is_map else "seq")}:
            raise Malformed(_tagged(event))
        if self._expects_key():
            raise Malformed(f"has a map or list as a key {_at(event.start_mark)}; keys are text")
        if len(self._open) >= MAX_DEPTH:
            raise Malformed(f"is nested deeper than {MAX_DEPTH} levels {_at(event.start_mark)}")
        self._count(1, event)
        path = self._next_path(event)
        self._open.append(_Open({} if is_map else [], path, event.anchor, self._nodes - 1))

    def _end(self) -> None:
        done = self._open.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchored(done.value, self._nodes - done.nodes_before, done.height)
        self._place(done.value, done.height)

    def _scalar(self, event: Any) -> None:
        self._count(1, event)
        if self._expects_key():
            self._key(event)
            return
        self._next_path(event)
        value = _typed(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, 0)
        self._place(value, 0)

    def _key(self, event: Any) -> None:
        owner = self._open[-1]
        key = event.value
        if key == "<<" and event.implicit[0]:
            raise Malformed(
                f"has a merge key << {_at(event.start_mark)}, which YAML 1.2 does not know; repeat the keys"
            )
        path = (*owner.path, key)
        line = event.start_mark.line + 1
        owner.skip = isinstance(owner.value, dict) and key in owner.value
        if owner.skip:
            first = self.lines[path]
            self.problems.append(
                Problem(render(path), f"is here twice, first in line {first}; remove one", f"line {line}")
            )
        else:
            self.lines[path] = line
        owner.key = key

    def _alias(self, event: Any) -> None:
        if self._expects_key():
            raise Malformed(f"has an alias as a key {_at(event.start_mark)}; keys are text")
        target = self._anchors.get(event.anchor)
        if target is None:
            # Without its name: a password that begins with * is read as one.
            raise Malformed(
                f"has an alias {_at(event.start_mark)} without its anchor; a text that begins with * needs quotes"
            )
        self._count(target.nodes, event)
        if len(self._open) + target.height > MAX_DEPTH:
            raise Malformed(f"is nested deeper than {MAX_DEPTH} levels {_at(event.start_mark)}")
        self._next_path(event)
        self._place(target.value, target.height)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _next_path(self, event: Any) -> Path:
        if not self._open:
            return ()
        owner = self._open[-1]
        if isinstance(owner.value, dict):
            return (*owner.path, str(owner.key))
        path = (*owner.path, len(owner.value))
        self.lines[path] = event.start_mark.line + 1
        return path

    def _place(self, value: Any, height: int) -> None:
        if not self._open:
            self.tree = value
            return
        owner = self._open[-1]
        owner.height = max(owner.height, height + 1)
        if isinstance(owner.value, list):
            owner.value.append(value)
            return
        if not owner.skip:
            owner.value[str(owner.key)] = value
        owner.key, owner.skip = None, False

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Malformed(
                f"grows beyond {MAX_NODES} values {_at(event.start_mark)}; it is too large or its aliases multiply"
            )


def _typed(event: Any) -> Any:
    """A scalar's value: quoted text is text, plain text what the core schema says."""
    tag = event.tag or ""
    if tag.startswith(_STANDARD_TAG):
        kind = tag.removeprefix(_STANDARD_TAG)
        if kind == "str":
            return event.value
        value: Any = scalar(event.value)
        fits = isinstance(value, _KINDS.get(kind, ())) and (kind == "bool" or not isinstance(value, bool))
        if fits:
            return float(value) if kind == "float" else value
    elif tag in {"", "!"}:
        return scalar(event.value) if event.implicit[0] and not tag else event.value
    raise Malformed(_tagged(event))


def _tagged(event: Any) -> str:
    """Without the tag itself: a password that begins with ! is read as one."""
    return f"has a tag {_at(event.start_mark)}, which means nothing here; a text that begins with ! needs quotes"


def _at(mark: Any) -> str:
    return f"in line {mark.line + 1}, column {mark.column + 1}"


def _place_of(text: str, position: int) -> str:
    """Line and column of a character."""
    before = text[:position]
    return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"


_ADVICE = (
    (
        "mapping values are not allowed",
        "a colon is where none may be; put the text in quotes, or fix the indentation",
    ),
    ("cannot start any token", "a tab, or a text that begins with @, ` or %, needs quotes; indent with spaces"),
    ("unexpected end of stream", "a quote or bracket that opens here is never closed"),
    ("expected node content", "a list in brackets, or a map in braces, is not closed"),
    ("expected ',' or ']'", "a list in brackets is not closed, or a comma is missing"),
    ("expected ',' or '}'", "a map in braces is not closed, or a comma is missing"),
    ("could not find expected ':'", "a key has no colon after it"),
    ("expected key", "a colon is where none may be, or the indentation changes"),
    ("expected <block end>", "the indentation does not fit the lines above, or a list item has no dash"),
)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    """The scanner's message with its place, led by what it mostly means."""
    said = str(error.problem or error.context)
    mark = error.problem_mark or error.context_mark
    if "unexpected end of stream" in said:  # the end of the file says nothing; where it was opened does
        mark = error.context_mark or mark
    advice = next((meaning for part, meaning in _ADVICE if part in said), said)
    return f"is not valid YAML {_at(mark)}: {advice}" if mark is not None else f"is not valid YAML: {advice}"
