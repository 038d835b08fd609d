"""The source of helm/track-bridge/dashboards/track-bridge.json, which `python -m scripts.chart` writes."""

from __future__ import annotations

from typing import Final

from scripts.dashboard import delivery, layout, surroundings

TITLE: Final = "track-bridge"
DESCRIPTION: Final = (
    "Kafka to the Userpilot Track API: what is delivered, how late, why not, what is lost. Alerts: docs/runbook.md."
)
ROWS: Final = (
    delivery.ANSWERS,
    delivery.OVERVIEW,
    delivery.PARTITIONS,
    delivery.MAPPING,
    surroundings.GROUP,
    surroundings.KAFKA,
    surroundings.API,
    surroundings.BUDGET,
    surroundings.LETTERS,
    surroundings.PROCESS,
)


def dashboard() -> str:
    """The file's text."""
    return layout.text(TITLE, DESCRIPTION, ROWS)
