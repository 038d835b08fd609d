"""The dashboard: current, complete, of no Grafana in particular, and every query of it is PromQL."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.ops.metrics.catalogue import CATALOGUE, Over
from scripts.dashboard import dashboard
from tests.chart import chart
from tests.chart.conftest import Judge, Render
from tests.chart.promql import added_over_replicas

FILE = chart.CHART / "dashboards" / "track-bridge.json"
QUESTIONS = ["Is it delivering?", "How late?", "How much waits?", "Why not?", "What is lost?"]
SERIES = re.compile(r"\b((?:track_bridge|process)_\w+)(\{[^}]*\})?")
VARIABLES = {
    "$__rate_interval": "5m",
    "$__range_s": "10800",
    "$__range": "3h",
    "$cluster": ".*",
    "$namespace": ".*",
    "$job": ".*",
    "$pod": ".*",
    "$instance": ".*",
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def page() -> Json:
    loaded: Json = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def panels(page: Json) -> list[Json]:
    """Without the rows that hold them."""
    return [each for row in page["panels"] for each in (row, *row.get("panels", ())) if each["type"] != "row"]


@pytest.fixture(scope="module")
def expressions(panels: list[Json]) -> list[str]:
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_the_file_is_what_its_source_makes_of_it() -> None:
    assert FILE.read_text(encoding="utf-8") == dashboard(), "write it anew with: python -m scripts.chart"


def test_every_metric_on_it_exists_and_every_metric_that_exists_is_on_it(expressions: list[str]) -> None:
    exposed = {metric.name for metric in CATALOGUE}
    named = {name for expr in expressions for name, _ in SERIES.findall(expr)}
    families = {re.sub("_(bucket|count)$", "", name) for name in named if name not in exposed} | (named & exposed)

    assert families == exposed


def test_a_metric_that_says_where_it_is_shown_is_shown_there(page: Json) -> None:
    """Its declaration is all there is to write: `scripts/dashboard` makes the panel."""
    titles: dict[str, list[str]] = {}
    row = ""
    for each in page["panels"]:
        row = each["title"] if each["type"] == "row" else row
        titles.setdefault(row, []).extend(panel["title"] for panel in (each, *each.get("panels", ())))
    declared = [metric for metric in CATALOGUE if metric.shown is not None]

    assert declared
    for metric in declared:
        assert metric.shown is not None
        assert metric.shown.title in titles[metric.shown.row], metric.name


def test_every_panel_has_a_title_of_its_own_a_description_and_a_unit(panels: list[Json]) -> None:
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_the_top_row_answers_what_an_operator_asks_first(page: Json) -> None:
    first, *following = page["panels"]
    top = [panel["title"] for panel in following if panel["gridPos"]["y"] == 1]

    assert (first["type"], first["collapsed"]) == ("row", False)
    assert top == QUESTIONS


def test_it_belongs_to_no_grafana_in_particular(page: Json, panels: list[Json]) -> None:
    assert page["uid"] == "track-bridge"
    for each in (page, *page["panels"], *panels):
        assert not {"id", "__inputs", "__requires", "version"} & each.keys()


def test_data_source_cluster_namespace_job_pod_and_replica_are_chosen_above_it(page: Json, panels: list[Json]) -> None:
    variables = {each["name"]: each for each in page["templating"]["list"]}

    chosen = ("cluster", "namespace", "job", "pod", "instance")
    assert tuple(variables) == ("datasource", *chosen)
    assert all(variables[name]["includeAll"] and variables[name]["multi"] for name in chosen)
    for panel in panels:
        for sourced in (panel, *panel["targets"]):
            assert sourced["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_every_series_is_narrowed_to_what_is_chosen(expressions: list[str]) -> None:
    for expr in expressions:
        for name, labels in SERIES.findall(expr):
            expected = '{cluster=~"$cluster",namespace=~"$namespace",job=~"$job",pod=~"$pod",instance=~"$instance"'
            assert labels.startswith(expected), f"{name} in {expr}"


RELEASE = ["cluster", "namespace", "job"]


def test_every_panel_keeps_clusters_namespaces_and_releases_apart_and_names_them_in_its_legend(
    panels: list[Json],
) -> None:
    """Two releases of one name in two namespaces, or clusters, must not become one line; nor two replicas."""
    for panel in panels:
        for target in panel["targets"]:
            where = f"{panel['title']}: {target['expr']}"
            groupings = re.findall(r"\b(?:sum|max|min|avg|count)( by \(([^)]*)\))? \(", target["expr"])
            assert groupings, where
            assert not re.search(r"\b(?:sum|max|min|avg|count)\(", target["expr"]), where
            for _, grouped in groupings:
                assert grouped.split(", ")[:3] == RELEASE, where
            shown = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
            labels = [label for label in groupings[0][1].split(", ") if label != "le"]
            assert panel["type"] == "table" or shown == labels, where


def test_what_belongs_to_one_replica_names_its_pod(panels: list[Json]) -> None:
    """`instance` is an address that says nothing once the pod is gone."""
    for panel in panels:
        for target in panel["targets"]:
            for grouped in re.findall(r"\bby \(([^)]*)\)", target["expr"]):
                assert ("instance" in grouped.split(", ")) == ("pod" in grouped.split(", ")), target["expr"]


def test_nothing_is_added_up_over_replicas_that_has_no_sum(expressions: list[str]) -> None:
    additive = {metric.name for metric in CATALOGUE if metric.over is Over.SUM}
    parts = {f"{metric.name}_{part}" for metric in CATALOGUE for part in ("bucket", "count", "sum")}
    for expr in expressions:
        assert added_over_replicas(expr) <= additive | parts, expr


def test_rates_follow_the_width_of_the_graph(expressions: list[str]) -> None:
    ranges = [found for expr in expressions for found in re.findall(r"\brate\([^[]*(\[[^\]]*\])", expr)]

    assert ranges
    assert set(ranges) == {"[$__rate_interval]"}


def test_every_query_is_promql(expressions: list[str], judge: Judge, tmp_path: Path) -> None:
    def filled(expr: str) -> str:
        for variable, text in VARIABLES.items():
            expr = expr.replace(variable, text)
        return expr

    recorded = [{"record": f"query:{place}", "expr": filled(expr)} for place, expr in enumerate(expressions)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}), encoding="utf-8")

    assert "$" not in path.read_text(encoding="utf-8")
    judge("check", "rules", "--lint=none", path)


def test_no_two_panels_lie_on_each_other(page: Json) -> None:
    def apart(one: Json, other: Json) -> bool:
        aside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        return bool(aside or below)

    for group in (page["panels"], *(row.get("panels", []) for row in page["panels"])):
        places = [panel["gridPos"] for panel in group]
        assert all(place["x"] + place["w"] <= 24 for place in places)
        assert all(apart(one, other) for one, other in combinations(places, 2))


def test_the_sidecar_finds_it_whole(render: Render) -> None:
    made = render({"grafanaDashboard": {"enabled": True}}).one("ConfigMap", f"{chart.NAME}-dashboard")

    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(made["data"]["track-bridge.json"]) == json.loads(FILE.read_text(encoding="utf-8"))


def test_the_sidecars_label_namespace_and_folder_can_be_others(render: Render) -> None:
    settings = {
        "enabled": True,
        "namespace": "monitoring",
        "labels": {"grafana_dashboard": None, "dashboards": "yes"},
        "annotations": {"grafana_folder": "Events"},
    }
    name = f"{chart.NAMESPACE}.{chart.NAME}-dashboard"  # there may be one of the same release name there
    metadata = render({"grafanaDashboard": settings}).one("ConfigMap", name)["metadata"]

    assert metadata["namespace"] == "monitoring"
    assert metadata["labels"].get("dashboards") == "yes"
    assert "grafana_dashboard" not in metadata["labels"]
    assert metadata["annotations"] == {"grafana_folder": "Events"}


def test_neither_rules_nor_dashboard_are_made_unless_asked_for(render: Render) -> None:
    rendered = render()

    assert rendered.all("PrometheusRule") == []
    assert [each["metadata"]["name"] for each in rendered.all("ConfigMap")] == [chart.NAME]
