"""Credit on the page: topped up at once or by transfer, taken by the provider, and what becomes of unpaid services."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.async_api import expect

from bot.sandbox.demo_world import TOKEN, DemoWorld
from bot.sandbox.provider.ledger import TRANSFER_DAYS
from bot.sandbox.provider.services import banking_days_after
from tests.sandbox.page.screen import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_credit_is_topped_up_at_once_or_by_a_transfer_that_takes_banking_days(
    screen: Screen, demo: DemoWorld
) -> None:
    page, credit = screen.page, screen.page.locator("#credit")
    await page.locator("#top-up").fill("7.25")
    await page.locator(".top-up").get_by_role("button", name="At once").click()
    await expect(credit).to_have_value("57.25")
    await page.locator(".top-up").get_by_role("button", name="By transfer").click()
    await expect(page.locator(".transfers li")).to_contain_text("€7.25 on its way")
    arrives = banking_days_after(demo.sandbox.provider.today, TRANSFER_DAYS)
    day = page.locator("#panel").get_by_role("button", name="Next day")
    while demo.sandbox.provider.today < arrives:
        await expect(credit).to_have_value("57.25")
        before = demo.sandbox.provider.today
        await day.click()
        await expect(page.locator(".clock")).to_contain_text(f"{before + timedelta(days=1):%A}")
    await expect(credit).to_have_value("64.50")
    await expect(page.locator(".transfers li")).to_have_count(0)


async def test_the_token_loses_the_permission_to_read_the_credit(screen: Screen, demo: DemoWorld) -> None:
    await expect(screen.switch("credit_shown")).to_be_checked()
    await screen.turn("credit_shown", on=False)
    assert not demo.account.shows_credit
    await expect(screen.switch("credit_shown")).not_to_be_checked()


async def test_the_provider_takes_the_credit_by_itself(screen: Screen, demo: DemoWorld) -> None:
    page = screen.page
    await page.locator("#making").select_option("by_credit")
    await page.locator(".issue button").click()
    first = page.locator(".invoices li").first
    await expect(first.locator(".state")).to_have_text("Paid")
    assert demo.account.credit == Decimal("37.66")
    await page.locator("#making").select_option("open")
    await page.locator(".issue button").click()
    await expect(first.locator(".state")).to_have_text("Open")
    await first.locator("summary").click()
    await first.get_by_role("button", name="Use the credit").click()
    await expect(first.locator(".state")).to_have_text("Paid")
    assert demo.account.credit == Decimal("25.32")


async def test_a_service_is_suspended_comes_back_with_the_payment_and_is_deleted_for_good(
    screen: Screen, demo: DemoWorld
) -> None:
    page = screen.page
    service = page.locator(".invoices li").first.locator(".runs")

    async def issue(days: int, kind: str = "Hosting") -> None:
        await page.locator("#days").fill(str(days))
        await page.locator("#kind").select_option(kind)
        count = await page.locator(".invoices li").count()
        await page.locator(".issue button").click()
        await expect(page.locator(".invoices li")).to_have_count(count + 1)

    await issue(0)
    await expect(service).to_have_text("Service running")
    for _ in range(8):  # from ten in the morning until the evening
        await page.locator("#panel").get_by_role("button", name="Next hour").click()
    await expect(service).to_have_text("Service suspended")
    await page.locator(".invoices li").first.get_by_role("button", name="Paid elsewhere").click()
    await expect(service).to_have_text("Service running")
    await issue(-6)
    await expect(service).to_have_text("Service deleted, with all data")
    await page.locator(".invoices li").first.get_by_role("button", name="Paid elsewhere").click()
    await expect(service).to_have_text("Service deleted, with all data")
    await issue(-1, "Domain")
    await expect(service).to_have_text("Service deleted, with all data")
    await issue(3, "Donation")
    await expect(service).to_have_count(0)


@pytest.mark.usefixtures("at_work")
async def test_a_shortfall_leads_to_a_picture_of_the_transfer_with_copy_buttons(
    screen: Screen, demo: DemoWorld
) -> None:
    page = screen.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    demo.account.credit = Decimal("5.02")
    await page.locator(".instead").click()
    await screen.say(f"/link {TOKEN}")
    await expect(screen.key("list:")).to_be_visible()
    await screen.say("/pay 300001")
    await screen.key("topup:300001").click()
    await expect(screen.last).to_contain_text("Which reference")
    await screen.say("K-4711")
    picture = screen.last.locator(".picture img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("node => node.naturalWidth") > 300
    await expect(screen.last).to_contain_text("Amount: €6.88")
    await screen.last.get_by_role("button", name="IBAN").click()
    await expect(screen.notices).to_contain_text("DE89370400440532013000")
    assert await page.evaluate("navigator.clipboard.readText()") == "DE89370400440532013000"
    link = screen.last.get_by_role("link", name="How to top up")
    address = await link.get_attribute("href")
    assert address is not None
    answer = await page.request.get(address)
    assert "at the bank" in await answer.text()
