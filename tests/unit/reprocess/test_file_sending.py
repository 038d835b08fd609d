"""A file on its way: what its claims, the dispatcher's pauses and an interruption do to it, without a cluster."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bridge.model import DeadLetter, Record, Reject, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.reprocess.sending.budget import NOTICE
from bridge.reprocess.sending.file_sending import FileLine, LineFate, Sending
from tests.unit.reprocess.sending import Surroundings


class Scene:
    """One sending of `count` lines, each of another user. Nothing goes on by itself."""

    def __init__(self, folder: Path, count: int, *, max_in_flight: int = 100) -> None:
        self.around = Surroundings(folder, max_in_flight=max_in_flight)
        self.budget, self.time = self.around.budget, self.around.time
        self.rejected: list[tuple[int, DeadLetter]] = []
        self.sending = Sending(
            [line(number) for number in range(1, count + 1)],
            self.around.wiring,
            letters_end={0: 0},
            rejected=lambda each, letter: self.rejected.append((each.number, letter)),
        )
        self.traffic = self.sending.traffic

    def begin(self) -> None:
        """As a member of the replays' group whose declaration every running bridge can know by now."""
        self.traffic.claimed([0])
        self.later(NOTICE + 1)

    def later(self, seconds: float = 5.0) -> None:
        self.around.later(self.traffic, seconds)

    def answer(self, verdict: Reject | None = None) -> None:
        self.around.answer(self.traffic, verdict)

    @property
    def sent(self) -> list[int]:
        """Numbers of the lines that have no answer yet."""
        return [work.record.offset + 1 for work in self.around.wire.on_wire]


def line(number: int) -> FileLine:
    value = json.dumps({"type": "order", "user": f"u-{number}"})
    return FileLine(number, value, Record("orders", 0, number, 1_700_000_000_000, None, value.encode(), ()))


async def settle() -> None:
    """What was put off until the dispatcher returned."""
    await asyncio.sleep(0)


async def test_nothing_is_sent_before_the_declaration_is_known_to_all_and_every_line_is_counted_once(
    tmp_path: Path,
) -> None:
    scene = Scene(tmp_path, 3)
    scene.traffic.claimed([0])
    scene.later(NOTICE)
    assert scene.sent == []
    scene.later(1)
    assert scene.sent == [1, 2, 3]

    scene.answer()
    scene.answer(Reject("Invalid input", 400))
    scene.answer()
    await settle()
    tally = scene.sending.tally
    assert tally.fates == {LineFate.ACCEPTED: 2, LineFate.REJECTED: 1}
    assert [number for number, _ in scene.rejected] == [2]
    assert (tally.done, tally.left, tally.next_line, tally.last_accepted) == (3, 0, None, 3)


async def test_a_membership_that_is_lost_sends_nothing_until_the_next_declaration_is_known(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 3, max_in_flight=1)
    scene.begin()
    assert scene.sent == [1]
    scene.traffic.lost([0])
    scene.answer()
    assert scene.sent == []
    scene.later(NOTICE)
    assert scene.sent == []
    scene.later(1)
    assert scene.sent == [2]
    assert scene.sending.tally.stopped is None


async def test_what_is_paused_feeds_nothing_more_until_it_is_resumed(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 3)
    tracker: OffsetTracker[object] = OffsetTracker(TopicPartition("file", 0), 0)
    scene.traffic.pause_partition(tracker)  # type: ignore[arg-type]
    scene.begin()
    assert scene.sent == []
    scene.traffic.resume_partition(tracker)  # type: ignore[arg-type]
    await settle()
    scene.later()
    assert scene.sent == [1, 2, 3]


async def test_an_interruption_starts_nothing_more_and_leaves_when_what_is_on_the_wire_has_its_answer(
    tmp_path: Path,
) -> None:
    scene = Scene(tmp_path, 3, max_in_flight=1)
    scene.begin()
    scene.sending.interrupt()
    left: list[str] = []
    scene.traffic.unclaim([0], lambda: left.append("left"))
    assert (scene.sent, left) == ([1], [])

    scene.answer()
    scene.later()
    await settle()
    tally = scene.sending.tally
    assert left == ["left"]
    assert scene.sent == []
    assert (tally.interrupted, tally.stopped, tally.done, tally.next_line) == (True, "interrupted", 1, 2)


async def test_claims_that_only_move_take_back_the_declaration_and_wait_for_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 3, max_in_flight=1)
    scene.begin()
    left: list[str] = []
    scene.traffic.unclaim([0], lambda: left.append("left"))
    assert left == ["left"]
    assert scene.budget.rate(scene.time.now) == 0.0
    scene.answer()
    scene.later(NOTICE)
    assert scene.sent == []
    scene.later(1)
    assert scene.sent == [2]


async def test_a_cluster_that_does_not_let_it_share_the_budget_ends_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 1)
    scene.traffic.refused("This user may not use the group g.")
    assert scene.traffic.has_ended
    tally = scene.sending.tally
    assert (tally.refused, tally.stopped) == (True, "This user may not use the group g")


async def test_a_defect_in_a_callback_ends_it_with_that_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(tmp_path, 1)
    defect = RuntimeError("first")
    monkeypatch.setattr(scene.sending, "feed", lambda: (_ for _ in ()).throw(defect))
    scene.traffic.claimed([0])
    scene.traffic.crash(RuntimeError("second"))
    assert scene.traffic.has_ended
    with pytest.raises(RuntimeError, match="first"):
        async with scene.traffic.ticking():
            pass
