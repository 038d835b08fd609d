"""docs/runbook.md on Kubernetes: each command names what is there, however a release and its workload are called.

The words are those that the chart's notes print. kubectl is a small one that knows the rendered objects, beside those
of a second release with a like name and of Jobs; its options are held against a real kubectl, where there is one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import chart, kubectl
from tests.chart.chart import NAMESPACE, Manifest, Rendered
from tests.support.docs import commands
from tests.support.docs.commands import Command

PAGE = commands.text_of("runbook")
NEIGHBOURS = [commands.text_of(page) for page in ("production", "gitops", "operations")]
"""They use the runbook's words here and there."""
REPLICAS = 2
ENABLED: Mapping[str, Any] = {
    "keda": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}},
    "dlqReplay": {"cronJob": {"enabled": True}},
    "prometheusRule": {"enabled": True},
}
"""What some commands are about: a ScaledObject and a CronJob; and the alerts, which carry one."""

OTHERS_PROGRAMS = ("flux", "helm", "kafka", "kcat", "docker", "systemctl", "split")
"""What this file does not run: tests/integration/cli runs Kafka's, and a test below asks Helm for its options."""


EVERYWHERE = ("status", "hold", "release", ("offsets", "set"))
"""Commands about the partitions that a replica has."""
NAMES = ("kubectl scale", "kubectl apply -k", "track-bridge hold", "track-bridge release")
"""What the page only speaks of."""


@dataclass(frozen=True)
class Case:
    """How a release is called, and what its values make of that."""

    release: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        return "-".join([self.release, *self.values])


CASES = [
    Case("shop", {}),
    Case("shop", {"workload": "StatefulSet"}),
    Case("track-bridge", {}),
    Case("my-track-bridge", {"workload": "StatefulSet", "nameOverride": "bridge"}),
    Case("events", {"fullnameOverride": "out"}),
    Case("a-release-whose-name-is-as-long-as-helm-allows-it-12", {"nameOverride": "tb"}),
]


# --- a cluster ---------------------------------------------------------------------------------------


def objects(rendered: Rendered) -> list[Manifest]:
    """What is in the cluster some time after the installation."""
    workload, pod = rendered.workload, rendered.pod
    name = workload["metadata"]["name"]
    made = [each for each in rendered.manifests if each["kind"] in kubectl.KINDS.values()]
    made += [of_a_pod(pod, f"{name}-{number}", "Running") for number in range(REPLICAS)]
    # Like a pod of an update that ends just now.
    made.append(of_a_pod(pod, f"{name}-old", "Succeeded"))
    labels = pod["metadata"]["labels"]
    made.append({"kind": "ReplicaSet", "metadata": {"name": f"{name}-1", "namespace": NAMESPACE, "labels": labels}})
    replay = rendered.one("CronJob")["spec"]["jobTemplate"]["spec"]["template"]
    made.append(of_a_pod(replay, f"{name}-replay-0-x", "Running"))
    return [
        {
            **each,
            "metadata": {**each["metadata"], "namespace": NAMESPACE},
            "status": each.get("status", {"phase": "Succeeded"}),
        }
        for each in made
    ]


def of_a_pod(template: Manifest, name: str, phase: str) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": template["metadata"]["labels"]}
    # A mesh puts its container before the others: the first one is not always the bridge's.
    spec = {**template["spec"], "containers": [{"name": "mesh"}, *template["spec"]["containers"]]}
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}}


APPLICATION: Manifest = {
    "kind": "Application",
    "metadata": {"name": "shop", "namespace": "argocd"},
    "spec": {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}},
}


