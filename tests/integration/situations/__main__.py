"""``python -m tests.integration.situations``: brings all of them about, and prints what was shown, in Markdown."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.situations import report
from tests.integration.situations.report import SHOWN


class Collector:
    """Takes what the tests leave in their reports, from whatever process they ran in."""

    def __init__(self) -> None:
        self.outcomes: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.outcomes += [json.loads(str(value)) for name, value in report.user_properties if name == SHOWN]


def main() -> int:
    """The exit code is pytest's."""
    collector = Collector()
    arguments = sys.argv[1:] or ["-n", "2", "--dist", "loadfile"]
    code = pytest.main(["-q", str(Path(__file__).parent), *arguments], plugins=[collector])
    sys.stdout.write(f"\n{report.full(collector.outcomes)}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
