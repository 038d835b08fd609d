"""Which tests `make test` runs: what a contributor needs at every change. CI runs these and all others.

Of the quick tiers what is not marked `slow`, and properties with a quarter of their examples; of the component tier
what is neither marked `slow` nor has a time limit of its own, which only slow ones need; of the real Kafka what is
marked `short`.
"""

from __future__ import annotations

import resource
from collections.abc import Generator

import hypothesis
import pytest

QUICK_TIERS = ("repo", "unit", "contract", "simulation")
EVERYDAY, SLOW, SHORT = "everyday", "slow", "short"
FAST_SECONDS = 2.0
"""Processor seconds that a component test without the mark `slow` should stay below, the processes it ran included."""
FULL_EXAMPLES, EVERYDAY_EXAMPLES, MIN_EXAMPLES = 100, 25, 5
"""Of a property that says no number itself; what `make test` runs of it; the fewest of one that says a small number."""
MIN_WORDS = 2
"""That a reason has more than."""
CPU = "cpu"
"""What a test leaves in its report's `user_properties` where it took more."""


def is_everyday(tier: str, item: pytest.Item) -> bool:
    """Whether `make test` runs it."""
    if tier in QUICK_TIERS:
        return item.get_closest_marker(SLOW) is None
    if tier == "component":
        return not any(item.get_closest_marker(mark) for mark in (SLOW, "timeout"))
    return item.get_closest_marker(SHORT) is not None


def examples(full: int) -> int:
    """How many examples of a property that has a number of its own: all, but in `make test` a quarter of them."""
    return max(MIN_EXAMPLES, full * hypothesis.settings().max_examples // FULL_EXAMPLES)


def _processor_seconds() -> float:
    """Of this process and of those it started and waited for: other work on the machine hardly changes it."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def is_told_why(mark: pytest.Mark) -> bool:
    """Whether a slow component test says what takes it so long, and about how many seconds: the longest go first."""
    reason, seconds = mark.kwargs.get("reason", ""), mark.kwargs.get("seconds")
    return len(str(reason).split()) > MIN_WORDS and isinstance(seconds, int) and seconds > 0


class TooSlow:
    """Names the component tests that belong under the mark `slow`, at the end of a run."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        before = _processor_seconds()
        try:
            return (yield)
        finally:
            seconds = _processor_seconds() - before
            if seconds > FAST_SECONDS and all(map(item.get_closest_marker, ("component", EVERYDAY))):
                item.user_properties.append((CPU, round(seconds, 1)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            for name, seconds in report.user_properties:
                if name == CPU and isinstance(seconds, float):
                    self.found[report.nodeid] = seconds

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.found:
            terminalreporter.section(f"over {FAST_SECONDS:g} s of processor time without the mark `slow`")
        for test, seconds in sorted(self.found.items(), key=lambda found: -found[1]):
            terminalreporter.line(f"{seconds:6.1f} s  {test}")
