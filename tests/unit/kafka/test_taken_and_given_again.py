"""A topic is created again, and the brokers take its partition and give it again before anybody here knows why."""

from __future__ import annotations

import pytest

from bridge.config.keys.scalars import StartPoint
from bridge.holds import Reason
from tests.support.kafka.poll_side import A, Scene, mapped


def taken(scene: Scene, *, read: int) -> None:
    """It was read from 100 up to this offset."""
    scene.read(A)
    entry = scene.entry(A)
    entry.next_offset = read
    scene.loop.live.clear()
    scene.rebalance._forget([entry])


@pytest.mark.parametrize("start_from", [StartPoint.EARLIEST, StartPoint.LATEST])
def test_it_is_read_from_its_beginning_where_all_that_was_read_of_the_earlier_one_is_done(
    start_from: StartPoint,
) -> None:
    """The last commit, by name, came after the brokers dropped those of the earlier one."""
    scene = Scene(start_from)
    taken(scene, read=110)
    scene.client.committed[A] = mapped(110)
    scene.questions.topic_id = "id2"
    scene.starting.assign([A])
    assert scene.begun() == {A: 0}
    scene.pass_by(1.0)
    assert scene.client.committed[A].offset == 0, "nobody takes the other offset for one of this topic any more"
    assert not scene.starting.held


def test_it_is_held_where_something_of_the_earlier_one_was_not_done() -> None:
    scene = Scene()
    taken(scene, read=110)
    scene.client.committed[A] = mapped(105)
    scene.questions.topic_id = "id2"
    scene.starting.assign([A])
    assert scene.entry(A).held is Reason.RECREATED


def test_it_is_held_where_somebody_else_committed_last() -> None:
    scene = Scene()
    taken(scene, read=110)
    scene.client.committed[A] = mapped(110, topic_id="id0")
    scene.questions.topic_id = "id2"
    scene.starting.assign([A])
    assert scene.entry(A).held is Reason.RECREATED


def test_it_is_held_where_this_process_did_not_read_the_earlier_one() -> None:
    scene = Scene()
    scene.client.committed[A] = mapped(110)
    scene.questions.topic_id = "id2"
    scene.starting.assign([A])
    assert scene.entry(A).held is Reason.RECREATED


def test_a_partition_that_comes_back_of_the_same_topic_goes_on() -> None:
    scene = Scene()
    taken(scene, read=110)
    scene.client.committed[A] = mapped(110)
    scene.starting.assign([A])
    assert scene.begun() == {A: 110}
