"""A container engine for these tests: the one that answers, or one of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

STARTING = 60.0
"""Seconds an engine may take until it answers."""
ANSWERING = 600.0
"""Seconds one command may take: the longest is a build that fetches everything."""


class NoEngineError(Exception):
    """Why no container can run on this machine; the message completes a sentence."""


class CommandError(Exception):
    """The engine refused a command; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A command-line client and where it finds its engine."""

    client: str
    is_own: bool = False
    """Whether it ends with these tests, and everything in it."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(self, *arguments: str, stdin: bytes = b"", timeout: float = ANSWERING) -> str:
        """What the command wrote to standard output. Raises `CommandError` with all it said."""
        ended = self.try_to(*arguments, stdin=stdin, timeout=timeout)
        if ended.returncode:
            said = (ended.stdout + ended.stderr).decode(errors="replace")
            raise CommandError(f"{self.client} {' '.join(arguments)} ended with {ended.returncode}:\n{said[-8000:]}")
        return ended.stdout.decode(errors="replace")

    def try_to(
        self, *arguments: str, stdin: bytes = b"", timeout: float = ANSWERING
    ) -> subprocess.CompletedProcess[bytes]:
        """The same where a failure is an answer as well."""
        return subprocess.run(
            [self.client, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
            env=os.environ | {"DOCKER_BUILDKIT": "1"} | dict(self.environment),
        )

    def answers(self) -> bool:
        """Whether there is an engine behind the client now."""
        return self.try_to("info", timeout=STARTING).returncode == 0

    def builds(self) -> bool:
        """Whether the client can hand a secret to a build: one without BuildKit cannot."""
        offered = self.try_to("build", "--help", timeout=STARTING)
        return offered.returncode == 0 and b"--secret" in offered.stdout


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine that DOCKER, or the first able `docker` on PATH, talks to; else a daemon of this run's own.

    Raises:
        NoEngineError: there is neither.

    """
    client = _client()
    there = Engine(client)
    if there.answers():
        yield there
        return
    with _own_daemon(client) as own:
        yield own


def _client() -> str:
    named = os.environ.get("DOCKER")
    folders = os.get_exec_path()
    found = [named] if named else [str(path) for each in folders if (path := Path(each) / "docker").exists()]
    if not found:
        raise NoEngineError("there is no docker command")
    for client in found:
        if Engine(client).builds():
            return client
    raise NoEngineError(f"none of {', '.join(found)} can build with secrets (BuildKit)")


@contextmanager
def _own_daemon(client: str) -> Iterator[Engine]:
    """A daemon with its own data, socket and network state; it ends with this process, however that ends."""
    command = _daemon_command()
    folder = Path(tempfile.mkdtemp(prefix="bridge-engine-"))  # short: a socket's path may have a hundred characters
    address = f"unix://{folder}/socket"
    log = folder / "log"
    places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [*command, *places, f"--host={address}"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is for the tests, which end it in order
        )
    try:
        own = Engine(client, is_own=True, environment={"DOCKER_HOST": address})
        _await(own, daemon, log)
        yield own
    finally:
        daemon.terminate()
        daemon.wait(STARTING)
        _release(folder)
        subprocess.run(["rm", "-rf", str(folder)], check=False, capture_output=True)


def _release(folder: Path) -> None:
    """Unmount what the daemon leaves mounted when it ends: the network namespace of containers on the machine's own."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = line.split()[4]
        if Path(place).is_relative_to(folder):
            subprocess.run(["umount", place], check=False, capture_output=True)


def _daemon_command() -> Sequence[str]:
    if os.geteuid() != 0:
        raise NoEngineError("no engine answers, and only root can start one")
    missing = [name for name in ("dockerd", "setpriv") if shutil.which(name) is None]
    if missing:
        raise NoEngineError(f"no engine answers, and there is no {' and no '.join(missing)} to start one")
    return ["setpriv", "--pdeathsig", "TERM", "dockerd"]


def _await(own: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTING
    while not own.answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise NoEngineError(f"no engine answers, and dockerd could not be started: {last[0][:500]}")
        time.sleep(0.2)
