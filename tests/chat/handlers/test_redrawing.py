"""Messages that show invoices are drawn anew once the invoices stand otherwise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.application import InvoiceBot
from bot.sandbox.telegram import ApiError, Chat, Message, Person, SandboxTelegram
from bot.store.store import Store
from tests.chat.conversation import ask, link, plain
from tests.chat.fakes import FakeProvider
from tests.chat.samples import invoice


@pytest.fixture
async def linked(invoice_bot: InvoiceBot, ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(invoice(1), invoice(2), invoice(3))
    await link(ada, chat)
    return chat


async def pay(person: Person, chat: Chat, bot: InvoiceBot, number: int) -> None:
    """Pay an invoice in the chat, and let the checks follow that become due by it."""
    question = await ask(person, chat, f"/pay {number}", f"for invoice {number}")
    person.press(question, "✅ Pay €7.95")
    await chat.wait_for(lambda m: m is question and "is paid" in m.text)
    await bot.services.checker.tick()
    await bot.services.check_workers.finish()


def labels(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


async def test_after_a_payment_the_details_say_paid_and_offer_no_payment(
    ada: Person, linked: Chat, invoice_bot: InvoiceBot
) -> None:
    details = await ask(ada, linked, "/invoice 1", "Invoice 1 · Open")
    other = await ask(ada, linked, "/invoice 2", "Invoice 2 · Open")
    before = other.text
    await pay(ada, linked, invoice_bot, 1)
    assert "Left to pay" not in details.text
    assert not [label for label in labels(details) if "Pay" in label]
    assert other.text == before


async def test_lists_and_choices_are_drawn_anew_too(ada: Person, linked: Chat, invoice_bot: InvoiceBot) -> None:
    whole, still_open = await ask(ada, linked, "/invoices", "Your"), await ask(ada, linked, "/invoices open", "Open")
    filters = await ask(ada, linked, "/invoices", "Your")
    await ada.press(filters, "🔍 Filter").answered()
    choice = await ask(ada, linked, "/pay", "Which invoices would you like to pay?")
    await pay(ada, linked, invoice_bot, 1)
    assert "2 open invoices, together €15.90" in plain(whole)
    assert [button.data for button in choice.buttons][:2] == ["tick:2", "tick:3"]
    assert not [label for label in labels(still_open) if label.startswith("1 ·")]
    assert "2 open invoices" in filters.text
    assert "🧾 Show 3 invoices" in labels(filters)


async def test_other_questions_about_a_paid_invoice_become_its_details_and_a_receipt_stays(
    ada: Person, linked: Chat, invoice_bot: InvoiceBot, provider: FakeProvider
) -> None:
    first, other = await ask(ada, linked, "/pay 1", "for invoice 1"), await ask(ada, linked, "/pay 2", "for invoice 2")
    cancelled = await ask(ada, linked, "/pay 1", "for invoice 1")
    await ada.press(cancelled, "✖️ Cancel").answered()
    second = await ask(ada, linked, "/pay 1", "for invoice 1")
    ada.press(second, "✅ Pay €7.95")
    await linked.wait_for(lambda m: m is second and "is paid" in m.text)
    before = [(message.text, labels(message)) for message in (second, other, cancelled)]
    await ask(ada, linked, "/check", "Checked just now")
    assert first.text.startswith("🧾 Invoice 1 ·")
    assert not [label for label in labels(first) if "Pay" in label]
    assert [(message.text, labels(message)) for message in (second, other, cancelled)] == before
    assert provider.posts == [("pay", 1)]


async def test_details_that_a_list_has_opened_lead_back_to_their_page(
    ada: Person, linked: Chat, invoice_bot: InvoiceBot
) -> None:
    listing = await ask(ada, linked, "/invoices", "Your")
    await ada.press(listing, "1 · €7.95").answered()
    await pay(ada, linked, invoice_bot, 1)
    assert listing.text.startswith("🧾 Invoice 1 ·")
    assert "Left to pay" not in listing.text
    await ada.press(listing, "« Back to the list").answered()
    assert listing.text.startswith("🧾 Your invoices")


async def test_what_was_paid_elsewhere_is_seen_at_the_next_check(
    ada: Person, linked: Chat, invoice_bot: InvoiceBot, provider: FakeProvider
) -> None:
    details = await ask(ada, linked, "/invoice 1", "Left to pay: €7.95")
    provider.add(replace(invoice(1), credit=Decimal(1)))
    await ask(ada, linked, "/check", "Checked just now")
    assert "Left to pay: €6.95" in plain(details)


async def test_what_stands_as_before_is_not_edited(ada: Person, linked: Chat, telegram: SandboxTelegram) -> None:
    await ask(ada, linked, "/invoice 1", "Invoice 1")
    await ask(ada, linked, "/invoices", "Your invoices")
    edits = len(telegram.calls_of("editMessageText"))
    for _ in range(2):
        await ask(ada, linked, "/check", "Checked just now")
    assert len(telegram.calls_of("editMessageText")) == edits


async def test_a_message_that_is_gone_is_forgotten(
    ada: Person, linked: Chat, provider: FakeProvider, store: Store
) -> None:
    details = await ask(ada, linked, "/invoice 1", "Invoice 1")
    await ask(ada, linked, "/help", "/unlink")  # by then the message is remembered
    assert len((await store.chat(linked.id)).live) == 1
    ada.delete(details)
    provider.add(replace(invoice(1), credit=Decimal(1)))
    await ask(ada, linked, "/check", "Checked just now")
    assert (await store.chat(linked.id)).live == ()


async def test_a_message_whose_edit_is_refused_is_tried_once_and_one_that_failed_for_a_while_again(
    ada: Person, linked: Chat, provider: FakeProvider, telegram: SandboxTelegram
) -> None:
    details = await ask(ada, linked, "/invoice 1", "Left to pay: €7.95")
    telegram.faults.server_error(times=1, method="editMessageText")
    for credit in (1, 2):
        provider.add(replace(invoice(1), credit=Decimal(credit)))
        await ask(ada, linked, "/check", "Checked just now")
    assert "Left to pay: €5.95" in plain(details)
    telegram.faults.refuse(ApiError(400, "Bad Request: no"), times=None, method="editMessageText")
    for credit in (3, 4):
        provider.add(replace(invoice(1), credit=Decimal(credit)))
        await ask(ada, linked, "/check", "Checked just now")
    assert "Left to pay: €5.95" in plain(details)


async def test_only_the_newest_messages_are_kept_and_none_outlives_the_link(
    ada: Person, linked: Chat, store: Store
) -> None:
    for _ in range(25):
        await ask(ada, linked, "/invoice 1", "Invoice 1")
    assert len((await store.chat(linked.id)).live) == 20
    question = await ask(ada, linked, "/unlink", "Remove the link?")
    await ada.press(question, "🗑 Remove the link").answered()
    assert (await store.chat(linked.id)).live == ()
