"""What every tier shares: the order of the tiers, hypothesis profiles, and no failure that goes unseen."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from bridge import commands
from tests import everyday, failures

# A third of the start of each program under test would go into compiling it anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

HERE = Path(__file__).parent
TIERS = (*everyday.QUICK_TIERS, "component", "chart", "image", "integration")
"""Quick ones first, so that a plain mistake shows within seconds."""
TIERS_ON_THE_PRODUCTION_LOOP = ("component", "integration")


def production_loop() -> asyncio.AbstractEventLoop:
    """The loop the service itself runs on: uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


# A deadline on a shared machine measures the neighbours, not the code; a CI run must be repeatable.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
PROFILE = "ci" if os.environ.get("CI") == "true" else "dev"
hypothesis.settings.register_profile(
    everyday.EVERYDAY, hypothesis.settings.get_profile(PROFILE), max_examples=everyday.EVERYDAY_EXAMPLES
)
hypothesis.settings.load_profile(PROFILE)  # `make test` takes the other one by its option


def tier_of(path: Path) -> str:
    """The tier is the first folder below ``tests/``."""
    return path.relative_to(HERE).parts[0]


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The outer tiers run on the loop production runs on, the inner ones on the standard library's."""
    if tier_of(item.path) in TIERS_ON_THE_PRODUCTION_LOOP:
        return {"production": production_loop}
    return {"asyncio": asyncio.new_event_loop}


def pytest_configure(config: pytest.Config) -> None:
    # A shell's background jobs ignore Ctrl-C, and so would every process the tests start to send it to.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(TierSummary(), "tier-summary")
    config.pluginmanager.register(everyday.TooSlow(), "too-slow")
    config.pluginmanager.register(failures.Failures(), "failures")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks are given before `-m` chooses by them."""
    tier = tier_of(item.path)
    if tier in ("component", "integration"):
        item.add_marker(tier)
    if everyday.is_everyday(tier, item):
        item.add_marker(everyday.EVERYDAY)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: TIERS.index(tier_of(item.path)))


KAFKA, MEASURED = "kafka", "measured"
"""What tests leave in their reports' `user_properties`, which come from other processes as well."""


class TierSummary:
    """One line per tier before pytest's closing line: what ran, and how long it took; and what was measured."""

    def __init__(self) -> None:
        self.left: dict[str, list[object]] = {KAFKA: [], MEASURED: []}
        self.outcomes: dict[str, Counter[str]] = {}
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        tier = report.nodeid.removeprefix("tests/").partition("/")[0]
        self.seconds[tier] += report.duration  # type: ignore[assignment]  # Counter is typed for ints, adds floats as well
        if report.when == "call" or report.outcome != "passed":
            self.outcomes.setdefault(tier, Counter())[report.outcome] += 1
        if report.when == "teardown":
            for name, value in report.user_properties:
                if value not in self.left.setdefault(name, []):
                    self.left[name].append(value)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("tiers")
        for tier in TIERS:
            if tier in self.outcomes:
                counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes[tier].items()))
                terminalreporter.line(f"{tier:<12} {counts} in {self.seconds[tier]:.1f} s")
        if self.left[KAFKA]:
            terminalreporter.line(f"real Kafka   from {' and '.join(sorted(map(str, self.left[KAFKA])))}")
        if self.left[MEASURED]:
            terminalreporter.section("measured on a real Kafka")
            for sentence in self.left[MEASURED]:
                terminalreporter.line(str(sentence))


MANY_THREADS = 64
"""Kafka clients in cycles of dead objects keep their threads, and try for ever to reach a broker that is gone: a
hundred of them take a processor from the tests that follow."""


def _threads() -> int:
    """Of this process, the Kafka clients' included; 0 where the system does not tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 0


class _Unseen(logging.Handler):
    """Collects what asyncio can only log: exceptions of tasks and callbacks that nobody awaited."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def no_unseen_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test in which an asyncio task or callback raised and nobody looked.

    Threads and finalizers need nothing here: pytest turns their exceptions into warnings, and warnings are errors.
    """
    unseen = _Unseen()
    logger = logging.getLogger("asyncio")
    logger.addHandler(unseen)
    has_tasks = inspect.iscoroutinefunction(getattr(request.node, "obj", None))
    if has_tasks:
        gc.freeze()  # so that the collection below looks only at what this test made
    try:
        yield
        if has_tasks:
            gc.collect()  # a task in a reference cycle reports its exception only when it is collected
    finally:
        logger.removeHandler(unseen)
        if has_tasks:
            gc.unfreeze()
        if _threads() > MANY_THREADS:
            gc.collect()
    if unseen.records:
        formatter = logging.Formatter()
        pytest.fail("a background failure went unseen:\n" + "\n".join(map(formatter.format, unseen.records)))


@pytest.fixture(autouse=True)
def as_called_before() -> Iterator[None]:
    """Loading a configuration is a fact of the whole process: no test may tell the commands of another one."""
    before = commands.invocation()
    yield
    commands.invoked_as(before)
