"""Money words are said only of what is known: the real bot in the sandbox, whose invoices are odd."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says

DAY = timedelta(days=1)
PROMISES = ("don't have to pay", "Nothing more to do", "Nothing to pay", "nothing to pay", "is paid", "musst")


@pytest.fixture
async def bot(sandbox: Sandbox, account: Account, tmp_path: Path) -> AsyncIterator[None]:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        yield


@pytest.fixture
async def greeting(bot: None, account: Account, ada: Person, chat: Chat) -> Message:
    """The bot's greeting in a chat that was just linked to an account without invoices."""
    account.invoices.clear()
    return await ask(chat, ada, f"/link {TOKEN}", "linked")


# --- Texts -----------------------------------------------------------------------------------------------------------


async def test_texts_that_are_written_as_in_html_are_shown_as_people_write_them(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    words = 'Müller\'s <b>Bäckerei</b> & "Söhne" – 5 €'
    sandbox.provider.faults.switch_on(Fault.ENTITIES)
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), description=f"Server\n{words}")
    invoice.items[0].short = words
    new = await chat.wait_for(says("New invoice", words), after=greeting)
    await ask(chat, ada, "/invoices", words)
    await ask(chat, ada, f"/invoice {invoice.id}", words)
    await ask(chat, ada, f"/pay {invoice.id}", words)
    choices = await ask(chat, ada, "/pdf", "Which invoice")
    assert any(words[:20] in button.text for button in choices.buttons)
    invoice.status = "Zur&uuml;ckgestellt"
    await chat.wait_for(says("no longer open", "Zur&uuml;ckgestellt"), after=new)  # written twice: undone once
    refusal = "Kein Guthaben f&uuml;r M&uuml;ller &amp; S&ouml;hne &lt;b&gt;da&lt;/b&gt;"
    sandbox.provider.faults.switch_on(Fault.REFUSED, on=Call.INVOICE, message=refusal)
    refused = await ask(chat, ada, f"/invoice {invoice.id}", "Kein Guthaben für Müller & Söhne")
    assert "&" not in refused.text.replace(" & ", "")


# --- Amounts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("currency", "amount"), [("KWD", "1.234"), ("ISK", "1234.56"), ("COP", "1234.56")])
async def test_amounts_keep_the_digits_that_the_provider_gives(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, tmp_path: Path, currency: str, amount: str
) -> None:
    account.invoices.clear()
    account.credit, account.currency, account.shows_credit = Decimal("5000.125"), currency, True
    written = f"{Decimal(amount):,}"
    async with running(sandbox.settings(tmp_path, currency=currency), clock=sandbox.clock, tick=TICK):
        greeting = await ask(chat, ada, f"/link {TOKEN}", "linked")
        invoice = sandbox.provider.create_invoice(account, Decimal(amount))
        new = await chat.wait_for(says("New invoice", f"{currency}{written}"), after=greeting)
        assert any(written in button.text for button in new.buttons)
        await ask(chat, ada, "/invoices", f"{currency}{written}", f"{currency}5,000.125")
        await ask(chat, ada, f"/invoice {invoice.id}", f"Total: {currency}{written}")
        question = await ask(chat, ada, f"/pay {invoice.id}", f"{currency}{written}")
        ada.press(question, question.buttons[0].text)
        await chat.wait_for(lambda m: m.id == question.id and "is paid" in m.text and written in m.text)
    assert invoice.credit == Decimal(amount)


async def test_a_sum_with_more_digits_than_the_currency_is_shown_with_all_of_them(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.MORE_DIGITS)
    invoice = sandbox.provider.create_invoice(account, Decimal("11.90"))
    await chat.wait_for(says("New invoice", "€11.9119"), after=greeting)
    await ask(chat, ada, f"/invoice {invoice.id}", "Total: €11.9119", "Left to pay: €11.9119")
    await ask(chat, ada, f"/pay {invoice.id}", "€11.9119")


async def test_the_sums_can_be_checked_where_the_total_is_after_credit(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("23.80"))
    invoice.credit, invoice.net_of_credit = Decimal("3.80"), True
    new = await chat.wait_for(says("New invoice", "€20.00"), after=greeting)
    sums = ("€23.80", "Net: €20.00\nTax (19%): €3.80\nTotal: €23.80\nCredit applied: €3.80\nLeft to pay: €20.00")
    await ask(chat, ada, f"/invoice {invoice.id}", *sums)
    question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €20.00")
    ada.press(question, question.buttons[0].text)
    await chat.wait_for(lambda m: m.id == question.id and "is paid: €20.00" in m.text)
    await ask(chat, ada, "/invoices", f"{invoice.id} · €23.80 · paid")
    await ask(chat, ada, f"/invoice {invoice.id}", "Total: €23.80\nCredit applied: €23.80")
    assert new.id < question.id


# --- Credit notes ----------------------------------------------------------------------------------------------------


