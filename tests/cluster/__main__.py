"""``python -m tests.cluster``: the chart on a real Kubernetes API server, which is built and started for it.

The server, its store, controllers and scheduler are real; the node is not: pods are admitted, scheduled and become
ready, and nothing in them is executed. What their command lines do is proven by ``tests/integration/chart``.
"""

from __future__ import annotations

import sys
import time

from tests.chart import chart, helm
from tests.cluster import operating, plane, scenarios, tools
from tests.cluster.release import HelmRefusedError
from tests.cluster.server import RefusedError


def main() -> int:
    """Run everything; the exit code."""
    plane.raise_on_signals()
    try:
        with plane.Plane(tools.ensure(_say), _say) as running:
            version = chart.run(["version", "--short"]).strip()
            _say(f"Kubernetes {running.server.version()}, Helm {version}; pods are admitted, and only seem to run")
            _all(running)
    except (tools.ToolsUnavailableError, helm.HelmUnavailableError, plane.PlaneFailedError) as error:
        _say(f"chart-cluster: {error}")
        return 3
    except (scenarios.UntrueError, HelmRefusedError, RefusedError, chart.RefusedError) as error:
        _say(f"chart-cluster: NOT AS IT MUST BE: {error}")
        return 1
    except KeyboardInterrupt:
        _say("chart-cluster: interrupted")
        return 130
    _say("chart-cluster: everything held")
    return 0


def _all(running: plane.Plane) -> None:
    table = Table()
    scenarios.prepare(running.server, table.step)
    scenarios.validate_examples(running.server, running.scratch, table.step)
    for workload in ("Deployment", "StatefulSet"):
        scenarios.lifecycle(running, workload, table.step)
    for workload in ("Deployment", "StatefulSet"):
        operating.operated(running, workload, table.step)
    scenarios.autoscaled(running, table.step)
    scenarios.hooked(running, table.step)


class Table:
    """One line per step, as it is done."""

    def __init__(self) -> None:
        self._steps = 0
        self._since = time.monotonic()
        _say(f"\n{'':>3} {'took':>6}  {'done':<66} said by the server\n{'-' * 140}")

    def step(self, done: str, said: str) -> None:
        """See `scenarios.Step`."""
        self._steps += 1
        now = time.monotonic()
        _say(f"{self._steps:>3} {now - self._since:>4.0f} s  {done:<66} {said}")
        self._since = now


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
