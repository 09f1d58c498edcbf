"""What the page does when its server goes away, and what an empty chat shows."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from bot.sandbox.demo_world import DemoWorld
from bot.sandbox.page.app import open_page
from tests.sandbox.page.screen import PHONE, Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("name", ["ada", "jonas"])
async def test_a_banner_stands_while_the_server_is_gone(browser: Browser, demo: DemoWorld, name: str) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    banner = page.locator("#banner")
    async with open_page(demo, 0) as address:
        await page.goto(f"{address}/#{name}")
        await expect(page.locator("body[data-me]")).to_be_attached()
        await expect(banner).to_be_hidden()
    await expect(banner).to_be_visible()
    await expect(banner).to_contain_text("make demo")
    async with open_page(demo, urlsplit(address).port):
        await expect(banner).to_be_hidden()
        await expect(page.locator("body[data-me]")).to_be_attached()
        await context.close()


async def test_an_empty_chat_shows_the_bot_s_description_and_no_other_text(screen: Screen, demo: DemoWorld) -> None:
    empty = screen.page.locator(".empty")
    await expect(empty).to_be_hidden()  # no bot has set one
    demo.sandbox.telegram.state.menus.set_text("description", "", "Looks after invoices.")
    demo.sandbox.telegram.state.menus.set_text("description", "de", "Kümmert sich.")
    await expect(empty).to_have_text("What can this bot do?Looks after invoices.")
    await screen.be("Jonas")
    await expect(empty).to_have_text("Was kann dieser Bot?Kümmert sich.")


async def test_the_running_bot_describes_itself(screen: Screen, at_work: None) -> None:
    await expect(screen.page.locator(".empty")).to_contain_text("I keep an eye on your hosting invoices")


async def test_an_empty_group_says_how_to_begin(screen: Screen) -> None:
    empty = screen.page.locator(".empty")
    await screen.chat("Lighthouse Studio").click()
    await expect(empty).to_contain_text("Send /link")
    await screen.page.get_by_role("button", name="Remove the bot").click()
    await expect(empty).to_contain_text("Add it beside the chat")


@pytest.mark.parametrize(("part", "title"), [("Faults", "Faults"), ("Group", "The group"), ("Bank", "The bank")])
async def test_one_press_leads_to_each_part_of_the_panel(browser: Browser, address: str, part: str, title: str) -> None:
    async with Screen.opened(browser, f"{address}/#ada", PHONE) as screen:
        await screen.page.locator(".list .to-panel").click()
        await screen.page.locator(".jumps").get_by_role("button", name=part).click()
        heading = screen.page.get_by_role("heading", name=title)
        await expect(heading).to_be_focused()
        await expect(heading).to_be_in_viewport()


async def test_the_credit_is_to_be_seen_at_once(screen: Screen, demo: DemoWorld) -> None:
    balance = screen.page.locator(".balance")
    await expect(balance).to_be_in_viewport()
    await expect(balance).to_have_text("€50.00")
    demo.account.credit -= 8
    await expect(balance).to_have_text("€42.00")


async def test_without_an_emoji_font_the_page_brings_its_own(screen: Screen) -> None:
    loaded = await screen.page.evaluate("document.fonts.load('16px \"Page Emoji\"', '🧾').then((all) => all.length)")
    assert loaded == 1


@pytest.mark.parametrize("size", [(1024, 768), PHONE])
async def test_what_happens_in_the_hidden_panel_moves_nothing(
    browser: Browser, address: str, size: tuple[int, int]
) -> None:
    async with Screen.opened(browser, f"{address}/#ada/", size) as screen:
        await screen.page.evaluate("document.querySelector('.invoices li').scrollIntoView({block: 'nearest'})")
        assert await screen.page.evaluate("document.querySelector('main').scrollLeft") == 0
        assert await screen.page.evaluate("document.querySelector('main').getBoundingClientRect().left") == 0
