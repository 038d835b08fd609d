"""The chart as it was before, installed from what Helm rendered of it, upgraded to this one with the same values."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.chart import test_upgrade as offline
from tests.chart.chart import CHART, RELEASE
from tests.support.cluster.plane import Plane
from tests.support.cluster.release import Release
from tests.support.cluster.scenarios import Step, must


def upgraded(plane: Plane, step: Step) -> None:
    """``helm upgrade`` to this chart, ``helm rollback`` to the one before."""
    for name in offline.RELEASES:
        release = Release(plane, RELEASE)
        values = offline.PREVIOUS / f"{name}-values.yaml"
        release.install(values, _chart_of_before(name, plane.scratch))
        before = release.whole()
        step(f"helm install --wait, the chart of before ({name})", f"{len(before)} objects")
        release.upgrade(values)
        kept = [key for key, uid in release.whole().items() if before.get(key) == uid]
        must({"Deployment", "StatefulSet"} & {kind for kind, _ in kept} != set(), "the workload was made again")
        must(release.revision() == (2, "deployed"), f"the upgrade ended as {release.revision()}")
        step("helm upgrade --wait to this chart, the same values", f"revision 2 deployed; {len(kept)} objects kept")
        release.rollback(1)
        step("helm rollback --wait to the chart of before", f"revision {release.revision()[0]} deployed")
        release.uninstall()
        release.server.until(f"nothing of {RELEASE} is left", lambda: not release.remains())  # noqa: B023


def _chart_of_before(name: str, scratch: Path) -> Path:
    """A chart whose only template is what the chart of before became: Helm compares manifests, not templates."""
    folder = scratch / f"before-{name}"
    (folder / "templates").mkdir(parents=True)
    shutil.copyfile(CHART / "Chart.yaml", folder / "Chart.yaml")
    shutil.copyfile(offline.PREVIOUS / f"{name}-manifests.yaml", folder / "templates" / "all.yaml")
    return folder
