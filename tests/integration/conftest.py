"""A real Apache Kafka for every test of this tier; `tests/support/kafka/choice.py` decides where it comes from."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.conftest import KAFKA
from tests.integration import order
from tests.support.kafka import choice
from tests.support.kafka.certificates import Certificate
from tests.support.kafka.client import Kafka, OwnKafka
from tests.support.kafka.settings import BrokerSettings

HERE = Path(__file__).parent
TIMEOUT = 300
"""Seconds for one test with its broker's start, which may include fetching it."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT))
    if hasattr(config, "workerinput"):  # one of several processes
        order.arrange(items, HERE)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> order.Together | None:
    """With xdist's own log, which speaks only where it is asked to."""
    return order.Together(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A machine that can run no Kafka skips the whole tier, here and therefore in one line; CI must never skip it."""
    if item.path.is_relative_to(HERE):
        if problem := order.unnamed(item, HERE):
            pytest.fail(problem, pytrace=False)
        if problem := choice.nothing_serves():
            _skip(problem)


def _skip(problem: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(problem, pytrace=False)
    pytest.skip(problem)


@contextmanager
def _or_skip() -> Iterator[None]:
    """For brokers of a test's own, which a Kafka given by its address cannot be."""
    try:
        yield
    except choice.NoKafkaError as error:
        _skip(str(error))


class KafkaFactory:
    """Starts brokers that belong to one test alone."""

    def __init__(self, stack: ExitStack) -> None:
        self.made: list[OwnKafka] = []
        self._stack = stack

    def __call__(
        self,
        *,
        brokers: int = 1,
        sasl: bool = False,
        tls: Certificate | None = None,
        acl: bool = False,
        behind: int = 0,
        java: tuple[str, ...] = (),
        properties: Mapping[str, str] | None = None,
    ) -> OwnKafka:
        """Start one; see `BrokerSettings`. It is removed when the test (or whatever the factory serves) ends."""
        with _or_skip():
            settings = BrokerSettings(brokers, sasl, tls, acl, behind, java, properties or {})
            self.made.append(self._stack.enter_context(choice.own_kafka(settings)))
        return self.made[-1]


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """The Kafka that all tests share: take names from `Kafka.name` and `Kafka.create_topic`, and never stop it."""
    with ExitStack() as stack:
        with _or_skip():
            shared = stack.enter_context(choice.shared_kafka())
        yield shared


@pytest.fixture
def own_kafka() -> Iterator[KafkaFactory]:
    """Makes brokers of the test's own, to be stopped, killed and frozen: ``kafka = own_kafka()``."""
    with ExitStack() as stack:
        yield KafkaFactory(stack)


@pytest.fixture(scope="session")
def _three_brokers() -> Iterator[OwnKafka]:
    with ExitStack() as stack:
        yield KafkaFactory(stack)(brokers=3)


@pytest.fixture
def kafka_cluster(_three_brokers: OwnKafka) -> OwnKafka:
    """Three brokers, shared; a test may stop and kill single nodes, and finds all of them up when it begins."""
    _three_brokers.start()
    return _three_brokers


@pytest.fixture(scope="session")
def secured_kafka() -> Iterator[OwnKafka]:
    """One broker with users (`PASSWORDS` of its settings) that denies what no ACL allows; see `OwnKafka.allow`."""
    with ExitStack() as stack:
        yield KafkaFactory(stack)(sasl=True, acl=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember which Kafka was used, and add the end of the brokers' logs to a failure."""
    report = yield
    for value in getattr(item, "funcargs", {}).values():
        brokers = value.made if isinstance(value, KafkaFactory) else [value]
        for broker in brokers:
            if isinstance(broker, Kafka):
                report.user_properties.append((KAFKA, broker.origin))
            if report.failed and isinstance(broker, OwnKafka):
                report.sections.append(("the broker's log", broker.cluster.log_tail()))
    return report
