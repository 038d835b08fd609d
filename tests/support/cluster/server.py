"""The API server, asked directly: what is there, what it says of a manifest, what it refuses."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ANSWER_WITHIN = 60.0
Manifest = Mapping[str, Any]


class RefusedError(Exception):
    """The server said no; the message is its own."""


class Server:
    """A thin client that finds the path of any kind by discovery, as kubectl does."""

    def __init__(self, url: str, token: str, authority: Path) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=str(authority)),
            timeout=ANSWER_WITHIN,
            trust_env=False,
        )
        self._paths: dict[tuple[str, str], tuple[str, bool]] = {}

    def ready(self) -> bool:
        """Whether it serves requests."""
        return self._http.get("/readyz").status_code == httpx.codes.OK

    def version(self) -> str:
        """As ``v1.37.2``."""
        return str(self.get("/version")["gitVersion"])

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """What a path holds. The server may ask to come again: the cache of a new kind is filled a moment later."""
        deadline = time.monotonic() + ANSWER_WITHIN
        while True:
            answer = self._http.get(path, params=query)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() > deadline:
                return self._answer(answer)
            time.sleep(float(answer.headers.get("Retry-After", "1")))

    def items(self, api_version: str, kind: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind in a namespace."""
        found = self.get(self.path(api_version, kind, namespace), labelSelector=selector)["items"]
        return [{"apiVersion": api_version, "kind": kind, **each} for each in found]  # a list leaves them out

    def now(self) -> str:
        """The version everything is at, for `watched`."""
        found: str = self.get("/api/v1/configmaps", limit="1")["metadata"]["resourceVersion"]
        return found

    def watched(self, api_version: str, kind: str, namespace: str, since: str) -> list[tuple[str, dict[str, Any]]]:
        """What came, changed and went (ADDED, MODIFIED, DELETED) after a version, in its order."""
        query = {"watch": "true", "resourceVersion": since, "timeoutSeconds": "1"}
        answer = self._http.get(self.path(api_version, kind, namespace), params=query)
        events = [json.loads(line) for line in answer.text.splitlines()]
        return [(each["type"], each["object"]) for each in events]

    def create(self, manifest: Manifest, namespace: str = "default") -> dict[str, Any]:
        """Create an object.

        Raises:
            RefusedError: with the server's sentence.

        """
        path = self._path_of(manifest, namespace)
        return self._answer(self._http.post(path, json=dict(manifest)))

    def validate(self, manifest: Manifest, namespace: str) -> list[str]:
        """Everything the server does before it stores an object: schema, defaults, admission. Its warnings.

        Raises:
            RefusedError: unknown or duplicate fields too (``fieldValidation=Strict``).

        """
        query = {"dryRun": "All", "fieldValidation": "Strict"}
        answer = self._http.post(self._path_of(manifest, namespace), json=dict(manifest), params=query)
        self._answer(answer)
        return [text.split('"')[1] for text in answer.headers.get_list("warning")]

    @contextmanager
    def with_objects(self, manifests: Iterable[Manifest], namespace: str) -> Iterator[None]:
        """These are there while the context lasts."""
        made = [
            f"{self._path_of(each, namespace)}/{self.create(each, namespace)['metadata']['name']}" for each in manifests
        ]
        yield
        for path in made:
            self._answer(self._http.delete(path))

    def scale(self, workload: Manifest, replicas: int) -> None:
        """As an autoscaler does it: through the workload's scale."""
        path = f"{self._path_of(workload, '')}/{workload['metadata']['name']}/scale"
        headers = {"Content-Type": "application/merge-patch+json"}
        self._answer(self._http.patch(path, content=json.dumps({"spec": {"replicas": replicas}}), headers=headers))

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + ANSWER_WITHIN
        while not holds():
            if time.monotonic() > deadline:
                raise RefusedError(f"within {ANSWER_WITHIN:.0f} s it did not come true that {what}")
            time.sleep(0.2)  # what controllers do can only be looked at

    def await_kind(self, api_version: str, kind: str) -> None:
        """A new kind is served a moment after its definition is created."""

        def served() -> bool:
            try:
                self.path(api_version, kind, "default")
            except RefusedError:
                return False
            return True

        self.until(f"{kind} of {api_version} is served", served)

    def await_object(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        """Something that a controller makes."""
        self.until(
            f"there is {kind} {name}",
            lambda: name in {each["metadata"]["name"] for each in self.items(api_version, kind, namespace)},
        )

    def kinds(self) -> set[tuple[str, str]]:
        """Every namespaced kind that can be listed, as (apiVersion, kind)."""
        groups = [each["preferredVersion"]["groupVersion"] for each in self.get("/apis")["groups"]]
        found = set()
        for version in ("v1", *groups):
            for each in self.get(_root(version))["resources"]:
                if each["namespaced"] and "list" in each["verbs"] and "/" not in each["name"]:
                    found.add((version, each["kind"]))
        return found

    def path(self, api_version: str, kind: str, namespace: str) -> str:
        """Where objects of a kind are."""
        if (api_version, kind) not in self._paths:
            for each in self.get(_root(api_version))["resources"]:
                if "/" not in each["name"]:
                    self._paths[api_version, each["kind"]] = (each["name"], each["namespaced"])
        if (api_version, kind) not in self._paths:
            raise RefusedError(f"the server knows no {kind} of {api_version}")
        name, namespaced = self._paths[api_version, kind]
        return f"{_root(api_version)}/namespaces/{namespace}/{name}" if namespaced else f"{_root(api_version)}/{name}"

    def _path_of(self, manifest: Manifest, namespace: str) -> str:
        there = manifest["metadata"].get("namespace", namespace)
        return self.path(manifest["apiVersion"], manifest["kind"], there)

    @staticmethod
    def _answer(answer: httpx.Response) -> dict[str, Any]:
        try:
            document: dict[str, Any] = answer.json()
        except ValueError:  # a group that is not served yet is a plain "404 page not found"
            raise RefusedError(f"{answer.status_code}: {answer.text.strip()}") from None
        if answer.is_success:
            return document
        raise RefusedError(f"{answer.status_code} {document.get('reason')}: {document.get('message')}")


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
