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
        await expect(screen.messages).to_have_count(1)
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


SMALL = """() => [...document.querySelectorAll("button, a, summary, select, .switch, input:is([type=number])")]
    .filter((one) => one.checkVisibility({visibilityProperty: true, opacityProperty: true}))
    .filter((one) => !one.closest(".text") && one.id !== "skip")
    .map((one) => [one, one.getBoundingClientRect()])
    .filter(([, {width, height}]) => width > 0 && (width < 40 || height < 40))
    .map(([one, {width, height}]) => `${one.outerHTML.slice(0, 90)} ${width}x${height}`)"""


async def test_on_a_phone_fingers_have_room(browser: Browser, address: str, demo: DemoWorld, bot: Bot) -> None:
    ada = demo.people[0]
    async with Screen.opened(browser, f"{address}/#ada", PHONE) as screen:
        page = screen.page
        assert await page.evaluate(SMALL) == []
        await page.locator(".chats button").first.click()
        await page.locator(".instead").click()
        await expect(screen.messages).to_have_count(1)
        await bot.send_message(ada.id, "Which?", reply_markup=InlineKeyboardMarkup(ROWS))
        await bot.send_document(ada.id, b"%PDF-1.4", filename="a.pdf")
        await expect(screen.messages).to_have_count(3)
        await screen.last.hover()
        assert await page.evaluate(SMALL) == []
        await page.locator(".answer").last.click()
        await expect(page.locator(".quoted")).to_be_visible()
        assert await page.evaluate(SMALL) == []
        await page.locator(".chat .to-panel").click()
        await page.locator(".invoices summary").first.click()
        assert await page.evaluate(SMALL) == []


async def test_the_text_field_is_the_first_stop_however_many_messages_there_are(
    browser: Browser, address: str, demo: DemoWorld, bot: Bot
) -> None:
    async with Screen.opened(browser, f"{address}/#ada/", PHONE) as screen:
        page = screen.page
        await page.locator(".chats button").first.click()
        await page.locator(".instead").click()
        await expect(screen.messages).to_have_count(1)
        for number in range(3):
            await bot.send_message(demo.people[0].id, f"{number}", reply_markup=InlineKeyboardMarkup(ROWS))
        await expect(screen.messages).to_have_count(4)
        await page.reload()
        await page.keyboard.press("Tab")
        await expect(page.locator("#skip")).to_be_focused()
        await expect(page.locator("#skip")).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(screen.field).to_be_focused()
        await page.keyboard.type("/help")
        await page.keyboard.press("Enter")
        await expect(screen.messages).to_have_count(5)


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
