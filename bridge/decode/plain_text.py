"""Keys, headers and identifiers: that bytes decode as UTF-8 does not make them text, so it is looked at first.

A serialized long, a UUID of 16 bytes or an Avro string often is valid UTF-8 by chance; sent as a user id it is a user
whom nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bridge.decode.failures import MappingError, unmappable
from bridge.decode.framing import KEY_SCHEMA_HEADER, recognise, unframed
from bridge.model import Header

_MARK: Final = "\ufeff"
"""The byte order mark. At the beginning of a text it belongs to the encoding, not to the text."""
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_BINARY: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Tabs and line ends stand in texts; in identifiers they are control characters like all others."""


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
    return None if not text.isprintable() and (_BINARY.search(text) or text.startswith(_MARK)) else text


def problem_of(content: bytes, headers: Sequence[Header] = ()) -> str:
    """What bytes are that are no text, as the end of a sentence: ``compressed with gzip, not text``."""
    name = form_of(content, headers)
    return f"{name}, not text" if name else "not UTF-8 text"


def check_identifier(text: str, name: str) -> None:
    """Refuses an identifier that no human or program means as one; `text.isprintable()` is the fast way around."""
    failure = problem_of_identifier(text)
    if failure is not None:
        raise MappingError(failure.reason, f"{name} {failure.message}")


def problem_of_identifier(text: str) -> MappingError | None:
    """What is wrong with an identifier, as the end of a sentence."""
    found = _CONTROL.search(text)
    if found is not None:
        bytes_of = text.encode("utf-8", "surrogatepass")
        looks = _framed_text(bytes_of) or _integer(bytes_of) if text[0] == "\0" else None
        if looks is not None:
            return unmappable(f"is {looks}, not text")
        return unmappable(f"has the control character U+{ord(found[0]):04X} at place {found.start()}; it is not sent")
    if text.startswith(_MARK):
        return unmappable("begins with a byte order mark (U+FEFF); it is not sent")
    return None


def form_of(content: bytes, headers: Sequence[Header]) -> str | None:
    """The name of what bytes are that are no text; None where they are nothing that is known, and not UTF-8."""
    if content.startswith(b"\xef\xbb\xbf"):
        return "a text behind a UTF-8 byte order mark"
    if unframed(content) is not content:
        return f"JSON behind schema-registry framing (schema id {int.from_bytes(content[1:5])})"
    known = _framed_text(content) or _integer(content) or _recognised(content, headers)
    return known or _fixed_width(content) or _text_with_control(content)


def _framed_text(content: bytes) -> str | None:
    """An Avro string behind framing: its length, and so many bytes of text. Looked for before numbers of 8 bytes."""
    if content[:1] != b"\0" or not 6 < len(content) < 70 or content[5] & 1 or content[5] >> 1 != len(content) - 6:
        return None
    payload = content[6:]
    return recognise(content, ()) if payload.isascii() and payload.decode("ascii").isprintable() else None


def _integer(content: bytes) -> str | None:
    """Java's serializers write an int and a long in so many bytes, the most significant one first."""
    if len(content) not in {4, 8} or content[0] not in {0x00, 0xFF}:
        return None
    return f"{len(content)} bytes that look like a big-endian {'int' if len(content) == 4 else 'long'}"


def _fixed_width(content: bytes) -> str | None:
    """Looked for last: any bytes may be a double or a UUID."""
    forms = {8: "8 bytes that look like a big-endian long or double", 16: "16 bytes that look like a binary UUID"}
    form = forms.get(len(content))
    return form if form and _is_mostly_binary(content) else None


def _is_mostly_binary(content: bytes) -> bool:
    try:
        return len(_BINARY.findall(content.decode())) * 4 > len(content)
    except UnicodeDecodeError:
        return True


def _recognised(content: bytes, headers: Sequence[Header]) -> str | None:
    name = recognise(content, headers, KEY_SCHEMA_HEADER)
    return None if name is None or "base64" in name or "form data" in name else name


def _text_with_control(content: bytes) -> str | None:
    try:
        found = _BINARY.search(content.decode())
    except UnicodeDecodeError:
        return None
    return None if found is None else f"{len(content)} bytes with the control character U+{ord(found[0]):04X}"
