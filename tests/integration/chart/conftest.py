"""A Helm that renders the chart for a real Kafka, or the whole folder is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chart import helm

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    for place, item in enumerate(mine):
        item.add_marker(pytest.mark.timeout(helm.BUILD_TIMEOUT if place == 0 else 300))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.path.is_relative_to(HERE) and (problem := helm.problem()):
        if os.environ.get("CI") == "true":
            pytest.fail(problem, pytrace=False)
        pytest.skip(problem)
