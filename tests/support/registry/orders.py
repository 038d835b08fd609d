"""Orders of Avro behind a registry's framing, as the tests' mappings read them: ``type``, ``data.user_id``, …"""

from __future__ import annotations

import json

SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "type", "type": "string"},
            {
                "name": "data",
                "type": {
                    "type": "record",
                    "name": "Data",
                    "fields": [
                        {"name": "user", "type": "string"},
                        {"name": "user_id", "type": "string"},
                        {"name": "n", "type": "int"},
                        {"name": "amount", "type": "int"},
                        {"name": "gift", "type": "boolean"},
                    ],
                },
            },
        ],
    }
)


def order(number: int, user: str = "u-1", amount: int = 12) -> bytes:
    """By the schema of this id: its amount, up to 63, is ``n`` as well, and it is no gift."""
    count = bytes([2 * amount])
    return b"\0" + number.to_bytes(4) + _text("order.completed") + _text(user) * 2 + count * 2 + b"\0"


def _text(content: str) -> bytes:
    return bytes([2 * len(content)]) + content.encode()
