"""Pages that follow: made once for all who watch, and gone at once when either side ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.console.app import PAGES, Console, live_query
from bridge.console.forms import PageRefusedError
from bridge.console.live import MOST, MOST_VIEWS, LiveHub, LiveResponse, server_sent
from bridge.console.page import ConsolePage
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetView
from bridge.ops.log.logger import EventLogger
from tests.support.console import views
from tests.support.console.running import Clock, ConsoleSetting, logging_to
from tests.support.log_output import LogOutput
from tests.support.waiting import patience

NOW = ("now", "")


class Watcher:
    """A browser that follows a page."""

    def __init__(self, hub: LiveHub, key: tuple[str, str] = NOW, may_look: Callable[[], bool] = lambda: True) -> None:
        self.body = b""
        self.more = asyncio.Event()
        self.gone = asyncio.Event()
        self.response = LiveResponse(hub, key, may_look)
        self.task = asyncio.ensure_future(self.response({}, self._receive, self._send))

    async def _receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.body += message.get("body", b"")
        self.more.set()

    async def sees(self, text: bytes) -> None:
        """Waits until it does."""
        async with patience(f"the watcher sees {text!r}", explain=lambda: self.body.decode(errors="replace")):
            while text not in self.body:
                self.more.clear()
                await self.more.wait()


class HubSetting:
    """A hub over a fleet whose looks and renderings are counted."""

    def __init__(self, log: EventLogger) -> None:
        self.looks = 0
        self.made = 0
        self.fails = False
        self.clock = Clock()
        self.hub = LiveHub(FleetSource(self.look, self.clock), self.render, log, interval=0.001)

    async def look(self) -> FleetView:
        self.looks += 1
        if self.fails:
            raise OSError("nothing is there")
        return views.well()

    def render(self, key: tuple[str, str], _view: FleetView) -> str:
        if key[0] == "broken":
            raise KeyError(key)
        self.made += 1
        return f"<p>{key}\n{self.looks}</p>"


@pytest.fixture
async def given(logged: LogOutput) -> AsyncIterator[HubSetting]:
    log = logging_to(logged)
    setting = HubSetting(log.logger)
    yield setting
    setting.hub.close()
    log.close()


async def test_fifty_watchers_cost_one_look_and_one_rendering(given: HubSetting) -> None:
    watchers = [Watcher(given.hub) for _ in range(50)]
    for each in watchers:
        await each.sees(b"data: <p>('now', '')\ndata: 1</p>\n\n")
    turns = given.made
    assert given.looks == 1, "within the two seconds for which a view is kept"
    assert turns < 50, "of every turn there is one"
    given.clock.now += 2.0
    for each in watchers:
        await each.sees(b"data: 2</p>")
    assert given.looks == 2
    for each in watchers:
        assert each.body.count(b"data: 1</p>") == 1, "nothing is sent that was sent before"
        each.gone.set()
        await each.task
    assert given.hub.watchers == 0


async def test_nothing_is_looked_at_when_nobody_watches(given: HubSetting) -> None:
    watcher = Watcher(given.hub)
    await watcher.sees(b"1</p>")
    watcher.gone.set()
    await watcher.task
    ticker = given.hub._ticker
    assert ticker is not None
    async with patience("the ticker ends"):
        await ticker
    assert given.looks == 1
    again = Watcher(given.hub)
    await again.sees(b"</p>")


async def test_a_stream_ends_with_the_session(given: HubSetting) -> None:
    may = [True]
    watcher = Watcher(given.hub, may_look=lambda: may[0])
    await watcher.sees(b"1</p>")
    may[0] = False
    async with patience("the stream ends", explain=lambda: watcher.body.decode(errors="replace")):
        await watcher.task
    assert watcher.body.endswith(b"event: ended\ndata: \n\n")


async def test_every_stream_ends_when_the_console_does(given: HubSetting) -> None:
    watchers = [Watcher(given.hub), Watcher(given.hub, ("partitions", "q=x"))]
    for each in watchers:
        await each.sees(b"</p>")
    given.hub.close()
    async with patience("every stream ends"):
        await asyncio.gather(*(each.task for each in watchers))
    with pytest.raises(PageRefusedError):
        Watcher(given.hub)


async def test_there_are_never_more_than_so_many(given: HubSetting) -> None:
    watchers = [Watcher(given.hub) for _ in range(MOST)]
    with pytest.raises(PageRefusedError, match="Too many"):
        Watcher(given.hub)
    watchers[0].gone.set()
    await watchers[0].task
    Watcher(given.hub)


async def test_there_are_never_more_different_views_than_so_many(given: HubSetting) -> None:
    watchers = [Watcher(given.hub, ("partitions", f"q={number}")) for number in range(MOST_VIEWS)]
    with pytest.raises(PageRefusedError, match="Too many different pages"):
        Watcher(given.hub, ("partitions", "q=another"))
    Watcher(given.hub, ("partitions", "q=1"))  # of one that is made in any case
    watchers[0].gone.set()
    await watchers[0].task
    Watcher(given.hub, ("partitions", "q=another"))


def test_what_a_page_does_not_ask_for_makes_no_view_of_its_own() -> None:
    by_name = {page.name: page for page in PAGES}
    assert live_query(by_name["now"], {"x": "1"}) == ""
    given = {"x": "1", "sort": "lag", "q": "orders", "why": "", "page": "2"}
    assert live_query(by_name["partitions"], given) == "q=orders&sort=lag&page=2"
    assert live_query(by_name["partition"], {"partition": "3", "topic": "a&b", "y": ""}) == "topic=a%26b&partition=3"


@pytest.mark.parametrize("page", [page for page in PAGES if page.live is not None], ids=lambda page: page.name)
def test_each_live_part_is_told_all_that_it_asks_for(setting: ConsoleSetting, page: ConsolePage) -> None:
    asked: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return {"topic": "shop.orders", "partition": "1", "sort": "lag"}.get(name, default)

    assert page.live is not None
    page.live(setting.parts(logging_to(LogOutput()).logger), views.in_trouble(), Asked())
    assert asked <= set(page.live_query)


async def test_a_look_that_fails_and_a_page_that_is_broken_end_nothing(given: HubSetting, logged: LogOutput) -> None:
    given.fails = True
    watcher, broken = Watcher(given.hub), Watcher(given.hub, ("broken", ""))
    while not any(line["event"] == "console_look_failed" for line in logged.lines):
        await asyncio.sleep(0)
    given.fails = False
    await watcher.sees(b"</p>")
    while not any(line["event"] == "console_page_failed" for line in logged.lines):
        await asyncio.sleep(0)
    assert b"</p>" not in broken.body


async def test_what_follows_is_what_the_page_shows(setting: ConsoleSetting, logged: LogOutput) -> None:
    """And nothing of who looks: it is made once for all."""
    setting.view = views.in_trouble()
    log = logging_to(logged)
    console = Console(setting.parts(log.logger))
    for page in console._pages:
        if page.live is not None:
            fragment = console._render_live((page.name, "topic=shop.orders&partition=1"), setting.view)
            assert fragment.strip().startswith("<"), page.name
            assert "csrf" not in fragment, page.name
            assert "data-part=" in fragment, page.name
    log.close()


@pytest.mark.parametrize("text", ["a\nb", "a\r\n\nb", "\ud800"])
def test_lines_of_a_text_end_no_event(text: str) -> None:
    event = server_sent(text)
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1
    assert all(line.startswith(b"data: ") for line in event.rstrip(b"\n").split(b"\n"))
