"""A file sent from `top`: looked at by the code of command and console, sent after a y, told of to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from logging import getLogger
from pathlib import Path

import pytest

from bridge.cli.top.program import Top
from bridge.cli.top.sending import TopFiles
from bridge.cli.top.state import DialogStage
from bridge.fleet.acts import FleetControl
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetView
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.sending.job import SendJobs
from tests.support.console.replicas import ObedientReplica, control_of
from tests.support.console.running import configuration
from tests.support.console.sender import SenderInMemory
from tests.support.waiting import until
from tests.unit.cli.top.conftest import fleet
from tests.unit.cli.top.test_offsets_in_top import Screen
from tests.unit.console.test_send import FILE


@dataclass
class Shown:
    """`top` over a fleet without replicas that map otherwise, and a file."""

    top: Top
    screen: Screen
    sender: SenderInMemory
    file: Path
    files: TopFiles

    @property
    def stage(self) -> DialogStage | None:
        """Of the dialog."""
        return None if self.top.state.dialog is None else self.top.state.dialog.stage

    @property
    def told(self) -> str:
        """By the dialog."""
        return "" if self.top.state.dialog is None else "\n".join(self.top.state.dialog.lines)

    async def look(self, path: str = "") -> str:
        """The keys until it is looked at."""
        self.top.typed(f"u{path or self.file}\rlost in the outage\r")
        await until("looked at", lambda: self.stage in (DialogStage.CONFIRM, DialogStage.TOLD))
        return self.told


async def _shown(tmp_path: Path, control: FleetControl | None) -> AsyncIterator[Shown]:
    config = configuration(tmp_path)
    mapping = compile_mapping(config.mapping)
    assert isinstance(mapping, CompiledMapping)
    sender, screen = SenderInMemory(), Screen()
    jobs = SendJobs(config, mapping, getLogger("test.top"), sender, lambda _config, _logger: {0: 0})
    files = TopFiles(config, mapping, getLogger("test.top"), jobs)
    file = tmp_path / "lost.ndjson"
    file.write_bytes(FILE)

    async def look() -> FleetView:
        return replace(fleet(), replicas=())

    top = Top(FleetSource(look), control, "ada", screen.draw, lambda: (100, 40), files=files)
    shown = Shown(top, screen, sender, file, files)
    running = asyncio.create_task(shown.top.run())
    await until("the first look is drawn", lambda: "shop.orders/1" in screen.text)
    yield shown
    shown.top.end()
    await running
    await files.close()


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[Shown]:
    async for each in _shown(tmp_path, control_of(ObedientReplica("10.0.0.4:9464", {0, 1}))):
        yield each


async def test_a_file_is_looked_at_sent_after_a_y_and_told_of_to_its_end(shown: Shown) -> None:
    looked = await shown.look()
    assert "5 records: 3 requests of 2 users, 1 left out by a rule, 1 cannot become a request." in looked
    assert "3 Order Completed" in looked
    assert "about 2 s with 20% of the budget" in looked
    assert "hidden-value" not in shown.screen.text
    assert shown.sender.sent == []
    shown.top.typed("y")
    await until("under way", lambda: f"Sending {shown.file}: 2 of 5 records." in shown.top.state.sending)
    shown.top.typed("x")
    assert shown.stage is None
    shown.sender.goes_on.set()
    await until("over", lambda: not shown.top.state.is_sending)
    assert "5 of 5 records (4 accepted, 1 rejected)." in shown.top.state.sending
    assert shown.top.state.sending.endswith("Why: lost in the outage")
    rejected = shown.file.with_name("lost.ndjson.rejected.ndjson")
    assert str(rejected) in shown.top.state.sending
    assert rejected.read_text().count("\n") == 1
    assert f"{rejected} exists" in await shown.look(), "its work is not done yet"


@pytest.mark.slow
async def test_the_same_key_stops_it(shown: Shown) -> None:
    await shown.look()
    shown.top.typed("y")
    await until("under way", lambda: "2 of 5" in shown.top.state.sending)
    shown.top.typed("x")
    shown.top.typed("utoo much\r")
    await until("asked", lambda: shown.stage is DialogStage.CONFIRM)
    shown.top.typed("y")
    await until("over", lambda: not shown.top.state.is_sending)
    assert "3 not sent). Every line before 3 is through." in shown.top.state.sending


async def test_what_cannot_be_read_or_is_mapped_otherwise_is_said_and_nothing_sent(shown: Shown) -> None:
    assert "cannot be read: No such file" in await shown.look("/nowhere/at.all")
    shown.top.typed("x")
    said, can_be_sent = await shown.files.look(str(shown.file), fleet())
    assert "work by another mapping (000000007) than this command" in said[0]
    assert not can_be_sent
    assert shown.files.begin("ada", "lost") == ["It was not looked at. Nothing was sent."]
    assert shown.sender.sent == []


async def test_without_the_right_nothing_is_sent(tmp_path: Path) -> None:
    async for shown in _shown(tmp_path, None):
        assert "console.token_file is not set" in await shown.look()
        shown.top.typed("y")
        assert shown.sender.sent == []
