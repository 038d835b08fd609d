"""An event loop in which waiting costs nothing: where only timers are left, its clock jumps to the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class JumpingLoop(asyncio.SelectorEventLoop):
    """For code that talks to nobody outside: it would find hours gone while it waits for an answer."""

    def __init__(self) -> None:
        self._jumped = 0.0
        super().__init__()

    def time(self) -> float:
        return super().time() + self._jumped

    def _run_once(self) -> None:
        timers: Any = self._scheduled  # type: ignore[attr-defined]
        times = [timer.when() for timer in timers if not timer.cancelled()]
        if not self._ready and times:  # type: ignore[attr-defined]
            self._jumped += max(min(times) - self.time(), 0.0)
        super()._run_once()  # type: ignore[misc]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(coroutine)
