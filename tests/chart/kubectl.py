"""A kubectl that knows the objects of a rendering, and refuses what a real one would.

As a program (``python kubectl.py get pods``, its state in $CLUSTER) it needs the standard library alone: a test starts
it some hundred times.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]

KINDS = {
    "pod": "Pod",
    "pods": "Pod",
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "replicaset": "ReplicaSet",
    "job": "Job",
    "cronjob": "CronJob",
    "scaledobject": "ScaledObject",
    "hpa": "HorizontalPodAutoscaler",
    "application": "Application",
}
"""What the runbook calls them."""
COLUMNS = ("wide", "name")


class RefusedError(Exception):
    """What kubectl says."""


class Cluster:
    """The objects, and what was done to them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        found = json.loads(path.read_text(encoding="utf-8"))
        self.objects: list[Manifest] = found["objects"]
        self.done: list[list[str]] = found["done"]

    def save(self) -> None:
        self.path.write_text(json.dumps({"objects": self.objects, "done": self.done}), encoding="utf-8")

    def find(self, namespace: str | None, kinds: Sequence[str], selector: str = "") -> list[Manifest]:
        wanted = dict(each.split("=", 1) for each in selector.split(",")) if selector else {}
        return [
            each
            for each in self.objects
            if each["kind"] in kinds
            and namespace in (None, each["metadata"].get("namespace"))
            and wanted.items() <= each["metadata"].get("labels", {}).items()
        ]

    def named(self, namespace: str, kind: str, name: str) -> Manifest:
        for each in self.find(namespace, [kind]):
            if each["metadata"]["name"] == name:
                return each
        raise RefusedError(f'Error from server (NotFound): {kind} "{name}" not found')


def kind_of(word: str) -> str:
    if word not in KINDS:
        raise RefusedError(f'error: the server doesn\'t have a resource type "{word}"')
    return KINDS[word]


def reference(words: Sequence[str], kind: str | None = None) -> tuple[str, str]:
    """``pod NAME``, ``pod/NAME`` or, where the verb is about one kind, NAME."""
    if len(words) == 1 and "/" in words[0]:
        word, name = words[0].split("/", 1)
        return kind_of(word.partition(".")[0]), name
    if len(words) == 1 and kind is not None:
        return kind, words[0]
    if len(words) == 2:
        return kind_of(words[0]), words[1]
    raise RefusedError(f"error: {' '.join(words)} names nothing")


def container(pod: Manifest, name: str | None) -> str:
    there = [each["name"] for each in pod["spec"]["containers"]]
    if name is None:  # a real one takes the first, which may be a mesh's
        raise RefusedError(f"error: which container of {pod['metadata']['name']}?")
    if name not in there:
        raise RefusedError(f"error: container {name} is not valid for pod {pod['metadata']['name']}")
    return name


# --- the verbs ---------------------------------------------------------------------------------------


