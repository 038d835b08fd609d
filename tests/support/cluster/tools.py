"""The programs of a real Kubernetes API server, built once from their Go modules into the user's cache.

No image, no download page: the Go module proxy alone serves everything. Kubernetes names the etcd it was tested with
among its own requirements, so one module of ours, made here, builds both.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KUBERNETES = "1.37.2"
KWOK = "0.8.0"
"""Plays a node on which every pod runs at once; nothing is executed."""

PROGRAMS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
"""What runs or asks, and the package of its `main`."""

STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
)
"""How kwok's nodes and pods behave: files of its own module."""

Say = Callable[[str], None]


class ToolsUnavailableError(Exception):
    """One sentence: why this machine cannot have an API server, and what would change that."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs are, ready to be started."""

    folder: Path

    def program(self, name: str) -> str:
        """Its path."""
        return str(self.folder / "bin" / name)

    @property
    def stages(self) -> list[str]:
        """The paths of kwok's stage files."""
        return [str(self.folder / "stages" / Path(stage).name) for stage in STAGES]


def cache_folder() -> Path:
    """Below the user's cache folder; one per set of versions."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "track-bridge" / "cluster" / f"kubernetes-{KUBERNETES}-kwok-{KWOK}"


def ensure(say: Say) -> Tools:
    """Build what the cache does not hold yet; two callers at once build it once.

    Raises:
        ToolsUnavailableError: there is no Go, or it could not build them.

    """
    home = cache_folder()
    (home / "bin").mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [name for name in PROGRAMS if not (home / "bin" / name).exists()]
        if missing:
            _build_kubernetes(home, missing, say)
        if not (home / "stages").exists():
            _build_kwok(home, say)
    return Tools(home)


def _build_kubernetes(home: Path, missing: Iterable[str], say: Say) -> None:
    version = "k8s.io/component-base/version"
    flags = f"-s -w -X {version}.gitVersion=v{KUBERNETES} -X {version}.gitMajor=1 -X {version}.gitMinor={_minor()}"
    with tempfile.TemporaryDirectory(dir=home) as folder:
        module = Path(folder)
        (module / "go.mod").write_text(_module_file())
        (module / "programs.go").write_text(_imports(PROGRAMS.values()))
        for name in missing:
            say(f"building {name} from its Go module, once; the first takes minutes")
            _go("build", "-mod=mod", "-trimpath", "-ldflags", flags, "-o", name, PROGRAMS[name], folder=module)
            (module / name).rename(home / "bin" / name)


def _minor() -> str:
    return KUBERNETES.split(".")[1]


def _imports(packages: Iterable[str]) -> str:
    """A file that is never compiled; by its imports Go knows which packages the module is for."""
    return "\n".join(["//go:build tools", "", "package programs", "", *(f'import _ "{each}"' for each in packages), ""])


def _module_file() -> str:
    """A module that requires Kubernetes, and its parts in their published versions.

    Inside Kubernetes' own repository its libraries (`k8s.io/api`, …) stand in a folder beside it, which no module zip
    carries; each is published under the same patch and minor version as a module of its own as well.
    """
    own = json.loads(_go("mod", "edit", "-json", str(_downloaded("k8s.io/kubernetes", KUBERNETES)["GoMod"])))
    beside = [each["Old"]["Path"] for each in own["Replace"] if each["New"]["Path"].startswith("./staging")]
    published = f"v0.{KUBERNETES.partition('.')[2]}"
    lines = [
        "module track-bridge/cluster",
        f"go {own['Go']}",
        f"godebug default=go{own['Go'].rpartition('.')[0]}",
        f"require k8s.io/kubernetes v{KUBERNETES}",
        *(f"replace {path} => {path} {published}" for path in beside),
    ]
    return "\n".join(lines) + "\n"


def _build_kwok(home: Path, say: Say) -> None:
    say("building kwok from its Go module, once; it takes minutes")
    source = Path(_downloaded("sigs.k8s.io/kwok", KWOK)["Dir"])
    with tempfile.TemporaryDirectory(dir=home) as folder:
        environment = {"GOBIN": folder}
        _go("install", f"sigs.k8s.io/kwok/cmd/kwok@v{KWOK}", environment=environment)
        stages = Path(folder) / "stages"
        stages.mkdir()
        for stage in STAGES:
            shutil.copyfile(source / "kustomize" / "stage" / stage, stages / Path(stage).name)
        (Path(folder) / "kwok").rename(home / "bin" / "kwok")
        stages.rename(home / "stages")  # last: it says that both are whole


def _downloaded(module: str, version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_go("mod", "download", "-json", f"{module}@v{version}"))
    return found


def _go(*arguments: str, folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """What Go printed.

    Raises:
        ToolsUnavailableError: with what it said.

    """
    if shutil.which("go") is None:
        message = "there is no `go` on PATH; install Go (its newest version), or run this where there is one"
        raise ToolsUnavailableError(message)
    ran = subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        said = (ran.stderr or ran.stdout).strip().splitlines()[-5:]
        message = f"`go {arguments[0]}` failed: {' | '.join(said) or 'it said nothing'}"
        raise ToolsUnavailableError(message)
    return ran.stdout
