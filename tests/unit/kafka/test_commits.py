from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.formats import commit_mark, offset_map
from bridge.formats.commit_mark import mapping_of
from bridge.kafka.consumer.commits import Commits
from bridge.kafka.consumer.thread.hand_over import HandOver
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.model import Position, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.support.kafka import contexts

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.kafka.consumer.thread.consumption import Consumption, Tracker

ILLEGAL_GENERATION, REBALANCING, STALE_EPOCH, NOT_MEMBER, STATE = 22, 27, 113, 25, -172


class Client:
    """The three calls of a consumer that commits need, with the errors they are told to give."""

    def __init__(self) -> None:
        self.stored: list[ClientPartition] = []
        self.committed: list[list[ClientPartition]] = []
        self.refuses_to_store: dict[int, int] = {}
        self.commit_errors: list[int] = []

    def store_offsets(self, *, offsets: list[ClientPartition]) -> None:
        assert len(offsets) == 1, "of several, the client drops those it does not own without a word"
        [each] = offsets
        if code := self.refuses_to_store.get(each.partition):
            raise KafkaException(KafkaError(code))
        self.stored.append(each)

    def commit(self, *, offsets: list[ClientPartition], asynchronous: bool) -> list[ClientPartition]:
        del asynchronous
        self.committed.append(offsets)
        if self.commit_errors and (code := self.commit_errors.pop(0)):
            raise KafkaException(KafkaError(code))
        return offsets


class AtOnce(HandOver):
    """Without a loop."""

    def __init__(self, told: object) -> None:
        self.consumption = cast("Consumption", told)

    def tell(self, method: Callable[..., object], *arguments: object) -> None:
        method(*arguments)


class Scene:
    def __init__(self, partitions: int = 3, mapping: int | None = None) -> None:
        self.client = Client()
        self.slept: list[float] = []
        self.now = 100.0
        self.proven: list[float] = []
        self.failures: list[str] = []
        context = contexts.context(self.client, AtOnce(self), clock=lambda: self.now)
        self.table, self.counts = context.partitions, context.counts
        self.trackers = [self.assign(number) for number in range(partitions)]
        self.commits = Commits(context, sleep=self.slept.append, mapping=mapping)

    def heartbeat_answered(self, issued_at: float) -> None:
        self.proven.append(issued_at)

    def commit_failed(self, detail: str) -> None:
        self.failures.append(detail)

    def assign(self, number: int) -> Tracker:
        entry = PartitionState(TopicPartition("orders", number))
        entry.tracker = OffsetTracker(entry.partition, 0)
        entry.position = Position(0, "", None)
        self.table.add(entry)
        return entry.tracker


@pytest.fixture
def scene() -> Scene:
    return Scene()


def at(tracker: Tracker, offset: int, text: str = "map") -> tuple[Tracker, Position]:
    return tracker, Position(offset, text, None)


def offsets(partitions: list[ClientPartition]) -> dict[int, int]:
    return {each.partition: each.offset for each in partitions}


def test_each_partition_is_stored_by_itself_and_one_that_is_refused_costs_no_other(scene: Scene) -> None:
    scene.client.refuses_to_store = {1: STATE}
    scene.commits.offer([at(tracker, 5) for tracker in scene.trackers])
    scene.commits.take_offered()
    assert offsets(scene.client.stored) == {0: 5, 2: 5}
    assert scene.counts.refused_positions == 1


def test_a_position_of_an_earlier_assignment_never_reaches_the_client(scene: Scene) -> None:
    stale = scene.trackers[0]
    scene.assign(0)
    scene.commits.offer([at(stale, 9)])
    scene.commits.finish([at(stale, 9)])
    assert scene.client.stored == []
    assert scene.client.committed == []
    assert scene.counts.refused_positions == 1


def test_a_position_never_goes_back(scene: Scene) -> None:
    tracker = scene.trackers[0]
    scene.commits.offer([at(tracker, 9)])
    scene.commits.offer([at(tracker, 2)])
    scene.commits.take_offered()
    assert offsets(scene.client.stored) == {0: 9}


def test_every_store_and_every_commit_carries_the_map_which_one_without_would_clear(scene: Scene) -> None:
    tracker = scene.trackers[0]
    scene.commits.offer([at(tracker, 9, "b1.map")])
    scene.commits.finish([at(tracker, 9, "b1.map")])
    assert [each.metadata for each in scene.client.stored] == ["b1.map"]
    assert [each.metadata for each in scene.client.committed[0]] == ["b1.map"]


