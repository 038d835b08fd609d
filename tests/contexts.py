"""Of what runs under coverage, which file of tests it ran for: `make coverage-all` loads this as a plugin.

Processes that a test starts are told by their environment. One that serves several files counts for the first of them.
"""

from __future__ import annotations

import os

import coverage
import pytest

from tests.support.prepared.server import MEASURED_FOR

_CONFIGURATION = "COVERAGE_PROCESS_CONFIG"
"""Where an interpreter that starts finds how to measure: coverage's `subprocess` patch."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """From here on, fixtures included."""
    measuring = coverage.Coverage.current()
    if measuring is not None:
        file = item.location[0]
        measuring.switch_context(file)
        measuring.set_option("run:context", file)
        os.environ[_CONFIGURATION] = measuring.config.serialize()
        os.environ[MEASURED_FOR] = file
