"""A Protobuf schema as `Schema` has it, from whatever form a registry writes it in."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from bridge.decode.protobuf import wire

_FIELDS: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14})
"""The numbers of the fields of a ``FileDescriptorProto`` (descriptor.proto)."""
_SAYS: Final = frozenset({1, 4, 5, 6, 7})
"""Its name, messages, enums, services, extensions: a file without any of them says nothing."""


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
    found = _fields(content)
    return found is not None and {number for number, _ in found} <= _FIELDS and any(n in _SAYS for n, _ in found)


def files_of_set(content: bytes) -> list[tuple[str, bytes]]:
    """The names and descriptors of a ``FileDescriptorSet``, in its order; empty where it is none."""
    files = []
    for number, file in _fields(content) or ():
        name = next((value for field, value in _fields(file) or () if field == 1), b"")
        if number != 1 or not name or not is_descriptor(file):
            return []
        files.append((name.decode("utf-8", "replace"), file))
    return files


def _fields(content: bytes) -> list[tuple[int, bytes]] | None:
    """The fields of a message with their bytes, which are empty for numbers; None where they do not add up."""
    try:
        return [(number, value if isinstance(value, bytes) else b"") for number, value in wire.fields(content)]
    except wire.WireError:
        return None
