"""Keys, headers and identifiers: that bytes decode as UTF-8 does not make them text, so it is looked at first.

A serialized long, a UUID of 16 bytes or an Avro string often is valid UTF-8 by chance; sent as a user id it is a user
whom nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bridge.decode.failures import unmappable
from bridge.decode.recognition import BINARY, form_of_identifier, form_of_key
from bridge.model import Header

_MARK: Final = "\ufeff"
"""The byte order mark. At the beginning of a text it belongs to the encoding, not to the text."""
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
"""Tabs and line ends too: in identifiers they are control characters like all others."""


def read(content: bytes, name: str, headers: Sequence[Header] = ()) -> str:
    """A key's or header's text; raises `MappingError` with `name` and with what the bytes are where they are none."""
    text = text_of(content)
    if text is None:
        raise unmappable(f"{name} is {problem_of(content, headers)}")
    return text


def text_of(content: bytes) -> str | None:
    """The text that bytes are; None where they are none."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if not text.isprintable() and (BINARY.search(text) or text.startswith(_MARK)) else text


def problem_of(content: bytes, headers: Sequence[Header] = ()) -> str:
    """What bytes are that are no text, as the end of a sentence: ``compressed with gzip, not text``."""
    form = form_of_key(content, headers)
    return f"{form}, not text" if form else "not UTF-8 text"


def check_identifier(text: str, name: str) -> None:
    """Refuses an identifier that no human or program means as one; `text.isprintable()` is the fast way around."""
    problem = problem_of_identifier(text)
    if problem is not None:
        raise unmappable(f"{name} {problem}")


def problem_of_identifier(text: str) -> str | None:
    """What is wrong with an identifier, as the end of a sentence."""
    found = _CONTROL.search(text)
    if found is not None:
        form = form_of_identifier(text.encode("utf-8", "surrogatepass")) if text[0] == "\0" else None
        if form is not None:
            return f"is {form}, not text"
        return f"has the control character U+{ord(found[0]):04X} at place {found.start()}; it is not sent"
    if text.startswith(_MARK):
        return "begins with a byte order mark (U+FEFF); it is not sent"
    return None
