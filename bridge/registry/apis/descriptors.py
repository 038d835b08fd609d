"""A Protobuf schema as `Schema` has it, from whatever form a registry writes it in."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from bridge.registry.outcomes import UnusableSchema

_FIELDS: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14})
"""The numbers of the fields of a ``FileDescriptorProto`` (descriptor.proto)."""
_LAST_BYTES: Final = {0: 0, 1: 8, 5: 4}


def as_descriptor(text: str) -> str | None:
    """The base64 of a ``FileDescriptorProto``, of its base64 or of its bytes as characters; None where it is none."""
    compact = "".join(text.split())
    try:
        content = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        # Bytes as characters, through UTF-8 (Apicurio) or one to one; what was lost on the way does not add up.
        content = text.encode("utf-8", "replace") if "\ufffd" not in text else b""
    return base64.b64encode(content).decode("ascii") if is_descriptor(content) else None


def is_descriptor(content: bytes) -> bool:
    """Whether the bytes are a message whose fields are those of a ``FileDescriptorProto``, up to the last byte."""
    position, seen = 0, set()
    while position < len(content):
        tag, position = _varint(content, position)
        if tag >> 3 not in _FIELDS or position == 0:
            return False
        seen.add(tag >> 3)
        length = _LAST_BYTES.get(tag & 7, 0)
        if tag & 7 in {0, 2}:
            length, position = _varint(content, position)
            if position == 0:
                return False
            length = length if tag & 7 == 2 else 0
        elif tag & 7 not in _LAST_BYTES:
            return False
        position += length
    return position == len(content) and bool(seen & {1, 4, 5, 6, 7})


def compiled(_text: str, _name: str, what: str) -> str:
    """The base64 of the descriptor of a ``.proto`` file. Raises `UnusableSchema`."""
    raise UnusableSchema(f"{what} is a .proto file, and the registry does not write it as a descriptor")


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """A number and the position after it; position 0 where there is none."""
    number = shift = 0
    for place in range(position, min(position + 10, len(content))):
        number |= (content[place] & 0x7F) << shift
        if content[place] < 0x80:
            return number, place + 1
        shift += 7
    return 0, 0
