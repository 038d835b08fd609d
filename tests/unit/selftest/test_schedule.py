"""One seed is one schedule."""

from __future__ import annotations

import pytest

from bridge.selftest.schedule import TRACKS, Disturbance, DisturbanceKind, plan

ALL = list(DisturbanceKind)


def faults(seed: int, seconds: float = 50.0, kinds: list[DisturbanceKind] | None = None) -> tuple[Disturbance, ...]:
    return plan(seed, seconds, replicas=3, session=3.0, kinds=ALL if kinds is None else kinds)


def test_the_same_seed_gives_the_same_faults_at_the_same_times() -> None:
    assert faults(7) == faults(7)


def test_another_seed_gives_others() -> None:
    assert len({faults(seed) for seed in range(20)}) == 20


@pytest.mark.parametrize("seed", range(20))
def test_every_fault_ends_within_the_time_and_those_of_a_track_never_meet(seed: int) -> None:
    for track in TRACKS:
        end = 0.0
        for fault in faults(seed):
            if fault.kind in track:
                assert fault.at > end
                end = fault.at + fault.seconds
        assert end <= 50.0


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_comes_before_one_comes_twice(seed: int) -> None:
    for track in TRACKS:
        kinds = [fault.kind for fault in faults(seed) if fault.kind in track]
        assert set(kinds[: len(track)]) == set(track)


@pytest.mark.parametrize("seed", range(20))
def test_the_time_of_the_default_is_enough_for_nearly_every_kind(seed: int) -> None:
    assert len({fault.kind for fault in faults(seed, 25.0)}) >= len(ALL) - 2


def test_a_frozen_replica_outlives_its_session() -> None:
    frozen = [fault for fault in faults(1) if fault.kind is DisturbanceKind.FREEZE]
    assert frozen
    assert all(fault.seconds > 3.0 for fault in frozen)


def test_only_the_kinds_asked_for_come_and_only_replicas_that_there_are() -> None:
    found = faults(1, kinds=[DisturbanceKind.KILL, DisturbanceKind.OUTAGE])
    assert {fault.kind for fault in found} == {DisturbanceKind.KILL, DisturbanceKind.OUTAGE}
    assert {fault.replica for fault in found} <= {0, 1, 2}


def test_no_kinds_are_no_faults() -> None:
    assert faults(1, kinds=[]) == ()
