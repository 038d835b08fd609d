"""The text of a YAML document as blocks: which lines each key has, and which comments are between them.

Only block maps and lists are taken apart. A scalar, and all that is in braces or brackets, is a text that is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from bridge.errors import InvalidError

Path = tuple[str | int, ...]
_COLON: Final = re.compile(r"[ \t]*:")
_COMMENT: Final = re.compile(r"(?:^|(?<=[ \t]))#")


class CannotFormatError(InvalidError):
    """The text has something that is left alone; says what, where, and what to do."""


@dataclass(slots=True)
class CommentLine:
    """A line that is a comment, or blank."""

    text: str
    """Without the space around it; empty where it is blank."""
    column: int


@dataclass(slots=True)
class Element:
    """A key with its value, or an item of a list."""

    head: str
    """The key as it is written; empty for an item."""
    key: str | int
    column: int
    line: int
    last_line: int
    """Of its own text, which is the key's line where the value is a block."""
    text: str = ""
    """The value as it is written, from behind the colon or the dash; of a block what is in its first line."""
    trailing: str = ""
    """The comment behind it."""
    trailing_column: int = 0
    block: LineBlock | None = None
    is_plain: bool = False
    """The value is an unquoted scalar in one line."""
    lead: list[CommentLine] = field(default_factory=list)
    """What is above it and belongs to it."""
    own_after: list[CommentLine] = field(default_factory=list)
    """The rest of the comment behind it."""
    after: list[CommentLine] = field(default_factory=list)
    """What is below all of it and belongs to it."""


@dataclass(slots=True)
class LineBlock:
    """A block map or list."""

    is_map: bool
    column: int
    path: Path
    elements: list[Element] = field(default_factory=list)
    tail: list[CommentLine] = field(default_factory=list)
    """Comments at its end."""


@dataclass(slots=True)
class Layout:
    """A whole document."""

    root: LineBlock
    lines: list[str]
    has_anchors: bool = False


def layout_of(text: str) -> Layout | None:
    """The blocks of a text that `yaml_core` takes; None where there is none. Raises `CannotFormatError`."""
    try:
        events = [
            event
            for event in yaml.parse(text, Loader=yaml.SafeLoader)
            if not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent)
        ]
    except yaml.MarkedYAMLError as error:  # libyaml takes some tabs that the other scanner, which counts, does not
        place = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise CannotFormatError(f"has something that is left alone{place}, mostly a tab; write spaces there") from None
    builder = _LayoutBuilder(text, iter(events[1:-1]))
    if len(events) < 3 or not _is_block(events[1]):
        return None
    root = builder.block(next(builder.events), ())
    return Layout(root, text.split("\n"), has_anchors=any(getattr(each, "anchor", None) for each in events))


def each_element(block: LineBlock) -> Iterator[tuple[LineBlock, Element]]:
    """In the order of the text, each with the block it is in."""
    for element in block.elements:
        yield block, element
        if element.block is not None:
            yield from each_element(element.block)


def _is_block(event: Any) -> bool:
    return isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent) and not event.flow_style


