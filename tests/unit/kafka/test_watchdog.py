from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from bridge.kafka.consumer.thread.watchdog import Watchdog

if TYPE_CHECKING:
    import pytest


def test_a_call_that_does_not_come_back_ends_the_process_with_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    aborted = threading.Event()
    watchdog = Watchdog(aborted.set, logging.getLogger("dog"))
    with watchdog.watch(0.01, "committing the last offsets"):
        assert aborted.wait(20)
    assert caplog.messages[0].startswith("committing the last offsets did not finish within")


def test_a_call_that_comes_back_in_time_ends_nothing() -> None:
    aborted = threading.Event()
    with Watchdog(aborted.set, logging.getLogger("dog")).watch(3600, "leaving the group"):
        timer = next(thread for thread in threading.enumerate() if thread.name == "watchdog")
    timer.join(20)
    assert not aborted.is_set()
