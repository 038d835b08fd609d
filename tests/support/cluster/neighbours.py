"""Like-named releases beside each other, in one namespace and in two, with everything switched on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.chart.chart import LEAST, NAMESPACE
from tests.chart.pods import matches
from tests.chart.releases import EXTRAS, SCALERS
from tests.support.cluster import typed
from tests.support.cluster.plane import Plane
from tests.support.cluster.release import HelmRefusedError, Release
from tests.support.cluster.scenarios import RESTRICTED, Step, UntrueError, must
from tests.support.cluster.server import Manifest, Server
from tests.support.service.settings import layered

ELSEWHERE = "events-eu"
DENY_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny-all"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}
EARLY = (("v1", "ConfigMap"), ("v1", "Secret"), ("v1", "ServiceAccount"), ("networking.k8s.io/v1", "NetworkPolicy"))
"""What the hook's Job brings with it."""
REPLICAS = 2

Values = Mapping[str, Any]


def beside_each_other(plane: Plane, step: Step) -> None:
    """Install, look at every selection, change and take away one: nothing of the others moves."""
    _prepare(plane.server, step)
    mine = Release(plane, "track-bridge")
    like_named = Release(plane, "track-bridge-eu")
    elsewhere = Release(plane, "track-bridge", ELSEWHERE)
    kinds = {
        mine: ("Deployment", SCALERS["keda"]),
        like_named: ("StatefulSet", SCALERS["hpa"]),
        elsewhere: ("StatefulSet", SCALERS["none"]),
    }
    values = {each: _values(workload, scaler) for each, (workload, scaler) in kinds.items()}
    for each in kinds:
        _install(each, values[each], step)
    plane.server.scale(mine.workload(), REPLICAS)
    for each in kinds:
        _until_ready(each)
        _selections(each, step)
        _tested(each, step)
        _words(plane, each, step)
    _changed(mine, values[mine], (like_named, elsewhere), step)
    _names_that_meet(plane, mine, values[mine], step)
    _taken_away(mine, (like_named, elsewhere), step)
    for each in (like_named, elsewhere):
        _taken_away(each, [other for other in (elsewhere,) if other is not each], step)


def _prepare(server: Server, step: Step) -> None:
    labels = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ELSEWHERE, "labels": RESTRICTED}}
    server.create(labels)
    server.await_object("v1", "ServiceAccount", ELSEWHERE, "default")
    for namespace in (NAMESPACE, ELSEWHERE):
        server.create(DENY_ALL, namespace)
    step("two namespaces that enforce restricted and deny all traffic", "created")


def _values(workload: str, scaler: Values) -> Values:
    on = layered(layered(LEAST, EXTRAS["service-monitor"]), scaler)
    return layered(on, {"workload": workload, "replicaCount": REPLICAS, "minReadySeconds": 1})


def _install(release: Release, values: Values, step: Step) -> None:
    since = release.server.now()
    release.install(values)
    made = ", ".join(f"{kind} {count}" if count > 1 else kind for kind, count in sorted(release.objects().items()))
    step(f"helm install --wait {release.name} in {release.namespace}, everything on", made)
    _hook_came_in_order(release, since, step)
    dry = release.would_upgrade(layered(values, {"replicaCount": REPLICAS + 1}))
    must("kind: HTTPRoute" in dry, "the server's dry run shows no manifests")
    must(release.revision() == (1, "deployed"), "a dry run left a revision behind")
    step("helm upgrade --dry-run=server", "every manifest taken; no revision made")


def _hook_came_in_order(release: Release, since: str, step: Step) -> None:
    """All that lets the Job's pod start and reach Kafka is there before the pod, and gone after the Job."""
    server, namespace = release.server, release.namespace
    name = f"{release.workload()['metadata']['name']}.topics"
    pods = server.watched("v1", "Pod", namespace, since)
    (pod,) = [
        each
        for kind, each in pods
        if kind == "ADDED" and each["metadata"]["labels"].get("app.kubernetes.io/component") == "topics-create"
    ]
    for api_version, kind in EARLY:
        found = [each for each in server.watched(api_version, kind, namespace, since) if _name(each[1]) == name]
        came, went = _when(found, "ADDED"), _when(found, "DELETED")
        must(
            came < _version(pod) < went, f"{kind} {name} came at {came}, the pod at {_version(pod)}, it went at {went}"
        )
        for event, each in found:
            if kind == "NetworkPolicy" and event == "ADDED":
                must(matches(each["spec"]["podSelector"], pod["metadata"]["labels"]), "the policy is not the pod's")
    step(
        "its hook, where all traffic is denied",
        f"{', '.join(kind for _, kind in EARLY)}: there before the pod, gone after it",
    )


def _when(events: Iterable[tuple[str, Manifest]], kind: str) -> int:
    (found,) = [_version(each) for event, each in events if event == kind]
    return found


