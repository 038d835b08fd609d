"""Blocks as lines again: keys in the order of bridge.example.yaml, two spaces further in each time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any, Final

import yaml

from bridge.config.events.example_section import ExampleConfig
from bridge.config.events.route_section import RouteConfig
from bridge.config.keys.fields import Section
from bridge.config.reading import yaml_core
from bridge.config.sections import SHAPE, Config
from bridge.formatting.layout import CommentLine, Element, LineBlock

STEP: Final = 2
_EXAMPLES_OWN: Final[Mapping[type[Section], tuple[str, ...]]] = {
    Config: ("kafka", "schema_registry", "track"),
    RouteConfig: ("identify", "company", "forget", "event_name", "allowed_event_names"),
    ExampleConfig: ("name", "input", "record", "now", "expect"),
}
"""Where bridge.example.yaml begins with other keys than the model has first."""
_RESOLVER: Final[Any] = yaml.SafeLoader
_IS_BLOCK_SCALAR: Final = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?$", re.MULTILINE)


def written(root: LineBlock, *, keeps_order: bool) -> list[str]:
    """The lines of a document."""
    return _without_double_blanks(_block(root, 0, keeps_order=keeps_order))


def _block(block: LineBlock, indent: int, *, keeps_order: bool) -> list[tuple[str, bool]]:
    """Lines, each with whether it is a text that is kept as it is."""
    elements = block.elements if keeps_order or not block.is_map else _in_order(block)
    lines: list[tuple[str, bool]] = []
    for element in elements:
        lines += _element(block, element, indent, keeps_order=keeps_order)
    return lines + _comments(block.tail, indent)


def _element(block: LineBlock, element: Element, indent: int, *, keeps_order: bool) -> list[tuple[str, bool]]:
    lines = [(_at(indent, each.text), False) for each in element.lead]
    head = f"{_quoted(element.head)}:" if block.is_map else "-"
    inner = element.block
    if inner is not None and not block.is_map and not element.trailing and not element.text.strip():
        # The first key of an item stands beside its dash.
        above, first, *rest = _split(_block(inner, indent + STEP, keeps_order=keeps_order))
        lines += [(_at(indent, text.strip()), False) for text, _ in above]
        lines += [(f"{' ' * indent}- {first[0].lstrip()}", first[1]), *rest]
    elif inner is not None:
        begin = " ".join(each for each in (f"{' ' * indent}{head}", element.text.strip()) if each)
        lines += _with_comment(element, [(begin, False)])
        lines += _block(inner, indent + STEP, keeps_order=keeps_order)
    else:
        lines += _with_comment(element, _leaf(element, head, indent))
    return lines + _comments(element.after, indent)


def _split(lines: list[tuple[str, bool]]) -> list[Any]:
    place = next(
        at for at, (text, is_kept) in enumerate(lines) if is_kept or (text and not text.lstrip().startswith("#"))
    )
    return [lines[:place], lines[place], *lines[place + 1 :]]


def _leaf(element: Element, head: str, indent: int) -> list[tuple[str, bool]]:
    """The value beside its key, and what is below it moved as far as the key is."""
    text = element.text
    if element.is_plain and "\n" not in text:
        text = _quoted(text.strip())
    first, *more = text.split("\n")
    is_block_scalar = bool(_IS_BLOCK_SCALAR.match(first.strip()))
    begin = f"{' ' * indent}{head} {first.strip()}".rstrip()
    moved = indent - element.column
    return [(begin, bool(more)), *((_moved(line, moved, is_text=is_block_scalar), True) for line in more)]


def _moved(line: str, by: int, *, is_text: bool) -> str:
    if not is_text:
        line = line.rstrip()
    if not line.strip() and len(line) + by <= 0:
        return ""
    if not line:
        return line
    if by >= 0:
        return " " * by + line
    spaces = len(line) - len(line.lstrip(" "))
    return line[min(-by, spaces) :]


def _with_comment(element: Element, lines: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    if not element.trailing:
        return lines
    *above, (last, is_kept) = lines
    column = max(element.trailing_column, len(last) + 1)
    lines = [*above, (f"{last}{' ' * (column - len(last))}{element.trailing}", is_kept)]
    return [*lines, *_comments(element.own_after, column)]


def _comments(comments: Iterable[CommentLine], column: int) -> list[tuple[str, bool]]:
    return [(_at(column, each.text), False) for each in comments]


def _at(column: int, text: str) -> str:
    return f"{' ' * column}{text}" if text else ""


def _without_double_blanks(lines: list[tuple[str, bool]]) -> list[str]:
    found: list[str] = []
    was_blank = True
    for text, is_kept in lines:
        if text or is_kept or not was_blank:
            found.append(text)
        was_blank = not text and not is_kept
    while found and not found[-1] and was_blank:
        found.pop()
    return found


# --- order


def rank(models: Iterable[type[Section]]) -> dict[str, int]:
    """The place of each key that these models have."""
    places: dict[str, int] = {}
    for model in models:
        own = _EXAMPLES_OWN.get(model, ())
        for key in (*own, *(each for each in model.model_fields if each not in own)):
            places.setdefault(key, len(places))
    return places


def _in_order(block: LineBlock) -> list[Element]:
    places = rank(SHAPE.models_at(block.path))
    if not all(element.key in places for element in block.elements):
        return block.elements
    first = block.elements[0]
    ordered = sorted(block.elements, key=lambda element: places[str(element.key)])
    if ordered[0] is not first:  # the blank lines before a key that is first now are for the one that was
        blank = list(takewhile(lambda each: not each.text, ordered[0].lead))
        ordered[0].lead = ordered[0].lead[len(blank) :]
        if blank and not (first.lead and not first.lead[0].text):
            first.lead = [*blank, *first.lead]
    return ordered


# --- quotes


def _quoted(text: str) -> str:
    """In quotes, where the YAML of other tools has something else than the text that it is here."""
    if not text or text[0] in "'\"|>&*![{#%@`" or not isinstance(yaml_core.scalar(text), str) or "${" in text:
        return text
    tag = _resolved(text)
    if tag == "tag:yaml.org,2002:str":
        return text
    return f'"{text}"' if '"' not in text and "\\" not in text else text


def _resolved(text: str) -> str:
    for tag, pattern in _RESOLVER.yaml_implicit_resolvers.get(text[:1], []):
        if pattern.match(text):
            return str(tag)
    return "tag:yaml.org,2002:str"
