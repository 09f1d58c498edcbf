"""The jump to a month, and the pages of the invoices to choose from, as a person presses them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.application import InvoiceBot
from bot.sandbox.telegram import Chat, Message, Person
from tests.chat.conversation import ask, link
from tests.chat.fakes import FakeProvider
from tests.chat.samples import invoice, paid


@pytest.fixture
async def linked(invoice_bot: InvoiceBot, ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    """Ada's chat, linked to an account with one open invoice and one paid in each month of two years."""
    provider.add(invoice(1))
    for month in range(24):
        provider.add(replace(paid(100 + month), issued=date(2025 + month // 12, month % 12 + 1, 5)))
    await link(ada, chat)
    return chat


def numbers(message: Message) -> list[str]:
    return [
        data.split(":")[1] for button in message.buttons if (data := button.data or "").startswith(("show:", "pdf:"))
    ]


async def test_a_month_of_another_year_is_three_presses_away_in_the_same_message(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "/invoices", "Your invoices")
    await ada.press(listing, "📅 Jump to …").answered()
    assert listing.text == "📅 Which year?"
    await ada.press(listing, "2025 (12)").answered()
    assert listing.text == "📅 Which month of 2025?"
    await ada.press(listing, "August (1)").answered()
    assert numbers(listing) == ["107", "106", "105", "104", "103", "102"]
    await ada.press(listing, "◀").answered()
    assert numbers(listing) == ["113", "112", "111", "110", "109", "108"]


async def test_the_details_lead_back_to_the_month(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "/invoices paid", "Paid invoices")
    for label in ("📅 Jump to …", "2025 (12)", "August (1)", "106 · €7.95", "« Back to the list"):
        await ada.press(listing, label).answered()
    assert numbers(listing) == ["107", "106", "105", "104", "103", "102"]


async def test_in_what_a_search_found_the_jump_stays_in_it(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "paid 7-8", "24 invoices found")
    for label in ("📅 Jump to …", "2025 (12)", "March (1)"):
        await ada.press(listing, label).answered()
    assert "24 invoices found" in listing.text
    assert numbers(listing) == ["102", "101", "100"]


async def test_the_months_are_drawn_anew_as_months(
    ada: Person, linked: Chat, invoice_bot: InvoiceBot, provider: FakeProvider
) -> None:
    listing, choice = await ask(ada, linked, "/invoices", "Your"), await ask(ada, linked, "/pdf", "Which invoice")
    await ada.press(listing, "📅 Jump to …").answered()
    await ada.press(choice, "▶").answered()
    before = numbers(choice)
    question = await ask(ada, linked, "/pay 1", "for invoice 1")
    ada.press(question, "✅ Pay €7.95")
    await linked.wait_for(lambda m: m is question and "is paid" in m.text)
    await invoice_bot.services.checker.tick()
    await invoice_bot.services.check_workers.finish()
    assert listing.text == "📅 Which year?"
    assert "2026 (13)" in [button.text for button in listing.buttons]
    assert numbers(choice) == before


async def test_the_next_invoices_to_choose_from_come_by_a_button_and_go_back(ada: Person, linked: Chat) -> None:
    choice = await ask(ada, linked, "/pdf", "Which invoice would you like as a PDF?")
    shown = [numbers(choice)]
    while "▶" in [button.text for button in choice.buttons]:
        await ada.press(choice, "▶").answered()
        shown.append(numbers(choice))
    assert [len(page) for page in shown] == [8, 8, 8, 1]
    assert len({number for page in shown for number in page}) == 25
    await ada.press(choice, "◀").answered()
    assert numbers(choice) == shown[-2]


@pytest.mark.parametrize("data", ["jump", "jump:2026", "jump:x:all.any.0.0", "more:pdf", "more:link:1", "more:pdf:-1"])
async def test_a_button_that_means_nothing_changes_nothing(ada: Person, linked: Chat, data: str) -> None:
    listing = await ask(ada, linked, "/invoices", "Your invoices")
    before = listing.text
    await ada.forge(listing, data).answered()
    await ask(ada, linked, "/invoices open", "Open invoices")
    assert listing.text == before