def _version(manifest: Manifest) -> int:
    return int(manifest["metadata"]["resourceVersion"])


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _until_ready(release: Release) -> None:
    release.server.until(f"{release.name} has its pods", lambda: release.pods().ready == REPLICAS)


def _selections(release: Release, step: Step) -> None:
    """As the controllers of the cluster see it, not as we read selectors."""
    server, pods = release.server, set(release.pods().names)
    name = _name(release.workload())
    server.until(f"the Service {name} has its pods", lambda: _behind(release, name) == pods)
    server.until(f"the Service {name}-pods has its pods", lambda: _behind(release, f"{name}-pods") == pods)
    budget = f"{server.path('policy/v1', 'PodDisruptionBudget', release.namespace)}/{name}"
    server.until("the budget knows its pods", lambda: server.get(budget)["status"].get("expectedPods") == REPLICAS)
    monitor = server.get(f"{server.path('monitoring.coreos.com/v1', 'ServiceMonitor', release.namespace)}/{name}")
    wanted = ",".join(f"{key}={value}" for key, value in monitor["spec"]["selector"]["matchLabels"].items())
    found = [_name(each) for each in server.items("v1", "Service", release.namespace, wanted)]
    must(found == [name], f"the monitor of {name} takes the Services {found}")
    step(
        f"what takes pods of {release.name} in {release.namespace}",
        f"both Services, the budget and the monitor take its {len(pods)} pods and no other",
    )


def _behind(release: Release, service: str) -> set[str]:
    slices = release.server.items(
        "discovery.k8s.io/v1", "EndpointSlice", release.namespace, f"kubernetes.io/service-name={service}"
    )
    return {end["targetRef"]["name"] for each in slices for end in each.get("endpoints") or ()}


def _tested(release: Release, step: Step) -> None:
    must("Succeeded" in release.test(), "helm test did not succeed")
    step(f"helm test {release.name} in {release.namespace}", "the check's pod was admitted and ended as Succeeded")


def _changed(release: Release, values: Values, others: Iterable[Release], step: Step) -> None:
    before = {other: other.whole() for other in others}
    first = release.pods()
    release.upgrade(layered(values, {"config": {"delivery": {"rate_limit": "1200/min"}}}))
    must(not release.pods().uids & first.uids, "pods go on with the old configuration")
    release.rollback(1)
    must(release.pods().checksums == first.checksums, "the rollback kept the later configuration")
    _untouched(before)
    step(f"helm upgrade and rollback of {release.name}, another rate_limit", "its pods replaced; the others untouched")


def _untouched(before: Mapping[Release, Mapping[tuple[str, str], str]]) -> None:
    for other, objects in before.items():
        now = other.whole()
        gone = sorted(f"{kind} {name}" for (kind, name), uid in objects.items() if now.get((kind, name)) != uid)
        must(not gone, f"of {other.name} in {other.namespace} these are gone or were made again: {gone}")


def _words(plane: Plane, release: Release, step: Step) -> None:
    """What NOTES print for pasting is about this release; what is typed with it, `operating` tries."""
    named = {each.removeprefix("pod/") for each in typed.shell(plane, f"{typed.words_of(release)}\nreplicas").split()}
    must(named == set(release.pods().names), f"the word `replicas` names {named}")
    step(f"`replicas`, as the notes of {release.name} in {release.namespace} say it", "names its pods alone")


def _names_that_meet(plane: Plane, mine: Release, values: Values, step: Step) -> None:
    """Releases whose names go on with what the chart puts behind a name."""
    before = {mine: mine.whole()}
    meeting = Release(plane, f"{mine.name}-pods")
    try:
        meeting.install(LEAST)
    except HelmRefusedError as error:
        must("invalid ownership metadata" in str(error), f"refused for another reason: {error}")
        step(f"helm install {meeting.name}, whose Service is there already", "refused: it belongs to another release")
    else:
        raise UntrueError(f"{meeting.name} was installed over a Service of {mine.name}")
    must(not meeting.remains(), f"the refused {meeting.name} left {meeting.remains()}")
    topics = Release(plane, f"{mine.name}-topics")
    topics.install(layered(LEAST, {"networkPolicy": {"enabled": True}, "apiKey": {"existingSecret": "", "value": "k"}}))
    theirs = topics.whole()
    mine.upgrade(layered(values, {"config": {"delivery": {"rate_limit": "1201/min"}}}))
    _untouched({topics: theirs})
    step(f"helm upgrade {mine.name} beside {topics.name}", "its hook deleted nothing of the other release")
    topics.uninstall()
    after = mine.whole()
    must({key for key in before[mine] if key[0] == "Service"} <= after.keys(), "a Service of the first one is gone")


def _taken_away(release: Release, others: Iterable[Release], step: Step) -> None:
    before = {other: other.whole() for other in others}
    release.uninstall()
    release.server.until(f"nothing of {release.name} is left", lambda: not release.remains())
    _untouched(before)
    step(f"helm uninstall {release.name} in {release.namespace}", "nothing of it is left; the others are untouched")
