"""Waiting for what another thread or process does: by looking, never by a fixed time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

LOOK_EVERY = 0.02
WITHIN = 30.0
"""Seconds; generous, because a busy machine is no finding."""
AT_MOST = 3.0
"""Times what is allowed, where the machine has no time for the tests."""


async def until(
    what: str,
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]],
    *,
    within: float = WITHIN,
    explain: Callable[[], str] = lambda: "",
) -> float:
    """Return once the condition holds, with the seconds that took; `AssertionError` where it does not hold in time.

    What a look comes late, because others had the processor, is not counted: what is waited for had none of it either.
    """
    began = time.monotonic()
    late = 0.0
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        waited = time.monotonic() - began
        if holds:
            return waited
        counted = max(waited - late, waited / AT_MOST)
        assert counted < within, f"not within {within:.0f} s ({waited:.0f} s on a busy machine): {what}\n{explain()}"
        rested = time.monotonic()
        await asyncio.sleep(LOOK_EVERY)
        late += time.monotonic() - rested - LOOK_EVERY
