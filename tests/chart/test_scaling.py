"""What decides how many replicas there are, and when another one could help."""

from __future__ import annotations

from typing import Any

from tests.chart.conftest import Render

PROMETHEUS = {"serverAddress": "http://prometheus:9090"}


def keda(**more: Any) -> dict[str, Any]:
    return {"keda": {"enabled": True, "prometheus": PROMETHEUS, **more}}


def triggers(scaled: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in scaled["spec"]["triggers"] if each["type"] == kind]


def test_lag_counts_only_as_far_as_another_replica_could_help(render: Render) -> None:
    """Triggers by themselves are alternatives: lag alone would add replicas in every outage."""
    scaled = render(keda()).one("ScaledObject")
    modifiers = scaled["spec"]["advanced"]["scalingModifiers"]
    assert modifiers["formula"] == "lag0 + lag1 < backlog ? lag0 + lag1 : backlog"
    assert [each["name"] for each in scaled["spec"]["triggers"]] == ["lag0", "lag1", "backlog"]
    (backlog,) = triggers(scaled, "prometheus")
    # Which pods that are and are not: test_neighbours.py.
    assert backlog["metadata"]["query"].startswith(
        'sum(track_bridge_scaling_backlog{namespace="events",pod=~"shop-track-bridge-['
    )
    assert backlog["metadata"]["ignoreNullValues"] == "true"


def test_each_topic_has_its_trigger_for_the_bridges_own_group(render: Render) -> None:
    for trigger, topic in zip(
        triggers(render(keda()).one("ScaledObject"), "kafka"), ["shop.orders", "shop.accounts"], strict=True
    ):
        metadata = trigger["metadata"]
        assert metadata["topic"] == topic
        assert metadata["consumerGroup"] == "userpilot-bridge"
        assert metadata["bootstrapServers"] == "kafka-1:9092,kafka-2:9093"
        assert metadata["lagThreshold"] == "1000"


def test_there_are_never_more_replicas_than_partitions(render: Render) -> None:
    scaled = render(keda(), {"partitions": 3}).one("ScaledObject")
    assert scaled["spec"]["maxReplicaCount"] == 3
    for trigger in triggers(scaled, "kafka"):
        assert trigger["metadata"]["allowIdleConsumers"] == "false"
        assert trigger["metadata"]["limitToPartitionsWithLag"] == "true"
    few = render(keda(), {"partitions": 1}).one("ScaledObject")["spec"]
    assert (few["minReplicaCount"], few["maxReplicaCount"]) == (1, 1)


def test_a_pattern_of_topics_becomes_one_trigger_over_all_the_group_reads(render: Render) -> None:
    scaled = render(keda(), {"config": {"kafka": {"topics": ["^shop\\..*"]}}}).one("ScaledObject")
    (trigger,) = triggers(scaled, "kafka")
    assert "topic" not in trigger["metadata"]
    assert "limitToPartitionsWithLag" not in trigger["metadata"]


def test_keda_logs_in_with_what_the_bridge_logs_in_with(render: Render) -> None:
    rendered = render(
        keda(),
        {
            "config": {
                "kafka": {
                    "properties": {
                        "security.protocol": "SASL_SSL",
                        "sasl.mechanisms": "SCRAM-SHA-256",
                        "sasl.username": "userpilot-bridge",
                    }
                }
            },
            "kafkaCredentials": {"existingSecret": "kafka", "files": {"sasl.password": "word"}},
            "kafkaCa": {"existingSecret": "ca"},
            "kafkaClientCertificate": {"existingSecret": "pair"},
        },
    )
    authentication = rendered.one("TriggerAuthentication")
    secrets = {each["parameter"]: (each["name"], each["key"]) for each in authentication["spec"]["secretTargetRef"]}
    assert secrets == {
        "password": ("kafka", "word"),
        "ca": ("ca", "ca.crt"),
        "cert": ("pair", "tls.crt"),
        "key": ("pair", "tls.key"),
    }
    (user,) = authentication["spec"]["configMapTargetRef"]
    assert rendered.one("ConfigMap", user["name"])["data"][user["key"]] == "userpilot-bridge"
    for trigger in triggers(rendered.one("ScaledObject"), "kafka"):
        assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
        assert (trigger["metadata"]["sasl"], trigger["metadata"]["tls"]) == ("scram_sha256", "enable")


def test_keda_is_told_of_iam_and_logs_in_with_a_role_of_its_own(render: Render) -> None:
    iam = {"config": {"kafka": {"aws_iam": {"region": "eu-central-1"}}}}
    rendered = render(keda(kafka={"authenticationRef": {"name": "keda-msk"}}), iam)
    for trigger in triggers(rendered.one("ScaledObject"), "kafka"):
        assert trigger["authenticationRef"] == {"name": "keda-msk"}
        assert {name: trigger["metadata"][name] for name in ("sasl", "tls", "awsRegion")} == {
            "sasl": "aws_msk_iam",
            "tls": "enable",
            "awsRegion": "eu-central-1",
        }


def test_kafka_without_a_login_needs_no_authentication(render: Render) -> None:
    rendered = render(keda())
    assert rendered.all("TriggerAuthentication") == []
    assert "authenticationRef" not in triggers(rendered.one("ScaledObject"), "kafka")[0]


def test_a_query_of_ones_own_and_further_metadata_go_over_the_charts(render: Render) -> None:
    more = keda(
        prometheus={**PROMETHEUS, "query": "sum(x)", "metadata": {"unsafeSsl": True}},
        kafka={"metadata": {"activationLagThreshold": 10000000}},
    )
    scaled = render(more).one("ScaledObject")
    (backlog,) = triggers(scaled, "prometheus")
    assert (backlog["metadata"]["query"], backlog["metadata"]["unsafeSsl"]) == ("sum(x)", "true")
    assert triggers(scaled, "kafka")[0]["metadata"]["activationLagThreshold"] == "10000000"


def test_steps_are_slow_because_each_is_a_rebalance(render: Render) -> None:
    for scaler in (
        render(keda()).one("ScaledObject")["spec"]["advanced"]["horizontalPodAutoscalerConfig"],
        render({"autoscaling": {"enabled": True}}).one("HorizontalPodAutoscaler")["spec"],
    ):
        assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 600


def test_an_autoscaler_may_go_by_other_metrics_than_the_processor(render: Render) -> None:
    metric = {"type": "External", "external": {"metric": {"name": "m"}, "target": {"type": "Value", "value": "1"}}}
    more = {"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": None, "metrics": [metric]}}
    assert render(more).one("HorizontalPodAutoscaler")["spec"]["metrics"] == [metric]
