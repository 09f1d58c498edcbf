"""The bot's main purpose, tried by hand on the page: link, get an alert, open the PDF, pay, see the invoice paid."""

from __future__ import annotations

import re
from decimal import Decimal

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.sandbox.demo_world import TOKEN, DemoWorld
from bot.sandbox.provider.faults import Call
from tests.sandbox.page.screen import PHONE, WIDE, Screen

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("at_work")]

OVERDUE = 300_002
"""One of the examples. It was due two days ago, so the reminder after three days comes on the next day."""


@pytest.mark.parametrize(("name", "paid"), [("ada", "Paid"), ("jonas", "Bezahlt")])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_link_alert_pdf_pay(
    browser: Browser, address: str, demo: DemoWorld, name: str, paid: str, size: tuple[int, int]
) -> None:
    async with Screen.opened(browser, f"{address}/#{name}/", size) as screen:
        page = screen.page
        if size == PHONE:
            await page.locator(".chats button").first.click()

        await page.locator(".instead").click()
        await expect(screen.last).not_to_have_class("mine")
        await screen.say("/link")
        await screen.say(TOKEN)
        await expect(screen.key("list:")).to_be_visible()
        await expect(page.locator(".log")).not_to_contain_text(TOKEN)

        if size == PHONE:
            await page.locator(".chat .to-panel").click()
        await page.locator(".panel .even button").nth(1).click()
        await expect(page.locator(".clock b")).to_have_text("10:00")
        if size == PHONE:
            await page.keyboard.press("Escape")
        await expect(screen.key(f"pay:{OVERDUE}")).to_be_visible()

        await screen.key(f"pdf:{OVERDUE}").click()
        document = page.locator(".file").last
        async with page.expect_download() as downloading:
            await document.locator(".save").click()
        assert (await downloading.value).suggested_filename in {f"Invoice-{OVERDUE}.pdf", f"Rechnung-{OVERDUE}.pdf"}
        await check_pdf_opens(page, document.locator(".open"))

        await screen.key(f"pay:{OVERDUE}").click()
        await screen.key("yes:").click()
        await expect(screen.key("yes:")).to_have_count(0)
        if size == PHONE:
            await page.locator(".chat .to-panel").click()
        invoice = page.locator(".invoices li", has_text=str(OVERDUE))
        await expect(invoice.locator(".state")).to_have_text(paid)
        await expect(page.locator("#credit")).to_have_value("45.01")
        assert demo.sandbox.provider.executed(Call.PAY, OVERDUE) == 1
        assert await page.locator("html").get_attribute("lang") == ("de" if name == "jonas" else "en")


async def check_pdf_opens(page: Page, link: Locator) -> None:
    """Check that the link opens the PDF in a tab of its own, in the browser's viewer."""
    href = str(await link.get_attribute("href"))
    async with (
        page.context.expect_event("response", lambda answer: answer.url.endswith(href)) as answering,
        page.expect_popup() as opening,
    ):
        await link.click()
    answer, tab = await answering.value, await opening.value
    await expect(tab).to_have_url(re.compile(re.escape(href)))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    await tab.wait_for_function("document.contentType === 'application/pdf'")
    await tab.close()


async def test_with_the_keyboard_alone(screen: Screen, demo: DemoWorld) -> None:
    page, press = screen.page, screen.page.keyboard.press
    await screen.tab_to(page.locator(".instead"))
    await press("Enter")
    await expect(screen.field).to_be_focused()
    await page.keyboard.type("/li")
    await press("Tab")
    await expect(screen.field).to_have_value("/link ")
    await page.keyboard.type(TOKEN)
    await press("Enter")
    await expect(screen.key("list:")).to_be_visible()

    await screen.tab_to(page.locator("#amount"))
    await press("Control+A")
    await page.keyboard.type("7.50")
    await press("Enter")
    await expect(page.locator(".invoices li").first).to_contain_text("7.50")
    new = max(demo.account.invoices)
    await expect(screen.key(f"pay:{new}")).to_be_visible()

    await screen.tab_to(screen.key(f"pay:{new}"))
    await press("Enter")
    await screen.tab_to(screen.key("yes:"))
    await press("Space")
    await expect(screen.key("yes:")).to_have_count(0)
    await expect(page.locator(".just-paid")).to_be_in_viewport()
    await expect(page.locator(".message :focus")).to_be_attached()  # the edit has kept the focus
    await expect(page.locator(".is-paid", has_text=str(new))).to_be_visible()
    assert demo.account.credit == Decimal("42.50")


