"""Apache Kafka's own jars, fetched once through Maven into the user's cache."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from zlib import crc32

KAFKA_VERSION = "4.4.0"
SCALA = "2.13"
LOG4J_VERSION = "2.25.5"
OLDEST_JAVA = 17
FETCH_TIMEOUT = 600.0

POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>track-bridge</groupId><artifactId>fetched</artifactId><version>1</version>
  <dependencies>{dependencies}</dependencies>
</project>
"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
LOG4J = ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION)
"""What writes the log of all of them."""

LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1} - %m%n
rootLogger.level = warn
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.groups.name = org.apache.kafka.coordinator.group
logger.groups.level = info
rootLogger.appenderRef.console.ref = CONSOLE
"""


class JarsUnavailableError(Exception):
    """One sentence: why this machine cannot run Kafka from its jars, and what would change that."""


@dataclass(frozen=True, slots=True)
class Jars:
    """A Kafka that is ready to be started by `java`."""

    folder: Path
    logging: Path
    before: Path | None = None
    """A folder of classes that stands before them."""

    def compiled(self, sources: Iterable[Path], classes: Path) -> Jars:
        """The same with classes of these sources before it. Raises `JarsUnavailableError` without a compiler."""
        if shutil.which("javac") is None:
            message = "there is no javac (a JDK has it)"
            raise JarsUnavailableError(message)
        command = ["javac", "-cp", f"{self.folder}/*", "-d", str(classes), *map(str, sources)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT)
        if answer.returncode != 0:
            message = f"javac refuses: {answer.stderr.strip()[:1000]}"
            raise JarsUnavailableError(message)
        return replace(self, before=classes)

    def command(self, main_class: str, *arguments: str, heap_mb: int = 512, options: Sequence[str] = ()) -> list[str]:
        """The command line that runs one of Kafka's classes, with more options for Java."""
        return [
            "java",
            *options,
            f"-Xmx{heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # a broker that lives for minutes gains nothing from the second compiler
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={self.logging}",
            "-cp",
            f"{self.folder}/*" if self.before is None else f"{self.before}:{self.folder}/*",
            main_class,
            *arguments,
        ]


def cache_folder() -> Path:
    """Where jars and the state of running brokers are kept, below the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "track-bridge" / "kafka"


@cache
def _java_says() -> str:
    """What `java -version` answers; asked once a process, because each answer takes a third of a second."""
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False, timeout=60)
    return answer.stderr + answer.stdout


def java_version() -> str:
    """A word that is another one for every Java there may be on this machine, for names in the cache."""
    return f"{crc32(_java_says().encode()):08x}"


def java_problem() -> str | None:
    """Why Java cannot run Kafka here, or None if it can."""
    if shutil.which("java") is None:
        return f"there is no java (Kafka needs {OLDEST_JAVA} or newer)"
    found = re.search(r'version "(\d+)', _java_says())
    if found is None:
        return f"`java -version` names no version: {_java_says().strip()[:200]}"
    if int(found[1]) < OLDEST_JAVA:
        return f"java is version {found[1]} and Kafka needs {OLDEST_JAVA} or newer"
    return None


def ensure() -> Jars:
    """Fetch what is not in the cache yet; two processes asking at once fetch it once.

    Raises:
        JarsUnavailableError: no Java, no Maven, or Maven could not fetch them.

    """
    if problem := java_problem():
        raise JarsUnavailableError(problem)
    home = cache_folder() / f"{KAFKA_VERSION}-log4j-{LOG4J_VERSION}"
    jars = Jars(home / "jars", home / "log4j2.properties")
    if not jars.folder.exists():
        home.mkdir(parents=True, exist_ok=True)
        with (home / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not jars.folder.exists():
                fetch(
                    jars.folder, f"Kafka {KAFKA_VERSION}", ("org.apache.kafka", f"kafka_{SCALA}", KAFKA_VERSION), LOG4J
                )
    if not (jars.logging.exists() and jars.logging.read_text() == LOGGING):
        fresh = jars.logging.with_name(f"log4j2.{os.getpid()}.new")
        fresh.write_text(LOGGING)
        fresh.replace(jars.logging)  # at once: a broker that read half of it would never say that it serves
    return jars


def fetch(destination: Path, what: str, *artifacts: tuple[str, str, str]) -> None:
    """Put these (group, name, version) and all they need into a new folder, through Maven.

    Raises:
        JarsUnavailableError: no Maven, or it could not fetch them.

    """
    if shutil.which("mvn") is None:
        message = f"the jars of {what} are not in the cache and there is no mvn to fetch them"
        raise JarsUnavailableError(message)
    with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
        dependencies = "".join(DEPENDENCY.format(*artifact) for artifact in artifacts)
        (Path(folder) / "pom.xml").write_text(POM.format(dependencies=dependencies))
        fetched = Path(folder) / "jars"
        command = ["mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        answer = subprocess.run(
            [*command, f"-DoutputDirectory={fetched}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCH_TIMEOUT,
        )
        if answer.returncode != 0:
            said = (answer.stdout + answer.stderr).strip().splitlines()
            message = f"mvn could not fetch the jars of {what}: {said[0] if said else 'it said nothing'}"
            raise JarsUnavailableError(message)
        fetched.rename(destination)  # all of them or none: an interrupted fetch leaves nothing behind
