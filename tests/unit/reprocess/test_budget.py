"""The part of the limit that replays use: declared before it is used, and never more than there is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bridge.formats.declarations import STALE, Reservations
from bridge.model import TopicPartition
from bridge.pipeline.budget.pacing import FILL
from bridge.reprocess.sending.budget import NOTICE, Budget


class Group:
    """What the replays have committed, one partition each."""

    def __init__(self) -> None:
        self.texts: dict[TopicPartition, str] = {}

    def commit(self, number: int, budget: Budget, *, ends: bool = False) -> None:
        self.texts[TopicPartition("letters", number)] = budget.declare(ends)

    async def metadata(self) -> Mapping[TopicPartition, str]:
        return self.texts


async def running(group: Group, *budgets: Budget) -> float:
    """All have declared, all have looked; the time by which they may send."""
    for number, budget in enumerate(budgets):
        group.commit(number, budget)
        budget.declared(0.0)
    for budget in budgets:
        await budget.look(NOTICE)
    return NOTICE


async def test_nothing_is_sent_before_every_running_bridge_can_know_of_it() -> None:
    budget = Budget(20.0, 100.0, Group(), automatic=False)
    assert budget.rate(0.0) == 0.0
    budget.declared(0.0)
    assert budget.rate(NOTICE - 0.1) == 0.0
    assert budget.rate(NOTICE) == pytest.approx(FILL * 20.0)


async def test_redrives_of_all_replicas_use_together_what_one_would() -> None:
    group = Group()
    redrives = [Budget(20.0, 100.0, group, automatic=True) for _ in range(3)]
    now = await running(group, *redrives)
    assert sum(each.rate(now) or 0.0 for each in redrives) == pytest.approx(FILL * 20.0)
    seen = Reservations()
    seen.observe(group.texts, now)
    assert seen.reserved(now) == 20.0, "and no more than that is taken off the live traffic"


async def test_a_redrive_uses_all_of_it_once_the_others_are_through() -> None:
    group = Group()
    redrives = [Budget(20.0, 100.0, group, automatic=True) for _ in range(2)]
    now = await running(group, *redrives)
    group.commit(1, redrives[1], ends=True)
    await redrives[0].look(now)
    assert redrives[0].rate(now) == pytest.approx(FILL * 20.0)


async def test_people_and_redrives_stay_within_the_limit() -> None:
    group = Group()
    budgets = [Budget(90.0, 100.0, group, automatic=False)]
    budgets += [Budget(20.0, 100.0, group, automatic=True) for _ in range(2)]
    now = await running(group, *budgets)
    assert sum(each.rate(now) or 0.0 for each in budgets) == pytest.approx(FILL * 100.0)


async def test_of_requests_with_a_smaller_limit_the_same_part_of_that_is_sent_and_the_rest_is_left() -> None:
    group = Group()
    first, second = (Budget(40.0, 100.0, group, automatic=False) for _ in range(2))
    now = await running(group, first, second)
    of_events = [each.rate_within(100.0, now) for each in (first, second)]
    assert of_events == [FILL * 40.0, FILL * 40.0]
    of_users = [each.rate_within(10.0, now) for each in (first, second)]
    assert of_users == [pytest.approx(FILL * 4.0)] * 2, "and running bridges have the other fifth"
    assert first.rate_within(None, now) is None


async def test_what_has_no_limit_is_sent_at_once_and_what_has_one_when_it_is_declared() -> None:
    budget = Budget(2.0, 10.0, Group(), automatic=False)
    assert (budget.rate_within(None, 0.0), budget.rate_within(10.0, 0.0)) == (None, 0.0)


async def test_a_replay_knows_of_others_at_work_until_they_end_or_fall_silent() -> None:
    group = Group()
    mine, theirs = Budget(20.0, 100.0, group, automatic=True), Budget(5.0, 100.0, group, automatic=False)
    now = await running(group, mine)
    assert not mine.others_send(now)
    group.commit(1, theirs)
    await mine.look(now)
    assert mine.others_send(now)
    assert not mine.others_send(now + STALE + 0.1)
    group.commit(1, theirs, ends=True)
    await mine.look(now)
    assert not mine.others_send(now)
