"""The source of helm/track-bridge/dashboards/track-bridge.json, which `python -m scripts.chart` writes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.ops.metrics.catalogue import CATALOGUE
from scripts.dashboard import delivery, layout, parts, surroundings, users
from scripts.dashboard.layout import Row

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
    users.USERS,
    surroundings.LETTERS,
    surroundings.PROCESS,
)


def dashboard() -> str:
    """The file's text: in each row what was put together for it, then the metrics that have a panel of their own."""
    return layout.text(TITLE, DESCRIPTION, [_complete(row) for row in ROWS])


def _complete(row: Row) -> Row:
    own = (parts.alone(m, m.shown) for m in CATALOGUE if m.shown is not None and m.shown.row == row.title)
    return replace(row, panels=(*row.panels, *own))
