"""Panels and rows as Grafana's dashboard JSON has them (schemaVersion 39, Grafana 10 and newer).

Nothing in it belongs to one Grafana: no ids, no inputs to ask for at import, the data source is a variable. Its uid is
fixed, so that links to it last and a newer version takes the older one's place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

UID = "track-bridge"
WIDTH = 24
CHOSEN = {"cluster": "Cluster", "namespace": "Namespace", "job": "Job", "pod": "Pod", "instance": "Replica"}
"""Labels that are chosen above the panels, each among those of what was chosen before it. All of them also takes series
without that label."""
"""Columns of Grafana's grid."""
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression; `legend` is Grafana's, such as ``{{topic}}``."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """What one panel shows. `unit` is one of Grafana's; `colours` are (from this value on, this colour)."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    colours: Sequence[tuple[float | None, str]] = ((None, "green"),)
    options: Mapping[str, Any] = field(default_factory=dict)
    look: Mapping[str, Any] = field(default_factory=dict)
    """Grafana's `custom` field settings of this kind of panel."""
    nothing: str = ""
    """What is shown where the queries find nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its panels, open or closed."""

    title: str
    panels: Sequence[Panel]
    closed: bool = True


def text(title: str, description: str, rows: Sequence[Row]) -> str:
    """The file's text."""
    return json.dumps(_dashboard(title, description, rows), indent=1, ensure_ascii=False) + "\n"


def _dashboard(title: str, description: str, rows: Sequence[Row]) -> Json:
    return {
        "uid": UID,
        "title": title,
        "description": description,
        "tags": ["kafka", "track-bridge", "userpilot"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "timezone": "",
        "templating": {"list": list(_variables())},
        "annotations": {"list": []},
        "links": [],
        "panels": list(_placed(rows)),
    }


def _variables() -> Iterator[Json]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0}
    above: list[str] = []
    for name, label in CHOSEN.items():
        narrowed = "{" + ",".join(f'{each}=~"${each}"' for each in above) + "}" if above else ""
        yield _labels(name, label, f"label_values(track_bridge_build_info{narrowed}, {name})")
        above.append(name)


def _labels(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Rows from top to bottom; a closed one holds its panels, those of an open one follow it."""
    y = 0
    for row in rows:
        head = {"type": "row", "title": row.title, "collapsed": row.closed, "gridPos": _grid(0, y, WIDTH, 1)}
        y += 1
        panels, height = _flowed(row.panels, y)
        yield {**head, "panels": panels if row.closed else []}
        if not row.closed:
            yield from panels
        y += height


def _flowed(panels: Sequence[Panel], top: int) -> tuple[list[Json], int]:
    """Side by side as long as they fit, then below."""
    x = y = tallest = 0
    placed = []
    for panel in panels:
        if x + panel.width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        placed.append({**_panel(panel), "gridPos": _grid(x, top + y, panel.width, panel.height)})
        x, tallest = x + panel.width, max(tallest, panel.height)
    return placed, y + tallest


def _grid(x: int, y: int, w: int, h: int) -> Json:
    return {"x": x, "y": y, "w": w, "h": h}


def _panel(panel: Panel) -> Json:
    defaults: Json = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "custom": dict(panel.look),
        "thresholds": {"mode": "absolute", "steps": [{"value": at, "color": colour} for at, colour in panel.colours]},
    }
    if panel.nothing:
        defaults["noValue"] = panel.nothing
    made: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "targets": [_target(place, query, panel.kind) for place, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": dict(panel.options),
    }
    if panel.kind == "table":
        without = {"excludeByName": {"Time": True, "Value": True}}
        made["transformations"] = [{"id": "organize", "options": without}]  # the labels are what it is for
    return made


def _target(place: int, query: Query, kind: str) -> Json:
    instant = kind in ("stat", "table")
    return {
        "refId": chr(ord("A") + place),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "instant": instant,
        "range": not instant,
        "format": "table" if kind == "table" else "time_series",
    }
