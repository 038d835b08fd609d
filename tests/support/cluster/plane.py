"""A Kubernetes control plane on loopback, with a node whose pods only seem to run.

Nothing is executed on that node: what the chart's commands do is for `tests/integration/chart` to prove.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.cluster.server import Server
from tests.support.cluster.tools import Say, Tools, cache_folder
from tests.support.kafka.certificates import Certificate, issue
from tests.support.kafka.launcher import free_ports, sweep
from tests.support.kafka.processes import ProcessId, end

START_TIMEOUT = 180.0
STOP_GRACE = 15.0
LOG_TAIL = 15
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node", "labels": {"topology.kubernetes.io/zone": "a"}},
}
OWN_STAGES = Path(__file__).with_name("stages.yaml")


class PlaneFailedError(Exception):
    """A part did not come up; the message ends with the tail of its log."""


class Plane:
    """A context: everything is started on entry, and ended by its pid on exit, whatever happened between."""

    def __init__(self, tools: Tools, say: Say) -> None:
        self._tools = tools
        self._say = say
        self._folder = _run_folder()
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._certificate: Certificate = issue("127.0.0.1")
        self._token = secrets.token_hex(16)
        self._etcd, self._peer, self._port, *self._others = free_ports(6)

    @property
    def kubeconfig(self) -> Path:
        """For Helm."""
        return self._folder / "kubeconfig"

    @property
    def kubectl(self) -> Path:
        """Of the same version as the server."""
        return Path(self._tools.program("kubectl"))

    @property
    def scratch(self) -> Path:
        """A folder that goes away with the control plane."""
        return self._folder

    def __enter__(self) -> Self:
        try:
            self._write_files()
            self._start_etcd()
            self.server = self._start_server()
            self._start_controllers()
            self.server.create(NODE)
            self._until("kwok", lambda: bool(self.server.get("/api/v1/nodes/node")["status"].get("conditions")))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End what was started, in the opposite order, and delete its data."""
        # A second Ctrl-C must not leave half of it behind.
        before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        for _, process in reversed(self._running):
            end(ProcessId.of(process.pid), STOP_GRACE)
            process.wait()
        if self._running:
            self._say(f"ended: {', '.join(f'{name} (pid {process.pid})' for name, process in self._running)}")
        self._running.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        for number, handler in before.items():
            signal.signal(number, handler)

    # --- the parts ----------------------------------------------------------------------------------

    def _write_files(self) -> None:
        self._file("ca.crt", self._certificate.ca)
        self._file("server.crt", self._certificate.chain)
        self._file("server.key", self._certificate.key)
        self._file("accounts.key", _key_for_tokens())
        self._file("tokens.csv", f"{self._token},admin,admin,system:masters\n")
        cluster = {"server": self._url, "certificate-authority": str(self._folder / "ca.crt")}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": self._token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
        self._file("kubeconfig", yaml.safe_dump(document))

    def _start_etcd(self) -> None:
        url, peer = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peer}"
        self._launch(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",  # its data lives for minutes
        )
        self._until(
            "etcd", lambda: httpx.get(f"{url}/health", trust_env=False, timeout=5).status_code == httpx.codes.OK
        )

    def _start_server(self) -> Server:
        key = self._folder / "accounts.key"
        self._launch(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            "--bind-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # a loopback address is refused as the address of a cluster
            f"--secure-port={self._port}",
            f"--tls-cert-file={self._folder / 'server.crt'}",
            f"--tls-private-key-file={self._folder / 'server.key'}",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--cert-dir={self._folder / 'certs'}",
        )
        server = Server(self._url, self._token, self._folder / "ca.crt")
        self._until("kube-apiserver", server.ready)
        return server

    def _start_controllers(self) -> None:
        controller, scheduler, node = self._others
        shared = [f"--kubeconfig={self.kubeconfig}", "--bind-address=127.0.0.1", "--leader-elect=false"]
        certs = f"--cert-dir={self._folder / 'certs'}"
        keys = [
            f"--service-account-private-key-file={self._folder / 'accounts.key'}",
            f"--root-ca-file={self._folder / 'ca.crt'}",
        ]
        self._launch("kube-controller-manager", *shared, certs, *keys, f"--secure-port={controller}")
        self._launch("kube-scheduler", *shared, certs, f"--secure-port={scheduler}")
        stages = [f"--config={path}" for path in (*self._tools.stages, OWN_STAGES)]
        self._launch(
            "kwok",
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{node}",
            *stages,
        )

    # --- processes ----------------------------------------------------------------------------------

    @property
    def _url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def _file(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")

    def _launch(self, name: str, *arguments: str) -> None:
        folder = self._folder / f"node-{name}"
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            # A session of its own: Ctrl-C at the terminal must reach this program first, which then ends the others.
            process = subprocess.Popen(
                [self._tools.program(name), *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((name, process))
        ProcessId.of(process.pid).save(folder / "pid")

    def _until(self, name: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            for started, process in self._running:
                if process.poll() is not None:
                    raise PlaneFailedError(f"{started} ended while it started:\n{self._log_tail(started)}")
            try:
                if holds():
                    return
            except (httpx.TransportError, KeyError):
                pass
            if time.monotonic() > deadline:
                raise PlaneFailedError(f"{name} was not ready within {START_TIMEOUT:.0f} s:\n{self._log_tail(name)}")
            time.sleep(0.2)  # another process, which offers nothing to wait on

    def _log_tail(self, name: str) -> str:
        text = (self._folder / f"node-{name}" / "log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-LOG_TAIL:])


def _key_for_tokens() -> str:
    """With which the tokens of service accounts are signed; the API server reads a public key out of this form only."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def _run_folder() -> Path:
    """A folder for one control plane, marked with its owner; what an earlier one left that was killed is cleared up."""
    runs = cache_folder() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    sweep(runs)
    folder = runs / f"{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    ProcessId.of(os.getpid()).save(folder / "owner")
    return folder


def raise_on_signals() -> None:
    """SIGTERM and SIGHUP leave through the contexts, as Ctrl-C does."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)