async def test_the_first_steps_are_ticked_off(screen: Screen, demo: DemoWorld) -> None:
    page = screen.page
    done = page.locator(".steps .done")
    await expect(done).to_have_count(0)
    await page.locator('[data-focus="start.do"]').click()
    await expect(done).to_have_count(1)
    await page.locator('[data-focus="link.do"]').click()
    await expect(done).to_have_count(2)
    await expect(screen.key("list:")).to_be_visible()
    await page.locator('[data-focus="pay.invoice"]').click()
    await screen.key(f"pay:{max(demo.account.invoices)}").click()
    await screen.key("yes:").click()
    await expect(done).to_have_count(3)
    await expect(page.locator(".steps button")).to_have_count(0)
    await screen.be("Jonas")
    await expect(done).to_have_count(0)


async def test_the_token_can_be_copied(screen: Screen) -> None:
    await screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await screen.page.locator('[data-focus="copy"]').click()
    await expect(screen.notices).not_to_be_empty()
    assert await screen.page.evaluate("navigator.clipboard.readText()") == TOKEN


async def test_a_token_that_the_browser_does_not_copy_is_selected(screen: Screen) -> None:
    await screen.page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error()))")
    await screen.page.locator('[data-focus="copy"]').click()
    await expect(screen.notices).to_contain_text("Ctrl+C")
    assert await screen.page.evaluate("getSelection().toString()") == TOKEN


async def test_a_document_is_served_with_its_type_and_name(screen: Screen, demo: DemoWorld) -> None:
    await screen.page.locator('[data-focus="start.do"]').click()
    await screen.page.locator('[data-focus="link.do"]').click()
    await expect(screen.key("list:")).to_be_visible()
    await screen.say(f"/pdf {OVERDUE}")
    href = await screen.page.locator(".file .open").get_attribute("href")
    async with httpx.AsyncClient(base_url=screen.page.url.partition("#")[0]) as client:
        answer = await client.get(str(href))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f"inline; filename*=UTF-8''Invoice-{OVERDUE}.pdf"
    assert answer.content.startswith(b"%PDF-")


async def test_a_group_is_linked_in_private_alerted_together_and_paid_by_its_owner(
    screen: Screen, demo: DemoWorld
) -> None:
    page = screen.page
    await screen.be("Mia")
    await screen.chat("Lighthouse").click()
    await screen.say("/link")
    await page.locator(".key .icon-link").click()  # a deep link to Mia's private chat with the bot
    await expect(page.locator(".who h2")).to_have_text("Invoice bot")
    await expect(screen.messages).to_have_count(2)
    await screen.say(TOKEN)
    await expect(screen.chat("Lighthouse").locator(".badge")).to_be_visible()
    await expect(page.locator(".log")).not_to_contain_text(TOKEN)
    await page.locator(".issue button").click()
    await expect(page.locator(".invoices li").first).to_contain_text("12.34")
    new = max(demo.account.invoices)

    await screen.be("Jonas")
    await screen.chat("Lighthouse").click()
    await screen.key(f"pay:{new}").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Mia")
    await page.keyboard.press("Enter")

    await screen.be("Mia")
    await screen.chat("Lighthouse").click()
    await screen.key(f"pay:{new}").click()
    await screen.key("yes:").click()
    await expect(page.locator(".is-paid", has_text=str(new))).to_be_visible()
    assert demo.sandbox.provider.executed(Call.PAY, new) == 1
