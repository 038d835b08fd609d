"""Values as YAML 1.2 that reads back as what they are, whatever they look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any, Final

from bridge.text.printable import printable

WIDTH: Final = 100
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[./-][A-Za-z0-9_]+)*")
_ALSO_PLAIN: Final = re.compile(
    r"[A-Za-z_][A-Za-z0-9_./]*(?:[ :][A-Za-z0-9_][A-Za-z0-9_./]*|-[A-Za-z0-9_./]+| \|\| [A-Za-z_][A-Za-z0-9_./]*)*"
)
_CALL: Final = re.compile(r"from_json\([A-Za-z_][A-Za-z0-9_.]*\)(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


def scalar(value: Any) -> str:
    """One scalar. A text that reads as anything else is put in quotes, ``${`` stays itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case _:
            return str(value)


def _text(text: str) -> str:
    is_plain = any(form.fullmatch(text) for form in (_PLAIN, _ALSO_PLAIN, _CALL))
    if is_plain and text.lower() not in _WORDS and len(text) < 200:
        return text
    return _quoted(text.replace("${", "$${"))


def reference(text: str) -> str:
    """A text in which ``${NAME}`` is meant to be replaced."""
    return text if re.fullmatch(r"[\w${}:./,-]+", text) and not text.endswith(":") else _quoted(text)


def _quoted(text: str) -> str:
    if text.isprintable():
        return f"'{text.replace(chr(39), chr(39) * 2)}'" if '"' in text or "\\" in text else f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flow(value: Any) -> str:
    """A value in one line; texts inside of brackets are always in quotes unless they are plain words."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_inside(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str():
            return _inside(value)
        case _:
            return scalar(value)


def _inside(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and len(text) < 200
    return text if is_plain else _quoted(text.replace("${", "$${"))


def block(key: str, value: Any, indent: int) -> Iterator[str]:
    """``key: value``, in one line where it fits, else a line for each entry."""
    margin = " " * indent
    short = f"{margin}{scalar(key)}: {flow(value) if isinstance(value, dict | list | tuple) else scalar(value)}"
    if not isinstance(value, dict | list | tuple) or not value or len(short) <= WIDTH:
        yield short
        return
    yield f"{margin}{scalar(key)}:"
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from block(name, inner, indent + 2)
        return
    for item in value:
        yield from entry(item, indent + 2)


def entry(item: Any, indent: int) -> Iterator[str]:
    """One of a list."""
    margin = " " * indent
    short = f"{margin}- {flow(item) if isinstance(item, dict | list | tuple) else scalar(item)}"
    if not isinstance(item, dict) or not item or len(short) <= WIDTH:
        yield short
        return
    lines = [line for name, inner in item.items() for line in block(name, inner, indent + 2)]
    yield f"{margin}- {lines[0].lstrip()}"
    yield from lines[1:]


def comment(sentences: Iterable[str], indent: int) -> Iterator[str]:
    """Lines that begin with ``#``, no longer than is easily read."""
    margin = " " * indent
    for sentence in sentences:
        for line in wrap(printable(sentence), WIDTH - indent - 2, break_on_hyphens=False) or [""]:
            yield f"{margin}# {line}".rstrip()
