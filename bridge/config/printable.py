"""Text from outside, made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""The text with control characters, line ends and lone surrogates spelled out, as ``\\x1b`` or ``\\n``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
