"""The members are asked for only while connections hold: the question can end the process where they do not."""

from __future__ import annotations

from bridge.kafka.admin.group_description import GroupDescription
from bridge.kafka.admin.group_findings import STEADY
from bridge.kafka.admin.group_members import GroupMembers
from bridge.kafka.admin.obstacles import NotConnectedError, Obstacle
from tests.unit.fleet.conftest import group, member


class Brokers:
    """Whose connections can fail."""

    def __init__(self) -> None:
        self.has_failed = False
        self.is_down = False
        self.asked = 0
        self.now = 100.0

    @property
    def is_steady(self) -> bool:
        return not self.has_failed

    def reach(self) -> None:
        if self.is_down:
            raise NotConnectedError(Obstacle.CONNECTION, "refused")
        self.has_failed = False

    def group(self) -> GroupDescription | None:
        self.asked += 1
        return group(member("10.0.0.1", 0))

    def question(self) -> GroupMembers:
        return GroupMembers(self, lambda: self, lambda: self.now)


async def test_where_nothing_has_failed_they_are_asked_for_at_once() -> None:
    brokers = Brokers()
    assert await brokers.question().members() is not None


async def test_after_an_error_they_are_not_asked_for_until_connections_held_for_a_while() -> None:
    brokers = Brokers()
    question = brokers.question()
    await question.members()
    brokers.has_failed = True
    assert await question.members() is None
    brokers.now += STEADY - 1
    assert await question.members() is None
    assert brokers.asked == 1
    brokers.now += 2
    assert await question.members() is not None


async def test_while_no_broker_answers_they_are_not_asked_for() -> None:
    brokers = Brokers()
    question = brokers.question()
    brokers.has_failed = brokers.is_down = True
    assert await question.members() is None
    brokers.now += 2 * STEADY
    assert await question.members() is None
    assert brokers.asked == 0
    brokers.is_down = False
    assert await question.members() is None
    brokers.now += STEADY
    assert await question.members() is not None


class Deaf(Brokers):
    """A client that never finds the coordinator again."""

    def group(self) -> GroupDescription | None:
        self.asked += 1
        return None


async def test_a_client_that_gets_no_answer_is_replaced_by_a_new_one_and_it_is_said_why_nothing_is_known() -> None:
    deaf, fresh = Deaf(), Brokers()
    question = GroupMembers(deaf, lambda: fresh, lambda: deaf.now)
    assert await question.members() is None
    assert "did not answer in time" in (question.problem or "")
    assert await question.members() is not None
    assert question.problem is None
    assert (deaf.asked, fresh.asked) == (1, 1)


async def test_after_a_coordinator_went_a_new_client_asks_although_the_old_one_fails_for_ever() -> None:
    old, fresh = Brokers(), Brokers()
    old.has_failed = True
    question = GroupMembers(old, lambda: fresh, lambda: old.now)
    assert await question.members() is None
    assert "connections to Kafka failed lately" in (question.problem or "")
    old.has_failed = True
    old.now += STEADY
    assert await question.members() is not None
    assert old.asked == 0


async def test_of_brokers_that_never_answer_new_clients_are_opened_seldom() -> None:
    deaf = Deaf()
    opened: list[float] = []

    def anew() -> Deaf:
        opened.append(deaf.now)
        return deaf

    question = GroupMembers(deaf, anew, lambda: deaf.now)
    for _ in range(50):
        await question.members()
        deaf.now += 2.0
    assert len(opened) <= 100 / STEADY + 1
