"""A configuration's text, formatted; and what is never touched, or refused."""

from __future__ import annotations

from typing import Any, Final

from bridge.config.reading import yaml_core
from bridge.config.sections import SHAPE
from bridge.formatting.comments import give_comments
from bridge.formatting.layout import CannotFormatError, Path, layout_of
from bridge.formatting.writing import written

_MARK: Final = "\ufeff"
_OTHER_BREAKS: Final = {"\x85": "U+0085", "\u2028": "U+2028", "\u2029": "U+2029"}


def formatted(text: str) -> str:
    """The text as it should be: the same, if it is that already. Raises `CannotFormatError`.

    A byte order mark stays, and so do line ends with a carriage return where all lines have one. What it means is
    compared before anything is returned.
    """
    mark = _MARK if text.startswith(_MARK) else ""
    body = text.removeprefix(_MARK)
    has_returns = "\r" in body
    if has_returns:
        if body.count("\r\n") != body.count("\n") or body.count("\r") != body.count("\n"):
            raise CannotFormatError("has line ends of several kinds; write all of them in one way")
        body = body.replace("\r\n", "\n")
    for sign, name in _OTHER_BREAKS.items():
        if sign in body:
            raise CannotFormatError(f"has a line end {name}, which few editors show; remove it")
    done = _formatted(body)
    return mark + (done.replace("\n", "\r\n") if has_returns else done)


def _formatted(text: str) -> str:
    before = _parsed(text)
    if before.problems:
        raise CannotFormatError(f"{before.problems[0].where} {before.problems[0].message}")
    layout = layout_of(text)
    if layout is None:
        return text
    head = give_comments(layout)
    lines = [*_head(head), *written(layout.root, keeps_order=layout.has_anchors)]
    done = "\n".join(lines).rstrip("\n") + "\n"
    if text.rstrip("\n") != text and done != text and _ends_in_kept(text):
        done = done.rstrip("\n") + text[len(text.rstrip("\n")) :]
    after = _parsed(done)
    if after.problems or not _is_same(before.tree, after.tree, ()):
        raise CannotFormatError("would mean something else when formatted, so it is left as it is; please report it")
    return done


def _ends_in_kept(text: str) -> bool:
    """A text that is kept with all its line ends may be the last thing."""
    return any(sign in text for sign in ("|+", ">+", "|1+", "|2+", ">2+"))


def _parsed(text: str) -> yaml_core.Document:
    try:
        return yaml_core.parse(text)
    except yaml_core.Malformed as error:
        raise CannotFormatError(str(error)) from None


def _head(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        is_known = not line.strip() or line.lstrip().startswith("#") or line.startswith("---")
        if not is_known:
            raise CannotFormatError(f"has {line[:20]!r} in line {number + 1}, which is left alone; remove it")
    while lines and not lines[0].strip():
        lines = lines[1:]
    return lines


def _is_same(one: Any, other: Any, path: Path) -> bool:
    """With the kinds of scalars, and with the order of keys that somebody chose."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        if not SHAPE.models_at(path) and list(one) != list(other):
            return False
        return one.keys() == other.keys() and all(_is_same(one[key], other[key], (*path, key)) for key in one)
    if isinstance(one, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_is_same(*pair, (*path, place)) for place, pair in enumerate(pairs))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124  # not a number
