"""What runs once: replays of dead letters, the topics before an install, the check after it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli.app import app
from tests.chart import chart
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
    (volume,) = [each for each in job["spec"]["template"]["spec"]["volumes"] if each["name"] == "config"]
    own = rendered.one("ConfigMap", volume["configMap"]["name"])
    assert own["data"] == rendered.one("ConfigMap", rendered.workload["metadata"]["name"])["data"]


@pytest.mark.parametrize("account", [{}, {"create": False, "name": "readers"}])
def test_a_hook_finds_its_account_its_pull_secrets_and_its_way_through_the_network(
    render: Render, account: dict[str, object]
) -> None:
    """It runs before the release's own objects are there, in a namespace that may let nothing through by default."""
    rendered = render(
        {
            "topicsCreate": {"enabled": True},
            "networkPolicy": {"enabled": True},
            "imagePullSecrets": [{"name": "registry"}],
            "serviceAccount": account,
        }
    )
    job = rendered.one("Job")
    pod = job["spec"]["template"]
    early = {name: each for each in rendered.manifests if is_early(each) for name in [each["kind"]]}
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["spec"]["securityContext"] == rendered.pod["spec"]["securityContext"]
    if account:
        assert pod["spec"]["serviceAccountName"] == "readers"
        assert "ServiceAccount" not in early
    else:
        assert pod["spec"]["serviceAccountName"] == early["ServiceAccount"]["metadata"]["name"]
    policy = early["NetworkPolicy"]["spec"]
    assert policy["egress"] == rendered.one("NetworkPolicy", "shop-track-bridge")["spec"]["egress"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_a_hook_never_deletes_what_belongs_to_a_release_of_its_name(tmp_path: Path) -> None:
    """Helm deletes whatever has a hook's kind and name before it makes the hook."""
    everything = {
        "topicsCreate": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "apiKey": {"existingSecret": "", "value": "NX-try"},
        "dlqReplay": {"job": {"enabled": True}},
    }

    def names(release: str, *, hooks: bool) -> set[tuple[str, str]]:
        rendered = chart.render(chart.LEAST, tmp_path, everything, release=release)
        return {(each["kind"], each["metadata"]["name"]) for each in rendered.manifests if is_hook(each) is hooks}

    hooks = names("track-bridge", hooks=True)
    assert {kind for kind, _ in hooks} > {"ConfigMap", "Secret", "ServiceAccount", "NetworkPolicy", "Job"}
    for other in ("track-bridge-topics", "track-bridge-check", "track-bridge-topics-topics"):
        assert not hooks & names(other, hooks=False)


def is_hook(manifest: dict[str, Any]) -> bool:
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})


def is_early(manifest: dict[str, Any]) -> bool:
    """Whether Helm makes it before the hook's job."""
    annotations = manifest["metadata"].get("annotations", {})
    return "pre-install" in annotations.get("helm.sh/hook", "") and int(annotations["helm.sh/hook-weight"]) < 0


def test_a_replay_has_a_name_of_its_contents_and_is_never_made_again_by_being_healed(render: Render) -> None:
    on = {"dlqReplay": {"job": {"enabled": True}}}
    job = render(on).one("Job")
    upgraded = render(on, arguments=["--is-upgrade"]).one("Job")
    assert upgraded == job, "an upgrade that changes nothing replays nothing"
    assert "ttlSecondsAfterFinished" not in job["spec"], (
        "Kubernetes would remove it, and what heals a release make it again"
    )
    for change in ({"image": {"tag": "2.0.0"}}, {"dlqReplay": {"args": ["--reason", "rejected"]}}):
        assert render(on, change).one("Job")["metadata"]["name"] != job["metadata"]["name"]


def test_a_new_chart_of_the_same_image_is_no_new_replay_and_no_new_pod(render: Render, tmp_path: Path) -> None:
    values = {"image": {"tag": "1.0.0"}, "dlqReplay": {"job": {"enabled": True}}}
    newer = tmp_path / "newer"
    shutil.copytree(chart.CHART, newer)
    text = (newer / "Chart.yaml").read_text(encoding="utf-8")
    about = yaml.safe_load(text) | {"version": "99.0.0", "appVersion": "99.0.0"}
    (newer / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    before, after = render(values), render(values, chart=newer)
    assert after.pod == before.pod
    assert after.one("Job")["metadata"]["name"] == before.one("Job")["metadata"]["name"]
    assert after.one("Job")["spec"] == before.one("Job")["spec"]


def test_what_looks_sick_to_a_gitops_tool_can_be_told_apart(render: Render) -> None:
    ignored = {"argocd.argoproj.io/ignore-healthcheck": "true"}
    rendered = render(
        {
            "dlqReplay": {
                "annotations": ignored,
                "cronJob": {"annotations": {"only": "cron"}},
                "job": {"enabled": True, "annotations": {"only": "job"}},
            }
        }
    )
    cron, job = rendered.one("CronJob"), rendered.one("Job")
    assert cron["metadata"]["annotations"] == {**ignored, "only": "cron"}
    assert cron["spec"]["jobTemplate"]["metadata"]["annotations"] == ignored
    assert job["metadata"]["annotations"] == {**ignored, "only": "job"}
    assert "annotations" not in render().one("CronJob")["metadata"]


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
