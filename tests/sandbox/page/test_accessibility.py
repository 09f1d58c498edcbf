"""The page is accessible: axe-core finds no violation, in any view and in either colour scheme."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from bot.sandbox.demo_world import DemoWorld
from tests.sandbox.page.screen import PHONE, WIDE, Scheme, Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROWS = [
    [InlineKeyboardButton("Pay", callback_data="pay:1")],
    [InlineKeyboardButton("Shop", url="https://example.org/")],
]


async def check(screen: Screen) -> None:
    results = await Axe().run(screen.page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [("ada", WIDE, "light"), ("jonas", WIDE, "dark"), ("mia", PHONE, "light"), ("ada", PHONE, "dark")],
)
async def test_axe_finds_no_violation(
    browser: Browser, address: str, demo: DemoWorld, bot: Bot, name: str, size: tuple[int, int], scheme: Scheme
) -> None:
    person = next(one for one in demo.people if one.user.username == name)
    async with Screen.opened(browser, f"{address}/#{name}", size, scheme) as screen:
        await check(screen)
        if size == PHONE:
            await screen.page.locator(".chats button").first.click()
        await check(screen)
        await screen.page.locator(".instead").click()
        text = "<b>New</b> /help <code>x</code> <a href='https://example.org'>y</a> <tg-spoiler>z</tg-spoiler>"
        sent = await bot.send_message(person.id, text, "HTML", reply_markup=InlineKeyboardMarkup(ROWS))
        replying = ReplyParameters(sent.message_id)
        await bot.send_document(person.id, b"%PDF-1.4", filename="a.pdf", reply_parameters=replying)
        person.send(demo.sandbox.telegram.private_chat(person), "thanks")
        await expect(screen.messages).to_have_count(4)
        await bot.set_my_commands([("pay", "pays"), ("pdf", "sends")])
        await expect(screen.page.locator(".menu")).to_be_visible()
        await screen.field.fill("/p")
        await expect(screen.page.locator(".commands")).to_be_visible()
        await check(screen)
        if size == PHONE:
            await screen.page.locator(".chat .to-panel").click()
            await check(screen)


async def test_the_colours_are_chosen_and_stay(screen: Screen) -> None:
    page, root = screen.page, screen.page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    await page.get_by_role("button", name="Dark colours").click()
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Light colours").click()
    await expect(root).to_have_attribute("data-theme", "light")


async def test_screen_readers_announce_new_messages(screen: Screen) -> None:
    await expect(screen.page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    await expect(screen.page.get_by_role("group", name="You are")).to_be_visible()
    await expect(screen.notices).to_have_attribute("role", "status")
