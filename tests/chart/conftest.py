"""A Helm for the whole tier, and what renders the chart with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chart import chart, helm, promtool

HERE = Path(__file__).parent
BUILDING = helm.BUILD_TIMEOUT
"""Seconds for the one test that finds no Helm yet, and has it built."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    for place, item in enumerate(mine):
        item.add_marker(pytest.mark.timeout(BUILDING if place == 0 else 120))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A machine that can have no Helm skips the whole tier, here and therefore in one line; CI must never skip it."""
    if item.path.is_relative_to(HERE) and (problem := helm.problem()):
        if os.environ.get("CI") == "true":
            pytest.fail(problem, pytrace=False)
        pytest.skip(problem)


Render = Callable[..., chart.Rendered]
Say = Callable[..., str]
Judge = Callable[..., None]


@pytest.fixture
def judge() -> Judge:
    """`promtool.run`. Without a promtool the test is skipped, here and therefore in one line; CI must never skip it."""
    if problem := promtool.problem():
        if os.environ.get("CI") == "true":
            pytest.fail(problem, pytrace=False)
        pytest.skip(problem)
    return promtool.run


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """The chart with the least values and these over them: ``render({"workload": "StatefulSet"})``."""
    return lambda *more, **options: chart.render(chart.LEAST, tmp_path, *more, **options)


@pytest.fixture
def refusal(tmp_path: Path) -> Say:
    """What Helm says to the least values and these over them."""
    return lambda *more, **options: chart.refusal(chart.LEAST, tmp_path, *more, **options)


@pytest.fixture
def notes(tmp_path: Path) -> Say:
    """What NOTES.txt says about the least values and these over them."""
    return lambda *more, **options: chart.notes(chart.LEAST, tmp_path, *more, **options)
