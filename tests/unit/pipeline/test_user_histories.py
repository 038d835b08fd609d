"""Random histories with steps and users who are identified first: whatever happens, what has to come first comes first.

That nothing is sent before the step before it was accepted, nor a user's event before the user was identified, is
checked by the sink, at every request.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from bridge.config.sections import KnownUsers, Ordering
from bridge.model import TopicPartition
from tests.everyday import examples
from tests.unit.pipeline import test_histories
from tests.unit.pipeline.test_histories import PARTITIONS, PHASES

VALUES = [
    "ann", "bob", "cid", "-", "!", "ann+bob",
    "ann:identify>ann", "bob:identify>acme:company>bob", "acme:company>ann", "acme:company>bob>cid:identify",
    "ann>bob>ann", "ann:!>ann", "bob:identify>!>bob", "!>ann>bob", "ann>-", "-:forget>ann", "bob:forget", "ann>!",
    "[ann+bob", "[ann:identify>ann+acme:company>bob>ann+-", "[!>ann+cid>!", "acme:company",
]  # fmt: skip


class UserHistories(test_histories.Histories):
    more: ClassVar[dict[str, Any]] = {
        "unknown_users": "identify",
        "known_users": KnownUsers.model_construct(size=2, ttl=20.0),
        "identify_settle": 0.2,
    }

    @initialize(seed=st.integers(0, 1000), hold_after=st.sampled_from([0, 4, 4]), rest=st.booleans())
    def begin(self, seed: int, hold_after: int, rest: bool) -> None:  # noqa: FBT001 - drawn
        super().begin(seed, hold_after)
        self.world.mapper.sends_the_rest = rest

    @rule(partition=st.sampled_from(PARTITIONS), values=st.lists(st.sampled_from(VALUES), min_size=1, max_size=8))
    def produce(self, partition: TopicPartition, values: list[str]) -> None:
        self.world.write(partition, *values, gap=len(values) % 2)
        self.deliver()

    def teardown(self) -> None:
        super().teardown()
        if not hasattr(self, "world"):
            return
        dispatcher = self.world.dispatcher
        dispatcher.pump()
        assert all(governor.in_flight == 0 for governor in dispatcher.governors.values())
        if any(topic.held for topic in dispatcher.topics.values()) or self.world.positions.paused:
            return
        assert len(dispatcher.queues.keys) == 0
        assert not list(dispatcher.identifies.pending())
        assert not dispatcher.failing.lengths
        assert not dispatcher.ready


class UnorderedUserHistories(UserHistories):
    ordering: Ordering = "none"


class PartitionUserHistories(UserHistories):
    ordering: Ordering = "partition"


class StepHistories(UserHistories):
    more: ClassVar[dict[str, Any]] = {}


TestUserHistories = UserHistories.TestCase
TestUserHistories.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None, phases=PHASES)
TestUnorderedUserHistories = UnorderedUserHistories.TestCase
TestUnorderedUserHistories.settings = settings(
    max_examples=examples(40), stateful_step_count=40, deadline=None, phases=PHASES
)
TestPartitionUserHistories = PartitionUserHistories.TestCase
TestPartitionUserHistories.settings = settings(
    max_examples=examples(20), stateful_step_count=40, deadline=None, phases=PHASES
)
TestStepHistories = StepHistories.TestCase
TestStepHistories.settings = settings(max_examples=examples(30), stateful_step_count=40, deadline=None, phases=PHASES)
