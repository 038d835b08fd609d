"""What the replicas are: how they are replaced, how they find their secrets, what they are to the group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.chart import chart, kinds
from tests.chart.conftest import Render
from tests.chart.pods import environment

FOLDER = "/run/secrets/track-bridge"


def mounted(rendered: Any, name: str) -> tuple[dict[str, Any], str]:
    """The volume of that name, and where it is."""
    (volume,) = [each for each in rendered.pod["spec"]["volumes"] if each["name"] == name]
    (mount,) = [each for each in rendered.container["volumeMounts"] if each["name"] == name]
    return volume, mount["mountPath"]


def member_id(rendered: Any, pod: str, namespace: str) -> str:
    """What Kubernetes makes of the variable in a pod: it puts in those that stand above it."""
    fields = {"metadata.name": pod, "metadata.namespace": namespace}
    found: dict[str, str] = {}
    for name, value in environment(rendered.container).items():
        text = value if isinstance(value, str) else fields[value["fieldRef"]["fieldPath"]]
        for above, its in found.items():
            text = text.replace(f"$({above})", its)
        found[name] = text
    return found["BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID"]


def test_a_rolling_update_replaces_one_replica_after_the_other_without_a_surge(render: Render) -> None:
    spec = render().workload["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert spec["minReadySeconds"] > 0
    assert spec["replicas"] == 2


def test_recreate_takes_no_settings_of_a_rolling_update(render: Render) -> None:
    assert render({"strategy": {"type": "Recreate"}}).workload["spec"]["strategy"] == {"type": "Recreate"}


def test_a_statefulset_makes_every_pod_a_static_member_under_its_own_name(render: Render) -> None:
    """That of the namespace is in it: releases of one name in two namespaces may share a group."""
    rendered = render({"workload": "StatefulSet"})
    ids = {
        member_id(rendered, pod, namespace)
        for pod in ("bridge-0", "bridge-1")
        for namespace in (chart.NAMESPACE, "elsewhere")
    }
    assert ids == {"events.bridge-0", "events.bridge-1", "elsewhere.bridge-0", "elsewhere.bridge-1"}
    assert rendered.workload["spec"]["podManagementPolicy"] == "Parallel"
    governing = rendered.one("Service", rendered.workload["spec"]["serviceName"])
    assert governing["spec"]["clusterIP"] == "None"


def test_the_ids_of_static_members_can_be_those_of_before_or_name_the_cluster(render: Render) -> None:
    def of(text: str) -> str:
        rendered = render({"workload": "StatefulSet", "groupInstanceId": text})
        return member_id(rendered, "bridge-0", chart.NAMESPACE)

    assert of("$(POD_NAME)") == "bridge-0"
    assert of("eu_1.$(POD_NAMESPACE).$(POD_NAME)") == "eu_1.events.bridge-0"


def test_a_job_is_never_a_static_member(render: Render) -> None:
    rendered = render({"workload": "StatefulSet", "dlqReplay": {"job": {"enabled": True}}})
    container = rendered.one("Job")["spec"]["template"]["spec"]["containers"][0]
    assert "BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID" not in environment(container)


def test_the_grace_period_follows_the_drain(render: Render) -> None:
    def grace(**more: Any) -> int:
        found: int = render(more).pod["spec"]["terminationGracePeriodSeconds"]
        return found

    assert grace() == 45
    assert grace(config={"kafka": {"drain_timeout": "1.5m"}}) == 115
    assert grace(config={"kafka": {"drain_timeout": "30100ms"}}) == 56
    assert grace(terminationGracePeriodSeconds=300) == 300


def test_the_api_key_is_a_file_in_a_mounted_directory(render: Render) -> None:
    rendered = render({"apiKey": {"key": "token"}})
    volume, path = mounted(rendered, "api-key")
    assert volume["secret"]["secretName"] == "userpilot"
    assert volume["secret"]["items"] == [{"key": "token", "path": "token"}]
    assert environment(rendered.container)["BRIDGE_TRACK__API_KEY_FILE"] == f"{path}/token"
    assert path == f"{FOLDER}/api-key"


def test_a_secret_can_be_read_by_the_group_of_the_process_and_by_nobody_else(render: Render) -> None:
    rendered = render()
    volume, _ = mounted(rendered, "api-key")
    assert volume["secret"]["defaultMode"] == 0o440
    assert rendered.pod["spec"]["securityContext"]["fsGroup"] == 10001


def test_every_kafka_secret_is_a_file_that_a_property_names(render: Render) -> None:
    rendered = render(
        {
            "kafkaCredentials": {"existingSecret": "user", "files": {"sasl.username": "name", "sasl.password": "word"}},
            "kafkaCa": {"existingConfigMap": "bundle", "key": "bundle.pem"},
            "kafkaClientCertificate": {"existingSecret": "pair"},
            "apiCa": {"existingSecret": "proxy"},
            "config": {"kafka": {"properties": {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"}}},
        }
    )
    variables = environment(rendered.container)
    prefix = "BRIDGE_KAFKA__PROPERTIES__"
    assert variables[f"{prefix}SASL_USERNAME_FILE"] == f"{FOLDER}/kafka-credentials/name"
    assert variables[f"{prefix}SASL_PASSWORD_FILE"] == f"{FOLDER}/kafka-credentials/word"
    assert variables[f"{prefix}SSL_CA_LOCATION"] == f"{FOLDER}/kafka-ca/bundle.pem"
    assert variables[f"{prefix}SSL_CERTIFICATE_LOCATION"] == f"{FOLDER}/kafka-client-certificate/tls.crt"
    assert variables[f"{prefix}SSL_KEY_LOCATION"] == f"{FOLDER}/kafka-client-certificate/tls.key"
    assert variables["BRIDGE_TRACK__CA_FILE"] == f"{FOLDER}/api-ca/ca.crt"
    assert mounted(rendered, "kafka-ca")[0]["configMap"]["name"] == "bundle"


def test_a_property_that_is_a_path_is_given_the_path(render: Render) -> None:
    files = {"ssl.keystore.location": "user.p12", "ssl.keystore.password": "user.password"}
    variables = environment(render({"kafkaCredentials": {"existingSecret": "user", "files": files}}).container)
    prefix = "BRIDGE_KAFKA__PROPERTIES__SSL_KEYSTORE_"
    assert variables[f"{prefix}LOCATION"] == f"{FOLDER}/kafka-credentials/user.p12"
    assert variables[f"{prefix}PASSWORD_FILE"] == f"{FOLDER}/kafka-credentials/user.password"


def test_the_key_may_come_from_a_variable(render: Render) -> None:
    reference = {"secretKeyRef": {"name": "userpilot", "key": "api-key"}}
    more = {"apiKey": {"existingSecret": ""}, "extraEnv": [{"name": "BRIDGE_TRACK__API_KEY", "valueFrom": reference}]}
    assert environment(render(more).container)["BRIDGE_TRACK__API_KEY"] == reference


def test_a_sidecar_that_needs_the_token_can_have_it(render: Render) -> None:
    assert render({"serviceAccount": {"automountToken": True}}).pod["spec"]["automountServiceAccountToken"] is True


def test_an_annotation_cannot_hide_a_changed_configuration(render: Render) -> None:
    mine = {"podAnnotations": {"checksum/config": "mine", "a": "b"}}
    annotations = render(mine).pod["metadata"]["annotations"]
    assert annotations["checksum/config"] != "mine"
    assert annotations["a"] == "b"


def test_no_secret_stands_in_a_variable_or_in_the_configuration(render: Render) -> None:
    rendered = render(
        {
            "apiKey": {"existingSecret": "", "value": "NX-0a1b2c3d"},
            "kafkaCredentials": {"values": {"sasl.username": "u", "sasl.password": "pass-word"}},
            "dlqReplay": {"job": {"enabled": True}},
            "topicsCreate": {"enabled": True},
        }
    )
    shown = str([each for each in rendered.manifests if each["kind"] != "Secret"])
    assert "NX-0a1b2c3d" not in shown
    assert "pass-word" not in shown


def test_a_changed_password_of_the_charts_own_secret_replaces_the_pods(render: Render) -> None:
    def annotations(password: str) -> Any:
        more = {
            "apiKey": {"existingSecret": "", "value": "k"},
            "kafkaCredentials": {"values": {"sasl.password": password}},
        }
        return render(more).pod["metadata"]["annotations"]

    assert annotations("a") != annotations("b")


def test_a_variable_of_the_users_replaces_the_charts(render: Render) -> None:
    rendered = render(
        {"extraEnv": [{"name": "BRIDGE_CONFIG", "value": "/other.yaml"}, {"name": "A", "value": "$(BRIDGE_CONFIG)"}]}
    )
    variables = environment(rendered.container)
    assert variables["BRIDGE_CONFIG"] == "/other.yaml"
    # Kubernetes resolves $(NAME) only for names above it.
    assert list(variables)[-1] == "A"


def test_a_probe_of_another_kind_replaces_the_charts(render: Render) -> None:
    container = render({"livenessProbe": {"exec": {"command": ["true"]}}, "readinessProbe": None}).container
    assert set(container["livenessProbe"]) == {"exec", "periodSeconds", "timeoutSeconds", "failureThreshold"}
    assert "readinessProbe" not in container
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"


def test_a_digest_goes_over_the_tag_and_the_version_is_the_default(render: Render) -> None:
    digest = "sha256:" + "0" * 64
    assert render().container["image"].startswith("track-bridge:")
    assert render({"image": {"registry": "r.example/", "digest": digest, "tag": "1"}}).container["image"] == (
        f"r.example/track-bridge@{digest}"
    )


def test_an_unready_replica_never_blocks_the_drain_of_its_node(render: Render) -> None:
    spec = render().one("PodDisruptionBudget")["spec"]
    assert (spec["unhealthyPodEvictionPolicy"], spec["maxUnavailable"]) == ("AlwaysAllow", 1)
    at_least = render({"podDisruptionBudget": {"minAvailable": 1}}).one("PodDisruptionBudget")["spec"]
    assert "maxUnavailable" not in at_least
    assert render({"podDisruptionBudget": {"enabled": False}}).all("PodDisruptionBudget") == []


def test_a_budget_that_lets_one_pod_go_is_taken_also_as_a_share(render: Render) -> None:
    for budget in ({"minAvailable": "50%"}, {"maxUnavailable": "1%"}, {"minAvailable": "51%", "enabled": False}):
        render({"podDisruptionBudget": budget})
    assert render({"podDisruptionBudget": {"minAvailable": 2}, "replicaCount": 3}).one("PodDisruptionBudget")


def test_replicas_spread_but_never_stay_away_for_it(render: Render) -> None:
    rendered = render()
    for each in rendered.pod["spec"]["topologySpreadConstraints"]:
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"
        assert each["labelSelector"] == rendered.workload["spec"]["selector"]


def test_the_memory_request_covers_what_was_measured(render: Render) -> None:
    """docs/performance.md: at most 90 MB with any backlog."""
    resources = render().container["resources"]
    assert resources["requests"]["memory"] == "128Mi"
    assert "cpu" not in resources["limits"]


def test_a_long_release_name_still_gives_valid_names(render: Render) -> None:
    more = {"fullnameOverride": "a" * 60, "topicsCreate": {"enabled": True}, "workload": "StatefulSet"}
    for each in render(more).manifests:
        assert len(each["metadata"]["name"]) <= (52 if each["kind"] == "CronJob" else 63)


def test_names_that_look_like_numbers_stay_names(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(
        yaml.safe_dump(
            {
                **chart.LEAST,
                "fullnameOverride": "bridge",  # no Service may be called 123-track-bridge
                "podMonitor": {"enabled": True},
                "networkPolicy": {"enabled": True},
            }
        )
    )
    said = chart.run(["template", "123", str(chart.CHART), "--namespace", "456", "--values", str(values)])
    for each in filter(None, yaml.safe_load_all(said)):
        assert [*kinds.problems(each, kinds.OLDEST)] == []
        assert each["metadata"]["namespace"] == "456"


def test_a_common_label_cannot_break_the_selectors(render: Render) -> None:
    rendered = render({"commonLabels": {"app.kubernetes.io/name": "mine", "team": "growth"}})
    assert rendered.pod["metadata"]["labels"].items() >= rendered.workload["spec"]["selector"]["matchLabels"].items()
    assert rendered.workload["metadata"]["labels"]["team"] == "growth"


def test_the_grace_holds_what_a_pre_stop_hook_takes(render: Render) -> None:
    hooks = (
        {"sleep": {"seconds": 10}},
        {"exec": {"command": ["sleep", "10"]}},
        {"exec": {"command": ["/bin/sh", "-c", "sleep 10"]}},
    )
    for hook in hooks:
        pod = render({"lifecycle": {"preStop": hook}}).pod
        assert pod["spec"]["terminationGracePeriodSeconds"] == 20 + 25 + 10
    assert render().pod["spec"]["terminationGracePeriodSeconds"] == 45


def test_replicas_that_are_not_ready_can_still_be_asked(render: Render) -> None:
    """A refused key makes all of them unready, and their /status says so."""
    for workload in ("Deployment", "StatefulSet"):
        rendered = render({"workload": workload})
        pods = rendered.one("Service", "shop-track-bridge-pods")
        assert pods["spec"]["clusterIP"] == "None"
        assert pods["spec"]["publishNotReadyAddresses"] is True
        assert pods["spec"]["selector"].items() <= rendered.pod["metadata"]["labels"].items()


def test_what_a_parent_chart_says_for_all_its_charts_is_taken(render: Render) -> None:
    common = {"global": {"imageRegistry": "registry.example.com", "imagePullSecrets": ["one", {"name": "two"}]}}
    pod = render(common, {"imagePullSecrets": [{"name": "two"}]}).pod["spec"]
    assert pod["containers"][0]["image"].startswith("registry.example.com/track-bridge:")
    assert pod["imagePullSecrets"] == [{"name": "two"}, {"name": "one"}]
    own = render(common, {"image": {"registry": "mine.example.com"}}).container["image"]
    assert own.startswith("mine.example.com/")
