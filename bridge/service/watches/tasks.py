"""The end of what watches in the background."""

from __future__ import annotations

import asyncio


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it is over, whatever it ends with. What it left to a thread is not waited for."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
