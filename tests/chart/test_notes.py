"""What whoever installs it is told: what there is now, what to type next, what to look at."""

from __future__ import annotations

import textwrap

from tests.chart.conftest import Say
from tests.support.docs import commands


def test_it_says_what_was_deployed_and_what_to_type_next(notes: Say) -> None:
    said = notes()
    for part in (
        "Deployment shop-track-bridge in events",
        "shop.orders, shop.accounts at kafka-1:9092,kafka-2:9093, as group userpilot-bridge",
        "https://analytex-eu.userpilot.io, at most 600/min for all replicas together",
        "userpilot-bridge.dlq",
        "kubectl -n events rollout status deployment/shop-track-bridge",
        "helm -n events test shop",
        "kubectl -n events create job --from=cronjob/shop-track-bridge-replay",
    ):
        assert part in said


def test_it_prints_the_runbooks_words_with_the_names_of_the_release(notes: Say) -> None:
    example = textwrap.indent(commands.block(commands.text_of("runbook"), "kubernetes"), "  ")
    assert example in notes()
    other = notes({"workload": "StatefulSet", "nameOverride": "tb", "fullnameOverride": "events-out"})
    assert "NAMESPACE=events KIND=statefulset NAME=events-out\n" in other
    assert "SELECTOR=app.kubernetes.io/name=tb,app.kubernetes.io/instance=shop\n" in other


def test_each_command_names_the_namespace_it_is_about(notes: Say) -> None:
    """Helm keeps the release where it was installed, also when its objects are somewhere else."""
    said = notes({"namespaceOverride": "elsewhere"})
    assert "kubectl -n elsewhere rollout status deployment/shop-track-bridge" in said
    assert "helm -n events test shop" in said
    assert "kubectl -n default rollout status" in notes({"namespaceOverride": "default"})


def test_more_replicas_than_partitions_is_a_warning(notes: Say) -> None:
    assert "replicaCount: 5 replicas share 3 partitions, so 2 of them will never" in notes(
        {"replicaCount": 5, "partitions": 3}
    )
    assert "partitions, so" not in notes({"replicaCount": 3, "partitions": 3})
    scaled = {"keda": {"enabled": True, "maxReplicas": 9, "prometheus": {"serverAddress": "http://p"}}, "partitions": 3}
    assert "keda.maxReplicas: 9 is more than there are partitions; 3 are used" in notes(scaled)


def test_what_weakens_a_promise_is_a_warning(notes: Say) -> None:
    assert "KEDA scales by lag alone" in notes({"keda": {"enabled": True, "prometheus": {"enabled": False}}})
    assert "They are for trying out" in notes({"apiKey": {"existingSecret": "", "value": "k"}})
    assert "one replica alone" in notes({"replicaCount": 1})
    assert "rate_limit is unlimited" in notes({"config": {"delivery": {"rate_limit": "unlimited"}}})
    assert "start_from is error" in notes()
    assert "replicaCount: 3 replicas have one budget of 600/min together" in notes({"replicaCount": 3})
    assert f"the name was cut to {'a' * 44};" in notes({"fullnameOverride": "a" * 60})
    assert "Nothing scrapes /metrics yet" in notes()


def test_an_image_that_no_registry_has_is_a_warning_that_says_what_to_set(notes: Say) -> None:
    assert "set image.registry and image.repository" in notes()
    assert "no registry publishes" not in notes({"image": {"registry": "registry.example.com"}})
    assert "no registry publishes" not in notes({"image": {"repository": "team/track-bridge"}})
    assert "no registry publishes" not in notes({"global": {"imageRegistry": "registry.example.com"}})


def test_nothing_to_look_at_is_said_with_nothing(notes: Say) -> None:
    quiet = {
        "config": {"kafka": {"start_from": "latest"}},
        "podMonitor": {"enabled": True},
        "image": {"registry": "registry.example.com"},
    }
    assert "Look at this" not in notes(quiet)
    assert "userpilot" not in notes(quiet).partition("Next:")[2].replace("userpilot-bridge", "")


def test_the_notes_say_how_large_a_record_may_be_and_in_how_much_memory(notes: Say) -> None:
    assert "Records up to 20MB are mapped, with a memory limit of 256Mi" in notes()
    said = notes({"config": {"kafka": {"max_record_bytes": "5MB"}}, "resources": {"limits": {"memory": "1Gi"}}})
    assert "Records up to 5MB are mapped, with a memory limit of 1Gi" in said
    assert "with no memory limit" in notes({"resources": {"limits": None}})
