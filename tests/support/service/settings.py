"""A bridge's configuration as its owner would write it: YAML text, made of a base and what a test changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

API_KEY = "NX-key-of-the-tests"
"""Looked for wherever it must not be."""
GROUP = "bridge"
LETTERS = "letters"
"""The dead-letter topic, where a test does not name another one."""

RESTARTABLE = {"properties": {"group.protocol": "consumer"}}
"""Over `kafka`, where a group is used again: under the classic protocol the embedded broker lets nobody in for a
session after the last member left; a real one does."""

SESSION = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}
"""A member that died is noticed within seconds."""

Section = Mapping[str, Any]

MAPPING: Section = {
    "user_id": "data.user",
    "events": {
        "order.completed": {"event_name": "Order Completed", "metadata": {"n": "data.n"}},
        "page.viewed": "drop",
        "gift.ordered": [
            {"event_name": "Order Completed", "metadata": {"n": "data.n"}},
            {"event_name": "Gift Received", "user_id": "data.recipient"},
        ],
    },
}
"""No record here has an id of its own, so every event's ``event_id`` is its place: ``topic/partition/offset``."""


def base(bootstrap: str, endpoint: str, topics: Iterable[str]) -> dict[str, Any]:
    """Everything that is required, with times short enough for tests."""
    return {
        "kafka": {
            "bootstrap_servers": bootstrap,
            "group_id": GROUP,
            "topics": list(topics),
            "start_from": "earliest",
            "drain_timeout": "8s",
        },
        "track": {"endpoint": endpoint, "api_key": API_KEY, "timeout": "3s", "auth": {"recheck": "200ms"}},
        "delivery": {"rate_limit": "unlimited", "retry": {"initial_backoff": "20ms", "max_backoff": "300ms"}},
        "dead_letter": {"topic": LETTERS},
        "mapping": MAPPING,
        "observability": {"listen": "127.0.0.1:0", "control_socket": "off", "log_format": "json"},
    }


UNLIMITED: Section = {"rate_limit": "unlimited", "identify_rate_limit": "unlimited"}
"""Over `delivery`: who asks nothing of the rates does not wait for them, nor for a replay's declaration to be seen."""


def layered(lower: Section, upper: Section) -> dict[str, Any]:
    """The upper one's keys over the lower one's; objects are merged, None takes a key out."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = layered(below, value)
        else:
            merged[key] = value
    return merged


def write(path: Path, sections: Section) -> Path:
    """The configuration file."""
    path.write_text(yaml.safe_dump(dict(sections), sort_keys=False), encoding="utf-8")
    return path
