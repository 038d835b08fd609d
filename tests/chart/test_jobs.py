"""What runs once: replays of dead letters, the topics before an install, the check after it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bridge.cli.app import app
from tests.chart.conftest import Render
from tests.chart.pods import pods


def test_a_replay_is_ready_to_be_started_and_never_starts_by_itself(render: Render) -> None:
    cron = render().one("CronJob")
    assert cron["spec"]["suspend"] is True
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["dlq", "replay", "--yes"]


def test_a_replay_that_failed_is_not_repeated_behind_anybodys_back(render: Render) -> None:
    job = render({"dlqReplay": {"job": {"enabled": True}}}).one("Job")
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_a_replay_can_be_rendered_alone(render: Render) -> None:
    rendered = render(
        {"dlqReplay": {"args": ["--reason", "unauthorized"]}},
        arguments=[
            *("--set", "dlqReplay.job.enabled=true", "--set", "dlqReplay.job.suffix=monday"),
            *("--show-only", "templates/dlq-replay-job.yaml"),
        ],
    )
    (job,) = rendered.manifests
    assert job["metadata"]["name"] == "shop-track-bridge-replay-monday"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"][3:] == ["--reason", "unauthorized"]


def test_the_topics_are_created_before_the_release_with_a_configuration_of_their_own(render: Render) -> None:
    rendered = render({"topicsCreate": {"enabled": True, "args": ["--retention", "7d"]}})
    job = rendered.one("Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["topics", "create", "--yes", "--retention", "7d"]
    own = rendered.one("ConfigMap", job["metadata"]["name"])
    assert own["data"] == rendered.one("ConfigMap", rendered.workload["metadata"]["name"])["data"]
    # The service account the chart makes does not exist yet.
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "default"


def test_helm_test_checks_for_real(render: Render) -> None:
    pod = render().one("Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["containers"][0]["args"] == ["check"]
    assert pod["spec"]["restartPolicy"] == "Never"
    assert render({"check": {"enabled": False}}).all("Pod") == []


@pytest.mark.parametrize(
    "retries", [{"args": ["--rate", "10%", "--max-age", "7d", "--stale", "skip", "--reason", "rejected"]}]
)
def test_every_command_line_is_one_the_program_knows(render: Render, retries: dict[str, object]) -> None:
    rendered = render(
        {
            "topicsCreate": {"enabled": True, "args": ["--retention", "30d", "--partitions", "6"]},
            "dlqReplay": {"job": {"enabled": True}, **retries},
            "check": {"args": ["--json"]},
        }
    )
    seen = [pod.own["args"] for pod in pods(rendered)]
    assert {args[0] for args in seen} == {"run", "dlq", "topics", "check"}
    for args in seen:
        # --help is looked at after all that comes before it was understood.
        assert CliRunner().invoke(app, [*args, "--help"]).exit_code == 0, args
        assert CliRunner().invoke(app, [*args, "--no-such-option", "--help"]).exit_code in (0, 2)