class _LayoutBuilder:
    def __init__(self, text: str, events: Iterator[Any]) -> None:
        self.text = text
        self.events = events

    def block(self, start: Any, path: Path) -> LineBlock:
        is_map = isinstance(start, yaml.MappingStartEvent)
        block: LineBlock | None = None
        for place, event in enumerate(self._until_end()):
            element = self._entry(event, path) if is_map else self._item(event, place, path)
            if block is None:
                block = LineBlock(is_map, element.column, path)
            block.elements.append(element)
        assert block is not None  # noqa: S101  # a block without an element is written with brackets
        return block

    def _until_end(self) -> Iterator[Any]:
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                return
            yield event

    def _entry(self, key: Any, path: Path) -> Element:
        start, end = key.start_mark, key.end_mark
        before = self.text[self.text.rfind("\n", 0, start.index) + 1 : start.index]
        colon = _COLON.match(self.text, end.index)
        if colon is None or not isinstance(key, yaml.ScalarEvent) or before.strip(" -"):
            raise CannotFormatError(
                f"has a key in line {start.line + 1} that is written with ?; write it as key: value"
            )
        element = Element(self.text[start.index : end.index], key.value, start.column, start.line, end.line)
        self._value(element, colon.end(), next(self.events), (*path, key.value))
        return element

    def _item(self, value: Any, place: int, path: Path) -> Element:
        """The dash is before the value, with nothing but space, comments and properties between."""
        dash = self._dash(value.start_mark.index)
        line = self.text.count("\n", 0, dash)
        column = dash - (self.text.rfind("\n", 0, dash) + 1)
        element = Element("", place, column, line, line)
        self._value(element, dash + 1, value, (*path, place))
        return element

    def _dash(self, index: int) -> int:
        """That of the item whose value begins at `index`, or, of nothing, behind it."""
        begin = index
        while begin > 0:
            line = self.text.rfind("\n", 0, begin) + 1
            before = self.text[line:begin]
            plain = before.split(" #")[0] if begin != index else before
            found = re.search(r"-(?=[ \t]*$)", plain)
            if found is not None:
                return line + found.start()
            if before.strip() and not before.strip().startswith("#"):
                break
            begin = line - 1
        raise CannotFormatError("has a list that is written in an unusual way; put each dash before its item")

    def _value(self, element: Element, begin: int, value: Any, path: Path) -> None:
        if _is_block(value):
            self._head_of_block(element, begin, value)
            element.block = self.block(value, path)
            return
        end = value.end_mark
        if isinstance(value, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            end = self._end_of_flow()
        last, line = end.index, end.line
        is_literal = isinstance(value, yaml.ScalarEvent) and value.style in {"|", ">"}
        if is_literal:
            written = self.text[begin : end.index]
            keeps = "+" in written.lstrip().split("\n", 1)[0].split("#")[0]
            last = begin + len(written if keeps else written.rstrip())
            last -= self.text[last - 1] == "\n"
            line = self.text.count("\n", 0, last)
        is_nothing = isinstance(value, yaml.ScalarEvent) and not value.value and value.style is None
        if is_nothing and not self.text[begin:last].strip():
            last, line = begin, self.text.count("\n", 0, begin)
        element.text = self.text[begin:last]
        element.last_line = line
        element.is_plain = isinstance(value, yaml.ScalarEvent) and value.style is None and value.implicit[0]
        if not is_literal:
            self._trailing(element, last)

    def _end_of_flow(self) -> Any:
        depth = 1
        for event in self.events:
            depth += isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            depth -= isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
            if not depth:
                return event.end_mark
        raise CannotFormatError("has a bracket that is never closed")

    def _head_of_block(self, element: Element, begin: int, value: Any) -> None:
        """What is in the line of the key or dash: an anchor, perhaps, and a comment."""
        first = value.start_mark
        end = self.text.find("\n", begin)
        end = len(self.text) if end < 0 else end
        is_beside = self.text.count("\n", 0, first.index) == element.line and not value.anchor and not value.tag
        if is_beside:
            return  # a list's item that begins beside its dash
        head = self.text[begin:end]
        comment = _COMMENT.search(head)
        element.text = head if comment is None else head[: comment.start()]
        if comment is not None:
            self._trailing(element, begin + comment.start())

    def _trailing(self, element: Element, begin: int) -> None:
        end = self.text.find("\n", begin)
        rest = self.text[begin : len(self.text) if end < 0 else end]
        said = rest.strip()
        if said and not said.startswith("#"):
            raise CannotFormatError(f"has something behind the value in line {element.last_line + 1}")
        if said:
            place = begin + rest.index("#")
            element.trailing = said
            element.trailing_column = place - (self.text.rfind("\n", 0, place) + 1)
