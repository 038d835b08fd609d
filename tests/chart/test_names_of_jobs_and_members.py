"""What the chart takes for the job of its targets and for the name of a static member, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.chart import chart
from tests.chart.conftest import Render, Say

STATIC_MEMBER: chart.Values = {"extraEnv": [{"name": "BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID", "value": "one"}]}


def jobs(release: str) -> Iterator[tuple[str, chart.Values]]:
    """Labels whose value on the Service and on the pods is the job that the alerts of that release know."""
    if release == "track-bridge":
        yield "app.kubernetes.io/instance", {}
        yield "app.kubernetes.io/name", {}
    yield "app.kubernetes.io/instance", {"fullnameOverride": release}
    yield "app.kubernetes.io/name", {"nameOverride": f"{release}-x", "fullnameOverride": f"{release}-x"}
    yield (
        "team",
        {"service": {"labels": {"team": f"{release}-x"}}, "fullnameOverride": f"{release}-x"}
        | {"podLabels": {"team": f"{release}-x"}},
    )
    yield "nobody-has-it", {}


@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
@pytest.mark.parametrize("release", ["track-bridge", "shop"])
def test_a_job_label_whose_value_is_the_name_that_the_alerts_know_needs_no_selector(
    render: Render, release: str, monitor: str
) -> None:
    for label, values in jobs(release):
        switched_on: chart.Values = {
            monitor: {"enabled": True, "jobLabel": label},
            "prometheusRule": {"enabled": True},
        }
        kind = monitor[0].upper() + monitor[1:]
        assert render(values, switched_on, release=release).one(kind)["spec"]["jobLabel"] == label


@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
def test_a_job_label_that_gives_the_job_another_name_needs_a_selector(refusal: Say, monitor: str) -> None:
    said = refusal(
        {
            monitor: {"enabled": True, "jobLabel": "app.kubernetes.io/instance"},
            "prometheusRule": {"enabled": True},
        }
    )
    assert f"because {monitor}.jobLabel makes the value of app.kubernetes.io/instance the job, and shop is none" in said


@pytest.mark.parametrize("workload", ["Deployment", "StatefulSet"])
def test_a_single_replica_may_be_a_static_member_of_a_fixed_name(render: Render, workload: str) -> None:
    single: chart.Values = {"replicaCount": 1, "workload": workload, "podDisruptionBudget": {"enabled": False}}
    rendered = render(STATIC_MEMBER, single)
    assert {"name": "BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID", "value": "one"} in rendered.container["env"]


@pytest.mark.parametrize(
    "more",
    [
        {"replicaCount": 2},
        {"replicaCount": 1, "autoscaling": {"enabled": True}},
        {"replicaCount": 1, "keda": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}}},
    ],
    ids=json.dumps,
)
def test_where_several_replicas_may_be_a_fixed_name_of_a_member_is_refused(refusal: Say, more: chart.Values) -> None:
    assert "which would make every replica the same member" in refusal(STATIC_MEMBER, more)
