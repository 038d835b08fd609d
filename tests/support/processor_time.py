"""What a call costs of a processor, with the garbage collector set as in a bridge."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge import memory


@contextmanager
def _collected_as_in_a_bridge() -> Iterator[None]:
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
    with _collected_as_in_a_bridge():
        return min(_once(call) for _ in range(3))


def _once(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began
