"""A Kafka of this folder's own, which its tests may stop, and the table of what the faults came to.

`FAULTS=full` (`make faults`) runs the full counts, otherwise a short form of each.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator
from tests.support.kafka import choice
from tests.support.kafka.certificates import Authority, Certificate
from tests.support.kafka.client import OwnKafka
from tests.support.kafka.settings import PASSWORDS, BrokerSettings
from tests.support.service.ground import IS_FULL, SHORT_SESSIONS, Ground, Outcome
from tests.support.service.marked import KEY, Witness

SEED = int(os.environ.get("FAULTS_SEED", "1"))
OUTCOMES = pytest.StashKey[list[Outcome]]()
PASSED = pytest.StashKey[bool]()
HOSTS = ("127.0.0.1", "localhost")
"""Whom the broker's certificate is for."""
REAUTHENTICATE = 2000
"""Milliseconds after which a connection has to log in again: a password that was changed is noticed."""


@pytest.fixture
def times() -> int:
    """How often something random is repeated: the short form and the full count."""
    return 20 if IS_FULL else 4


@pytest.fixture
def chance() -> random.Random:
    return random.Random(SEED)  # noqa: S311 - no secret, and repeatable


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Certificate:
    return authority.issue(*HOSTS)


@pytest.fixture(scope="session")
def _broker(certificate: Certificate) -> Iterator[OwnKafka]:
    properties = {**SHORT_SESSIONS, "connections.max.reauth.ms": str(REAUTHENTICATE)}
    with ExitStack() as stack:
        try:
            settings = BrokerSettings(sasl=True, tls=certificate, acl=True, properties=properties)
            yield stack.enter_context(choice.own_kafka(settings))
        except choice.NoKafkaError as error:
            pytest.skip(str(error))


@pytest.fixture
def faulty_kafka(_broker: OwnKafka) -> OwnKafka:
    """One broker with users and ACLs, shared by this folder; a test may stop it, and finds it up when it begins."""
    _broker.start()
    return _broker


@pytest.fixture
async def api() -> AsyncIterator[Emulator]:
    async with Emulator(keys=[KEY]) as emulator:
        yield emulator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(autouse=True)
def witness(request: pytest.FixtureRequest) -> Iterator[Witness]:
    """Every test here runs with a marked key and marked passwords, and ends with a look for them wherever anybody may
    read: logs, pages, the objects' own words, dead letters, resolutions, commit metadata."""
    witness = Witness("9d41c7e2", *PASSWORDS.values())
    yield witness
    assert witness.found == []
    if request.node.stash.get(PASSED, False):
        assert witness.missed(["the log", "/status", "/metrics", "objects"]) == []


@pytest.fixture
async def ground(
    faulty_kafka: OwnKafka, api: Emulator, tmp_path: Path, request: pytest.FixtureRequest, witness: Witness
) -> AsyncIterator[Ground]:
    outcome = Outcome(request.node.name.removeprefix("test_"))
    async with AsyncExitStack() as stack:
        ground = Ground(faulty_kafka, api, tmp_path, outcome=outcome, witness=witness, stack=stack)
        yield ground
    await asyncio.to_thread(faulty_kafka.start)  # a test that failed may have left it down
    await ground.show_what_stays()
    request.config.stash.setdefault(OUTCOMES, []).append(outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    outcomes = config.stash.get(OUTCOMES, [])
    if not (IS_FULL and outcomes):
        return
    terminalreporter.section(f"faults on a real Kafka, seed {SEED}")
    head = f"{'faults':<34}{'events':>8}{'lost':>6}{'again':>7}{'order':>7}{'back in':>9}  test"
    terminalreporter.line(head)
    for each in outcomes:
        faults = ", ".join(f"{count} {kind}" for kind, count in each.faults.items())
        terminalreporter.line(
            f"{faults:<34}{each.events:>8}{each.lost:>6}{each.duplicates:>7}{each.order_violations:>7}"
            f"{each.recovered:>7.1f} s  {each.test}"
        )
