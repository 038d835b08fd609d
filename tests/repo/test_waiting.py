"""A wait that fails explains itself, and a busy machine is no reason for it; every test waits in that way."""

from __future__ import annotations

import ast
import asyncio
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support import waiting
from tests.support.waiting import AT_MOST, LINES, line_of, patience, until

BOUNDS = {"timeout", "timeout_at", "wait_for"}
_SLEEP = re.compile(r"await asyncio\.sleep\((?!0\)).*\)")
"""Not of no seconds: who lets the loop take one step after another counts steps, and waits for nothing else."""
MAY_HAVE_ONE = re.compile(r"asyncio\.(timeout|wait_for)|from asyncio ")
MAY_SLEEP = re.compile(r"while [^\n]*:\n\s+await asyncio\.sleep")
"""To parse every test takes seconds."""
EXCEPTED = {
    "support/waiting.py": "it is the way to wait",
    "unit/registry/test_lookups.py": "time is simulated, and each bound is what is promised",
    "component/sandbox/test_proxy.py": "it looks for silence, so what is waited for is that nothing comes",
}
"""Files with a bound of their own, and why."""


def own_bounds(source: str) -> list[int]:
    """Lines that wait with a bound of asyncio's."""
    nodes = list(ast.walk(ast.parse(source)))
    used = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in BOUNDS and ast.unparse(node.value) == "asyncio"
    ]
    imported = [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "asyncio"]
    return sorted(used + imported)


def unexplained_loops(source: str) -> list[int]:
    """Lines of loops that do nothing but sleep, and that no `patience` explains."""
    tree = ast.parse(source)
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncWith) and "patience(" in ast.unparse(node)]
    explained = {id(node) for block in blocks for node in ast.walk(block)}
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.While) and id(node) not in explained]
    return [loop.lineno for loop in loops if all(map(_SLEEP.fullmatch, map(ast.unparse, loop.body)))]


def test_no_test_has_a_bound_of_its_own(root: Path) -> None:
    tests = root / "tests"
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(tests.rglob("*.py"))}
    found = {
        name: lines
        for path, source in sources.items()
        if (name := path.relative_to(tests).as_posix()) not in EXCEPTED and path != Path(__file__)
        if MAY_HAVE_ONE.search(source) and (lines := own_bounds(source))
    }
    assert found == {}, "a bare time-out counts a busy machine's pauses and explains nothing: `until`, or `patience`"


def test_no_test_waits_for_a_condition_without_a_word(root: Path) -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in sorted((root / "tests").rglob("*.py"))}
    found = {
        str(path): lines
        for path, source in sources.items()
        if MAY_SLEEP.search(source) and (lines := unexplained_loops(source))
    }
    assert found == {}, "when its time is over nobody knows what did not come: `until`"


def test_a_loop_that_only_sleeps_is_found() -> None:
    loop = "async def test():\n    while not came():\n        await asyncio.sleep(0.1)\n"
    assert MAY_SLEEP.search(loop)
    assert unexplained_loops(loop) == [2]
    assert unexplained_loops(loop.replace("0.1", "0")) == []
    assert unexplained_loops(loop.replace("await", "step(); await")) == []
    explained = "async def test():\n  async with patience('it'):\n    while True:\n      await asyncio.sleep(1)\n"
    assert unexplained_loops(explained) == []


