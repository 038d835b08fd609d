"""Every page of the console in a real Chromium: at each width, light and dark, with scripts and without."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Route, async_playwright, expect

from bridge.config.keys.scalars import Listen
from bridge.console.app import PAGES
from bridge.emulator.seen import RequestBook
from bridge.emulator.served import EmulatorSurroundings, ServedEmulator
from bridge.sandbox.emulator import DEFAULT_KEY
from tests.support.console import browser as chrome
from tests.support.console import views
from tests.support.console.browser import PATIENCE, Scheme, served, tab
from tests.support.console.running import TOKEN, ConsoleSetting, configuration

WIDTHS: Final = (360, 800, 1440)
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
PLACES: Final = {
    "now": "/",
    "partitions": "/partitions",
    "partition": "/partition?topic=shop.orders&partition=0",
    "routes": "/routes",
    "letters": "/letters",
    "letter": "/letter?id=0:0",
    "find": "/find",
    "mapping": "/mapping",
    "send": "/send",
    "act": "/act?topic=shop.orders",
    "offsets": "/offsets?topic=shop.orders&partition=0",
    "settings": "/settings",
    "login": "/login",
}
"""An address of each page."""
RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
PICTURES: Final = Path(__file__).parents[3] / "build" / "console"
"""Kept, to be looked at."""

pytestmark = pytest.mark.asyncio(
    loop_scope="module"
)  # the browser's: starting one takes longer than all that a test does


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [page.name for page in PAGES])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A machine without Chromium skips these tests; CI must never skip them."""
    if chrome.chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium is installed", pytrace=False)
        pytest.skip("no Chromium is installed: apt-get install chromium")
    async with async_playwright() as playwright, chrome.launched(playwright) as found:
        yield found


