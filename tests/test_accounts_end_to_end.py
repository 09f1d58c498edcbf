"""Several accounts in one chat, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says

COMPANY_TOKEN = "sandbox-token-of-adas-company-42"


@pytest.fixture
def company(sandbox: Sandbox) -> Account:
    return sandbox.provider.add_account(COMPANY_TOKEN)


@pytest.fixture
async def bot(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[None]:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "This chat is linked")
        question = await ask(chat, ada, f"/link {COMPANY_TOKEN}", "Add this account, or replace the other one?")
        ada.press(question, "👥 Add it as another account")
        await chat.wait_for(lambda m: m.id == question.id and m.text.startswith("👤 Account 2\n✅ This chat is linked"))
        yield


@pytest.mark.usefixtures("bot")
async def test_an_account_gets_a_name_that_stands_above_its_alerts_and_answers(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat
) -> None:
    page = await ask(chat, ada, "/accounts", "Account 1", "Account 2")
    ada.press(page, "✏️ Rename Account 2")
    asked = await chat.wait_for(says("What should I call Account 2?"), after=page)
    renamed = await ask(chat, ada, "My company", "Account 1", "My company")
    assert asked.id < renamed.id
    one = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=9)
    other = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=9)
    await chat.wait_for(says("👤 Account 1", f"New invoice {one.id}"), after=renamed)
    alert = await chat.wait_for(says("👤 My company", f"New invoice {other.id}"), after=renamed)
    ada.press(alert, "🔎 Details")
    details = await chat.wait_for(says("👤 My company", f"Invoice {other.id}", "7.00"), after=alert)
    ada.press(details, "💳 Pay €7.00 with credit")
    question = await chat.wait_for(says("👤 My company", "Pay €7.00"), after=details)
    company.credit = Decimal("7.00")
    ada.press(question, "✅ Pay €7.00")
    await chat.wait_for(lambda m: m.id == question.id and "is paid" in m.text)
    assert not other.is_open
    assert one.is_open


@pytest.mark.usefixtures("bot")
async def test_a_command_speaks_of_each_account_and_a_number_is_found_wherever_it_is(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat
) -> None:
    one = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=9)
    other = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=9)
    last = chat.messages[-1]
    ada.send(chat, "/status")
    for name in ("👤 Account 1", "👤 Account 2"):
        await chat.wait_for(says(name, "Linked"), after=last)
    await ask(chat, ada, f"/invoice {one.id}", "👤 Account 1", f"Invoice {one.id}")
    await ask(chat, ada, f"/invoice {other.id}", "👤 Account 2", f"Invoice {other.id}")
    which = await ask(chat, ada, "/invoice 212032", "Several of your accounts have an invoice 212032")
    ada.press(which, "Account 2")
    await chat.wait_for(says("👤 Account 2", "Invoice 212032"), after=which)


@pytest.mark.usefixtures("bot")
async def test_a_number_alone_opens_the_invoice_of_the_account_that_has_it_and_the_others_say_nothing(
    sandbox: Sandbox, company: Account, ada: Person, chat: Chat
) -> None:
    other = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=9)
    await chat.wait_for(says("👤 Account 2", f"New invoice {other.id}"))
    for text in (str(other.id), f"/find {other.id}"):
        last = chat.messages[-1]
        await ask(chat, ada, text, "👤 Account 2", f"Invoice {other.id}")
        await ask(chat, ada, "212032", "Several of your accounts have an invoice 212032")
        assert not [m for m in chat.messages if m.id > last.id and m.text.startswith("👤 Account 1")]
    last = chat.messages[-1]
    ada.send(chat, "Domain")
    for name in ("👤 Account 1", "👤 Account 2"):
        await chat.wait_for(says(name, "212032"), after=last)


@pytest.mark.usefixtures("bot")
async def test_a_link_to_an_invoice_opens_it_wherever_it_is_and_asks_where_several_accounts_have_it(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat
) -> None:
    other = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=9)
    which = await ask(chat, ada, "/start inv_212032", "Several of your accounts have an invoice 212032")
    ada.press(which, "Account 2")
    shown = await chat.wait_for(says("👤 Account 2", "Invoice 212032"), after=which)
    sandbox.provider.accounts.pop(TOKEN)
    ada.send(chat, f"/start inv_{other.id}")
    await chat.wait_for(says("👤 Account 2", f"Invoice {other.id}"), after=shown)


@pytest.mark.usefixtures("bot")
async def test_the_list_shows_all_accounts_together_or_one(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat
) -> None:
    later = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=2)
    sooner = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=1)
    shown = await ask(chat, ada, "/invoices open", "Account 1", "Account 2", str(later.id), str(sooner.id))
    assert shown.text.index(f"{sooner.id} ·") < shown.text.index(f"{later.id} ·")
    ada.press(shown, f"{sooner.id} · Account 2")
    await chat.wait_for(says("👤 Account 2", f"Invoice {sooner.id}"), after=shown)
    ada.press(shown, "👤 Only Account 2")
    one = await chat.wait_for(lambda m: m.id == shown.id and str(later.id) not in m.text)
    assert str(sooner.id) in one.text
    ada.press(one, "👥 All accounts")
    await chat.wait_for(lambda m: m.id == shown.id and str(later.id) in m.text)


@pytest.mark.usefixtures("bot")
async def test_a_check_of_an_account_leaves_a_list_alone_that_shows_others_by_now(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat
) -> None:
    one = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=2)
    other = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=1)
    together = await ask(chat, ada, "/invoices open", "Account 1", "Account 2")
    for button in ("👤 Only Account 2", "👥 All accounts"):
        await ada.press(together, button).answered()
    first = await ask(chat, ada, "/invoices open", "Account 1", "Account 2")
    for button in ("👤 Only Account 2", "👥 All accounts", "👤 Only Account 1"):
        await ada.press(first, button).answered()
    watched = await ask(chat, ada, "/invoices open", "Account 1", "Account 2")
    await ada.press(watched, "👤 Only Account 2").answered()
    sandbox.provider.settle(other)
    ada.send(chat, "/check")
    await chat.wait_for(lambda m: m.id == watched.id and "Nothing to pay" in m.text)
    assert f"{one.id} ·" in together.text
    assert first.text.startswith("👤 Account 1")


@pytest.mark.usefixtures("bot")
async def test_the_list_of_all_accounts_becomes_that_of_the_one_that_is_left(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat
) -> None:
    one = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=2)
    together = await ask(chat, ada, "/invoices open", "Account 1", "Account 2")
    which = await ask(chat, ada, "/unlink", "Which account should I remove?")
    ada.press(which, "🗑 Remove Account 2")
    await chat.wait_for(lambda m: m.id == which.id and "Remove Account 2?" in m.text)
    await ada.press(which, "🗑 Remove Account 2").answered()
    await ada.press(together, "• Open •").answered()
    assert f"{one.id} ·" in together.text
    assert "👤" not in together.text


@pytest.mark.usefixtures("bot")
async def test_a_refused_account_leaves_the_other_alone(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat
) -> None:
    sandbox.provider.accounts.pop(COMPANY_TOKEN)
    invoice = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=9)
    await chat.wait_for(says("👤 Account 1", f"New invoice {invoice.id}"))
    last = chat.messages[-1]
    ada.send(chat, "/invoices")
    await chat.wait_for(says("👤 Account 1", str(invoice.id)), after=last)
    await chat.wait_for(says("👤 Account 2", "does not accept this token"), after=last)


@pytest.mark.usefixtures("bot")
async def test_a_removed_account_is_forgotten_and_the_other_stays(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat
) -> None:
    which = await ask(chat, ada, "/unlink", "Which account should I remove?")
    ada.press(which, "🗑 Remove Account 2")
    question = await chat.wait_for(lambda m: m.id == which.id and "Remove Account 2?" in m.text)
    ada.press(question, "🗑 Remove Account 2")
    await chat.wait_for(lambda m: m.id == which.id and "Accounts in this chat" in m.text)
    invoice = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=9)
    alert = await chat.wait_for(says(f"New invoice {invoice.id}"), after=question)
    assert "👤" not in alert.text


@pytest.mark.usefixtures("bot")
async def test_the_first_account_can_go_too_and_what_was_chosen_for_the_chat_stays(
    sandbox: Sandbox, company: Account, ada: Person, chat: Chat
) -> None:
    ada.press(await ask(chat, ada, "/language", "Which language"), "Deutsch")
    await chat.wait_for(says("Welche Sprache"))
    which = await ask(chat, ada, "/unlink", "Welches Konto soll ich entfernen?")
    ada.press(which, "🗑 Konto 1 entfernen")
    question = await chat.wait_for(lambda m: m.id == which.id and "Konto 1 entfernen?" in m.text)
    ada.press(question, "🗑 Konto 1 entfernen")
    await chat.wait_for(lambda m: m.id == which.id and "Konten in diesem Chat" in m.text)
    invoice = sandbox.provider.create_invoice(company, Decimal("5.00"), due_in_days=9)
    alert = await chat.wait_for(says(f"Neue Rechnung {invoice.id}"), after=question)
    ada.press(alert, "🔎 Details")
    await chat.wait_for(says(f"Rechnung {invoice.id}"), after=alert)
    ada.send(chat, "/unlink")
    last = await chat.wait_for(says("Verknüpfung"), after=alert)
    assert "Welches" not in last.text


@pytest.mark.usefixtures("bot")
async def test_the_same_token_again_adds_nothing(ada: Person, chat: Chat, sandbox: Sandbox) -> None:
    again = await ask(chat, ada, f"/link {COMPANY_TOKEN}", "This chat is linked")
    assert "👤 Account 2" in again.text
    page = await ask(chat, ada, "/accounts", "Accounts in this chat")
    assert "Account 3" not in page.text


@pytest.mark.usefixtures("bot")
async def test_what_is_said_of_an_account_is_kept_with_that_account(
    sandbox: Sandbox, company: Account, ada: Person, chat: Chat
) -> None:
    invoice = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=9)
    await chat.wait_for(says("👤 Account 2", f"New invoice {invoice.id}"))
    await ask(chat, ada, f"/name {invoice.id} My shop", "👤 Account 2", "My shop")
    await ask(chat, ada, f"/invoice {invoice.id}", "👤 Account 2", "My shop")
    await ask(chat, ada, f"/name {invoice.id}", "👤 Account 2")
    await ask(chat, ada, "Another shop", "👤 Account 2", "Another shop")
    details = await ask(chat, ada, f"/invoice {invoice.id}", "👤 Account 2", "Another shop")
    sandbox.provider.faults.switch_on(Fault.DOWN, Call.INVOICE)
    ada.press(details, "📄 PDF")
    await chat.wait_for(lambda m: m.document is not None and "7.00" in m.text and "👤 Account 2" in m.text)


@pytest.mark.usefixtures("bot")
async def test_a_pack_is_of_the_account_that_its_menu_names(
    sandbox: Sandbox, account: Account, company: Account, ada: Person, chat: Chat
) -> None:
    sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=9)
    other = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=9)
    last = chat.messages[-1]
    ada.send(chat, "/archive")
    menu = await chat.wait_for(says("👤 Account 1", "Which period?"), after=last)
    await ada.press(menu, "Account 2").answered()
    assert menu.text.startswith("👤 Account 2")
    ada.press(menu, "Everything")
    sent = await chat.wait_for(lambda m: m.document is not None, after=menu)
    assert sent.document is not None
    assert sent.document.name == "Invoices Account 2.zip"
    assert sent.text.startswith("👤 Account 2\n🗂 Everything")
    assert f" - {other.id} - ".encode() in sent.document.content
    assert sum("Which period?" in message.text for message in chat.messages) == 1
