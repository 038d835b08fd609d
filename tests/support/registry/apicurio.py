"""A real registry: Apicurio 3, fetched once through Maven and started on loopback, with its schemas in a file."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest

VERSION = "3.3.3"
OLDEST_JAVA = 21
FETCH_TIMEOUT = 900.0
START_TIMEOUT = 240.0
"""Seconds; it is ready after ten of a processor that does nothing else."""
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_CONFLUENT = "application/vnd.schemaregistry.v1+json"


class NoApicurioError(Exception):
    """One sentence: why this machine cannot run Apicurio, and what would change that."""


class Apicurio:
    """One registry process, to be stopped, killed and started again; it keeps its schemas and its port."""

    def __init__(self, folder: Path) -> None:
        """`folder` is for its data and its log. Raises `NoApicurioError`."""
        self._java = java()
        self._home = ensure()
        self._folder = folder
        self._port, self._management = _free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def compatible(self) -> str:
        """Its API as Confluent's."""
        return f"{self.url}/apis/ccompat/v7"

    def start(self) -> None:
        """Return when it answers."""
        if self._process is not None:
            return
        options = {
            "java.io.tmpdir": self._folder,
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self._port,
            "quarkus.management.host": "127.0.0.1",
            "quarkus.management.port": self._management,
            "apicurio.datasource.url": f"jdbc:h2:file:{self._folder}/registry;WRITE_DELAY=0",
        }
        command = [
            # It must not outlive a test run that is killed.
            *(["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []),
            *(str(self._java), "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *(f"-D{name}={value}" for name, value in options.items()),
            *("-jar", str(self._home / "quarkus-run.jar")),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Apicurio did not start:\n{self.log_tail()}")
            time.sleep(0.2)

    def kill(self) -> None:
        """As a machine that dies."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def log_tail(self) -> str:
        return "\n".join((self._folder / "log").read_text(errors="replace").splitlines()[-30:])

    def register(
        self, subject: str, schema: str, kind: str = "AVRO", references: Sequence[Mapping[str, Any]] = ()
    ) -> int:
        """The schema's id, through the compatible API, as the official clients do it."""
        question = {"schema": schema, "schemaType": kind, "references": list(references)}
        path = f"/apis/ccompat/v7/subjects/{quote(subject, safe='')}/versions"
        try:
            _, answer = self.ask("POST", path, question)
        except http.client.RemoteDisconnected:
            # Just started on a busy machine it registered one, logged that with a 200, and closed without the answer.
            # To register the same once more gives the same id.
            _, answer = self.ask("POST", path, question)
        return int(answer["id"])

    def ask(self, method: str, path: str, content: Any = None) -> tuple[int, Any]:
        """Status and JSON of any question; None where the answer is none."""
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.url + path, body, {"Content-Type": _CONFLUENT}, method=method)  # noqa: S310 - on loopback
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - on loopback
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, None

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/apis/registry/v3/system/info")[0] == 200
        except OSError:
            return False


def java() -> Path:
    """A Java that is new enough, wherever one is installed. Raises `NoApicurioError`."""
    for candidate in _candidates():
        if _version(candidate) >= OLDEST_JAVA:
            return candidate
    raise NoApicurioError(
        f"Apicurio needs Java {OLDEST_JAVA} or newer, and there is none in JAVA_HOME, PATH, /usr/lib/jvm, /opt or"
        " ~/.sdkman; Debian and Ubuntu have it as openjdk-21-jre-headless or openjdk-25-jre-headless"
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if found := shutil.which("java"):
        yield Path(found)
    for folder, pattern in [
        (Path("/usr/lib/jvm"), "*/bin/java"),
        (Path("/opt"), "*/bin/java"),
        (Path.home(), ".sdkman/candidates/java/*/bin/java"),
    ]:
        yield from sorted(folder.glob(pattern))


def _version(candidate: Path) -> int:
    try:
        answer = subprocess.run([candidate, "-version"], capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else 0


def ensure() -> Path:
    """Fetch what is not in the cache yet; two processes asking at once fetch it once. Raises `NoApicurioError`."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "track-bridge" / "apicurio"
    base.mkdir(parents=True, exist_ok=True)
    home = base / VERSION
    with (base / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _fetch(base, home)
    return home


def _fetch(base: Path, destination: Path) -> None:
    with tempfile.TemporaryDirectory(dir=base) as folder:
        command = ["mvn", "--batch-mode", "--quiet", "dependency:copy", f"-Dartifact={_ARTIFACT}"]
        try:
            answer = subprocess.run(
                [*command, f"-DoutputDirectory={folder}"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=FETCH_TIMEOUT,
            )
        except FileNotFoundError:
            message = "Apicurio is not in the cache and there is no mvn to fetch it"
            raise NoApicurioError(message) from None
        packed = next(Path(folder).glob("*.tar.gz"), None)
        if answer.returncode != 0 or packed is None:
            said = (answer.stdout + answer.stderr).strip().splitlines()
            raise NoApicurioError(f"mvn could not fetch Apicurio: {said[0] if said else 'it said nothing'}")
        with tarfile.open(packed) as archive:
            archive.extractall(Path(folder) / "app", filter="data")
        (Path(folder) / "app").rename(destination)  # all of it or nothing


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def running_or_skipped(folder: Path) -> Iterator[Apicurio]:
    """One for a test, which is skipped where there is none; in CI it fails."""
    try:
        registry = Apicurio(folder)
    except NoApicurioError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    with registry:
        yield registry
