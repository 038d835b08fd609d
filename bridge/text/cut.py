"""Text that must not be longer than there is room for."""

from __future__ import annotations


def cut(text: str, longest: int) -> str:
    """At most this many characters, the last of them ``…`` where some are left out."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def cut_bytes(text: str, longest: int) -> str:
    """At most this many bytes of UTF-8, never half a character; lone surrogates become ``?``."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= longest:
        return encoded.decode()
    return encoded[: longest - 3].decode("utf-8", "ignore") + "…"
