from __future__ import annotations

from bridge.ops.log.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_ten_a_second_are_said_and_the_rest_is_counted() -> None:
    throttle = Throttle(Clock())

    said = [throttle.admit("rejected") for _ in range(25)]

    assert said == [True] * 10 + [False] * 15
    assert throttle.withheld(ending=True) == {"rejected": 15}


def test_kinds_are_counted_apart() -> None:
    throttle = Throttle(Clock(), per_second=1)

    assert throttle.admit("rejected")
    assert throttle.admit("invalid")
    assert not throttle.admit("rejected")
    assert throttle.withheld(ending=True) == {"rejected": 1}


def test_a_new_second_says_ten_again_and_keeps_the_count_of_the_last_until_it_is_told() -> None:
    clock = Clock()
    throttle = Throttle(clock, per_second=1)
    throttle.admit("rejected")
    throttle.admit("rejected")

    clock.now += 1.0

    assert throttle.admit("rejected")
    assert throttle.withheld(ending=True) == {"rejected": 1}


def test_the_end_of_a_burst_is_told_although_nothing_follows_it() -> None:
    clock = Clock()
    throttle = Throttle(clock, per_second=1)
    throttle.admit("rejected")
    throttle.admit("rejected")

    before = throttle.withheld()
    clock.now += 1.0

    assert before == {}
    assert throttle.withheld() == {"rejected": 1}
    assert throttle.withheld() == {}
