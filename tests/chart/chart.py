"""The chart, rendered by a real Helm."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.chart import helm

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "track-bridge"
CI = sorted((CHART / "ci").glob("*-values.yaml"))
RELEASE = "shop"
NAMESPACE = "events"
NAME = "shop-track-bridge"
"""Of everything in a release of that name."""

Manifest = dict[str, Any]
Values = Mapping[str, Any]

SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The faster one where PyYAML has it: hundreds of releases are read."""

LEAST: Values = {
    "config": {
        "kafka": {
            "bootstrap_servers": "kafka-1:9092,kafka-2:9093",
            "group_id": "userpilot-bridge",
            "topics": ["shop.orders", "shop.accounts"],
        },
        "track": {"endpoint": "https://analytex-eu.userpilot.io"},
        "dead_letter": {"topic": "userpilot-bridge.dlq"},
        "mapping": {"events": {"order.completed": {"event_name": "Order Completed"}}},
    },
    "apiKey": {"existingSecret": "userpilot"},
}
"""The fewest values the chart accepts."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Helm made of the chart."""

    manifests: tuple[Manifest, ...]

    def all(self, kind: str) -> list[Manifest]:
        """Every manifest of a kind."""
        return [each for each in self.manifests if each["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> Manifest:
        """The only one of its kind, or the one of that name."""
        (found,) = [each for each in self.all(kind) if name in (None, each["metadata"]["name"])]
        return found

    @property
    def workload(self) -> Manifest:
        """The Deployment or StatefulSet of the replicas."""
        made = [*self.all("Deployment"), *self.all("StatefulSet")]
        (found,) = [each for each in made if not each["metadata"]["name"].endswith("-console")]
        return found

    @property
    def pod(self) -> Manifest:
        """The pod template of the workload."""
        found: Manifest = self.workload["spec"]["template"]
        return found

    @property
    def container(self) -> Manifest:
        """The bridge's own container."""
        (found,) = [each for each in self.pod["spec"]["containers"] if each["name"] == "bridge"]
        return dict(found)

    @property
    def bridge_yaml(self) -> str:
        """The configuration as the pod finds it."""
        text: str = self.one("ConfigMap", self.workload["metadata"]["name"])["data"]["bridge.yaml"]
        return text


class RefusedError(Exception):
    """Helm did not render it; the text is what it said."""


def render(
    values: Values | Path,
    folder: Path,
    *more: Values,
    arguments: Sequence[str] = (),
    chart: Path = CHART,
    release: str = RELEASE,
    namespace: str = NAMESPACE,
) -> Rendered:
    """``helm template`` with these values, later ones over them; `folder` takes the files. Raises `RefusedError`."""
    command = ["template", release, str(chart), "--namespace", namespace, *_files(values, folder, more), *arguments]
    asked = _asked(command)
    if chart != CHART or asked not in _RENDERED:
        documents = yaml.load_all(run(command), Loader=SAFE)
        _RENDERED[asked] = pickle.dumps(tuple(document for document in documents if document))
    return Rendered(pickle.loads(_RENDERED[asked]))  # noqa: S301 - made above; each test gets one that it may change


_RENDERED: dict[tuple[str, ...], bytes] = {}
"""What Helm made, by what it was asked: hundreds of tests ask for the same few releases."""


def _asked(command: Sequence[str]) -> tuple[str, ...]:
    """A command with what its files hold in place of their names."""
    return tuple(Path(word).read_text(encoding="utf-8") if os.path.isfile(word) else word for word in command)  # noqa: PTH113 - no path at all may be too long for one


def notes(values: Values, folder: Path, *more: Values, arguments: Sequence[str] = (), release: str = RELEASE) -> str:
    """What NOTES.txt tells whoever installs it.

    Rendered into a ConfigMap of a copy: Helm 3 shows it only in an install, for which it wants a cluster even when it
    is dry.
    """
    copy = folder / "chart-with-notes"
    if not copy.exists():
        shutil.copytree(CHART, copy)
        shutil.copy(copy / "templates" / "NOTES.txt", copy / "notes.txt")
        (copy / "templates" / "notes.yaml").write_text(_NOTES, encoding="utf-8")
    rendered = render(values, folder, *more, arguments=arguments, chart=copy, release=release)
    return str(rendered.one("ConfigMap", "notes")["data"]["text"])


_NOTES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  text: {{ tpl (.Files.Get "notes.txt") . | toJson }}
"""


def refusal(values: Values, folder: Path, *more: Values, arguments: Sequence[str] = ()) -> str:
    """What Helm says where it must refuse."""
    try:
        render(values, folder, *more, arguments=arguments)
    except RefusedError as error:
        return str(error)
    raise AssertionError("Helm rendered it")


def run(arguments: Sequence[str]) -> str:
    """What Helm wrote. Raises `RefusedError` with what it complained about."""
    answer = subprocess.run(
        [str(helm.ensure()), *arguments], capture_output=True, text=True, check=False, timeout=100, env=_environment()
    )
    if answer.returncode != 0:
        raise RefusedError(answer.stderr)
    return answer.stdout


def _environment() -> dict[str, str]:
    """No cluster of whoever runs the tests: everything here must work without one."""
    return {**os.environ, "KUBECONFIG": os.devnull, "HELM_DEBUG": "false"}


def _files(values: Values | Path, folder: Path, more: Sequence[Values]) -> Iterator[str]:
    for place, each in enumerate((values, *more)):
        if isinstance(each, Path):
            yield from ("--values", str(each))
        else:
            path = folder / f"values-{place}.yaml"
            path.write_text(yaml.safe_dump(dict(each), allow_unicode=True), encoding="utf-8")
            yield from ("--values", str(path))
