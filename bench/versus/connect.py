"""Kafka Connect in its standalone form, with Aiven's HTTP sink: what it is started with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.support.kafka.jars import KAFKA_VERSION, LOG4J, LOG4J_VERSION, cache_folder, ensure, fetch

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


def jars() -> Path:
    """Kafka Connect's own, fetched once through Maven into the user's cache. Raises `JarsUnavailableError`."""
    folder = cache_folder() / f"connect-{KAFKA_VERSION}-log4j-{LOG4J_VERSION}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        own = [("org.apache.kafka", name, KAFKA_VERSION) for name in ("connect-runtime", "connect-json")]
        fetch(folder, f"Kafka Connect {KAFKA_VERSION}", *own, LOG4J)
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
