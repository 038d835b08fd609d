"""The runbook's kubectl commands, typed with a real kubectl: what they find, and what they leave of two like releases.

Nothing runs in the pods, so `exec` and `logs` have nobody to answer: tests/chart holds those against the rendered pods.
"""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any

from tests.chart import chart
from tests.chart.chart import LEAST, NAMESPACE
from tests.support.cluster.plane import Plane
from tests.support.cluster.release import Release
from tests.support.cluster.scenarios import Step, must
from tests.support.docs import commands
from tests.support.docs.commands import Command
from tests.support.service.settings import layered

PAGE = commands.text_of("runbook")
UNANSWERED = ("exec", "logs")
VALUES = {
    "keda": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}},
    "dlqReplay": {"cronJob": {"enabled": True}},
}
APPLICATION: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "shop"},
    "spec": {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}},
}


class Shell:
    """A shell with the words that the notes of a release print."""

    def __init__(self, plane: Plane, release: Release, values: dict[str, Any]) -> None:
        folder = plane.scratch / f"notes-{release.name}"
        folder.mkdir()
        notes = chart.notes(values, folder, release=release.name)
        self._words = textwrap.dedent(notes.partition("paste\n")[2].partition("\nand type")[0])
        self._kubeconfig: Path = plane.kubeconfig
        self._kubectl: Path = plane.kubectl
        self._release = release
        self.left = {each.text for each in commands.commands(PAGE) if is_kubectls(each)}
        """What has not been typed yet."""

    def type(self, text: str, **names: str) -> str:
        """What a command of the page prints; it must be one, and must not fail."""
        must(text in self.left, f"not a command of the page, or typed already: {text}")
        self.left.discard(text)
        return self.run(Command(0, text).typed({"RELEASE": self._release.name, **names}))

    def run(self, line: str) -> str:
        """What a line prints."""
        ran = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{self._words}\n{line}"],
            env={
                **os.environ,
                "KUBECONFIG": str(self._kubeconfig),
                "PATH": f"{self._kubectl.parent}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        must(ran.returncode == 0, f"{line}: {ran.stderr}{ran.stdout}")
        return ran.stdout


def is_kubectls(command: Command) -> bool:
    """Whether it is typed here."""
    if command.program not in ("kube", "kubectl") or command.text in ("kubectl scale", "kubectl apply -k"):
        return False
    return command.words[1] not in UNANSWERED


def operated(plane: Plane, workload: str, step: Step) -> None:
    """Each command of the runbook, on a release beside one whose name begins alike."""
    values = dict(layered(LEAST, {**VALUES, "workload": workload}))
    name = f"{workload[:3].lower()}-track-bridge"
    mine, other = Release(plane, name), Release(plane, f"{name}-eu")
    for each in (mine, other):
        each.install(values)
        each.test()
    before = other.pods().uids
    shell = Shell(plane, mine, values)
    _looked_at(shell, mine, workload)
    _worked_in(shell, mine)
    _replayed(shell)
    _stopped_and_started(plane, shell, mine)
    must(not shell.left, f"nobody typed {sorted(shell.left)}")
    must(other.pods().uids == before, "commands for one release changed the pods of another")
    step(
        f"the runbook's commands on a {workload}, with a real kubectl", "each found what it names; a like release kept"
    )
    for each in (mine, other):
        each.uninstall()


def _looked_at(shell: Shell, release: Release, workload: str) -> None:
    names = set(release.pods().names)
    must(set(shell.run("replicas").split()) == {f"pod/{each}" for each in names}, "replicas names other pods")
    (find,) = [each for each in shell.left if "--all-namespaces" in each]
    shown = f"{workload.lower()}.apps/{release.workload()['metadata']['name']}"
    row = re.search(rf"{NAMESPACE} +{shown} .* track-bridge +{release.name}$", shell.type(find), re.MULTILINE)
    must(row is not None, f"{find}: no row of {shown}")
    pod = min(names)
    for text in sorted(shell.left):
        words = Command(0, text).words
        if words[1] in ("get", "describe") or words[1:3] == ["rollout", "status"]:
            if "replicaset" in words and workload == "StatefulSet":
                shell.left.discard(text)
                continue
            shell.type(text, POD=pod)
    shell.type('kube rollout restart "$KIND/$NAME"')
    shell.run('kube rollout status "$KIND/$NAME" --timeout=120s')
    shell.type("kube delete pod POD", POD=min(release.pods().names))
    shell.run('kube rollout status "$KIND/$NAME" --timeout=120s')


def _worked_in(shell: Shell, release: Release) -> None:
    first, second = sorted((each for each in shell.left if "--copy-to" in each), key=lambda each: "check" in each)
    shell.type(first)
    shell.type("kube wait --for=condition=Ready pod/bridge-tools --timeout=120s")
    labels = shell.run("kube get pod bridge-tools --output jsonpath={.metadata.labels}")
    must("app.kubernetes.io" not in labels, f"a copy is taken for a replica: {labels}")
    must(len(shell.run("replicas").split()) == len(release.pods().names), "the copy is among the replicas")
    shell.type("kube delete pod bridge-tools")
    shell.type(second)
    shell.run("kube delete pod bridge-tools")


def _replayed(shell: Shell) -> None:
    (create,) = [each for each in shell.left if each.startswith("kube create job")]
    shell.type(create)
    (wait,) = [each for each in shell.left if "condition=Complete" in each]
    shell.type(wait)
    job = shell.run('echo "$NAME-replay-1"').strip()
    shell.type("kube delete job JOB", JOB=job)


def _stopped_and_started(plane: Plane, shell: Shell, release: Release) -> None:
    if "argocd" not in {each["metadata"]["name"] for each in plane.server.get("/api/v1/namespaces")["items"]}:
        plane.server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})
        plane.server.create(APPLICATION, "argocd")
    stop, start = sorted(each for each in shell.left if " patch application " in each)
    policy = "kubectl --namespace argocd get application shop --output jsonpath={.spec.syncPolicy}"
    shell.type(stop, APP="shop")
    must("automated" not in shell.run(policy), "the Application still syncs by itself")
    shell.type(start, APP="shop")
    must("selfHeal" in shell.run(policy), "the Application does not sync as before")

    paused = 'kube get scaledobject "$NAME" --output jsonpath={.metadata.annotations}'
    pause, resume = sorted((each for each in shell.left if " annotate " in each), key=len, reverse=True)
    shell.type(pause)
    must('"autoscaling.keda.sh/paused-replicas":"0"' in shell.run(paused), "KEDA is not paused")
    shell.type(resume)
    must("paused-replicas" not in shell.run(paused), "KEDA is still paused")

    shell.type('kube scale "$KIND/$NAME" --replicas=0')
    (gone,) = [each for each in shell.left if "--for=delete" in each]
    shell.type(gone)
    must(not release.pods().names, "pods are left after the stop")
    shell.type('kube scale "$KIND/$NAME" --replicas=N', N="2")
    shell.run('kube rollout status "$KIND/$NAME" --timeout=120s')
    must(len(release.pods().names) == len({*release.pods().names}) == 2, "the pods are not back")
