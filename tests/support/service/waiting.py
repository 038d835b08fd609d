"""Waiting for what another thread or process does: by looking, never by a fixed time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

LOOK_EVERY = 0.02
WITHIN = 30.0
"""Seconds; generous, because a busy machine is no finding."""


async def until(
    what: str,
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]],
    *,
    within: float = WITHIN,
    explain: Callable[[], str] = lambda: "",
) -> float:
    """Return once the condition holds, with the seconds that took; `AssertionError` where it does not hold in time."""
    began = time.monotonic()
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        waited = time.monotonic() - began
        if holds:
            return waited
        assert waited < within, f"not within {within:.0f} s: {what}\n{explain()}"
        await asyncio.sleep(LOOK_EVERY)
