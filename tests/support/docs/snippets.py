"""The YAML of a page such as docs/production.md: parts of a bridge.yaml or of a chart's values, or manifests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.service.settings import layered

PAGE = Path(__file__).parents[3] / "docs" / "production.md"

BASE: Mapping[str, Any] = {
    "kafka": {"bootstrap_servers": "kafka-1:9092", "group_id": "userpilot-bridge", "topics": ["shop.orders"]},
    "track": {"endpoint": "https://analytex-eu.userpilot.io", "api_key": "NX-key"},
    "dead_letter": {"topic": "userpilot-bridge.dlq"},
    "mapping": {"events": {"order.completed": {"event_name": "Order Completed"}}},
}
"""What a part of a configuration leaves out."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """One block."""

    line: int
    document: dict[str, Any]

    @property
    def is_manifest(self) -> bool:
        """Whether it is for Kubernetes itself."""
        return "apiVersion" in self.document

    @property
    def is_configuration(self) -> bool:
        """Whether it is a part of bridge.yaml."""
        return bool(self.document.keys() & BASE.keys())

    @property
    def values(self) -> dict[str, Any]:
        """Whole values of the chart with it."""
        config = {**BASE, "track": {"endpoint": BASE["track"]["endpoint"]}}
        return layered({"apiKey": {"existingSecret": "userpilot"}, "config": config}, self.document)

    def configuration(self, secret: Path) -> dict[str, Any]:
        """A whole bridge.yaml with it; every file it names is this one."""
        given = self.document if self.is_configuration else self.document.get("config", {})
        whole = layered(BASE, given)
        credentials = self.document.get("kafkaCredentials", {})
        properties = {f"{name}_file": str(secret) for name in credentials.get("files", {})}
        properties |= {
            name: str(secret) if name.endswith("_file") else value
            for name, value in whole["kafka"].get("properties", {}).items()
        }
        return layered(whole, {"kafka": {"properties": properties}})


def snippets(page: Path = PAGE) -> list[Snippet]:
    """All of them."""
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(text.count("\n", 0, found.start()) + 1, yaml.safe_load(found[1]))
        for found in re.finditer(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]
