"""The chart's rules for promtool, rendered once, and what was shown, for ``python -m tests.integration.situations``."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.chart import helm, promtool
from tests.integration.situations.agreement import agree, as_json
from tests.integration.situations.drivers import DRIVERS
from tests.integration.situations.judging import Judge
from tests.integration.situations.report import SHOWN
from tests.integration.situations.table import BY_NAME
from tests.support.kafka.client import Kafka

Agree = Callable[[Kafka, str], Awaitable[None]]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A machine without Helm or promtool skips the folder, in one line; CI must never skip it."""
    if item.path.is_relative_to(Path(__file__).parent) and (problem := helm.problem() or promtool.problem()):
        if os.environ.get("CI") == "true":
            pytest.fail(problem, pytrace=False)
        pytest.skip(problem)


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge(tmp_path_factory.mktemp("rules"))


@pytest.fixture
def agreed(judge: Judge, tmp_path: Path, request: pytest.FixtureRequest) -> Agree:
    """Runs one situation of the table."""

    async def run(kafka: Kafka, name: str) -> None:
        outcome = await agree(BY_NAME[name], DRIVERS[name](kafka, tmp_path), judge)
        request.node.user_properties.append((SHOWN, as_json(outcome)))

    return run