class Shell:
    """A shell with the words of a release, whose kubectl is the small one."""

    def __init__(self, case: Case, folder: Path) -> None:
        values = {**ENABLED, **case.values}
        self.rendered = chart.render(chart.LEAST, folder, values, release=case.release)
        # Two releases of one full name cannot be in one namespace.
        apart = {"fullnameOverride": f"{case.values['fullnameOverride']}-eu"} if "fullnameOverride" in values else {}
        other = chart.render(chart.LEAST, folder, values, apart, release=f"{case.release}-eu"[-53:])
        self.name = str(self.rendered.workload["metadata"]["name"])
        self.replicas = [f"{self.name}-{number}" for number in range(REPLICAS)]
        self.other = str(other.workload["metadata"]["name"])
        self._release = case.release
        self._folder = folder
        notes = chart.notes(chart.LEAST, folder, values, release=case.release)
        self.words = textwrap.dedent(notes.partition("paste\n")[2].partition("\nand type")[0]) + "\n"
        self._objects = [*objects(self.rendered), *objects(other), APPLICATION]
        self._programs = folder / "programs"
        self._programs.mkdir()
        program = self._programs / "kubectl"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {kubectl.__file__} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        self._state = folder / "cluster.json"

    def run(self, *lines: str) -> tuple[str, list[list[str]], str]:
        """What these lines print in a fresh cluster, and what was done to it; they must not fail."""
        self._state.write_text(json.dumps({"objects": self._objects, "done": []}), encoding="utf-8")
        for name in ("lost.ndjson", "bridge.yaml"):
            (self._folder / name).touch()
        script = "set -euo pipefail\n" + self.words + "\n".join(lines) + "\n"
        environ = {**os.environ, "CLUSTER": str(self._state), "PATH": f"{self._programs}:{os.environ['PATH']}"}
        ran = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, check=False, env=environ, cwd=self._folder
        )
        assert ran.returncode == 0, f"{lines}: {ran.stderr}{ran.stdout}"
        return ran.stdout, json.loads(self._state.read_text(encoding="utf-8"))["done"], ran.stderr

    def typed(self, command: Command) -> str:
        """The command with this release's names in place of the reader's."""
        own = {"POD": self.replicas[0], "JOB": f"{self.name}-replay-1", "RELEASE": self._release, "APP": "shop"}
        return command.typed(own)

    def before(self, command: Command) -> list[str]:
        """What the page has done before it comes to this command."""
        lines = []
        if ("bridge-tools" in command.text or command.program == "tools") and "--copy-to" not in command.text:
            lines += [line for line in lines_of("bridge-tools") if "--copy-to" in line or line.startswith("tools()")]
        if "create job" not in command.text and re.search(r"replay-1|JOB", command.text):
            lines += [line for line in lines_of("create job") if line.startswith("kube create job")]
        return lines


def lines_of(about: str) -> list[str]:
    """The lines of the page's blocks in whose block this is."""
    return [
        line
        for block in commands.blocks(PAGE)
        if not block.about and about in block.text
        for line in block.text.splitlines()
    ]


@pytest.fixture(params=CASES, ids=lambda each: each.name)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return Shell(request.param, tmp_path)


# --- the promises ------------------------------------------------------------------------------------


def test_every_command_of_the_page_names_what_is_there(shell: Shell) -> None:
    run = 0
    words_elsewhere = [each for page in NEIGHBOURS for each in commands.commands(page) if each.program == "kube"]
    assert words_elsewhere
    for command in {each.text: each for each in [*commands.commands(PAGE), *words_elsewhere]}.values():
        if command.program in OTHERS_PROGRAMS or command.text in NAMES:
            continue
        if command.program in {"track-bridge", "tools"}:
            words = command.words[1:]
            _, done, _ = shell.run(*shell.before(command), shell.typed(command))
            everywhere = words[0] in EVERYWHERE or tuple(words[:2]) in EVERYWHERE
            expected = shell.replicas if everywhere else shell.replicas[:1]
            if command.program == "tools":
                expected = ["bridge-tools"]
            typed = Command(0, shell.typed(command)).words[1:]
            reached = [each for each in done if each[0] == "exec"]
            assert reached == [["exec", pod, "bridge", "track-bridge", *typed] for pod in expected], command
        else:
            _, done, _ = shell.run(*shell.before(command), shell.typed(command))
            assert not [each for each in done if shell.other in each], command
        run += 1
    assert run > 40


def test_the_log_is_that_of_every_replica_and_of_nothing_else(shell: Shell) -> None:
    _, done, _ = shell.run("logs")
    assert [name for _, name in done] == [*shell.replicas, f"{shell.name}-old"]


def test_the_command_in_an_alert_asks_every_replica_of_its_release_and_no_other(shell: Shell) -> None:
    groups = shell.rendered.one("PrometheusRule")["spec"]["groups"]
    (look,) = {rule["annotations"]["first_look"] for group in groups for rule in group["rules"] if "alert" in rule}
    _, done, _ = shell.run(look)
    assert done == [["exec", pod, "bridge", "track-bridge", "status"] for pod in shell.replicas]


