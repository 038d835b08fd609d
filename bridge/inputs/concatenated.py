"""JSON objects one after the other with nothing between them, as `jq` prints them or a program that writes no newlines.

Only objects that have members are taken apart, and only where all of a text is made of them: anything else stays what
it is, so that the mapping says what is wrong with it.
"""

from __future__ import annotations

import json
import re
from typing import Final

import orjson

_BETWEEN: Final = re.compile(rb"\}\s*\{")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_READER: Final = json.JSONDecoder()


def on_one_line(line: bytes) -> list[bytes]:
    """The objects of a line, or the line."""
    if _BETWEEN.search(line) is None or _is_one(line):
        return [line]
    return [text for _, text in _apart(line)] or [line]


def over_lines(content: bytes) -> list[tuple[int, bytes]]:
    """Each object with the number of the line that it begins in, from 1; empty: it is something else."""
    return _apart(content) if _BETWEEN.search(content) is not None else []


def _is_one(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _apart(content: bytes) -> list[tuple[int, bytes]]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return []
    found: list[tuple[int, bytes]] = []
    number, counted = 1, 0
    place = _after_space(text, 0)
    while place < len(text):
        try:
            value, end = _READER.raw_decode(text, place)
        except (ValueError, RecursionError):
            return []
        if type(value) is not dict or not value:
            return []
        number, counted = number + len(_LINE_END.findall(text, counted, place)), place
        found.append((number, text[place:end].encode()))
        place = _after_space(text, end)
    return found if len(found) > 1 else []


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return place if match is None else match.end()
