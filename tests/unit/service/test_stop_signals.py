"""The first signal to stop is an orderly end; only one that comes later ends the process at once."""

from __future__ import annotations

import signal

import pytest

from bridge.service.stop_signals import ONE_SIGNAL, StopSignals


class Process:
    """What the signals bring about, at times that the test says."""

    def __init__(self, *, stopping: bool = False) -> None:
        self.now = 100.0
        self.done: list[str | int] = []
        self.stopping = stopping
        self.signals = StopSignals(
            self._stop,
            lambda: self.stopping,
            lambda: self.done.append("log"),
            clock=lambda: self.now,
            end=self.done.append,
        )

    def _stop(self, cause: str) -> None:
        self.stopping = True
        self.done.append(cause)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_in_order_and_a_later_one_ends_the_process_at_once(number: signal.Signals) -> None:
    process = Process()
    process.signals(number)
    process.now += ONE_SIGNAL * 2
    process.signals(number)
    assert process.done == [number.name, "log", 128 + number]


def test_a_signal_that_the_loop_delivers_twice_is_one() -> None:
    process = Process()
    process.signals(signal.SIGTERM)
    process.now += ONE_SIGNAL / 100
    process.signals(signal.SIGTERM)
    assert process.done == ["SIGTERM"]


def test_one_that_comes_while_it_stops_for_another_reason_ends_it_at_once() -> None:
    process = Process(stopping=True)
    process.signals(signal.SIGINT)
    assert process.done == ["log", 128 + signal.SIGINT]
