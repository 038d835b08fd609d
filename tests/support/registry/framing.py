"""Records of one Avro schema as Confluent's serializer writes them, made by hand: nothing of the bridge is in them."""

from __future__ import annotations

import json
from typing import Final

from tests.support.avro import long, text

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
    extra = b"" if coupon is None else long(1) + text(coupon)
    return b"\0" + number.to_bytes(4) + text(kind) + extra + text(user) + long(n)
