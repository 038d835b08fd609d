"""Text from outside, made safe for a terminal, and no longer than there is room for."""

from __future__ import annotations

from typing import Final

_NEW_LINE: Final = "\n"
_SURROGATES: Final = 0x10000


def printable(text: str) -> str:
    r"""The text with control characters, line ends and lone surrogates spelled out, as ``\\x1b`` or ``\\n``.

    Also those that turn the direction of text around or take no room: what is not to be seen is spelled out.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def printable_lines(text: str) -> str:
    """As `printable`, of a text whose lines are its own."""
    return _NEW_LINE.join(map(printable, text.split(_NEW_LINE)))


def printable_json(text: str) -> str:
    r"""JSON with the same characters spelled out, as ``\\u001b``: the same document. Its own line ends stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == _NEW_LINE else _escaped(c) for c in text)


def printable_bytes(encoded: bytes) -> bytes:
    """As `printable_json`, of UTF-8. Encoders escape what is below a space; only DEL is left of ASCII."""
    if encoded.isascii() and _DEL not in encoded:
        return encoded
    return printable_json(encoded.decode()).encode()


_DEL: Final = b"\x7f"


def _escaped(character: str) -> str:
    code = ord(character)
    if code < _SURROGATES:
        return f"\\u{code:04x}"
    code -= _SURROGATES
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def cut(text: str, longest: int) -> str:
    """At most this many characters, the last of them ``…`` where some are left out."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def cut_bytes(text: str, longest: int) -> str:
    """At most this many bytes of UTF-8, never half a character; lone surrogates become ``?``."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= longest:
        return encoded.decode()
    return encoded[: longest - 3].decode("utf-8", "ignore") + "…"
