from __future__ import annotations

from bridge.selftest.bounds import Bound, Crash, bound, recoveries


def test_a_crash_costs_what_was_in_flight_and_what_arrived_since_the_last_commit() -> None:
    arrivals = [1.0, 2.0, 2.5, 3.0, 9.0]
    assert bound(arrivals, [Crash(2.0, 3.0)], max_in_flight=64, ambiguous=7) == Bound(7, 64 + 3)


def test_what_concerns_several_processes_costs_each_of_them_what_is_in_flight() -> None:
    assert bound([], [Crash(0.0, 1.0, processes=3)], max_in_flight=10, ambiguous=0).total == 30


def test_what_two_crashes_concern_counts_once() -> None:
    arrivals = [1.0, 2.0, 3.0, 4.0, 5.0]
    crashes = [Crash(0.0, 3.5, processes=0), Crash(0.5, 2.5, processes=0), Crash(3.2, 4.5, processes=0)]
    assert bound(arrivals, crashes, max_in_flight=64, ambiguous=0).total == 4


def test_without_a_crash_and_with_every_answer_there_may_be_no_duplicate() -> None:
    assert bound([1.0, 2.0], [], max_in_flight=64, ambiguous=0).total == 0


def test_the_recovery_lasts_until_everything_that_waited_when_the_fault_ended_has_arrived() -> None:
    spans = [(1.0, 1.1), (2.0, 9.0), (3.0, 3.1), (6.0, 20.0)]
    assert recoveries(spans, [5.0]) == [4.0]


def test_a_fault_after_which_nothing_waited_took_no_time() -> None:
    assert recoveries([(1.0, 1.1), (6.0, 7.0)], [5.0, 0.5]) == [0.0, 0.0]
    assert recoveries([], [5.0]) == [0.0]
