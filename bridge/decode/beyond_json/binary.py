"""Bytes as texts."""

from __future__ import annotations

from binascii import b2a_base64


def base64_of(content: bytes) -> str:
    """Base64 without line ends."""
    return b2a_base64(content, newline=False).decode()


def uuid_of(content: bytes) -> str:
    """16 bytes as ``0f8fad5b-d9cb-469f-a165-70867728950e``."""
    digits = content.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