@pytest.mark.parametrize("code", [ILLEGAL_GENERATION, REBALANCING, STALE_EPOCH])
def test_a_last_commit_that_meets_a_rebalance_is_tried_once_more_and_then_let_go(scene: Scene, code: int) -> None:
    scene.client.commit_errors = [code]
    scene.commits.finish([at(scene.trackers[0], 5)])
    assert len(scene.client.committed) == 2
    assert scene.counts.commits == 1
    assert scene.counts.commit_errors.total() == 0

    scene.client.commit_errors = [code, code]
    scene.commits.finish([at(scene.trackers[0], 6)])
    assert len(scene.client.committed) == 4
    assert scene.counts.commit_errors["rebalancing"] == 1
    assert len(scene.slept) == 2


def test_a_commit_of_a_session_that_is_over_is_not_repeated(scene: Scene) -> None:
    scene.client.commit_errors = [NOT_MEMBER]
    scene.commits.finish([at(scene.trackers[0], 5)])
    assert len(scene.client.committed) == 1
    assert scene.counts.commit_errors["session_lost"] == 1


def test_a_map_that_grows_at_an_open_head_is_committed_explicitly_at_most_once_a_second(scene: Scene) -> None:
    """The periodic commit skips an offset that did not move, although its metadata is new."""
    tracker = scene.trackers[0]
    for text in ("one", "two"):
        scene.commits.offer([at(tracker, 0, text)])
        scene.commits.take_offered()
        scene.commits.refresh()
    assert len(scene.client.committed) == 1
    answered = scene.client.committed[0]
    assert str(answered[0].metadata).startswith("one~")
    scene.commits.answered(None, answered)
    scene.now += 1.0
    scene.commits.refresh()
    assert str(scene.client.committed[1][0].metadata).startswith("two~")


def test_one_explicit_commit_is_under_way_at_most_and_an_answer_to_another_proves_nothing(scene: Scene) -> None:
    scene.commits.send_heartbeat()
    scene.commits.refresh()
    scene.now += 5.0
    scene.commits.send_heartbeat()
    scene.commits.refresh()
    assert len(scene.client.committed) == 1
    scene.commits.answered(None, [ClientPartition("orders", 0, 5, "periodic")])
    assert scene.proven == []
    scene.commits.answered(None, scene.client.committed[0])
    assert scene.proven == [100.0]


def test_a_commit_of_several_partitions_that_fails_for_one_is_counted_once(scene: Scene) -> None:
    scene.commits.answered(KafkaError(3), [ClientPartition("orders", number, 5) for number in range(3)])
    assert dict(scene.counts.commit_errors) == {"unknown_partition": 1}


def test_nothing_new_to_commit_is_not_counted_as_an_error(scene: Scene) -> None:
    scene.commits.answered(KafkaError(-168), [])
    assert scene.counts.commit_errors.total() == 0


def test_while_a_drain_keeps_the_poll_thread_positions_are_committed_explicitly(scene: Scene) -> None:
    """The client commits nothing by itself during a rebalance, and no answer is served before it is over."""
    stored_before, completed_meanwhile, _ = scene.trackers
    scene.commits.offer([at(stored_before, 4)])
    scene.commits.take_offered()
    scene.commits.before_drain()
    scene.commits.keep_up()
    assert offsets(scene.client.committed[0]) == {0: 4, 1: 0, 2: 0}

    scene.now += 1.0
    scene.commits.offer([at(completed_meanwhile, 7)])
    scene.commits.keep_up()
    assert offsets(scene.client.committed[1]) == {1: 7}
    scene.commits.keep_up()
    assert len(scene.client.committed) == 2


def test_a_refused_commit_is_told_once_in_half_a_minute_and_says_how_often_it_was(scene: Scene) -> None:
    error = KafkaError(NOT_MEMBER)
    for _ in range(3):
        scene.commits.answered(error, [])
    assert len(scene.failures) == 1
    assert scene.failures[0].startswith("session_lost: ")
    scene.now += 31
    scene.commits.answered(error, [])
    assert scene.failures[1].endswith("(and 2 more like it)")


def test_a_commit_with_nothing_to_commit_is_no_failure(scene: Scene) -> None:
    scene.commits.answered(KafkaError(-168), [])
    assert scene.failures == []


def test_the_clients_own_commit_of_a_position_proves_the_membership_since_it_was_handed_that_position(
    scene: Scene,
) -> None:
    scene.commits.offer([at(scene.trackers[0], 5, "b1.five")])
    scene.commits.take_offered()
    scene.now += 7.0
    scene.commits.answered(
        None, [ClientPartition("orders", 0, 4, "b1.five"), ClientPartition("orders", 1, 5, "b1.five")]
    )
    assert scene.proven == [], "an answer that waited in a socket is of another position"
    scene.commits.answered(None, [ClientPartition("orders", 0, 5, "b1.five")])
    assert scene.proven == [100.0]


