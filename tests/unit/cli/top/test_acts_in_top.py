"""Holding, pausing and releasing from `track-bridge top`: what the replica is told after a y, by whom and why."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.cli.top.program import Top
from bridge.cli.top.rows import RouteCounts, detail
from bridge.cli.top.state import DialogStage, TopTable
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetView
from bridge.ops.status.forecast import Forecast, LostBy, Pace
from bridge.ops.status.status_text.layout import ScreenLine, Text, Tone
from bridge.ops.status.status_text.times import Times
from tests.support.console.replicas import ObedientReplica, control_of
from tests.support.waiting import until
from tests.unit.cli.top.conftest import AT, fleet


class Screen:
    """What is drawn last."""

    def __init__(self) -> None:
        self.text = ""

    def draw(self, lines: list[ScreenLine]) -> None:
        self.text = "\n".join(each.text for each in lines)


class Running:
    """On a screen without a terminal; what is selected first is shop.orders/1."""

    def __init__(self, *replicas: ObedientReplica) -> None:
        self.screen = Screen()

        async def look() -> FleetView:
            return fleet()

        self.top = Top(FleetSource(look), control_of(*replicas), "ada", self.screen.draw, lambda: (60, 40))

    async def __aenter__(self) -> Top:
        self._task = asyncio.create_task(self.top.run())
        await until("the first look is drawn", lambda: "shop.orders/1" in self.screen.text)
        return self.top

    async def __aexit__(self, *_: object) -> None:
        self.top.end()
        await self._task


def stage(top: Top) -> DialogStage | None:
    return None if top.state.dialog is None else top.state.dialog.stage


@pytest.mark.parametrize(
    ("keys", "command"), [("hretention\r", "hold"), ("pretention\r\r", "pause"), ("rretention\r", "release")]
)
async def test_a_y_has_the_replica_do_what_was_shown(keys: str, command: str) -> None:
    replica = ObedientReplica("10.0.0.4:9464", {0, 1})
    async with Running(replica) as top:
        top.typed(keys)
        await until("it was looked at", lambda: stage(top) in (DialogStage.CONFIRM, DialogStage.TOLD))
        assert top.state.dialog is not None
        assert "shop.orders/1 (10.0.0.4:9464)?" in top.state.dialog.lines
        assert replica.told == []
        top.typed("y")
        await until("it was done", lambda: stage(top) is DialogStage.TOLD)
        assert top.state.dialog is not None
        assert "Done: shop.orders/1 (10.0.0.4:9464)." in top.state.dialog.lines
    [request] = replica.told
    assert (request["command"], request["partitions"], request["by"]) == (command, [1], "ada")
    assert request["reason"] == "retention"


async def test_an_escape_that_nothing_follows_is_the_key_itself() -> None:
    async with Running(ObedientReplica("10.0.0.4:9464", {1})) as top:
        top.typed("h")
        assert stage(top) is DialogStage.REASON
        top.typed("\x1b")
        assert stage(top) is DialogStage.REASON, "it may be the beginning of another key"
        await until("it was the key", lambda: stage(top) is None)


TIMES = Times(AT, lambda seconds: datetime.fromtimestamp(seconds, UTC))


def told(which: TopTable, key: str, view: FleetView, **counts: RouteCounts) -> dict[str, Tone | None]:
    items = detail(which, key, view, {name.replace("_", "."): each for name, each in counts.items()}, TIMES)
    return {item.text: item.tone for item in items if isinstance(item, Text)}


def test_an_opened_partition_says_when_it_is_done_and_when_records_are_deleted(view: FleetView) -> None:
    for seconds, tone in ((60, Tone.NEEDS_SOMEONE), (30 * 86_400, Tone.WAITS)):
        forecast = Forecast(13_000, AT + 600, Pace.SHRINKING, AT + seconds, LostBy.RETENTION)
        partition = replace(view.partitions[1], forecast=forecast)
        said = told(TopTable.PARTITIONS, "shop.orders/1", replace(view, partitions=(partition,)))
        assert "pace: shrinking" in said
        assert any(text.startswith("done about ") for text in said)
        (deleted,) = (text for text in said if text.startswith("Kafka deletes records unsent from "))
        assert said[deleted] is tone


def test_an_opened_route_counts_what_became_of_its_events_and_one_that_is_gone_says_so(view: FleetView) -> None:
    counts = {"matched": 1_234, "delivered": 1_200, "filtered": 30, "dead_lettered": 4}
    said = told(TopTable.ROUTES, "order.completed", view, order_completed=RouteCounts(counts, 2.0))
    assert next(iter(said)) == "route order.completed, now 120/min"
    assert {"delivered: 1,200", "dead lettered: 4", "since the replicas that answer started"} <= said.keys()
    assert list(told(TopTable.ROUTES, "gone", view)) == ["It is gone."]
