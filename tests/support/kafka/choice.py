"""Which real Kafka the tests get on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from docker.errors import APIError, ImageNotFound

from tests.support.kafka import container
from tests.support.kafka.client import Cluster, Kafka, OwnKafka
from tests.support.kafka.jars import JarsUnavailableError, ensure
from tests.support.kafka.launcher import LocalCluster
from tests.support.kafka.settings import BrokerSettings

NO_KAFKA = (
    "NOT TESTED AGAINST A REAL KAFKA: KAFKA_BOOTSTRAP_SERVERS is not set, no Docker engine answers, and {problem}"
)


class NoKafkaError(Exception):
    """One sentence: nothing on this machine can serve as a broker."""


@cache
def nothing_serves() -> str | None:
    """Why this machine can give no broker at all, in one sentence; None if it can."""
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or container.engine_answers():
        return None
    try:
        ensure()
    except JarsUnavailableError as error:
        return NO_KAFKA.format(problem=error)
    return None


@contextmanager
def shared_kafka() -> Iterator[Kafka]:
    """The Kafka of KAFKA_BOOTSTRAP_SERVERS if that is set, otherwise one of our own."""
    if bootstrap := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield Kafka(bootstrap, "KAFKA_BOOTSTRAP_SERVERS")
    else:
        with own_kafka(BrokerSettings()) as kafka:
            yield kafka


@contextmanager
def own_kafka(settings: BrokerSettings) -> Iterator[OwnKafka]:
    """A Kafka for this caller alone: through Docker if an engine answers, otherwise from the jars.

    Several brokers always come from the jars: containers of one cluster would have to reach each other and be
    reached from here under the same names. So does one behind a proxy, and one with classes of our own.

    Raises:
        NoKafkaError: neither is possible.

    """
    cluster, origin = _start(settings)
    try:
        kafka = OwnKafka(cluster, origin)
        if settings.sasl:
            kafka.add_scram_users()
        yield kafka
    finally:
        cluster.close()


def _start(settings: BrokerSettings) -> tuple[Cluster, str]:
    problem = ""
    if settings.brokers == 1 and not settings.behind and not settings.java and container.engine_answers():
        cluster = container.ContainerCluster(settings)
        try:
            return _started(cluster), "Docker"
        except (ImageNotFound, APIError) as error:
            problem = f"the Docker engine that answers could not start {container.IMAGE} ({error}), and "
    try:
        return _started(LocalCluster(settings)), "jars" + (f": {problem.removesuffix(', and ')}" if problem else "")
    except JarsUnavailableError as error:
        raise NoKafkaError(NO_KAFKA.format(problem=f"{problem}{error}")) from error


def _started(cluster: Cluster) -> Cluster:
    try:
        cluster.start()
    except BaseException:
        cluster.close()
        raise
    return cluster