def get(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    everywhere = None if asked.all_namespaces else namespace
    if len(asked.words) == 1 and "/" not in asked.words[0]:
        kinds = [kind_of(word) for word in asked.words[0].split(",")]
        found = cluster.find(everywhere, kinds, asked.selector)
    else:
        found = [cluster.named(namespace, *reference(asked.words))]
    if asked.field_selector:
        key, _, value = asked.field_selector.partition("=")
        if key != "status.phase":
            raise RefusedError(f"error: field label not supported: {key}")
        found = [each for each in found if each["status"]["phase"] == value]
    if asked.output and asked.output not in COLUMNS and not asked.output.startswith("jsonpath="):
        raise RefusedError(f"error: unable to match a printer suitable for the output format {asked.output}")
    for each in found:
        labels = [each["metadata"].get("labels", {}).get(label, "") for label in asked.label_columns.split(",")]
        shown = [f"{each['kind'].lower()}/{each['metadata']['name']}", *([] if asked.output == "name" else labels)]
        sys.stdout.write(f"{' '.join(shown)}\n")


def exec_(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    pod = cluster.named(namespace, *reference(asked.words, "Pod"))
    if pod["status"]["phase"] != "Running":
        raise RefusedError("error: cannot exec into a container in a completed pod")
    if not asked.command:
        raise RefusedError("error: you must specify at least one command for the container")
    cluster.done.append(["exec", pod["metadata"]["name"], container(pod, asked.container), *asked.command])


def logs(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    if asked.selector:
        found = cluster.find(namespace, ["Pod"], asked.selector)
    else:
        kind, name = reference(asked.words, "Pod")
        owner = cluster.named(namespace, kind, name)
        found = (
            [owner] if kind == "Pod" else [{"spec": owner["spec"]["template"]["spec"], "metadata": owner["metadata"]}]
        )
    for each in found:
        container(each, asked.container)
        cluster.done.append(["logs", each["metadata"]["name"]])
        sys.stdout.write('{"level": "warning", "event": "held"}\n')


def describe(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    if asked.selector:
        if not cluster.find(namespace, [kind_of(*asked.words)], asked.selector):
            raise RefusedError("No resources found")
    else:
        cluster.named(namespace, *reference(asked.words))


def delete(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    cluster.objects.remove(cluster.named(namespace, *reference(asked.words)))


def rollout(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    verb, *words = asked.words
    kind, _ = found = reference(words)
    cluster.named(namespace, *found)
    if verb not in ("status", "restart") or kind not in ("Deployment", "StatefulSet"):
        raise RefusedError(f"error: no rollout {verb} of a {kind}")


def scale(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    found = cluster.named(namespace, *reference(asked.words))
    if found["kind"] not in ("Deployment", "StatefulSet"):
        raise RefusedError(f"error: a {found['kind']} has no scale")
    cluster.done.append(["scale", found["metadata"]["name"], str(asked.replicas)])


def annotate(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    *words, change = asked.words
    found = cluster.named(namespace, *reference(words))
    if not re.fullmatch(r"[a-z0-9.]+/[a-z0-9-]+(=.*|-)", change):
        raise RefusedError(f"error: at least one annotation update is required, not {change}")
    cluster.done.append(["annotate", found["kind"], found["metadata"]["name"], change])


def wait(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    if not asked.waited_for or not asked.timeout:
        raise RefusedError("error: must specify --for, and a script --timeout")
    if asked.selector:
        kind_of(*asked.words)
    else:
        cluster.named(namespace, *reference(asked.words))


def debug(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    pod = cluster.named(namespace, *reference(asked.words, "Pod"))
    container(pod, asked.container)
    if not asked.copy_to or not asked.command:
        raise RefusedError("error: you must specify --image, --copy-to or --set-image")
    if asked.profile != "restricted":  # the profile it takes by itself adds a capability
        raise RefusedError(f'pods "{asked.copy_to}" is forbidden: violates PodSecurity "restricted:latest"')
    # A copy has no labels: no Service and no budget may take it for a replica.
    metadata = {"name": asked.copy_to, "namespace": namespace}
    cluster.objects.append({**pod, "metadata": metadata, "status": {"phase": "Running"}})


def create(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    what, name = asked.words
    source = cluster.named(namespace, *reference([asked.source]))
    if what != "job" or source["kind"] != "CronJob":
        raise RefusedError("error: only a job from a cronjob")
    cluster.objects.append(
        {
            "kind": "Job",
            "metadata": {"name": name, "namespace": namespace},
            "spec": source["spec"]["jobTemplate"]["spec"],
        }
    )
    cluster.done.append(["create", name])


def patch(cluster: Cluster, namespace: str, asked: argparse.Namespace) -> None:
    if asked.type != "merge":
        raise RefusedError(f"error: --type must be one of merge here, not {asked.type}")
    found = cluster.named(namespace, *reference(asked.words))
    _merge(found, json.loads(asked.patch))
    cluster.done.append(["patch", found["kind"], json.dumps(found["spec"], sort_keys=True)])


def _merge(into: Manifest, change: Manifest) -> None:
    """RFC 7396."""
    for key, value in change.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


VERBS = {
    "get": get,
    "exec": exec_,
    "logs": logs,
    "describe": describe,
    "delete": delete,
    "rollout": rollout,
    "scale": scale,
    "annotate": annotate,
    "wait": wait,
    "debug": debug,
    "create": create,
    "patch": patch,
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "get": ("--selector", "--field-selector", "--output", "--label-columns", "--all-namespaces"),
    "exec": ("--container", "--stdin"),
    "logs": ("--selector", "--container", "--prefix", "--tail", "--since", "--previous"),
    "describe": ("--selector",),
    "scale": ("--replicas",),
    "annotate": ("--overwrite",),
    "wait": ("--for", "--selector", "--timeout"),
    "debug": ("--copy-to", "--container", "--profile"),
    "create": ("--from",),
    "patch": ("--type", "--patch"),
}
"""Of the real one's those that the page uses; `test_the_real_kubectl_has_every_option` asks the real one for them."""
_FLAGS = ("--all-namespaces", "--stdin", "--prefix", "--previous", "--overwrite")
_NAMES = {"--for": "waited_for", "--from": "source"}


def run(cluster: Cluster, arguments: Sequence[str]) -> None:
    """One command line.

    Raises:
        RefusedError: with what a real one says, or nearly.

    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words, command = arguments[:end], list(arguments[end + 1 :])
    outer = argparse.ArgumentParser(exit_on_error=False, add_help=False)
    outer.add_argument("--namespace", default="default")
    first, others = outer.parse_known_args(words)
    verb, *others = others
    if verb not in VERBS:
        raise RefusedError(f'error: unknown command "{verb}"')
    parser = argparse.ArgumentParser(exit_on_error=False, add_help=False)
    for option in OPTIONS.get(verb, ()):
        if option in _FLAGS:
            parser.add_argument(option, action="store_true")
        else:
            parser.add_argument(option, default="", dest=_NAMES.get(option, option[2:].replace("-", "_")))
    parser.add_argument("words", nargs="*")
    try:
        asked, unknown = parser.parse_known_intermixed_args(others)
    except argparse.ArgumentError as error:
        raise RefusedError(f"error: {error}") from error
    if unknown:
        raise RefusedError(f"error: unknown flag: {unknown}")
    asked.command = command
    if verb in ("exec", "logs", "debug"):
        asked.container = asked.container or None
    VERBS[verb](cluster, first.namespace, asked)


def main() -> int:
    cluster = Cluster(Path(os.environ["CLUSTER"]))
    try:
        run(cluster, sys.argv[1:])
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    cluster.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
