"""A small shop's domain events, the good and the bad ones, the same for the same seed; and a configuration for them."""

from __future__ import annotations

import importlib.resources
import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from bridge.config import load as config_load
from bridge.config.sections import Config
from bridge.model import Header
from bridge.text import moments

TOPICS = {"shop.orders": 6, "shop.accounts": 3, "app.activity": 3}
"""Names and numbers of partitions."""
REJECTED_NAME = "Order Imported"
"""The event name the sample's API refuses with 400."""

_BROKEN = (b'{"type": "order.completed", "data": {', b"\xff\xfe{\x00}\x00", b"", b"[1, 2, 3]")
_CURRENCIES = ("EUR", "USD", "GBP")
_FEATURES = ("export", "dashboard", "share", "search")


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What to produce, and what has to become of it."""

    records: tuple[SampleRecord, ...]
    users: int
    sendable: int
    """Records the API will accept."""
    rejected: int
    unmappable: int
    undecodable: int
    filtered: int


def sample(count: int = 2000, users: int = 100, seed: int = 7) -> Sample:
    """`count` records of `users` users; each good one carries its number within its user and topic as ``data.n``."""
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    began = datetime(2026, 1, 2, 9, 0, tzinfo=UTC)
    numbers: dict[tuple[str, str], int] = {}
    records: list[SampleRecord] = []
    outcome = dict.fromkeys(("sendable", "rejected", "unmappable", "undecodable", "filtered"), 0)
    for i in range(count):
        user = f"u-{rng.randrange(users):03d}"
        made, what = _record(i, user, began + timedelta(seconds=i), numbers, rng)
        records.append(made)
        outcome[what] += 1
    return Sample(tuple(records), users, **outcome)


def endless(users: int = 100, seed: int = 7) -> Iterator[SampleRecord]:
    """The same kinds of records without an end, each of the moment it is asked for."""
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    numbers: dict[tuple[str, str], int] = {}
    for i in itertools.count():
        made, _ = _record(i, f"u-{rng.randrange(users):03d}", datetime.now(UTC), numbers, rng)
        yield made


def _record(
    i: int, user: str, at: datetime, numbers: dict[tuple[str, str], int], rng: random.Random
) -> tuple[SampleRecord, str]:
    """One record and what becomes of it. Trouble comes at fixed places, so that every sample has some of each kind."""
    if i % 400 == 150:
        return SampleRecord("shop.orders", user.encode(), _BROKEN[i // 400 % len(_BROKEN)]), "undecodable"
    if i % 500 == 220:
        return SampleRecord("shop.accounts", user.encode(), None), "filtered"
    kind, topic, data = _event(i, rng)
    n = numbers[user, topic] = numbers.get((user, topic), 0) + 1
    data |= {"user_id": user, "n": n}
    what = "sendable"
    if i % 300 == 70:
        del data["user_id"]
        kind, what = "order.completed", "unmappable"
        topic = "shop.orders"
    elif i % 350 == 90:
        kind, topic, what = "order.imported", "shop.orders", "rejected"
    elif kind in {"page.viewed", "stock.moved"}:
        what = "filtered"
    event = {"type": kind, "id": f"e-{i:05d}", "time": moments.written(at), "data": data}
    return SampleRecord(topic, user.encode(), json.dumps(event).encode()), what


def _event(i: int, rng: random.Random) -> tuple[str, str, dict[str, object]]:
    chance = rng.random()
    if chance < 0.45:
        lines = [{"sku": f"s-{rng.randrange(50)}", "n": 1}] * rng.randrange(1, 4)
        total = {"amount": rng.randrange(500, 20_000) / 100, "currency": rng.choice(_CURRENCIES)}
        return "order.completed", "shop.orders", {"total": total, "lines": lines}
    if chance < 0.65:
        action = rng.choice(("created", "upgraded", "closed"))
        return (
            f"account.{action}",
            "shop.accounts",
            {"action": action, "plan": "pro", "email": f"person{i}@shop.example"},
        )
    if chance < 0.85:
        return "feature.used", "app.activity", {"feature": rng.choice(_FEATURES)}
    if chance < 0.95:
        return "page.viewed", "app.activity", {"path": "/pricing"}
    return "stock.moved", "shop.orders", {"sku": f"s-{rng.randrange(50)}"}


def configuration(
    bootstrap: str = "localhost:9",
    endpoint: str = "http://localhost",
    api_key: str = "NX-none",
    more: Mapping[str, str] = MappingProxyType({}),
) -> Config:
    """`demo.yaml`, loaded the way every other is, with the variables in `more` over it. By default it leads nowhere."""
    environ = {"DEMO_BOOTSTRAP": bootstrap, "DEMO_ENDPOINT": endpoint, "DEMO_API_KEY": api_key, **more}
    with importlib.resources.as_file(importlib.resources.files("bridge.sandbox") / "demo.yaml") as path:
        loaded = config_load.read(path, environ)
    if loaded.config is None:
        raise RuntimeError(f"the sample's configuration is broken: {loaded.problems}")
    return loaded.config
