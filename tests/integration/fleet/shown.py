"""What everything that shows the group makes of one view of it, as a reader sees it."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from bridge.cli.top import screen as top
from bridge.cli.top.rows import hold_key, routes
from bridge.cli.top.screen import SeenFleet
from bridge.cli.top.state import TopState, TopTable
from bridge.config.sections import Config
from bridge.fleet import document, screen
from bridge.fleet.view import FleetConcern, FleetView
from bridge.ops.log.logger import set_up
from bridge.ops.status.status_text.times import local
from tests.support.console.running import LOCAL, ConsoleSetting, console_of
from tests.support.log_output import LogOutput

WIDTHS: Final = (60, 100)
"""Columns of the terminals."""
HEIGHT: Final = 40
KEPT_IN: Final = os.environ.get("CAPTURES", "")
"""A folder for what was shown, to be looked at."""


async def shown(view: FleetView, config: Config) -> dict[str, str]:
    """By the name of what shows it: its text, as it is laid out."""
    found: dict[str, str] = {}
    for width in WIDTHS:
        lines = [line.text for line in screen.page(document.document(view), width)]
        assert max(map(len, lines)) <= width, [line for line in lines if len(line) > width]
        found[f"status-{width}.txt"] = "\n".join(lines)
        found[f"top-{width}.txt"] = _top(TopState(), view, width)
    found["now.html"] = await _page_now(view, config)
    return found


def opened_in_top(view: FleetView, concern: FleetConcern) -> str:
    """The row of ``track-bridge top`` that is about it, opened."""
    return _top(TopState(TopTable.HOLDS, selected=hold_key(concern), is_open=True), view, WIDTHS[1])


def _top(state: TopState, view: FleetView, width: int) -> str:
    lines = [line.text for line in top.lines(state, SeenFleet(view, routes(view)), width, HEIGHT, local)]
    assert max(map(len, lines)) <= width, [line for line in lines if len(line) > width]
    return "\n".join(lines)


async def _page_now(view: FleetView, config: Config) -> str:
    logging = set_up(level="info", log_format="json", output=LogOutput())
    try:
        console = console_of(ConsoleSetting(config, view=view), logging.logger)
        transport = httpx.ASGITransport(app=console.application)
        async with httpx.AsyncClient(transport=transport, base_url=LOCAL) as visitor:
            answer = await visitor.get("/")
    finally:
        logging.close()
    assert answer.status_code == 200, answer.text
    return answer.text


def keep(name: str, views: Mapping[str, str]) -> None:
    """Where somebody wants to look at them."""
    if KEPT_IN:
        folder = Path(KEPT_IN)
        folder.mkdir(parents=True, exist_ok=True)
        for view, text in views.items():
            (folder / f"{name}-{view}").write_text(text, encoding="utf-8")


def words(text: str) -> str:
    """Without tags and line breaks; a page shows a command as code, a terminal between backticks."""
    code = re.sub(r"<code[^>]*>([^<]*)</code>", r"`\1`", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", code)).split())
