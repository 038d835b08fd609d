"""What one first start of a broker leaves in the cache for all later ones: a formatted storage, and its classes as the
Java machine holds them. Without these a broker needs twice as long, and three times the processor.
"""

from __future__ import annotations

import base64
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.kafka.jars import Jars, java_version

READY = "Kafka Server started"
WITHIN = 180.0
"""Seconds for each of its steps, on a machine that may do much else."""
_PROPERTIES = """\
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={storage}
"""
_META = "version=1\ncluster.id={cluster}\nnode.id={node}\ndirectory.id={directory}\n"
_META_NAME = "meta.properties"


class FirstStartError(Exception):
    """Kafka could not be started at all; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What it left."""

    storage: Path
    """A folder that was formatted, without what tells one broker from another."""
    classes: Path | None
    """An archive of classes (`-XX:SharedArchiveFile`); None where this Java wrote none."""

    def lay(self, destination: Path, *, node: int, cluster: str) -> None:
        """A storage of its own for one node of a cluster."""
        shutil.copytree(self.storage, destination)
        meta = _META.format(cluster=cluster, node=node, directory=new_id())
        (destination / _META_NAME).write_text(meta)

    def options(self) -> list[str]:
        """For `java`, before the class."""
        return [] if self.classes is None else [f"-XX:SharedArchiveFile={self.classes}"]


def new_id() -> str:
    """A name for a cluster or for the storage of a broker, as Kafka makes them."""
    return base64.urlsafe_b64encode(b"\x01" + os.urandom(15)).decode().rstrip("=")


def of(jars: Jars, ports: tuple[int, int]) -> FirstStart:
    """From the cache, or made now, by one of all processes that ask at once. `ports` are free ones, for the case.

    Raises:
        FirstStartError: it did not come up.

    """
    if (left := found(jars)) is not None:
        return left
    with (jars.folder.parent / ".first-start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _home(jars).exists():
            _make(jars, ports, _home(jars))
    return _left(_home(jars))


def found(jars: Jars) -> FirstStart | None:
    """From the cache; None where no broker has been started yet."""
    return _left(_home(jars)) if _home(jars).exists() else None


def _home(jars: Jars) -> Path:
    return jars.folder.parent / f"first-start-{java_version()}"


def _left(home: Path) -> FirstStart:
    classes = home / "classes.jsa"
    return FirstStart(home / "storage", classes if classes.exists() else None)


def _make(jars: Jars, ports: tuple[int, int], destination: Path) -> None:
    with tempfile.TemporaryDirectory(dir=destination.parent, ignore_cleanup_errors=True) as folder:
        made, data = Path(folder) / "made", Path(folder) / "data"
        made.mkdir()
        properties = Path(folder) / "server.properties"
        properties.write_text(_PROPERTIES.format(broker=ports[0], controller=ports[1], storage=data))
        _format(jars, properties)
        shutil.copytree(data, made / "storage", ignore=shutil.ignore_patterns(_META_NAME))
        _run_once(jars, properties, made / "classes.jsa", Path(folder) / "log")
        made.rename(destination)  # whole or not at all


def _format(jars: Jars, properties: Path) -> None:
    command = jars.command("kafka.tools.StorageTool", "format", "-t", new_id(), "-c", str(properties), heap_mb=128)
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN)
    if answer.returncode != 0:
        raise FirstStartError(f"the storage of a broker could not be formatted:\n{answer.stdout}{answer.stderr}")


def _run_once(jars: Jars, properties: Path, classes: Path, log: Path) -> None:
    """Until it serves, and then to its orderly end, at which Java writes the archive."""
    command = jars.command("kafka.Kafka", str(properties), options=[f"-XX:ArchiveClassesAtExit={classes}"])
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + WITHIN
        while READY not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise FirstStartError(f"a broker did not come up:\n{log.read_text(errors='replace')[-6000:]}")
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.wait(WITHIN)
    except subprocess.TimeoutExpired:
        classes.unlink(missing_ok=True)  # brokers start without it
    finally:
        process.kill()
        process.wait()
