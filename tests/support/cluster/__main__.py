"""``python -m tests.support.cluster [PART…]``: the chart on a real Kubernetes API server,
which is built and started for it.

The server, its store, controllers and scheduler are real; the node is not: pods are admitted, scheduled and become
ready, and nothing in them is executed. What their command lines do is proven by ``tests/integration/chart``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence

from tests.chart import chart, helm
from tests.support.cluster import neighbours, operating, plain, plane, previous, scenarios, tools
from tests.support.cluster.release import HelmRefusedError
from tests.support.cluster.server import RefusedError
from tests.support.cluster.typed import NotAnsweredError

PARTS: Mapping[str, Callable[[plane.Plane, scenarios.Step], None]] = {
    "examples": scenarios.validate_examples,
    "deployment": lambda running, step: scenarios.lifecycle(running, "Deployment", step),
    "statefulset": lambda running, step: scenarios.lifecycle(running, "StatefulSet", step),
    "deployment-operated": lambda running, step: operating.operated(running, "Deployment", step),
    "statefulset-operated": lambda running, step: operating.operated(running, "StatefulSet", step),
    "autoscaled": scenarios.autoscaled,
    "hooked": scenarios.hooked,
    "upgraded": previous.upgraded,
    "plain": plain.without_helm,
    "neighbours": neighbours.beside_each_other,
}


def main() -> int:
    """Run everything, or the parts that are named; the exit code."""
    plane.raise_on_signals()
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := set(wanted) - PARTS.keys():
        _say(f"chart-cluster: there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    try:
        with plane.Plane(tools.ensure(_say), _say) as running:
            version = chart.run(["version", "--short"]).strip()
            _say(f"Kubernetes {running.server.version()}, Helm {version}; pods are admitted, and only seem to run")
            _all(running, wanted)
    except (tools.ToolsUnavailableError, helm.HelmUnavailableError, plane.PlaneFailedError) as error:
        _say(f"chart-cluster: THE CHART WAS NOT TRIED ON A REAL API SERVER: {error}")
        return 3
    except (scenarios.UntrueError, HelmRefusedError, RefusedError, chart.RefusedError, NotAnsweredError) as error:
        _say(f"chart-cluster: NOT AS IT MUST BE: {error}")
        return 1
    except KeyboardInterrupt:
        _say("chart-cluster: interrupted")
        return 130
    _say(f"chart-cluster: everything held ({', '.join(wanted)})")
    return 0


def _all(running: plane.Plane, wanted: Sequence[str]) -> None:
    table = Table()
    scenarios.prepare(running.server, table.step)
    for part in wanted:
        PARTS[part](running, table.step)


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
