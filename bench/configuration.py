"""The bridge's configuration files for the scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.load import MAPPED

PLAIN: dict[str, Any] = {
    MAPPED: {
        "event_name": "Order Completed",
        "metadata": {
            "amount": "data.amount",
            "currency": "data.currency",
            "items": "data.items",
            "plan": "data.plan",
        },
    }
}
FULL: dict[str, Any] = {
    MAPPED: {
        "event_name": {"template": "Order {data.action}"},
        "allowed_event_names": ["Order completed", "Order cancelled"],
        "when": "data.amount >= `0`",
        "metadata_from": "data.totals",
        "metadata": {
            "amount": "data.amount",
            "amount_exact": {"path": "data.amount_cents", "divide_by": 100},
            "currency": "data.currency",
            "plan": "data.plan",
            "country": "data.country",
            "device": "data.device",
            "version": "data.version",
            "campaign": "data.campaign",
            "trial": "data.trial",
            "seats": "data.seats",
            "city": "data.customer.address.city",
            "zip": "data.customer.address.zip",
            "tags": {"path": "data.tags", "join": ", "},
            "created": {"path": "data.created_ms", "type": "datetime", "unit": "ms"},
            "lines": "length(data.lines)",
            "dearest": "max(data.lines[].price)",
            "email_hash": "sha256(data.customer.email)",
        },
    }
}
"""17 keys of its own, 3 that flattening `totals` gives, and the 2 common ones; three of them in JMESPath."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What differs between scenarios."""

    in_flight: int = 100
    buffered: int = 2000
    rate: str = "unlimited"
    full: bool = False
    type_in_header: bool = False


def write(
    path: Path,
    setting: Setting,
    *,
    bootstrap: str,
    topic: str,
    letters: str,
    group: str,
    url: str,
    ca_file: Path | None,
) -> None:
    """One file for one run."""
    mapping: dict[str, Any] = {
        "user_id": "data.user_id",
        "occurred_at": "time",
        "event_id": "id",
        "event_type": "header:type" if setting.type_in_header else "type",
        "events": FULL if setting.full else PLAIN,
    }
    track: dict[str, Any] = {"endpoint": url, "api_key": "NX-bench"}
    if ca_file is not None:
        track["ca_file"] = str(ca_file)
    config = {
        "kafka": {"bootstrap_servers": bootstrap, "group_id": group, "topics": [topic], "start_from": "earliest"},
        "track": track,
        "delivery": {
            "max_in_flight": setting.in_flight,
            "max_buffered": setting.buffered,
            "rate_limit": setting.rate,
        },
        "dead_letter": {"topic": letters, "create": False},
        "mapping": mapping,
        "observability": {"listen": "127.0.0.1:0", "log_format": "json"},
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False))
