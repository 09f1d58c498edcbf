"""Searching as a person does, over real HTTP, in an account of two years and across a restart of the bot."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.invoices import make_invoice
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says

SERVICES = 15
"""Invoices a month."""


@pytest.fixture
def two_years(sandbox: Sandbox, account: Account) -> date:
    """Fill the account with two years of invoices, all paid. Return the month in which they end."""
    today = sandbox.clock().date()
    number = 5000
    for back in range(24):
        month = (today.replace(day=15) - timedelta(days=30 * back)).replace(day=1)
        for service in range(SERVICES):
            kind = "Domain" if service % 3 == 0 else "Hosting"
            text = f"{kind} kunde{service}.example.org ({month:%d.%m.%Y})"
            made = make_invoice(
                number, Decimal(5) + service, issued=month, due=month + timedelta(days=14), kind=kind, description=text
            )
            made.status, made.paid_at = "Paid", sandbox.clock()
            account.invoices[number] = made
            number += 1
    return today


async def test_last_years_invoice_of_a_domain_is_three_taps_away_and_the_search_survives_a_restart(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path, two_years: date
) -> None:
    settings = sandbox.settings(tmp_path)
    year = two_years.year - 1
    wanted = sorted(
        one.id
        for one in account.invoices.values()
        if one.issued.year == year and "kunde3.example.org" in one.items[0].description
    )
    async with running(settings, clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        listing = await ask(chat, ada, f"kunde3.exmaple.org {year} bezahlt", "Search:")  # typing is the first tap
        assert f"“kunde3.exmaple.org” → kunde3.example.org · {year} · paid" in listing.text
        assert f"{len(wanted)} invoices found" in listing.text
        await ada.press(listing, f"{wanted[0]} · €8.00").answered()  # the second one
        assert f"Invoice {wanted[0]}" in listing.text
        ada.press(listing, "📄 PDF")  # the third one
        await chat.wait_for(lambda m: m.document is not None, after=listing)

    async with running(settings, clock=sandbox.clock, tick=TICK):
        await ada.press(listing, "« Back to the list").answered()
        assert f"{len(wanted)} invoices found" in listing.text
        await ada.press(listing, f"✕ {year}").answered()
        assert "24 invoices found" in listing.text
        await ada.press(listing, "▶").answered()
        assert "24 invoices found" in listing.text


async def test_a_number_opens_its_invoice_in_one_tap_and_an_unknown_word_explains_the_search(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path, two_years: date
) -> None:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        details = await ask(chat, ada, "5007", "Invoice 5007")
        assert "kunde7.example.org" in details.text
        none = await ask(chat, ada, "Nashorn", "No invoice matches")
        assert "You can search for" in none.text
        assert not [button for button in none.buttons if (button.data or "").startswith("less:")]
        await chat.wait_for(says("No invoice matches"))
