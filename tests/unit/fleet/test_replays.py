"""A replay is at work where it renews what it declares; what a killed one left behind is no replay."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.fleet.asking.replays import RENEWED_WITHIN, ReplayWatch
from bridge.formats.declarations import STALE, Declaration, encode
from bridge.model import TopicPartition

PLACE = TopicPartition("shop.dlq", 0)


class Committed:
    """What the group of the replays has committed; time goes on while it is waited."""

    def __init__(self, *declared: Declaration, renews: bool = True) -> None:
        self.declared = list(declared)
        self.renews = renews
        self.now = 1_000.0
        self.is_down = False
        self.pauses = 0

    async def metadata(self) -> Mapping[TopicPartition, str]:
        if self.is_down:
            raise OSError("no answer")
        return {TopicPartition("shop.dlq", n): encode(each) for n, each in enumerate(self.declared)}

    async def pause(self, seconds: float) -> None:
        self.pauses += 1
        self.now += seconds
        if self.renews:
            self.declared = [each._replace(at=each.at + 1) for each in self.declared]

    def watch(self) -> ReplayWatch:
        return ReplayWatch(self, lambda: self.now, self.pause)


async def test_one_that_renews_its_declaration_is_shown_with_the_rate_it_asks_for() -> None:
    (found,) = await Committed(Declaration("kim-1", 2.0, 7)).watch().living()
    assert (found.who, found.share, found.since) == ("kim-1", 2.0, 1_000.0 + RENEWED_WITHIN)
    assert found.detail == "a replay of dead letters"


async def test_what_a_killed_one_declared_is_not_taken_for_a_replay() -> None:
    assert await Committed(Declaration("kim-1", 2.0, 7), renews=False).watch().living() == ()


async def test_where_none_is_declared_nobody_waits() -> None:
    for committed in (Committed(), Committed(Declaration("kim-1", 0.0, 9))):
        assert await committed.watch().living() == ()
        assert committed.pauses == 0


async def test_one_that_is_killed_later_is_forgotten_when_its_declaration_is_old() -> None:
    committed = Committed(Declaration("kim-1", 2.0, 7, automatic=True))
    watch = committed.watch()
    (found,) = await watch.living()
    assert "dead_letter.redrive" in found.detail
    committed.renews = False
    committed.now += STALE - 1
    assert len(await watch.living()) == 1
    committed.now += 2
    assert await watch.living() == ()


async def test_an_answer_that_does_not_come_leaves_what_was_known() -> None:
    committed = Committed(Declaration("kim-1", 2.0, 7))
    watch = committed.watch()
    await watch.living()
    committed.is_down = True
    assert len(await watch.living()) == 1
