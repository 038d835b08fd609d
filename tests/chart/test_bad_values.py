"""A wrong value is refused before anything is deployed, with a sentence that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import chart
from tests.chart.conftest import Render, Say

SASL = {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"}
KEDA = {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}}


def config(**sections: Any) -> dict[str, Any]:
    return {"config": sections}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"replicaCuont": 3}, "replicaCuont"),
        ({"image": {"tga": "1"}}, "tga"),
        ({"keda": {"kafka": {"topic": "a"}}}, "topic"),
        ({"resources": {"limts": {"memory": "1Gi"}}}, "limts"),
        ({"livenessProbe": {"periodSecond": 1}}, "periodSecond"),
        ({"extraEnv": [{"name": "A", "vlaue": "b"}]}, "vlaue"),
        ({"securityContext": {"runAsNonroot": True}}, "runAsNonroot"),
        ({"affinity": {"podAntiAffinty": {}}}, "podAntiAffinty"),
        (config(kafka={"group": "a"}), "group"),
        (config(trak={"timeout": "5s"}), "trak"),
        (config(delivery={"retry": {"max_atempts": 3}}), "max_atempts"),
        (config(mapping={"events": {"a": {"event_name": "A", "metdata": {}}}}), "metdata"),
    ],
)
def test_a_misspelt_key_is_refused_at_every_level(refusal: Say, values: chart.Values, name: str) -> None:
    said = refusal(values)
    assert f"'{name}'" in said or f"Additional property {name} is not allowed" in said


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"replicaCount": "two"}, "replicaCount"),
        ({"replicaCount": -1}, "replicaCount"),
        ({"workload": "DaemonSet"}, "workload"),
        ({"partitions": 0}, "partitions"),
        ({"extraArgs": "--config"}, "extraArgs"),
        ({"commonLabels": ["a"]}, "commonLabels"),
        ({"podAnnotations": {"a": 1}}, "podAnnotations"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"image": {"tag": 1.2}}, "tag"),
        ({"kafkaCredentials": {"values": {"sasl.password": 12345678}}}, "sasl.password"),
        ({"service": {"port": 70000}}, "port"),
        ({"podDisruptionBudget": {"maxUnavailable": "one"}}, "maxUnavailable"),
        ({"networkPolicy": {"extraEgress": {"proxy": {"to": []}}}}, "proxy"),
        ({"keda": {"minReplicas": 0}}, "minReplicas"),
        ({"apiKey": {"existingSecret": None, "key": "a/b"}}, "key"),
        (config(kafka={"drain_timeout": 20}), "drain_timeout"),
        (config(kafka={"drain_timeout": "20 seconds"}), "drain_timeout"),
        (config(kafka={"topics": "shop.orders"}), "topics"),
        (config(kafka={"group_id": 17}), "group_id"),
        (config(delivery={"ordering": "users"}), "ordering"),
        (config(delivery={"rate_limit": "600/minute"}), "rate_limit"),
        (config(track={"allow_http": "yes"}), "allow_http"),
        (config(mapping={"events": {"a": {"user_id": {"value": 1, "path": "b"}}}}), "user_id"),
    ],
)
def test_a_wrong_type_or_word_is_refused_where_it_stands(refusal: Say, values: chart.Values, name: str) -> None:
    said = refusal(values)
    assert "values don't meet the specifications of the schema" in said
    assert name in said


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (config(kafka={"group_id": ""}), "config.kafka.group_id: is not set; "),
        (config(kafka={"group_id": " bridge"}), "config.kafka.group_id: must not begin or end with white space"),
        (config(kafka={"topics": []}), "config.kafka.topics: is not set; "),
        (config(dead_letter={"topic": ""}), "config.dead_letter.topic: is not set; "),
        (config(track={"endpoint": ""}), "config.track.endpoint: is not set; "),
        (config(mapping={"events": None}), "config.mapping.events: is not set; "),
        (
            config(kafka={"properties": {"group.instance.id": "one"}}),
            "config.kafka.properties.group.instance.id: would make every replica the same member",
        ),
        (config(observability={"listen": "127.0.0.1:9464"}), "config.observability.listen: is 127.0.0.1:9464"),
        (config(observability={"listen": "${LISTEN}"}), "config.observability.listen: must end with a port"),
        (config(track={"timeout": "20s"}), "config.track.timeout: must be below kafka.drain_timeout (20 s)"),
        ({"configFile": "kafka: ["}, "configFile: is not a YAML map"),
        ({"configFile": "kafka: {}"}, "config.dead_letter.topic: must not be set beside configFile"),
    ],
)
def test_a_configuration_the_bridge_would_refuse_is_refused_first(
    refusal: Say, values: chart.Values, sentence: str
) -> None:
    assert sentence in refusal(values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"apiKey": {"existingSecret": ""}}, "apiKey.existingSecret: is not set; "),
        ({"apiKey": {"value": "k"}}, "apiKey.value: must not be set beside apiKey.existingSecret"),
        (config(track={"api_key": "NX-0a1b2c3d"}), "config.track.api_key: would stand in a ConfigMap"),
        (config(track={"api_key_file": "/key"}), "config.track.api_key_file: must not be set beside apiKey"),
        ({"kafkaCredentials": {"existingSecret": "kafka"}}, "kafkaCredentials.files: is empty; "),
        ({"kafkaCredentials": {"files": {"sasl.password": "p"}}}, "kafkaCredentials.existingSecret: is not set; "),
        (
            {"kafkaCredentials": {"existingSecret": "kafka", "values": {"sasl.password": "p"}}},
            "kafkaCredentials.values: must not be set beside kafkaCredentials.existingSecret",
        ),
        (config(kafka={"properties": SASL}), "kafkaCredentials.existingSecret: is not set, and "),
        (
            config(kafka={"properties": {"sasl.password": "p"}}),
            "config.kafka.properties.sasl.password: would stand in a ConfigMap",
        ),
        (
            {
                **config(kafka={"properties": {"sasl.username": "u"}}),
                "kafkaCredentials": {"existingSecret": "kafka", "files": {"sasl.username": "u"}},
            },
            "config.kafka.properties.sasl.username: must not be set beside kafkaCredentials",
        ),
        (
            {"kafkaCa": {"existingSecret": "a", "existingConfigMap": "b"}},
            "kafkaCa.existingConfigMap: must not be set beside kafkaCa.existingSecret",
        ),
    ],
)
def test_a_secret_that_is_missing_or_would_be_shown_is_refused(
    refusal: Say, values: chart.Values, sentence: str
) -> None:
    said = refusal(values)
    assert sentence in said
    assert "NX-0a1b2c3d" not in said


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"terminationGracePeriodSeconds": 30},
            "terminationGracePeriodSeconds: is 30, less than kafka.drain_timeout (20 s)",
        ),
        (
            {**config(kafka={"drain_timeout": "1.5m"}), "terminationGracePeriodSeconds": 114},
            "terminationGracePeriodSeconds: is 114, less than kafka.drain_timeout (90 s)",
        ),
        (
            config(kafka={"drain_timeout": "${DRAIN}"}),
            "terminationGracePeriodSeconds: must be set, because config.kafka.drain_timeout is a reference",
        ),
        (
            {"extraEnv": [{"name": "BRIDGE_KAFKA__DRAIN_TIMEOUT", "value": "60s"}]},
            "extraEnv: has BRIDGE_KAFKA__DRAIN_TIMEOUT, which the chart would not see",
        ),
    ],
)
def test_a_grace_period_shorter_than_the_drain_is_refused(refusal: Say, values: chart.Values, sentence: str) -> None:
    assert sentence in refusal(values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"keda": KEDA, "autoscaling": {"enabled": True}}, "keda.enabled: must not be true beside autoscaling.enabled"),
        ({"keda": {"enabled": True}}, "keda.prometheus.serverAddress: is not set; "),
        ({"keda": {**KEDA, "minReplicas": 5}}, "keda.minReplicas: is 5, more than keda.maxReplicas (4)"),
        (
            {"keda": KEDA, **config(kafka={"bootstrap_servers": "${BROKERS}"})},
            "keda.kafka.bootstrapServers: must be set, because config.kafka.bootstrap_servers is a reference",
        ),
        (
            {"keda": KEDA, **config(kafka={"group_id": "${GROUP}"})},
            "config.kafka.group_id: is a reference that only the bridge resolves, and KEDA needs the name",
        ),
        (
            {
                "keda": KEDA,
                **config(kafka={"properties": {"security.protocol": "sasl_ssl", "sasl.mechanism": "OAUTHBEARER"}}),
            },
            "keda.kafka.authenticationRef: must be set",
        ),
        (
            {"keda": KEDA, **config(kafka={"aws_iam": {"region": "eu-central-1"}})},
            "keda.kafka.authenticationRef: must be set, because KEDA logs in at Amazon MSK with a role of its own",
        ),
        (
            {"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": None}},
            "autoscaling.metrics: is empty",
        ),
        (
            {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}},
            "autoscaling.targetCPUUtilizationPercentage: is a share of resources.requests.cpu",
        ),
        (
            {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
            "podMonitor.enabled: must not be true beside serviceMonitor.enabled",
        ),
        ({"serviceMonitor": {"enabled": True}, "service": {"enabled": False}}, "serviceMonitor.enabled: needs service"),
        ({"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}, "extraVolumes: has tmp, a name the chart uses"),
    ],
)
def test_values_that_exclude_each_other_are_refused(refusal: Say, values: chart.Values, sentence: str) -> None:
    assert sentence in refusal(values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}, "terminationGracePeriodSeconds": 50},
            "terminationGracePeriodSeconds: is 50, less than lifecycle.preStop (10 s), kafka.drain_timeout (20 s) and",
        ),
        (
            {"lifecycle": {"preStop": {"httpGet": {"path": "/drain", "port": 1}}}},
            "terminationGracePeriodSeconds: must be set, because lifecycle.preStop does not say how long it takes",
        ),
        (
            {"podDisruptionBudget": {"minAvailable": 2}},
            "podDisruptionBudget.minAvailable: is 2 of 2 replicas, so that no node",
        ),
        (
            {"podDisruptionBudget": {"minAvailable": "100%"}},
            "podDisruptionBudget.minAvailable: is 100% of 2 replicas",
        ),
        ({"podDisruptionBudget": {"minAvailable": 2}, "keda": KEDA}, "podDisruptionBudget.minAvailable: is 2 of 2"),
        (
            {"podDisruptionBudget": {"minAvailable": 1}, "keda": KEDA, "partitions": 1},
            "podDisruptionBudget.minAvailable: is 1 of 1",
        ),
        ({"podDisruptionBudget": {"minAvailable": "51%"}}, "podDisruptionBudget.minAvailable: is 51% of 2 replicas"),
        ({"podDisruptionBudget": {"maxUnavailable": 0}}, "podDisruptionBudget.maxUnavailable: is 0, so that no node"),
        ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "podDisruptionBudget.maxUnavailable: is 0%, so that no"),
        (
            {"podDisruptionBudget": {"maxUnavailable": None}},
            "podDisruptionBudget.maxUnavailable: is not set, and minAvailable neither",
        ),
        (
            {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep 20 && sleep 5"]}}}},
            "terminationGracePeriodSeconds: must be set, because lifecycle.preStop does not say how long it takes",
        ),
        (
            {**config(delivery={"max_buffered_bytes": "40MB"}), "resources": {"limits": {"memory": 30_000_000}}},
            "resources.limits.memory: is 30000000, not more than config.delivery.max_buffered_bytes (40MB)",
        ),
        ({"groupInstanceId": "$(POD_NAME)"}, "groupInstanceId: is set, and only the pods of a StatefulSet"),
        (
            {"workload": "StatefulSet", "groupInstanceId": "eu.$(POD_NAMESPACE)"},
            "groupInstanceId: is eu.$(POD_NAMESPACE), which would make every replica the same member",
        ),
        (
            {"workload": "StatefulSet", "groupInstanceId": "eu/$(POD_NAME)"},
            "groupInstanceId: is eu/$(POD_NAME), and Kafka takes letters, digits, dots, dashes and underscores",
        ),
        (
            {"extraEnv": [{"name": "BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID", "value": "one"}]},
            "extraEnv: has BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID with the value one, which would make every",
        ),
        (config(track={"endpoint": "HTTP://proxy.events"}), "config.track.endpoint: is http://proxy.events"),
        (config(track={"endpoint": "http://localhost.events"}), "config.track.endpoint: is http://localhost.events"),
        (config(observability={"listen": ":70000"}), "config.observability.listen: is :70000, and ports end at 65535"),
        (
            {"extraVolumeMounts": [{"name": "x", "mountPath": "/etc/track-bridge/"}]},
            "extraVolumeMounts: has /etc/track-bridge/, where something is",
        ),
        (
            {
                "podMonitor": {"enabled": True, "jobLabel": "team"},
                "podLabels": {"team": "growth"},
                "prometheusRule": {"enabled": True},
            },
            "must be set, because podMonitor.jobLabel makes the value of team the job, and growth is none",
        ),
        ({"nameOverride": "Bridge"}, "fullnameOverride: must be set, because shop-Bridge"),
        ({"nameOverride": "a b"}, 'nameOverride: is "a b", which is no value of a label'),
        (
            config(delivery={"max_buffered_bytes": "300MB"}),
            "resources.limits.memory: is 256Mi, not more than config.delivery.max_buffered_bytes (300MB)",
        ),
        (config(track={"endpoint": "http://proxy.events:8080"}), "config.track.endpoint: is http://proxy.events:8080"),
        (config(observability={"listen": "0.0.0.0:0"}), "config.observability.listen: is 0.0.0.0:0, a port that"),
        (
            {"extraVolumeMounts": [{"name": "x", "mountPath": "/etc/track-bridge"}]},
            "extraVolumeMounts: has /etc/track-bridge, where something is",
        ),
    ],
)
def test_what_would_fail_in_the_cluster_is_refused_before_it(refusal: Say, values: chart.Values, sentence: str) -> None:
    assert sentence in refusal(values)


def test_a_socket_where_nothing_can_be_written_is_refused(refusal: Say, render: Render) -> None:
    """The root filesystem is read-only, and what is mounted can be entered by others."""

    def with_socket(path: str) -> dict[str, Any]:
        own = {**chart.LEAST["config"], "observability": {"listen": ":9464", "control_socket": path}}
        return {"configFile": yaml.safe_dump(own)}

    nothing = ("--set-json", "config=null")
    for path in ("/run/bridge/control.sock", "/tmp/control.sock", "/tmp/a/b/control.sock"):  # noqa: S108  # the pod's
        said = refusal(with_socket(path), arguments=nothing)
        assert f"configFile: observability.control_socket: is {path}, for which no directory can be made" in said
    mounted = {
        "extraVolumes": [{"name": "run", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "run", "mountPath": "/run/"}],
    }
    render(with_socket("/run/bridge/control.sock"), mounted, arguments=nothing)
    for path in ("auto", "off", "/tmp/bridge/control.sock"):  # noqa: S108  # the pod's
        render(with_socket(path), arguments=nothing)


def test_a_release_whose_name_makes_no_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(chart.RefusedError, match="fullnameOverride: must be set, because 1-track-bridge"):
        chart.render(chart.LEAST, tmp_path, release="1")


def test_every_problem_is_reported_at_once(refusal: Say) -> None:
    said = refusal(
        {"apiKey": {"existingSecret": ""}, "terminationGracePeriodSeconds": 1},
        arguments=["--set", "keda.enabled=true", "--set", "autoscaling.enabled=true"],
    )
    assert "4 problems with the values" in said
    for name in ("apiKey.existingSecret", "terminationGracePeriodSeconds", "keda.enabled", "keda.prometheus"):
        assert f"{name}" in said


def test_set_and_set_string_are_refused_like_a_file(refusal: Say, tmp_path: Path) -> None:
    assert "replicaCount" in refusal(arguments=["--set-string", "replicaCount=2"])
    rendered = chart.render(chart.LEAST, tmp_path, arguments=["--set", "replicaCount=5"])
    assert rendered.workload["spec"]["replicas"] == 5


def test_an_older_kubernetes_is_refused(refusal: Say) -> None:
    assert ">=1.29" in refusal(arguments=["--kube-version", "1.28.0"])
