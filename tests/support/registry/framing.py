"""Records of one Avro schema as Confluent's serializer writes them, made by hand: nothing of the bridge is in them."""

from __future__ import annotations

import json
from typing import Final

SCHEMA: Final = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "type", "type": "string"},
            {"name": "user", "type": "string"},
            {"name": "n", "type": "long"},
        ],
    }
)
LATER: Final = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "type", "type": "string"},
            {"name": "coupon", "type": ["null", "string"], "default": None},
            {"name": "user", "type": "string"},
            {"name": "n", "type": "long"},
        ],
    }
)
"""The same, one field later."""


def order(number: int, user: str, n: int, *, kind: str = "order.completed", coupon: str | None = None) -> bytes:
    """Schema `number`; with a coupon of `LATER`, else of `SCHEMA`."""
    extra = b"" if coupon is None else _long(1) + _text(coupon)
    return b"\0" + number.to_bytes(4) + _text(kind) + extra + _text(user) + _long(n)


def _text(text: str) -> bytes:
    content = text.encode()
    return _long(len(content)) + content


def _long(number: int) -> bytes:
    left = (number << 1) ^ (number >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)
