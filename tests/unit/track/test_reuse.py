"""When a connection may carry a second request."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.track.connection import SPELL, Reuse


def test_connections_are_used_again_until_there_is_a_reason_not_to() -> None:
    assert Reuse().allowed(0.0)


def test_one_surplus_answer_ends_it_for_a_spell() -> None:
    reuse = Reuse()
    reuse.stop(10.0)
    assert not reuse.allowed(10.0 + SPELL - 1)
    assert reuse.allowed(10.0 + SPELL)


def test_three_connections_that_died_in_a_row_end_it_and_two_do_not() -> None:
    reuse = Reuse()
    assert [reuse.died(1.0) for _ in range(3)] == [False, False, True]
    assert not reuse.allowed(1.0)


def test_a_death_among_many_that_worked_ends_nothing() -> None:
    reuse = Reuse()
    for _ in range(100):
        assert not reuse.died(1.0)
        for _ in range(4):
            reuse.worked()
    assert reuse.allowed(1.0)


def test_a_server_that_closes_every_second_time_is_found_out() -> None:
    reuse = Reuse()
    found = []
    for _ in range(10):
        reuse.worked()
        found.append(reuse.died(1.0))
    assert found.index(True) < 5


@given(st.lists(st.sampled_from(["worked", "died"])))
def test_after_a_spell_connections_are_tried_again_whatever_happened(history: list[str]) -> None:
    reuse = Reuse()
    for what in history:
        if what == "died":
            reuse.died(5.0)
        else:
            reuse.worked()
    assert reuse.suspicion >= 0
    assert reuse.allowed(5.0 + SPELL)
