"""Random histories of one process: whatever happens in whatever order, nothing is lost, reordered or stuck."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.config.sections import Ordering, RetryPolicy
from bridge.model import TRACK, TopicPartition, Verdict
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import EventState, Work
from tests.everyday import examples
from tests.unit.pipeline.fakes import (
    ACCEPTED,
    FAILED,
    REJECTED,
    THROTTLED,
    TIMED_OUT,
    TOO_LARGE,
    UNWRITABLE,
    unauthorized,
)
from tests.unit.pipeline.hearing import Hearing
from tests.unit.pipeline.world import World

PARTITIONS = [TopicPartition(topic, n) for topic in ("orders", "payments") for n in range(2)]
VALUES = ["ann", "ann", "bob", "bob", "cid", "-", "!", "ann+bob", "ann+!", "ann+-+ann"]
ANSWERS = ["accepted", "accepted", "accepted", "accepted", "failed", "timed out", "throttled", "rejected", "bad key"]


class Histories(RuleBasedStateMachine):
    ordering: Ordering = "user"
    more: ClassVar[dict[str, Any]] = {}
    """Settings beside those of all."""

    @initialize(seed=st.integers(0, 1000), hold_after=st.sampled_from([0, 4, 4]))
    def begin(self, seed: int, hold_after: int) -> None:
        self.world = World(
            DeliverySettings.model_construct(
                ordering=self.ordering,
                max_in_flight=4,
                max_buffered=25,
                rate_limit=None,
                retry=RetryPolicy.model_construct(initial_backoff=0.5, max_backoff=2.0, max_attempts=3),
                hold_after_unauthorized=2,
                recheck=3.0,
                hold_after_letters=hold_after,
                drain_timeout=8.0,
                session_timeout=20.0,
                **self.more,
            ),
            seed=seed,
            commit_every=1.0,
        )
        self.world.sink.api = lambda _: None
        self.world.letters.topic = lambda _: None
        self.hearing = Hearing()
        if seed % 2:
            self.world.dispatcher.listeners.add(self.hearing)

    # --- records -------------------------------------------------------------------------------------

    @rule(partition=st.sampled_from(PARTITIONS), values=st.lists(st.sampled_from(VALUES), min_size=1, max_size=8))
    def produce(self, partition: TopicPartition, values: list[str]) -> None:
        self.world.write(partition, *values, gap=len(values) % 2)
        self.deliver()

    @rule()
    def deliver(self) -> None:
        for partition in list(self.world.owned):
            self.world.deliver(partition)

    # --- answers -------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.sink.on_wire)
    @rule(data=st.data(), answer=st.sampled_from(ANSWERS))
    def answer(self, data: st.DataObject, answer: str) -> None:
        waiting = list(self.world.sink.on_wire)
        work = waiting[data.draw(st.integers(0, len(waiting) - 1))]
        verdicts: dict[str, Verdict] = {
            "accepted": ACCEPTED,
            "failed": FAILED,
            "timed out": TIMED_OUT,
            "throttled": THROTTLED,
            "rejected": REJECTED,
            "bad key": unauthorized(self.world.credentials.generation),
        }
        self.world.sink.answer(work, verdicts[answer])

    @precondition(lambda self: len(self.world.sink.on_wire) > 1)
    @rule(answer=st.sampled_from([ACCEPTED, FAILED, THROTTLED, TIMED_OUT, unauthorized(1)]))
    def answer_everything(self, answer: object) -> None:
        self.world.sink.answer_all(answer)  # type: ignore[arg-type]  # sampled_from joins the verdicts to object

    @precondition(lambda self: self.world.letters.pending)
    @rule(data=st.data(), receipt=st.sampled_from([None, None, UNWRITABLE, TOO_LARGE]))
    def receive(self, data: st.DataObject, receipt: object) -> None:
        waiting = list(self.world.letters.pending)
        work = waiting[data.draw(st.integers(0, len(waiting) - 1))]
        self.world.letters.receipt(work, receipt)  # type: ignore[arg-type]  # as above

    # --- the group -----------------------------------------------------------------------------------

    @rule(partitions=st.sets(st.sampled_from(PARTITIONS), min_size=1))
    def assign(self, partitions: set[TopicPartition]) -> None:
        leaving = {partition.tracker.partition for partition in self.world.dispatcher.assignments}
        free = sorted(partitions - leaving)
        if free:
            self.world.assign(*free)
            self.deliver()

    @precondition(lambda self: self.world.owned)
    @rule(data=st.data(), way=st.sampled_from(["revoke", "lose"]))
    def give_up(self, data: st.DataObject, way: str) -> None:
        which = data.draw(st.sets(st.sampled_from(sorted(self.world.owned)), min_size=1))
        getattr(self.world, way)(*sorted(which))

    # --- time ----------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule()
    def stop_and_continue(self) -> None:
        self.world.stop_process(5.0)

    @rule()
    def change_key(self) -> None:
        self.world.credentials.file += 1

    @rule(answers=st.sampled_from([True, False]))
    def coordinator(self, *, answers: bool) -> None:
        self.world.positions.answers = answers

    # --- what must always be so ----------------------------------------------------------------------

    @invariant()
    def everything_adds_up(self) -> None:
        self.world.check()

    @invariant()
    def nobody_was_overtaken(self) -> None:
        if self.ordering == "user":
            self.world.check_order()

    @invariant()
    def whether_something_may_still_be_delivered_is_known_exactly(self) -> None:
        open_events = dict.fromkeys(self.world.dispatcher.topics, 0)
        for partition in self.world.dispatcher.assignments:
            for work in events(partition.tracker.open.values()):
                draining_and_dropped = work.state is EventState.GONE
                left = work.step is not None and (work.step.has_letter or work.step.failed is not None)
                if work.letter is None and not draining_and_dropped and not left:
                    open_events[partition.topic.name] += 1
        for name, topic in self.world.dispatcher.topics.items():
            assert self.world.dispatcher.assignments.may_deliver(topic) == (open_events[name] > 0)

    @invariant()
    def what_waits_for_a_permit_is_counted_exactly(self) -> None:
        for partition in self.world.dispatcher.assignments:
            ready = [w for w in events(partition.tracker.open.values()) if w.state is EventState.READY]
            assert partition.ready >= len(ready)

    @invariant()
    def intake_is_shut_only_while_a_letter_is_still_to_be_written(self) -> None:
        refused = self.world.dispatcher.letters.refused
        if refused.since is not None:
            assert refused.next_try is not None or self.world.letters.pending

    @invariant()
    def who_listens_knows_which_records_are_open(self) -> None:
        if self.world.dispatcher.listeners.came_in is not None:
            told = sorted(life.record.coordinates for life in self.hearing.lives if life.end is None)
            assert told == sorted(
                f"{partition.tracker.partition}/{offset}"
                for partition in self.world.dispatcher.assignments
                for offset in partition.tracker.open
            )

    def teardown(self) -> None:
        """Faults end; then everything has to come to its end by itself."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.positions.answers = True
        while world.letters.pending or world.sink.on_wire:
            world.sink.answer_all(ACCEPTED)
            for work in list(world.letters.pending):
                world.letters.receipt(work, None)
        world.sink.api = lambda _: (0.05, ACCEPTED)
        world.letters.topic = lambda _: (0.01, None)
        world.run(30)
        missing = [partition for partition in PARTITIONS if partition not in world.owned]
        if missing:
            world.assign(*missing)
        for partition in PARTITIONS:
            world.write(partition, "zoe")  # something new, to find out that the faults are over
        in_a_row = 0
        for _ in range(60):
            self.deliver()
            world.run(2)
            # A partition that is paused for a moment has nothing unfinished, and goes on with what was not read of it.
            in_a_row = 0 if self._unfinished() else in_a_row + 1
            if in_a_row == 3:
                break
        world.run(4)
        assert world.dispatcher.governors[TRACK].in_flight == 0
        if any(event[1] == world.logs[event[0]].end - 1 for event in world.sink.accepted[-8:]):
            assert not world.dispatcher.governors[TRACK].outage.on
            assert not world.is_held()
        assert world.dispatcher.letters.refused.since is None
        assert not self._unfinished()
        if self.ordering == "user":
            world.check_order()

    def _unfinished(self) -> list[str]:
        """What is stuck: neither done nor held by a rule."""
        world = self.world
        found = []
        for partition, log in world.logs.items():
            topic = world.dispatcher.topics.get(partition.topic)
            if (topic is not None and topic.held) or world.owned[partition] in world.positions.paused:
                continue
            found += [record.coordinates for record in log.records if world.unfinished(partition, record)]
            if world.owned[partition].lowest_open != log.end:
                found.append(f"the position of {partition}")
        return found


class UnorderedHistories(Histories):
    ordering: Ordering = "none"


class PartitionHistories(Histories):
    ordering: Ordering = "partition"


def events(entries: object) -> list[Work]:
    found: list[Work] = []
    for entry in entries:  # type: ignore[attr-defined]  # a dict's values
        found += [entry] if isinstance(entry, Work) else entry.works
    return found


PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=examples(100), stateful_step_count=50, deadline=None, phases=PHASES)
TestUnorderedHistories = UnorderedHistories.TestCase
TestUnorderedHistories.settings = settings(
    max_examples=examples(30), stateful_step_count=40, deadline=None, phases=PHASES
)
TestPartitionHistories = PartitionHistories.TestCase
TestPartitionHistories.settings = settings(
    max_examples=examples(30), stateful_step_count=40, deadline=None, phases=PHASES
)
