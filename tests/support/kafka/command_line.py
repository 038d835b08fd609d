"""Kafka's own command line tools, as ``kafka-configs.sh`` and its like: one more jar, fetched once."""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.kafka import first_start, jars
from tests.support.kafka.jars import FETCH_TIMEOUT, KAFKA_VERSION, JarsUnavailableError

PROGRAMS: Mapping[str, str] = {
    "configs": "org.apache.kafka.tools.ConfigCommand",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
}
"""By what stands between ``kafka-`` and ``.sh``, as in Kafka's own scripts."""


def write(folder: Path) -> Path:
    """Scripts of these names in a folder, which is returned.

    Raises:
        JarsUnavailableError: no Java, no Maven, or Maven could not fetch the tools.

    """
    broker = jars.ensure()
    more = _tools()
    first = first_start.found(broker)
    folder.mkdir(exist_ok=True)
    for name, main_class in PROGRAMS.items():
        archive = [] if first is None else first.options()
        program, *options, _, classpath, _ = broker.command(main_class, heap_mb=128, options=archive)
        line = [program, *options, "-cp", f"{classpath}:{more}/*", main_class]  # an archive wants its own jars first
        script = folder / f"kafka-{name}.sh"
        script.write_text(f'#!/bin/sh\nexec {" ".join(map(_quoted, line))} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return folder


def _quoted(word: str) -> str:
    return f"'{word}'"


def _tools() -> Path:
    """The folder with the jar of the tools."""
    home = jars.cache_folder() / f"tools-{KAFKA_VERSION}"
    home.mkdir(parents=True, exist_ok=True)
    destination = home / "jars"
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not destination.exists():
            _fetch(home, destination)
    return destination


def _fetch(home: Path, destination: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home) as folder:
        fetched = Path(folder) / "jars"
        command = ["mvn", "--batch-mode", "--quiet", "dependency:copy", f"-DoutputDirectory={fetched}"]
        artifact = f"-Dartifact=org.apache.kafka:kafka-tools:{KAFKA_VERSION}"
        try:
            answer = subprocess.run(
                [*command, artifact], cwd=folder, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT
            )
        except FileNotFoundError:
            message = "the tools of Kafka are not in the cache and there is no mvn to fetch them"
            raise JarsUnavailableError(message) from None
        if answer.returncode != 0:
            said = (answer.stdout + answer.stderr).strip().splitlines()
            raise JarsUnavailableError(f"mvn could not fetch Kafka's tools: {said[0] if said else 'it said nothing'}")
        fetched.rename(destination)
