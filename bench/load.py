"""The events of the scenarios, and the topics they are written to. The same arguments always give the same bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from confluent_kafka import Producer

MAPPED = "order.completed"
UNMAPPED = "audit.viewed"
Row = tuple[bytes, bytes, list[tuple[str, str | bytes | None]]]
"""Key, value, headers."""


@dataclass(frozen=True, slots=True)
class Load:
    """What stands in a topic."""

    events: int
    users: int = 1000
    partitions: int = 12
    mapped: float = 1.0
    """Share of the events that are mapped, evenly spread; the rest are to be filtered."""
    type_in_header: bool = False
    """The type is in the header ``type`` and not in the value."""
    hot: float = 0.0
    """Share of the events that belong to ``user-0``."""
    full: bool = False
    """Values as the mapping with 20 fields wants them."""
    padding: int = 0
    """Characters added to each value."""

    @property
    def requests(self) -> int:
        """How many of the events are mapped."""
        every = round(1 / self.mapped)
        return (self.events + every - 1) // every

    @property
    def bytes(self) -> int:
        """Of the values, about."""
        return self.events * (200 + self.padding + 700 * self.full)


def rows(load: Load) -> Iterator[Row]:
    """Event by event. The id counts from 0, so the ids of one user ascend."""
    pick = random.Random(20_200_922)  # noqa: S311 - reproducible, not secret
    every = round(1 / load.mapped)
    make = _full_data if load.full else _plain_data
    padding = "x" * load.padding
    for number in range(load.events):
        user = "user-0" if load.hot and pick.random() < load.hot else f"user-{pick.randrange(1, load.users + 1)}"
        kind = MAPPED if number % every == 0 else UNMAPPED
        value = {"type": kind, "id": str(number), "time": "2026-01-02T03:04:05Z", "data": make(user, number)}
        headers: list[tuple[str, str | bytes | None]] = []
        if load.type_in_header:
            del value["type"]
            headers = [("type", kind.encode()), ("trace", b"00-4bf92f3577b34da6")]
        if padding:
            value["padding"] = padding
        yield user.encode(), orjson.dumps(value), headers


def _plain_data(user: str, number: int) -> dict[str, object]:
    return {
        "user_id": user,
        "amount": number % 1000 / 4,
        "currency": "EUR",
        "items": number % 7 + 1,
        "plan": "professional",
    }


def _full_data(user: str, number: int) -> dict[str, object]:
    return {
        "user_id": user,
        "action": "completed",
        "amount": number % 1000 / 4,
        "amount_cents": number % 1000 * 25,
        "currency": "EUR",
        "plan": "professional",
        "country": "DE",
        "device": "mobile",
        "version": "4.2.1",
        "campaign": "spring",
        "trial": False,
        "seats": 12,
        "created_ms": 1_767_323_045_000 + number,
        "tags": ["a", "b", "c"],
        "lines": [{"sku": f"s-{item}", "price": 2.5 * item, "count": item} for item in range(1, 4)],
        "customer": {"id": user, "email": "someone@example.org", "address": {"city": "Berlin", "zip": "10115"}},
        "totals": {"net": 10.5, "tax": {"rate": 19, "amount": 2.0}},
    }


def write(bootstrap: str, topic: str, load: Load) -> None:
    """Produce a whole load, keyed by user."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,  # a retry must not change the order, which is what is checked
            "max.in.flight": 1,  # with more the client may acknowledge what a new partition's leader refused
            "linger.ms": 20,
            "batch.size": 400_000,
            "queue.buffering.max.messages": 200_000,
            "queue.buffering.max.kbytes": 131_072,
            "log_level": 0,
        }
    )
    for key, value, headers in rows(load):
        while True:
            try:
                producer.produce(topic, value, key, headers=headers)
                break
            except BufferError:
                producer.poll(0.05)
    if producer.flush(120):
        raise RuntimeError(f"the broker did not take all of {topic}")