def hasty_clients(source: str) -> list[int]:
    """Lines that ask over HTTP for the five seconds that httpx allows, if nobody says how many."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"httpx.AsyncClient", "httpx.Client", "httpx.get", "httpx.post", "httpx.request"}
        and not {"timeout", "transport"} & {each.arg for each in node.keywords}
    ]


def test_no_client_gives_a_busy_machine_up_after_five_seconds(root: Path) -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in sorted((root / "tests").rglob("*.py"))}
    hasty = {
        str(path): lines
        for path, source in sources.items()
        if path != Path(__file__) and "httpx." in source and (lines := hasty_clients(source))
    }
    assert hasty == {}, "httpx waits five seconds, which a busy machine may need: say `timeout=60`"


@pytest.mark.parametrize("call", ["AsyncClient(base_url=x)", "Client()", "get(x, trust_env=False)"])
def test_a_client_without_a_time_limit_of_its_own_is_found(call: str) -> None:
    assert hasty_clients(f"httpx.{call}\n") == [1]
    assert hasty_clients(f"httpx.{call[:-1]}, timeout=60)\n".replace("(,", "(")) == []
    assert hasty_clients("httpx.AsyncClient(transport=x)\n") == []


def test_each_exception_is_one(root: Path) -> None:
    for name in EXCEPTED:
        assert own_bounds((root / "tests" / name).read_text(encoding="utf-8")), name


@pytest.mark.parametrize(
    "line", ["asyncio.timeout(9)", "asyncio.wait_for(x, 9)", "from asyncio import timeout", "asyncio.timeout_at(9)"]
)
def test_a_bound_of_asyncio_is_found(line: str) -> None:
    source = f"import asyncio\n{line}\n"
    assert MAY_HAVE_ONE.search(source)
    assert own_bounds(source) == [2]
    assert own_bounds("condition.wait_for(x, 9)\nasyncio.sleep(0)\n") == []


async def test_a_block_that_does_not_end_says_what_was_waited_for_where_and_what_was_said_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = [f"line {number}" for number in range(100)]
    with pytest.raises(AssertionError) as failed:
        async with patience("the cow comes home", within=0.05, explain=lambda: "\n".join(said)):
            await asyncio.Event().wait()
    lines = str(failed.value).splitlines()
    assert lines[0].startswith("not within 0.05 s")
    assert lines[0].endswith(": the cow comes home")
    assert lines[1].startswith("at test_waiting.py:")
    assert lines[1].endswith(": await asyncio.Event().wait()")
    assert lines[2:] == said[-LINES:]
    assert len(lines) <= 10
    assert failed.value.__suppress_context__, "how it was ended explains nothing"
    assert capsys.readouterr().out.splitlines()[1:] == said, "nothing is lost"


async def test_a_condition_that_never_holds_says_the_same_and_may_be_explained_by_who_has_to_be_asked() -> None:
    async def explain() -> str:
        await asyncio.sleep(0)
        return "x" * 1000

    with pytest.raises(AssertionError, match="the cow comes home") as failed:
        await until("the cow comes home", lambda: False, within=0.05, explain=explain)
    first, explained = str(failed.value).splitlines()
    assert first.startswith("not within 0.05 s")
    assert explained == f"{'x' * waiting.WIDTH}…"


async def test_an_explanation_that_fails_hides_nothing() -> None:
    def explain() -> str:
        raise OSError("nobody answers")

    with pytest.raises(AssertionError, match=r"the cow comes home\nnothing explains it: OSError\('nobody answers'\)"):
        await until("the cow comes home", lambda: False, within=0.05, explain=explain)


async def test_what_a_block_raises_itself_is_raised() -> None:
    with pytest.raises(TimeoutError, match="its own"):
        async with patience("the cow comes home", within=0.05):
            raise TimeoutError("its own")
    with pytest.raises(asyncio.CancelledError):
        async with patience("the cow comes home", within=0.05):
            raise asyncio.CancelledError


class Clock:
    """That of the waits, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: self.now))

    def stands_still_for(self, seconds: float) -> None:
        self.now += seconds

    async def works(self, seconds: float) -> None:
        """Time passes in which the tests get all of a processor that they ask for."""
        for _ in range(round(seconds / waiting.LOOK_EVERY)):
            self.now += waiting.LOOK_EVERY
            await asyncio.sleep(waiting.LOOK_EVERY)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def test_a_machine_that_stands_still_for_a_minute_fails_no_wait(clock: Clock) -> None:
    async with patience("the machine goes on"):
        clock.stands_still_for(60.0)
        await clock.works(0.2)
    looks = iter(range(5))
    asyncio.get_running_loop().call_later(waiting.LOOK_EVERY / 2, clock.stands_still_for, 60.0)
    assert await until("the machine goes on", lambda: next(looks) == 4) >= 60


async def test_no_wait_takes_more_than_some_times_what_it_may(clock: Clock) -> None:
    asyncio.get_running_loop().call_later(waiting.LOOK_EVERY / 2, clock.stands_still_for, AT_MOST * waiting.WITHIN)
    with pytest.raises(AssertionError, match="the machine goes on"):
        async with patience("the machine goes on"):
            await clock.works(0.2)


async def test_a_wait_ends_in_time_where_the_machine_works(clock: Clock) -> None:
    with pytest.raises(AssertionError, match="the cow comes home"):
        async with patience("the cow comes home", within=0.2):
            await clock.works(60)
    assert clock.now < 0.2 * AT_MOST


def test_a_condition_is_told_by_its_line() -> None:
    told = line_of(lambda: bool("the cow is home"))
    assert told == 'told = line_of(lambda: bool("the cow is home"))'
    assert line_of(partial(own_bounds, "")) == "def own_bounds(source: str) -> list[int]:"
    assert line_of("the cow".isspace).startswith("<built-in method isspace")
