from __future__ import annotations

import logging

import pytest

from bridge.limiter import Limiter, News, Rare, RareLog, once


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_ten_a_second_are_said_and_the_rest_is_counted() -> None:
    limiter = Limiter(10, 1.0, Clock())

    said = [limiter.admit("rejected") for _ in range(25)]

    assert said == [True] * 10 + [False] * 15
    assert limiter.withheld(ending=True) == {"rejected": 15}


def test_kinds_are_counted_apart() -> None:
    limiter = Limiter(1, 1.0, Clock())

    assert limiter.admit("rejected")
    assert limiter.admit("invalid")
    assert not limiter.admit("rejected")
    assert limiter.withheld(ending=True) == {"rejected": 1}


def test_a_new_second_says_ten_again_and_keeps_the_count_of_the_last_until_it_is_told() -> None:
    clock = Clock()
    limiter = Limiter(1, 1.0, clock)
    limiter.admit("rejected")
    limiter.admit("rejected")

    clock.now += 1.0

    assert limiter.admit("rejected")
    assert limiter.withheld(ending=True) == {"rejected": 1}


def test_the_end_of_a_burst_is_told_although_nothing_follows_it() -> None:
    clock = Clock()
    limiter = Limiter(1, 1.0, clock)
    limiter.admit("rejected")
    limiter.admit("rejected")

    before = limiter.withheld()
    clock.now += 1.0

    assert before == {}
    assert limiter.withheld() == {"rejected": 1}
    assert limiter.withheld() == {}


def test_what_is_said_once_is_never_said_again() -> None:
    limiter = once()
    assert [limiter.admit(key) for key in ("a", "b", "a", "a")] == [True, True, False, False]


def test_a_thing_is_said_until_it_changes_and_again_after_it_was_gone() -> None:
    news = News()
    assert [news.admit(each) for each in ("a", "a", "b", None, None, "b")] == [True, False, True, False, False, True]
    assert not News("a").admit("a"), "what is known from the beginning is no news"


def test_a_line_that_repeats_is_written_once_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RareLog(logging.getLogger("rare"), every=30.0, clock=clock)
    for second in range(40):
        clock.now = float(second)
        log.write(logging.WARNING, f"broker 7: connect failed (after {second}ms)")
    assert caplog.messages == [
        "broker 7: connect failed (after 0ms)",
        "broker 7: connect failed (after 30ms) (and 29 more like it)",
    ]


def test_different_lines_do_not_wait_for_each_other(caplog: pytest.LogCaptureFixture) -> None:
    log = RareLog(logging.getLogger("rare"))
    log.write(logging.WARNING, "one")
    log.write(logging.WARNING, "two")
    assert caplog.messages == ["one", "two"]


def test_endlessly_many_different_lines_do_not_fill_the_memory() -> None:
    log = Rare()
    for number in range(10_000):
        log.admit("x" * (number % 1000))
    assert len(log._limiter._spells) <= 256