def test_whoever_knows_nothing_finds_the_names_that_the_words_need(shell: Shell) -> None:
    [find] = [
        each for each in commands.commands(PAGE) if each.program == "kubectl" and "--all-namespaces" in each.words
    ]
    found, _, _ = shell.run(find.text)
    kind, name, selector = re.findall(r"KIND=(\S+) NAME=(\S+)\nSELECTOR=(\S+)", shell.words)[0]
    labels = dict(each.split("=") for each in selector.split(","))
    row = f"{kind}/{name} {labels['app.kubernetes.io/name']} {labels['app.kubernetes.io/instance']}"
    assert row in found.splitlines()


def test_without_a_replica_the_word_says_so_and_fails(shell: Shell) -> None:
    _, _, said = shell.run("replicas() { :; }", "track-bridge status || test $? = 3")
    assert "no replica runs" in said


def test_a_stop_pauses_whoever_would_undo_it_first_and_a_start_ends_with_it() -> None:
    """The stand-in of a cluster is at 0 and stays there, whatever the order of the rows: so the order is looked at."""
    section = PAGE.partition("## Stop and start the bridge")[2].partition("\n## ")[0]
    steps = re.findall(r"^\| (\d)\. (.+?) \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    assert [(step, who.partition(",")[0]) for step, who, _, _ in steps] == [
        ("1", "Argo CD"),
        ("1", "Flux"),
        ("2", "KEDA"),
        ("2", "an HPA"),
    ]
    assert "start, from the bottom up" in section


def test_what_a_stop_changes_a_start_puts_back(tmp_path: Path) -> None:
    shell = Shell(CASES[0], tmp_path)
    section = PAGE.partition("## Stop and start the bridge")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| \d\. .+? \| `(.+?)`.*? \| `(.+?)`.*? \|$", section, re.MULTILINE)
    pairs = [(stop, start) for stop, start in rows if stop.startswith("kube")]
    assert len(pairs) == 3
    said = [shell.run(shell.typed(Command(0, stop)), shell.typed(Command(0, start)))[1] for stop, start in pairs]
    (stopped, started), (paused, resumed), (down, up) = said
    assert json.loads(stopped[-1]) == {"syncPolicy": {}}
    assert json.loads(started[-1]) == APPLICATION["spec"]
    assert paused[-1] == "autoscaling.keda.sh/paused-replicas=0"
    assert resumed[-1] == "autoscaling.keda.sh/paused-replicas-"
    assert (down[-1], up[-1]) == ("0", "3")


def test_the_real_kubectl_has_every_option_that_the_page_uses() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on PATH to ask")
    for verb, options in kubectl.OPTIONS.items():
        words = [verb, "job"] if verb == "create" else [verb]
        asked = subprocess.run(["kubectl", *words, "--help"], capture_output=True, text=True, check=True).stdout
        missing = [option for option in options if not re.search(rf"{option}\b", asked)]
        assert missing == [], verb


def test_helm_has_these_commands_and_options_and_each_says_in_which_namespace() -> None:
    found = [each for each in commands.commands(PAGE) if each.program == "helm"]
    assert {"status", "test", "history", "rollback"} <= {each.words[1] for each in found}
    for command in found:
        _, verb, *words = command.words
        options = [word for word in words if word.startswith("--")]
        listed = chart.run([verb, "--help"])
        assert [option for option in options if not re.search(rf"{option}\b", listed)] == []
        assert {"--namespace", "--all-namespaces"} & set(options), command
        assert verb == "list" or words[0] == "RELEASE", command


def test_what_kustomize_makes_is_found_by_the_same_labels() -> None:
    path = chart.ROOT / "deploy" / "kustomize" / "base" / "manifests.yaml"
    made = Rendered(tuple(yaml.safe_load_all(path.read_text(encoding="utf-8"))))
    wanted = dict.fromkeys(["app.kubernetes.io/name", "app.kubernetes.io/instance"], "track-bridge")
    for labels in (made.workload["metadata"]["labels"], made.pod["metadata"]["labels"]):
        assert wanted.items() <= labels.items()
        assert labels["app.kubernetes.io/part-of"] == "track-bridge"
    replay = made.one("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert not wanted.items() <= replay.items()
