"""What is done with the chart on a real API server, step by step, and what must be true after each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.chart import chart, pods
from tests.chart.chart import CI, LEAST, NAMESPACE
from tests.support.cluster.custom_kinds import definitions
from tests.support.cluster.plane import Plane
from tests.support.cluster.release import HelmRefusedError, Release
from tests.support.cluster.server import Manifest, RefusedError, Server
from tests.support.service.settings import layered

Step = Callable[[str, str], None]
"""Takes down what was done, and what the server said to it."""

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}


class UntrueError(Exception):
    """Something is not as it must be; one sentence."""


def must(holds: bool, sentence: str) -> None:  # noqa: FBT001  # a condition is what this takes
    """Raise `UntrueError` unless it holds."""
    if not holds:
        raise UntrueError(sentence)


# --- the ground --------------------------------------------------------------------------------------


def prepare(server: Server, step: Step) -> None:
    """Namespaces, what the examples refer to, and the kinds of others; then the proof that the namespace refuses."""
    for each in definitions():
        server.create(each)
    for name, labels in ((NAMESPACE, RESTRICTED), ("monitoring", {})):
        server.create(_of("v1", "Namespace", name, labels=labels))
    server.create({**_of("scheduling.k8s.io/v1", "PriorityClass", "high"), "value": 1000})
    server.create({**_of("node.k8s.io/v1", "RuntimeClass", "gvisor"), "handler": "runsc"})
    for each in definitions():
        names, group = each["spec"]["names"], each["spec"]["group"]
        server.await_kind(f"{group}/{each['spec']['versions'][0]['name']}", names["kind"])
    server.await_object("v1", "ServiceAccount", NAMESPACE, "default")
    step("namespace that enforces Pod Security restricted; kinds of KEDA, Prometheus, External Secrets", "created")
    careless = {**_of("v1", "Pod", "careless"), "spec": {"containers": [{"name": "c", "image": "x"}]}}
    try:
        server.create(careless, NAMESPACE)
    except RefusedError as error:
        must("violates PodSecurity" in str(error), f"a careless pod was refused for another reason: {error}")
        step("a pod without a security context, to see that it refuses", str(error).partition(":")[0])
        return
    raise UntrueError("the server took a pod that breaks Pod Security restricted")


def _of(api_version: str, kind: str, name: str, *, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": dict(labels or {})}}


# --- every example -----------------------------------------------------------------------------------


def validate_examples(plane: Plane, step: Step) -> None:
    """Each manifest of each file in ci/, and each pod it would lead to, through schema, defaults and admission."""
    server, folder = plane.server, plane.scratch
    for file in CI:
        rendered = chart.render(file, folder)
        warnings: list[str] = []
        for manifest in rendered.manifests:
            if manifest["kind"] != "Pod":  # which needs its account
                warnings += server.validate(manifest, NAMESPACE)
        found = list(pods.pods(rendered))
        with server.with_objects(rendered.all("ServiceAccount"), NAMESPACE):
            for pod in found:
                warnings += server.validate(_as_pod(pod), NAMESPACE)
        must(not warnings, f"{file.name}: {warnings}")
        step(f"{file.name}, strictly", f"{len(rendered.manifests)} manifests and {len(found)} pods taken, no warning")


def _as_pod(pod: pods.Pod) -> Manifest:
    metadata = {**pod.metadata, "name": "of-the-template", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod.spec}


# --- a release's life --------------------------------------------------------------------------------


def lifecycle(plane: Plane, workload: str, step: Step) -> None:
    """Install, test, upgrade (nothing, configuration, replicas, nonsense), roll back, uninstall."""
    release = Release(plane, workload.lower())
    values = layered(LEAST, {"workload": workload})
    before_anything = _installed(release, values, step)
    first_configuration = release.configuration()

    must("Succeeded" in release.test(), "helm test did not succeed")
    step("helm test", "the check's pod was admitted and ended as Succeeded (its command is not executed here)")

    release.upgrade(values)
    must(release.pods().uids == before_anything.uids, "an upgrade that changes nothing replaced pods")
    step("helm upgrade --wait, the same values", f"revision {release.revision()[0]}; no pod replaced")

    changed = layered(values, {"config": {"delivery": {"rate_limit": "1200/min"}}})
    release.upgrade(changed)
    rolled = release.pods()
    must(not rolled.uids & before_anything.uids, "pods go on with the old configuration")
    must(rolled.ready == len(rolled.uids) == len(before_anything.uids), f"after the rollout: {rolled}")
    must(rolled.checksums.isdisjoint(before_anything.checksums), "the checksum of the configuration did not change")
    must("1200/min" in release.configuration(), "the ConfigMap has the old configuration")
    step("helm upgrade --wait, another rate_limit", f"another checksum; {rolled.ready} of {rolled.ready} pods replaced")

    release.upgrade(layered(changed, {"replicaCount": 3}))
    scaled = release.pods()
    must(scaled.uids > rolled.uids and scaled.ready == 3, f"three replicas were asked for: {scaled}")
    step("helm upgrade --wait, replicaCount: 3", "3 pods ready, the 2 before untouched")

    _refused(release, layered(changed, {"replicaCounts": 4}), step)

    release.rollback(1)
    back = release.pods()
    must(release.configuration() == first_configuration, "the rollback kept the later configuration")
    must(back.checksums == before_anything.checksums, "the pods after the rollback have another configuration")
    must(back.ready == len(back.uids) == len(before_anything.uids), f"after the rollback: {back}")
    step("helm rollback --wait, to revision 1", f"revision {release.revision()[0]}; the first configuration, 2 pods")

    _uninstalled(release, step)


def _installed(release: Release, values: Mapping[str, Any] | Path, step: Step) -> Any:
    release.install(values)
    found = release.pods()
    number, status = release.revision()
    must((number, status) == (1, "deployed"), f"the release is {status} as revision {number}")
    must(found.ready == len(found.uids) > 0, f"pods are not ready: {found}")
    must(found.tokens == 0, f"{found.tokens} pods have a service account's token")
    kind = release.workload()["kind"]
    if kind == "StatefulSet":
        numbered = tuple(f"{release.workload()['metadata']['name']}-{each}" for each in range(len(found.names)))
        must(found.names == numbered, f"a StatefulSet's pods are numbered, not {found.names}")
    made = ", ".join(f"{kind} {count}" if count > 1 else kind for kind, count in release.objects().items())
    step(
        f"helm install --wait, as {kind}", f"revision {number} {status}; {found.ready} pods admitted and ready; {made}"
    )
    return found


def _refused(release: Release, values: Mapping[str, Any], step: Step) -> None:
    before = release.revision()
    try:
        release.upgrade(values)
    except HelmRefusedError as error:
        must("replicaCounts" in str(error), f"the refusal does not name the key: {error}")
        must(release.revision() == before, "a refused upgrade left a revision behind")
        step("helm upgrade, a misspelt key", "refused by the values' schema, which names it; no revision made")
        return
    raise UntrueError("a misspelt key was accepted")


def _uninstalled(release: Release, step: Step) -> None:
    release.uninstall()
    release.server.until(f"nothing of {release.name} is left", lambda: not release.remains())
    step("helm uninstall --wait", "nothing of the release is left (but the pod of helm test, a hook)")


# --- what decides replicas instead of Helm -----------------------------------------------------------


def autoscaled(plane: Plane, step: Step) -> None:
    """An autoscaler's number survives upgrades and rollbacks, because the chart does not mention it."""
    release = Release(plane, "scaled")
    values = layered(
        LEAST, {"partitions": 6, "keda": {"enabled": True, "prometheus": {"serverAddress": "http://p:9090"}}}
    )
    release.install(values)
    must("ScaledObject" in release.objects(), "there is no ScaledObject")
    step("helm install --wait, with KEDA", "ScaledObject taken; the Deployment names no replicas")
    plane.server.scale(release.workload(), 3)
    plane.server.until("three pods are ready", lambda: release.pods().ready == 3)
    release.upgrade(layered(values, {"config": {"delivery": {"max_in_flight": 32}}}))
    must(release.workload()["spec"]["replicas"] == 3, "the upgrade put the replicas back")
    step("scaled to 3 as KEDA would; helm upgrade --wait", "another configuration, still 3 replicas")
    release.rollback(1)
    must(release.workload()["spec"]["replicas"] == 3, "the rollback put the replicas back")
    step("helm rollback --wait", "still 3 replicas")
    _uninstalled(release, step)


def hooked(plane: Plane, step: Step) -> None:
    """The hook that creates topics, a replay Job, and everything that watches."""
    release = Release(plane, "hooked")
    watching = {"serviceMonitor": {"enabled": True}, "networkPolicy": {"enabled": True}}
    once = {"topicsCreate": {"enabled": True}, "dlqReplay": {"job": {"enabled": True}}}
    values = layered(LEAST, {**watching, **once, "apiKey": {"existingSecret": "", "value": "NX-try"}})
    _installed(release, values, step)
    made = [each["reason"] for each in release.server.items("v1", "Event", NAMESPACE) if _of_the_hook(each)]
    must("Completed" in made, f"the hook's Job did not complete: {made}")
    step("its pre-install hook", "the Job that creates topics was admitted, completed and was removed before the rest")
    _uninstalled(release, step)


def _of_the_hook(event: Manifest) -> bool:
    involved = event["involvedObject"]
    return (involved["kind"], involved["name"]) == ("Job", "hooked-track-bridge-topics")
