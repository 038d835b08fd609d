"""What a call costs of a processor, with the garbage collector set as in a bridge."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge import memory


@contextmanager
def collected_as_in_a_bridge() -> Iterator[None]:
    """Or each list that is made lets the collector look at whatever the tests before this one left in memory."""
    before = gc.get_threshold()
    gc.collect()
    memory.settle()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def processor_time(call: Callable[[], object]) -> float:
    """Seconds, the least of three times: whatever else runs on the machine only adds."""
    with collected_as_in_a_bridge():
        return min(_once(call) for _ in range(3))


def takes_less(call: Callable[[], object], seconds: float, times: int) -> bool:
    """Whether the least of so many times is below: the first that is will do. Within `collected_as_in_a_bridge`."""
    return any(_once(call) < seconds for _ in range(times))


def _once(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began