async def test_a_credit_note_is_no_open_invoice(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    note = sandbox.provider.create_invoice(account, Decimal("-5.00"), due_in_days=1)
    plain = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
    paid = sandbox.provider.create_invoice(account, Decimal("-3.00"), paid=True)
    await chat.wait_for(says("New invoice", str(plain.id)), after=greeting)
    listed = await ask(chat, ada, "/invoices", "1 open invoice, €7.95", f"{note.id} · -€5.00 · Credit note")
    opened = await ask(chat, ada, "/invoices open", str(plain.id))
    details = await ask(chat, ada, f"/invoice {note.id}", "A credit note: €5.00 in your favour", "Total: -€5.00")
    assert "Left to pay" not in details.text
    assert "Due" not in details.text
    assert not any("Pay" in button.text for button in details.buttons)
    await ask(chat, ada, f"/pay {note.id}", "nothing to pay")
    choice = await ask(chat, ada, "/pay", "Which invoice")
    for message in (opened, choice):
        assert str(note.id) not in message.text + str(message.buttons)
    sandbox.clock.put_forward(2 * DAY)
    await chat.wait_for(says(f"{plain.id} is due in 7 days"), after=listed)
    told = [m.text for m in chat.messages if "New invoice" in m.text or "is due" in m.text]
    assert not any(str(number) in text for text in told for number in (note.id, paid.id))


async def test_an_open_invoice_that_becomes_a_credit_note_is_told_so(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=1)
    new = await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    invoice.reprice(Decimal("-2.00"))
    told = await chat.wait_for(says(f"Invoice {invoice.id} is a credit note now", "€2.00 in your favour"), after=new)
    assert "Status" not in told.text
    await chat.wait_for(lambda m: m.id == new.id and "A credit note now" in m.text)


# --- Collective invoices ---------------------------------------------------------------------------------------------


async def test_what_a_collective_invoice_collects_is_counted_and_offered_once(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    account.shows_credit, account.credit = True, Decimal("30.00")
    one, two = (sandbox.provider.create_invoice(account, Decimal(amount), due_in_days=9) for amount in (10, 20))
    collective = sandbox.provider.collect(account, [one, two])
    await chat.wait_for(says("2 open invoices, together €30.00"), after=greeting)
    listed = await ask(chat, ada, "/invoices", "2 open invoices, together €30.00", "enough for all of it")
    assert f"{collective.id} · €30.00" in listed.text
    assert f"Includes invoices {one.id} and {two.id}, which are counted separately" in listed.text
    await ask(chat, ada, "/check", "2 open invoices, together €30.00")
    choice = await ask(chat, ada, "/pay", "Which invoice")
    assert not any(str(collective.id) in button.text for button in choice.buttons)
    await ask(chat, ada, f"/invoice {collective.id}", "either it or them", "Left to pay: €30.00")
    assert not any(f"New invoice {collective.id}" in message.text for message in chat.messages)
    question = await ask(chat, ada, f"/pay {collective.id}", "Pay €30.00", "either it or them")
    ada.press(question, question.buttons[0].text)
    await chat.wait_for(lambda m: m.id == question.id and "is paid" in m.text)
    await ask(chat, ada, "/invoices", "Nothing to pay")


async def test_a_collective_invoice_whose_parts_are_settled_is_told_like_any_other(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    part = sandbox.provider.create_invoice(account, Decimal(10), due_in_days=9)
    collective = sandbox.provider.collect(account, [part])
    new = await chat.wait_for(says("New invoice", str(part.id)), after=greeting)
    assert str(collective.id) not in new.text
    part.status = "Cancelled"
    await chat.wait_for(says("New invoice", str(collective.id), "€10.00"), after=new)
    await ask(chat, ada, "/invoices", "1 open invoice, €10.00")


# --- How an invoice stands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Collections", "Draft", "Payment Pending", "Zurückgestellt"])
async def test_an_invoice_that_is_closed_in_another_way_is_no_longer_open_and_nothing_is_promised(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message, status: str
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"))
    new = await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    invoice.status, invoice.extra = status, {"is_open": False, "status_label": "Im <Inkasso>"}
    told = await chat.wait_for(says(f"Invoice {invoice.id} is no longer open", "Im <Inkasso>"), after=new)
    await chat.wait_for(lambda m: m.id == new.id and "No longer open" in m.text and "Im <Inkasso>" in m.text)
    answers = [
        await ask(chat, ada, "/invoices", "Im <Inkasso>"),
        await ask(chat, ada, "/invoices open", "No invoice is open"),
        await ask(chat, ada, f"/invoice {invoice.id}", "Im <Inkasso>"),
        await ask(chat, ada, f"/pay {invoice.id}", "no longer open", "Im <Inkasso>"),
        await ask(chat, ada, "/pay", "No invoice is open"),
        await ask(chat, ada, "/check", "No invoice is open"),
    ]
    for message in (new, told, *answers):
        assert not any(promise in message.text for promise in PROMISES), message.text


@pytest.mark.parametrize(
    ("status", "words"),
    [("Paid", "is paid"), ("Cancelled", "was cancelled"), ("canceled", "was cancelled"), ("REFUNDED", "was refunded")],
)
async def test_what_is_paid_cancelled_or_refunded_asks_for_nothing(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message, status: str, words: str
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"))
    new = await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    invoice.status = status
    told = await chat.wait_for(says(f"Invoice {invoice.id} {words}"), after=new)
    assert "Status:" not in told.text
    assert any(promise in told.text for promise in PROMISES)
    await ask(chat, ada, "/invoices", "Nothing to pay")


async def test_the_status_of_an_open_invoice_is_shown_where_it_says_more(
    sandbox: Sandbox, account: Account, chat: Chat, ada: Person, greeting: Message
) -> None:
    plain = sandbox.provider.create_invoice(account, Decimal("3.00"))
    told = await chat.wait_for(says("New invoice", str(plain.id)), after=greeting)
    asked = await ask(chat, ada, f"/pay {plain.id}", "Pay €3.00")
    assert "Status" not in told.text + asked.text
    sandbox.provider.faults.switch_on(Fault.ODD_STATUS)
    odd = sandbox.provider.create_invoice(account, Decimal("7.95"))
    await chat.wait_for(says("New invoice", str(odd.id), "Status at your provider: Zahlung ausstehend"), after=asked)
    await ask(chat, ada, "/invoices", str(odd.id), "· Zahlung ausstehend")
    await ask(chat, ada, f"/pay {odd.id}", "Status at your provider: Zahlung ausstehend")
