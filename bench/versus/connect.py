"""Kafka Connect in its standalone form, with Aiven's HTTP sink: what it is started with."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.kafka.jars import FETCH_TIMEOUT, KAFKA_VERSION, LOG4J_VERSION, cache_folder, ensure

POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>track-bridge</groupId><artifactId>versus</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId><version>{kafka}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>{kafka}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{log4j}</version>
    </dependency>
  </dependencies>
</project>
"""
MAIN = "org.apache.kafka.connect.cli.ConnectStandalone"
CONNECTOR = "io.aiven.kafka.connect.http.HttpSinkConnector"
DEFAULTS: Mapping[str, str] = {}
"""The connector as it comes: one more try after three seconds, and the first event that fails it ends its task."""
CAREFUL: Mapping[str, str] = {
    "max.retries": "10",
    "retry.backoff.ms": "500",
    "errors.tolerance": "all",
    "errors.log.enable": "true",
    "errors.deadletterqueue.topic.replication.factor": "1",
}
"""Ten more tries, and what fails them all goes to a topic of dead letters."""


class ConnectUnavailableError(Exception):
    """Why Kafka Connect cannot run here; a sentence."""


def jars() -> Path:
    """Kafka Connect's own, fetched once through Maven into the user's cache."""
    folder = cache_folder() / f"connect-{KAFKA_VERSION}-log4j-{LOG4J_VERSION}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        (Path(scratch) / "pom.xml").write_text(POM.format(kafka=KAFKA_VERSION, log4j=LOG4J_VERSION))
        command = ["mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        command.append(f"-DoutputDirectory={scratch}/jars")
        answer = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT
        )
        if answer.returncode:
            said = (answer.stdout + answer.stderr).strip()[:300]
            raise ConnectUnavailableError(f"mvn could not fetch Kafka Connect {KAFKA_VERSION}: {said}")
        (Path(scratch) / "jars").rename(folder)
    return folder


def command(
    connector: Path, scratch: Path, more: Mapping[str, str], *, bootstrap: str, topic: str, letters: str, url: str
) -> list[str]:
    """Write its two files of properties into `scratch`; the command line that starts it."""
    worker = {
        "bootstrap.servers": bootstrap,
        "offset.storage.file.filename": str(scratch / f"{topic}.offsets"),
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "listeners": "http://127.0.0.1:0",
        "offset.flush.interval.ms": "1000",
        "consumer.auto.offset.reset": "earliest",
    }
    sink = {
        "name": f"versus-{topic}",
        "connector.class": CONNECTOR,
        "tasks.max": "12",
        "topics": topic,
        "http.url": f"{url}/v1/track",
        "http.authorization.type": "static",
        "http.headers.authorization": "Token NX-versus",
        "http.headers.content.type": "application/json",
        "http.headers.additional": "X-API-Version:2020-09-22",
        "http.timeout": "2",
        **more,
        **({"errors.deadletterqueue.topic.name": letters} if more else {}),
    }
    files = [scratch / f"{topic}.{name}.properties" for name in ("worker", "sink")]
    for file, properties in zip(files, (worker, sink), strict=True):
        file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    return [
        "java",
        *("-Xmx512m", "-XX:+UseSerialGC"),
        f"-Dlog4j2.configurationFile={ensure().logging}",
        *("-cp", os.pathsep.join((f"{jars()}/*", str(connector))), MAIN),
        *map(str, files),
    ]
