"""Every page of the console in a real Chromium: at each width, light and dark, with scripts and without."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, async_playwright, expect

from bridge.console.app import PAGES
from tests.support.console import browser as chrome
from tests.support.console import views
from tests.support.console.browser import Scheme, served, tab
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
    "act": "/act?topic=shop.orders",
    "offsets": "/offsets?topic=shop.orders&partition=0",
    "settings": "/settings",
    "login": "/login",
}
"""An address of each page."""
RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
PICTURES: Final = Path(__file__).parents[3] / "build" / "console"
"""Kept, to be looked at."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [page.name for page in PAGES])


@pytest.fixture
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


async def test_each_page_fits_each_window_in_both_schemes_also_without_scripts(
    browser: Browser, setting: ConsoleSetting, name: str
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with served(setting) as address:
        for scripts in (True, False):
            for width in WIDTHS:
                for scheme in SCHEMES if scripts else SCHEMES[:1]:  # colours need no script
                    async with tab(browser, width=width, scheme=scheme, scripts=scripts) as opened:
                        answer = await opened.page.goto(f"{address}{PLACES[name]}")
                        assert answer is not None
                        assert answer.status == 200
                        await expect(opened.page.locator("h1")).to_be_visible()
                        wider = await opened.page.evaluate(
                            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                        )
                        assert wider <= 0, f"{name} is {wider} px wider than a window of {width}"
                        assert opened.complaints == []
                        if scripts:
                            await opened.page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_each_page_keeps_the_rules_of_accessibility(
    browser: Browser, setting: ConsoleSetting, name: str, scheme: Scheme
) -> None:
    async with served(setting) as address:
        for width in (WIDTHS[0], WIDTHS[-1]):
            async with tab(browser, width=width, scheme=scheme) as opened:
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
        await expect(opened.page.locator("body")).to_contain_text("unauthorized", timeout=30_000)
        assert opened.complaints == []


async def test_the_keyboard_leads_to_every_page_of_the_menu(browser: Browser, setting: ConsoleSetting) -> None:
    async with served(setting) as address, tab(browser) as opened:
        for page in (page for page in PAGES if page.key):
            await opened.page.goto(f"{address}/settings")
            await opened.page.keyboard.press("g")
            await opened.page.keyboard.press(page.key)
            await expect(opened.page).to_have_url(f"{address}{page.path}")
        await opened.page.keyboard.press("?")
        await expect(opened.page.get_by_role("dialog")).to_be_visible()
        assert opened.complaints == []


async def test_who_logs_in_without_scripts_can_act(browser: Browser, setting: ConsoleSetting) -> None:
    async with served(setting) as address, tab(browser, scripts=False) as opened:
        await opened.page.goto(f"{address}/login")
        await opened.page.get_by_label("Token").fill(TOKEN)
        await opened.page.get_by_role("button", name="Log in").click()
        await opened.page.goto(f"{address}{PLACES['partition']}")
        await expect(opened.page.locator("form[method=post]").first).to_be_attached()
        assert opened.complaints == []
