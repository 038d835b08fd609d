"""Waiting for what another task, thread or process does: by looking, never by a fixed time.

On a busy machine all of them get less of the processor than they need. So what a test itself gets late is not counted:
what it waits for had no processor either. A wait that fails says what was waited for, and what that last said.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import linecache
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from pathlib import Path
from types import TracebackType

LOOK_EVERY = 0.02
WITHIN = 30.0
"""Seconds; generous, because a busy machine is no finding."""
AT_MOST = 3.0
"""Times what is allowed, where the machine has no time for the tests."""
LINES, WIDTH = 8, 200
"""Of an explanation, that an error repeats: its last lines. The whole of a longer one is printed."""
EXPLAINED_WITHIN = 10.0
"""Seconds: who explains asks something that has just failed to come."""

Explain = Callable[[], str] | Callable[[], Awaitable[str]]


class _Wait:
    """How long something is waited for, less what the tests themselves came late."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._began = time.monotonic()
        self._late = 0.0

    def came_late(self, seconds: float) -> None:
        self._late += seconds

    @property
    def seconds(self) -> float:
        """By the clock."""
        return time.monotonic() - self._began

    @property
    def is_over(self) -> bool:
        waited = self.seconds
        return max(waited - self._late, waited / AT_MOST) >= self._within

    async def failed(self, what: str, where: str, explain: Explain) -> AssertionError:
        """In at most ten lines; what does not fit is printed, for pytest to keep."""
        first = f"not within {self._within:g} s ({self.seconds:.0f} s on a busy machine): {what}"
        said = (await _explained(explain)).rstrip().splitlines()
        last = [line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in said[-LINES:]]
        if last != said:
            sys.stdout.write("\n".join([f"--- {what}: what was said until then", *said, ""]))
        return AssertionError("\n".join([first, *([where] if where else []), *last]))


async def until(
    what: str,
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]],
    *,
    within: float = WITHIN,
    explain: Explain = lambda: "",
) -> float:
    """Return once the condition holds, with the seconds that took; `AssertionError` where it does not hold in time."""
    wait = _Wait(within)
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        if holds:
            return wait.seconds
        if wait.is_over:
            raise await wait.failed(what, "", explain)
        rested = time.monotonic()
        await asyncio.sleep(LOOK_EVERY)
        wait.came_late(time.monotonic() - rested - LOOK_EVERY)


@contextlib.asynccontextmanager
async def patience(what: str, *, within: float = WITHIN, explain: Explain = lambda: "") -> AsyncGenerator[None]:
    """A block that waits for what can be awaited; `AssertionError` where it is not left in time, with its line."""
    wait, bound, loop = _Wait(within), asyncio.timeout(None), asyncio.get_running_loop()
    where = ""
    tick: asyncio.TimerHandle

    def look_later() -> None:
        nonlocal tick
        tick = loop.call_later(LOOK_EVERY, look, time.monotonic() + LOOK_EVERY)

    def look(due: float) -> None:
        wait.came_late(max(0.0, time.monotonic() - due))
        if wait.is_over:
            bound.reschedule(loop.time())
        else:
            look_later()

    look_later()
    try:
        async with bound:
            try:
                yield
            except asyncio.CancelledError as cancelled:
                where = _where(cancelled.__traceback__)
                raise
            finally:
                tick.cancel()
    except TimeoutError:
        if not bound.expired():  # one of the block's own
            raise
        raise await wait.failed(what, where, explain) from None


def line_of(condition: Callable[[], object]) -> str:
    """Where a condition is written, as what is waited for."""
    while isinstance(condition, partial):
        condition = condition.func
    code = getattr(condition, "__code__", None)
    if code is None:  # of an object that can be called
        return str(condition)
    return linecache.getline(code.co_filename, code.co_firstlineno).strip() or code.co_name


async def _explained(explain: Explain) -> str:
    """It must not hide what failed by failing itself."""
    try:
        async with asyncio.timeout(EXPLAINED_WITHIN):
            said = explain()
            return said if isinstance(said, str) else await said
    except Exception as error:  # noqa: BLE001 - whatever it is, it is said
        return f"nothing explains it: {error!r}"


def _where(trace: TracebackType | None) -> str:
    """The line of the block that did not come to its end."""
    own = (__file__, contextlib.__file__)
    while trace is not None and trace.tb_frame.f_code.co_filename in own:
        trace = trace.tb_next
    if trace is None:
        return ""
    file = trace.tb_frame.f_code.co_filename
    return f"at {Path(file).name}:{trace.tb_lineno}: {linecache.getline(file, trace.tb_lineno).strip()}"
