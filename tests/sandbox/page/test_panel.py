"""The panel beside the chat: its controls change the sandbox, and it shows the sandbox's changes."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.async_api import Browser, expect
from telegram import Bot
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.provider.schema import read_page
from bot.sandbox.demo_world import TOKEN, DemoWorld
from bot.sandbox.provider.faults import Call, Fault
from tests.sandbox.page.screen import PHONE, Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_invoice_is_issued_settled_and_cancelled(screen: Screen, demo: DemoWorld) -> None:
    page, invoices = screen.page, demo.account.invoices
    for amount, days, kind in (("19.99", "3", "Domain"), ("5", "-4", "Donation")):
        await page.locator("#amount").fill(amount)
        await page.locator("#days").fill(days)
        await page.locator("#kind").select_option(kind)
        await page.locator(".issue button").click()
        await expect(page.locator(".invoices li").first).to_contain_text(f"{Decimal(amount):.2f}")
    older, newer = sorted(invoices)[-2:]
    today = demo.sandbox.provider.today
    assert (invoices[older].gross, invoices[older].due) == (Decimal("19.99"), today + timedelta(days=3))
    assert [invoices[number].items[0].type for number in (older, newer)] == ["Domain", "Donation"]

    first, second = page.locator(".invoices li").first, page.locator(".invoices li").nth(1)
    await expect(first.locator(".state")).to_have_text("Overdue")
    await first.get_by_role("button", name="Cancel it").click()
    await expect(first.locator(".state")).to_have_text("Cancelled")
    await second.get_by_role("button", name="Paid elsewhere").click()
    await expect(second.locator(".state")).to_have_text("Paid")
    await expect(second.get_by_role("button")).to_have_count(0)
    assert [invoices[number].status for number in (older, newer)] == ["Paid", "Cancelled"]
    assert demo.account.credit == Decimal(50)


async def test_an_open_invoice_is_changed_hidden_shown_again_and_refunded(screen: Screen, demo: DemoWorld) -> None:
    page, invoices = screen.page, demo.account.invoices
    await page.locator(".issue button").click()
    first = page.locator(".invoices li").first
    await expect(first).to_contain_text("12.34")
    invoice = invoices[max(invoices)]
    due = invoice.due

    await first.locator("summary").click()
    await first.get_by_label("Amount by (€)").fill("-2.04")
    await first.get_by_label("Due date by (days)").fill("3")
    await first.get_by_role("button", name="Change it").click()
    await expect(first).to_contain_text("10.30")
    assert (invoice.gross, invoice.items[0].amount) == (Decimal("10.30"), Decimal("10.30"))
    assert invoice.due == due + timedelta(days=3)

    await first.locator("summary").click()
    await first.get_by_role("button", name="Let it vanish").click()
    await expect(first.locator(".state")).to_have_text("Gone")
    assert invoice.id not in invoices
    await first.get_by_role("button", name="Bring it back").click()
    await first.locator("summary").click()
    await first.get_by_role("button", name="Refund it").click()
    await expect(first.locator(".state")).to_have_text("Refunded")
    assert invoices[invoice.id].status == "Refunded"


async def test_an_invoice_is_issued_paid_or_unreadable(screen: Screen, demo: DemoWorld) -> None:
    page, invoices = screen.page, demo.account.invoices
    for making, state in (("paid", "Paid"), ("unreadable", "Open")):
        before = len(invoices)
        await page.locator("#making").select_option(making)
        await page.locator(".issue button").click()
        await expect(page.locator(".invoices li")).to_have_count(before + 1)
        await expect(page.locator(".invoices li").first.locator(".state")).to_have_text(state)
    paid, unreadable = (invoices[number] for number in sorted(invoices)[-2:])
    zone = demo.sandbox.provider.zone
    assert paid.paid_at is not None
    body = json.dumps({"data": [one.as_json("en", zone, "") for one in (paid, unreadable)]}).encode()
    listed = read_page(body, zone)
    assert ([one.id for one in listed.invoices], listed.unreadable) == ([paid.id], 1)


async def test_a_credit_note_and_a_collective_invoice_are_issued_and_one_goes_to_a_collector(
    screen: Screen, demo: DemoWorld
) -> None:
    page, invoices = screen.page, demo.account.invoices
    for making in ("open", "credit_note", "collective"):
        before = len(invoices)
        await page.locator("#making").select_option(making)
        await page.locator(".issue button").click()
        await expect(page.locator(".invoices li")).to_have_count(before + 1)
    plain, note, collective = (invoices[number] for number in sorted(invoices)[-3:])
    assert note.gross == -plain.gross
    assert plain.id in [item.relid for item in collective.items]
    first = page.locator(".invoices li").first
    await first.locator("summary").click()
    await first.get_by_role("button", name="Give it to a collector").click()
    await expect(first.locator(".state")).to_have_text("Collections")
    assert collective.status == "Collections"


async def test_the_credit_can_be_set_and_its_changes_are_shown(screen: Screen, demo: DemoWorld) -> None:
    field = screen.page.locator("#credit")
    await expect(field).to_have_value("50.00")
    await field.fill("7.5")
    await field.press("Enter")
    await expect(field).to_have_value("7.50")
    assert demo.account.credit == Decimal("7.50")
    demo.account.credit = Decimal("3.25")
    await expect(field).to_have_value("3.25")


async def test_the_field_refuses_an_invalid_amount(screen: Screen, demo: DemoWorld) -> None:
    before = set(demo.account.invoices)
    await screen.page.locator("#amount").fill("-3")
    await screen.page.locator(".issue button").click()
    assert await screen.page.locator("#amount").evaluate("node => node.validity.rangeUnderflow")
    assert set(demo.account.invoices) == before


async def test_time_goes_forward_by_an_hour_to_the_next_morning_and_by_a_week(screen: Screen, demo: DemoWorld) -> None:
    clock, zone = demo.sandbox.clock, demo.sandbox.provider.zone
    hour, day, week = (screen.page.locator(".panel .even button").nth(index) for index in range(3))
    shown = screen.page.locator(".clock")
    before = clock()
    await hour.click()
    await expect(shown).to_contain_text(f"{before.astimezone(zone) + timedelta(hours=1):%H:}")
    today = clock().astimezone(zone).date()
    for button, days in ((day, 1), (week, 8)):
        await button.click()
        await expect(shown).to_contain_text("10:00")
        await expect(shown).to_contain_text(f"{today + timedelta(days=days):%A}")
        assert clock().astimezone(zone).date() == today + timedelta(days=days)


async def test_telegrams_faults_affect_the_bot_while_they_are_on(screen: Screen, bot: Bot, demo: DemoWorld) -> None:
    ada = demo.people[0]
    await screen.page.locator(".instead").click()
    await expect(screen.last).to_be_visible()
    faults: list[tuple[str, type[TelegramError]]] = [
        ("flood", RetryAfter),
        ("unreachable", NetworkError),
        ("page", TelegramError),
        ("closed", BadRequest),
        (f"blocked {ada.id}", Forbidden),
    ]
    for name, error in faults:
        await screen.turn(name, on=True)
        with pytest.raises(error):
            await bot.send_message(ada.id, "Hello?")
        await screen.turn(name, on=False)
        await bot.send_message(ada.id, f"After {name}")
        await expect(screen.last).to_contain_text(f"After {name}")
        await expect(screen.switch(name)).not_to_be_checked()


@pytest.mark.parametrize("fault", ["send_unanswered", "error_after"])
async def test_a_fault_that_strikes_once_switches_itself_off(
    screen: Screen, bot: Bot, demo: DemoWorld, fault: str
) -> None:
    await screen.page.locator(".instead").click()
    await screen.turn(fault, on=True)
    with pytest.raises(NetworkError):
        await bot.send_message(demo.people[0].id, "Did you get this?")
    await expect(screen.last).to_contain_text("Did you get this?")
    await expect(screen.switch(fault)).not_to_be_checked()


async def test_a_person_who_has_blocked_the_bot_can_only_unblock_it(screen: Screen, demo: DemoWorld) -> None:
    ada = demo.people[0]
    await screen.page.locator(".instead").click()
    await screen.turn(f"blocked {ada.id}", on=True)
    await expect(screen.field).to_be_hidden()
    await screen.page.get_by_role("button", name="Unblock the bot").click()
    await expect(screen.field).to_be_visible()


@pytest.mark.usefixtures("at_work")
async def test_the_bot_survives_the_providers_faults(screen: Screen, demo: DemoWorld) -> None:
    provider = demo.sandbox.provider
    await screen.page.locator(".instead").click()
    await screen.say(f"/link {TOKEN}")
    await expect(screen.key("list:")).to_be_visible()
    for name, fault in (("down", Fault.DOWN), ("rate_limit", Fault.RATE_LIMIT), ("empty", Fault.EMPTY)):
        await screen.turn(name, on=True)
        assert [switched.fault for switched in provider.faults.on] == [fault]
        await screen.turn(name, on=False)
        assert provider.faults.on == []
    await screen.turn("pay_unanswered", on=True)
    await screen.say("/pay 300001")
    await screen.key("yes:").click()
    await expect(screen.switch("pay_unanswered")).not_to_be_checked()
    await expect(screen.page.locator(".is-paid", has_text="300001")).to_be_visible()
    await expect(screen.key("show:300001")).to_be_visible()
    assert provider.executed(Call.PAY, 300_001) == 1


async def test_on_a_phone_the_panel_counts_what_is_unread(
    browser: Browser, address: str, bot: Bot, demo: DemoWorld
) -> None:
    ada = demo.people[0]
    async with Screen.opened(browser, f"{address}/#ada/{ada.id}", PHONE) as screen:
        await screen.page.locator(".instead").click()
        await screen.page.locator(".chat .to-panel").click()
        await expect(screen.page.locator(".panel .back")).to_be_focused()
        await bot.send_message(ada.id, "Look here")
        await expect(screen.page.locator(".panel .back .badge")).to_have_text("1")
        await screen.page.locator(".panel .back").click()
        await expect(screen.last).to_be_in_viewport()
        await expect(screen.notices).to_be_empty()