@pytest.fixture
def setting(tmp_path: Path) -> ConsoleSetting:
    """A group in trouble, on a console that can act."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    return ConsoleSetting(configuration(tmp_path), token=token, view=views.in_trouble())


@pytest.mark.slow(reason="draws each page in twelve ways", seconds=9)
async def test_each_page_fits_each_window_in_both_schemes_also_without_scripts(
    browser: Browser, setting: ConsoleSetting, name: str
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with served(setting) as address:
        for scripts in (True, False):
            async with tab(browser, scripts=scripts) as opened:
                for width in WIDTHS:
                    await opened.page.set_viewport_size({"width": width, "height": 900})
                    answer = await opened.page.goto(f"{address}{PLACES[name]}")
                    assert answer is not None
                    assert answer.status == 200
                    await expect(opened.page.locator("h1")).to_be_visible()
                    for scheme in SCHEMES if scripts else SCHEMES[:1]:  # colours need no script
                        await opened.page.emulate_media(color_scheme=scheme)
                        wider = await opened.page.evaluate(
                            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                        )
                        assert wider <= 0, f"{name} is {wider} px wider than a window of {width}"
                        if scripts:
                            await opened.page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
                    assert opened.complaints == []


@pytest.mark.slow(reason="goes through the rules on each page", seconds=5)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_each_page_keeps_the_rules_of_accessibility(
    browser: Browser, setting: ConsoleSetting, name: str, scheme: Scheme
) -> None:
    async with served(setting) as address, tab(browser, scheme=scheme) as opened:
        for width in (WIDTHS[0], WIDTHS[-1]):
            await opened.page.set_viewport_size({"width": width, "height": 900})
            await opened.page.goto(f"{address}{PLACES[name]}")
            found = await Axe().run(opened.page, options=RULES)
            assert found.violations_count == 0, found.generate_report()


async def test_what_happens_is_shown_without_a_reload(browser: Browser, setting: ConsoleSetting) -> None:
    setting.view = views.well()
    async with served(setting) as address, tab(browser) as opened:
        await opened.page.goto(address)
        await expect(opened.page.locator("body")).not_to_contain_text("unauthorized")
        setting.view = views.in_trouble()
        setting.clock.now += 60
        await expect(opened.page.locator("body")).to_contain_text("unauthorized", timeout=chrome.PATIENCE)
        assert opened.complaints == []


@pytest.mark.slow(reason="presses its way through all pages", seconds=6)
async def test_the_keyboard_leads_to_every_page_of_the_menu(browser: Browser, setting: ConsoleSetting) -> None:
    async with served(setting) as address, tab(browser) as opened:
        for page in (page for page in PAGES if page.key):
            await opened.page.goto(f"{address}/settings")
            async with opened.page.expect_navigation():  # until it is loaded: its scripts know the keys
                await opened.page.keyboard.type(f"g{page.key}")  # in one go: the g is forgotten after a while
            await expect(opened.page).to_have_url(f"{address}{page.path}")
        await opened.page.keyboard.press("?")
        await expect(opened.page.get_by_role("dialog")).to_be_visible()
        assert opened.complaints == []


async def test_a_page_that_is_left_is_no_complaint_but_what_the_console_or_its_policy_refuses_is(
    browser: Browser, setting: ConsoleSetting
) -> None:
    unanswered: list[Route] = []

    def keep(route: Route) -> None:
        unanswered.append(route)

    async with served(setting) as address, tab(browser) as opened:
        await opened.page.route("**/slow", keep)
        await opened.page.goto(f"{address}/settings")
        await opened.page.evaluate("void fetch('/slow').catch(() => null)")
        await opened.page.goto(f"{address}/settings")
        assert opened.complaints == []
        async with opened.page.expect_event("requestfailed"):
            await opened.page.evaluate(
                "const one = new AbortController(); void fetch('/slow', one).catch(() => null); one.abort()"
            )
        assert opened.complaints == [f"{address}/slow: {chrome.GIVEN_UP}"]
        await opened.page.evaluate("fetch('/nothing').then((answer) => answer.text())")
        assert any("404" in complaint for complaint in opened.complaints)
        await opened.page.evaluate("fetch('http://127.0.0.1:1').catch(() => null)")
        assert any("Content Security Policy" in complaint for complaint in opened.complaints)
        for route in unanswered:
            await route.abort()


async def test_who_logs_in_without_scripts_can_act(browser: Browser, setting: ConsoleSetting) -> None:
    async with served(setting) as address, tab(browser, scripts=False) as opened:
        await opened.page.goto(f"{address}/login")
        await opened.page.get_by_label("Token").fill(TOKEN)
        async with opened.page.expect_navigation():
            await opened.page.get_by_role("button", name="Log in").click()
        await opened.page.goto(f"{address}{PLACES['partition']}")
        await expect(opened.page.locator("form[method=post]").first).to_be_attached()
        assert opened.complaints == []


async def test_what_somebody_unfolded_stays_with_its_request_while_others_come(browser: Browser) -> None:
    around = EmulatorSurroundings(
        Listen("127.0.0.1", 0), RequestBook(9, 0.0), lambda: 0.0, lambda _: None, lambda _: None
    )
    metadata = {f"key_{number}": "x" * 20 for number in range(9)}
    headers = {"Authorization": f"Token {DEFAULT_KEY}", "X-API-Version": "2020-09-22"}
    async with (
        ServedEmulator(around) as api,
        httpx.AsyncClient(base_url=api.endpoint, trust_env=False, headers=headers, timeout=PATIENCE / 1000) as client,
        tab(browser) as opened,
    ):
        await client.post("/v1/track", json={"user_id": "u-1", "event_name": "First", "metadata": metadata})
        await opened.page.goto(api.endpoint)
        await opened.page.locator("#request-1 summary").click()
        await client.post("/v1/track", json={"user_id": "u-1", "event_name": "Second", "metadata": metadata})
        await expect(opened.page.locator("#request-2")).to_be_visible()
        assert await opened.page.evaluate("[...document.querySelectorAll('details[open]')].map((each) => each.id)") == [
            "request-1"
        ]
        assert opened.complaints == []