def test_the_age_of_the_last_acknowledged_commit_counts_answers_only(scene: Scene) -> None:
    assert scene.counts.committed_at is None
    scene.now += 3.0
    scene.commits.answered(KafkaError(ILLEGAL_GENERATION), [])
    assert scene.counts.committed_at is None
    scene.commits.answered(None, [ClientPartition("orders", 0, 5)])
    assert scene.counts.committed_at == 103.0


MAP = offset_map.encode(
    5,
    [1, 1] * 200,
    leader_epoch=0,
    topic_id="abcdefghijklmnopqrstuv",
    demand=offset_map.Demand(3, 1_790_000_000),
    head=offset_map.Head(),
    max_length=3000,
)


def commits_until_they_pass(scene: Scene, limit: int) -> list[str]:
    """Texts of the explicit commits, up to the first one that brokers with this limit take."""
    sent: list[str] = []
    while len(sent) < 20:
        scene.commits.refresh()
        [text] = [each.metadata or "" for each in scene.client.committed[-1]]
        sent.append(text)
        if len(text) <= limit:
            scene.commits.answered(None, scene.client.committed[-1])
            return sent
        scene.commits.answered(KafkaError(KafkaError.OFFSET_METADATA_TOO_LARGE), scene.client.committed[-1])
        scene.now += 1.0
    raise AssertionError(sent)


@pytest.mark.parametrize("limit", [400, 90, 40, 5, 2, 0])
def test_brokers_with_a_small_limit_get_a_shorter_map_then_none_and_never_an_endless_failing_commit(
    limit: int,
) -> None:
    scene = Scene(partitions=1)
    scene.commits.offer([at(scene.trackers[0], 5, MAP)])
    scene.commits.take_offered()
    scene.commits.before_drain()
    sent = commits_until_they_pass(scene, limit)
    assert len(sent) <= 12
    assert scene.proven != [], "an explicit commit that passes proves the membership, however short its text"
    found = offset_map.decode(commit_mark.unmarked(sent[-1]))
    assert (found is not None) == (limit >= 90)
    if found is not None:
        assert found.done == offset_map.decode(MAP).done[: len(found.done)]  # type: ignore[union-attr]
    assert len(scene.client.stored[-1].metadata or "") <= max(limit, 1), "the client would commit the long one for ever"
    scene.commits.offer([at(scene.trackers[0], 6, MAP)])
    scene.commits.take_offered()
    assert len(scene.client.stored[-1].metadata or "") <= max(limit, 1)


def test_a_last_commit_with_a_text_too_long_is_shortened_at_once(scene: Scene) -> None:
    too_long = KafkaError.OFFSET_METADATA_TOO_LARGE
    scene.client.commit_errors = [too_long, too_long]
    scene.commits.finish([at(scene.trackers[0], 5, MAP)])
    lengths = [len(committed[0].metadata or "") for committed in scene.client.committed]
    assert len(lengths) == 3
    assert lengths[2] <= lengths[1] // 2 <= lengths[0] // 4
    assert scene.counts.commit_errors.total() == 0
    assert scene.counts.commits == 1


def test_every_commit_names_the_mapping_and_its_answer_is_still_told_from_others() -> None:
    scene = Scene(mapping=123_456_789)
    scene.commits.offer([at(scene.trackers[0], 5)])
    scene.commits.take_offered()
    assert [mapping_of(each.metadata) for each in scene.client.stored] == [123_456_789]
    scene.commits.send_heartbeat()
    scene.commits.refresh()
    [sent] = scene.client.committed[-1]
    assert mapping_of(sent.metadata) == 123_456_789
    scene.commits.answered(None, scene.client.committed[-1])
    assert scene.proven == [100.0]


def test_a_partition_that_may_not_be_committed_does_not_keep_the_others_from_proving_the_membership(
    scene: Scene,
) -> None:
    scene.commits.send_heartbeat()
    scene.commits.refresh()
    [refused] = scene.client.committed[-1]
    scene.commits.answered(KafkaError(29), [refused])
    assert scene.proven == []

    scene.now += 1
    scene.commits.send_heartbeat()
    scene.commits.refresh()
    [asked] = scene.client.committed[-1]
    assert asked.partition != refused.partition
    scene.commits.answered(None, [asked])
    assert scene.proven == [101.0]
