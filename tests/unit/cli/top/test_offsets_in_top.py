"""Setting an offset from `track-bridge top`: looked at by the code of the other two ways, done after a y alone."""

from __future__ import annotations

import asyncio

import pytest

from bridge.cli.top.program import Top
from bridge.cli.top.state import DialogStage
from bridge.fleet.acts.offset_setting import OffsetSetting
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetView
from bridge.ops.status.status_text.layout import ScreenLine
from tests.support.console.books import BooksInMemory
from tests.support.console.replicas import ObedientReplica, control_of
from tests.support.waiting import until
from tests.unit.cli.top.conftest import fleet


class Screen:
    """What is drawn last."""

    def __init__(self) -> None:
        self.text = ""

    def draw(self, lines: list[ScreenLine]) -> None:
        self.text = "\n".join(each.text for each in lines)


@pytest.fixture
def replica() -> ObedientReplica:
    return ObedientReplica("10.0.0.4:9464", {0, 1})


async def pressed(books: BooksInMemory, replica: ObedientReplica, loss: str, last: str) -> tuple[str, str]:
    """The keys of a whole dialog, each when it is asked for; what is said before the last one, and at its end."""
    screen = Screen()

    async def look() -> FleetView:
        return fleet()

    control = control_of(replica)
    offsets = OffsetSetting("bridge-prod", control, books)
    top = Top(FleetSource(look), control, "ada", screen.draw, lambda: (60, 40), offsets=offsets)
    running = asyncio.create_task(top.run())
    await until("the first look is drawn", lambda: "shop.orders/1" in screen.text)
    top.typed(f"fretention\r\r\x7f{loss}\r")
    await until("looked at", lambda: _stage(top) in (DialogStage.CONFIRM, DialogStage.TOLD))
    looked = _lines(top)
    top.typed(last)
    await until("over", lambda: _stage(top) in (None, DialogStage.TOLD))
    told = _lines(top)
    top.end()
    await running
    return looked, told


def _stage(top: Top) -> DialogStage | None:
    return None if top.state.dialog is None else top.state.dialog.stage


def _lines(top: Top) -> str:
    return "" if top.state.dialog is None else " ".join(top.state.dialog.lines)


async def test_a_y_has_the_replica_set_what_was_shown_with_who_and_why(replica: ObedientReplica) -> None:
    books = BooksInMemory()
    looked, told = await pressed(books, replica, "400", "y")
    assert "shop.orders/1: 100 to 500. Passed, never sent: 400 (400 gone already); sent again: 0." in looked
    assert "Set: shop.orders/1." in told
    [request] = replica.told
    assert (request["by"], request["reason"]) == ("ada", "retention")
    assert [(each["expected"], each["offset"]) for each in request["moves"]] == [(100, 500)]
    [(lost, by)] = books.recorded
    assert (lost.start, lost.stop, by.command) == (100, 500, "from top: retention")


async def test_anything_else_sets_nothing(replica: ObedientReplica) -> None:
    books = BooksInMemory()
    assert (await pressed(books, replica, "400", "n"))[1] == ""
    assert (replica.told, books.recorded) == ([], [])


async def test_more_than_is_accepted_cannot_be_confirmed(replica: ObedientReplica) -> None:
    books = BooksInMemory()
    looked, told = await pressed(books, replica, "399", "y")
    assert "Let 400 records be passed if that is meant." in looked
    assert told == ""
    assert (replica.told, books.recorded) == ([], [])


async def test_what_is_not_held_is_refused_with_what_to_do(replica: ObedientReplica) -> None:
    replica.flows = "shop.orders/1: not held, and a committed offset is set only while nothing moves it."
    books = BooksInMemory()
    looked, told = await pressed(books, replica, "400", "y")
    assert "Stop every replica" in looked
    assert "not held, and a committed offset is set only while nothing moves it" in looked
    assert told == ""
    assert (replica.told, books.recorded) == ([], [])
