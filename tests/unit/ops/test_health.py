from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge.ops.health import BeatLimits, Health, live, ready

if TYPE_CHECKING:
    from bridge.ops.snapshot import Vitals

LIMITS = BeatLimits(poll=60.0, loop=30.0)


def reasons(health: Health) -> list[str]:
    return [finding.reason for finding in health.findings]


def test_a_process_whose_threads_beat_is_alive(vitals: Vitals) -> None:
    assert live(vitals, LIMITS).ok


def test_a_poll_thread_that_stopped_is_not_alive(vitals: Vitals) -> None:
    stuck = live(replace(vitals, poll_age=60.1), LIMITS)

    assert reasons(stuck) == ["poll_stuck"]
    assert "60 s are allowed" in stuck.findings[0].message


def test_a_loop_that_stopped_is_not_alive(vitals: Vitals) -> None:
    assert reasons(live(replace(vitals, loop_age=30.1), LIMITS)) == ["loop_stuck"]


def test_both_threads_stuck_are_both_told(vitals: Vitals) -> None:
    assert reasons(live(replace(vitals, poll_age=99, loop_age=99), LIMITS)) == ["poll_stuck", "loop_stuck"]


@pytest.mark.parametrize("phase", ["draining", "stopping"])
def test_a_drain_is_excused(phase: str, vitals: Vitals) -> None:
    waiting = replace(vitals, poll_age=99, loop_age=99)

    assert live(replace(waiting, draining=phase == "draining", stopping=phase == "stopping"), LIMITS).ok


def test_nothing_outside_the_process_makes_it_less_alive(vitals: Vitals) -> None:
    troubled = replace(vitals, joined=False, unauthorized="The key is refused.", dead_letters="Not writable.")

    assert live(troubled, LIMITS).ok


def test_a_member_of_the_group_is_ready(vitals: Vitals) -> None:
    assert ready(vitals).ok


def test_a_process_without_its_first_assignment_is_not_ready(vitals: Vitals) -> None:
    assert reasons(ready(replace(vitals, joined=False))) == ["not_joined"]


def test_a_stopping_process_is_not_ready(vitals: Vitals) -> None:
    assert reasons(ready(replace(vitals, stopping=True))) == ["draining"]


def test_a_rebalance_that_takes_some_partitions_leaves_a_process_ready(vitals: Vitals) -> None:
    assert ready(replace(vitals, draining=True)).ok


def test_a_refused_key_and_unwritable_dead_letters_make_a_process_not_ready_with_their_sentences(
    vitals: Vitals,
) -> None:
    held = ready(replace(vitals, unauthorized="The key is refused.", dead_letters="The topic is gone."))

    assert reasons(held) == ["unauthorized", "dead_letters_unwritable"]
    assert [finding.message for finding in held.findings] == ["The key is refused.", "The topic is gone."]


def test_a_process_that_kafka_does_not_answer_is_not_ready_and_names_the_broker_instead_of_the_group(
    vitals: Vitals,
) -> None:
    away = ready(replace(vitals, joined=False, kafka="No Kafka broker answers: kafka-1:9092: Connection refused."))

    assert reasons(away) == ["kafka_unreachable"]
    assert "kafka-1:9092" in away.findings[0].message


def test_a_process_that_lost_its_assignment_says_that_it_joins_again(vitals: Vitals) -> None:
    [finding] = ready(replace(vitals, joined=False, joined_before=True)).findings

    assert finding.reason == "not_joined"
    assert "again" in finding.message
