"""Helm reads one number in three ways: a file gives a float, --set an integer or a text, --set-json a float."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tests.chart import chart
from tests.chart.conftest import Render

EVERYTHING: chart.Values = {
    "partitions": 12,
    "terminationGracePeriodSeconds": 60,
    "topicsCreate": {"enabled": True},
    "dlqReplay": {"job": {"enabled": True}},
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    "networkPolicy": {"enabled": True, "kafka": {"ports": [9092]}},
    "prometheusRule": {"enabled": True},
    "podDisruptionBudget": {"minAvailable": 1},
}
SCALERS: tuple[chart.Values, ...] = (
    {},
    {"keda": {"enabled": True, "maxReplicas": 6, "prometheus": {"serverAddress": "http://prometheus:9090"}}},
    {"autoscaling": {"enabled": True, "maxReplicas": 6}},
)


def numbers(node: Any, path: str = "") -> Iterator[tuple[str, int | float]]:
    """Every number of these values by the path that --set knows it by."""
    if isinstance(node, dict):
        for key, value in node.items():
            if "." not in key:
                yield from numbers(value, f"{path}.{key}" if path else key)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield path, node


def merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: merged(below.get(key), value) for key, value in above.items()}


def test_every_number_means_the_same_from_a_file_from_set_and_from_set_json(render: Render) -> None:
    defaults = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
    for scaler in SCALERS:
        values = merged(dict(EVERYTHING), scaler)
        known = dict(numbers(merged(defaults, values)))
        assert {"partitions", "keda.maxReplicas", "service.port", "prometheusRule.thresholds.oldestOpenSeconds"} <= set(
            known
        )
        from_file = render(values)
        as_set = [word for path, number in known.items() for word in ("--set", f"{path}={number}")]
        as_json = [word for path, number in known.items() for word in ("--set-json", f"{path}={json.dumps(number)}")]
        assert render(values, arguments=as_set) == from_file
        assert render(values, arguments=as_json) == from_file
