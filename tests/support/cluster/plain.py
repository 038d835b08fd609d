"""deploy/kustomize, by kubectl alone."""

from __future__ import annotations

from tests.chart import kustomize
from tests.chart.chart import NAMESPACE
from tests.support.cluster import typed
from tests.support.cluster.plane import Plane
from tests.support.cluster.scenarios import Step, must


def without_helm(plane: Plane, step: Step) -> None:
    """``kubectl apply -k`` twice, and ``kubectl delete -k``."""
    (production,) = kustomize.OVERLAYS
    typed.shell(plane, f"kubectl apply -k {kustomize.BASE} --dry-run=server --namespace {NAMESPACE}")
    generations = (
        f"kubectl -n {NAMESPACE} get deployment,cronjob,pdb --output jsonpath={{.items[*].metadata.generation}}"
    )
    made = typed.shell(plane, f"kubectl apply -k {production}")
    ready = typed.shell(plane, f"kubectl -n {NAMESPACE} rollout status deployment/track-bridge --timeout=120s")
    must("successfully rolled out" in ready, ready)
    before = typed.shell(plane, generations)
    typed.shell(plane, f"kubectl apply -k {production}")
    must(typed.shell(plane, generations) == before, "the second time changed something")
    step("kubectl apply -k, twice", f"{len(made.splitlines())} objects, pods ready; the second time changed nothing")
    typed.shell(plane, f"kubectl delete -k {production}")
    step("kubectl delete -k", "nothing is left")
