"""How to top up, from the button below a shortfall to a code that a banking app reads."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from bot.application import running
from bot.domain.provider_calendar import ProviderCalendar
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from bot.sandbox.telegram.errors import bad_request
from tests.sandbox_bot import TICK, TOKEN, ask, says

PAGE = "https://provider.example/clientarea.php?action=addfunds"
IBAN = "DE89370400440532013000"
TRANSFER_TO = "DE89 3704 0044 0532 0130 00; Lighthouse Höchst & Co"
BOTH = {"top_up_url": PAGE, "transfer_to": TRANSFER_TO}
HOW, BY_TRANSFER = "💶 How to top up", "🏦 Top up by transfer"
QUESTION = "Which reference does a transfer"


Work = Callable[..., AbstractAsyncContextManager[Message]]
"""Run the bot with these settings."""


@pytest.fixture
def work(sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path) -> Work:
    """Run the bot with these settings, and link Ada's chat. There is credit of €5.02."""
    account.shows_credit, account.credit = True, Decimal("5.02")

    @asynccontextmanager
    async def work(**settings: Any) -> AsyncIterator[Message]:
        async with running(sandbox.settings(tmp_path, **settings), clock=sandbox.clock, tick=TICK):
            yield await ask(chat, ada, f"/link {TOKEN}", "linked")

    return work


def read_code(message: Message) -> list[str]:
    """Return the lines of the GiroCode in a message, as another program reads them."""
    assert message.document is not None
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(message.document.content)))
    lines = code.bytes.split(b"\n")
    charset = {b"1": "utf-8", b"2": "iso-8859-1"}[lines[2]]
    return [line.decode(charset) for line in lines]


def copies(message: Message) -> dict[str, str]:
    return {button.text: button.copied for button in message.buttons if button.copied}


def labels(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


async def transfer_from(chat: Chat, ada: Person, message: Message, button: str = BY_TRANSFER) -> Message:
    """Press the button, with the reference set."""
    last = chat.messages[-1]
    ada.press(message, button)
    return await chat.wait_for(says("Top up by bank transfer"), after=last)


async def test_the_transfer_is_shown_with_a_code_that_another_program_reads(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work(**BOTH):
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        question = await ask(chat, ada, f"/pay {invoice.id}", "Credit €5.02. €2.93 short.")
        assert question.button(HOW).url == PAGE
        ada.press(question, BY_TRANSFER)
        asked = await chat.wait_for(says(QUESTION), after=question)
        ada.send(chat, "  Customer  4711\nÄrger & Söhne ")
        await chat.wait_for(says("The reference for transfers is Customer 4711 Ärger & Söhne"), after=asked)
        shown = await chat.wait_for(says("Top up by bank transfer", "€2.93 short", "Scan the code"), after=asked)
        assert shown.photo
        assert read_code(shown) == [
            *("BCD", "002", "1", "SCT", "", "Lighthouse Höchst & Co", IBAN, "EUR2.93"),
            *("", "", "Customer 4711 Ärger & Söhne"),
        ]
        assert "DE89 3704 0044 0532 0130 00" in shown.text
        assert copies(shown) == {
            "📋 IBAN": IBAN,
            "📋 Name": "Lighthouse Höchst & Co",
            "📋 Amount": "2.93",
            "📋 Reference": "Customer 4711 Ärger & Söhne",
        }
        assert shown.button(HOW).url == PAGE
        account.credit = Decimal("6.95")  # a part has come
        sandbox.clock.put_forward(timedelta(minutes=2))
        assert read_code(await transfer_from(chat, ada, question))[7] == "EUR1"


async def test_every_message_that_shows_a_shortfall_leads_to_topping_up(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work(**BOTH, transfer_days=3) as greeting:
        first = sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=9)
        covered = await chat.wait_for(says(f"New invoice {first.id}", "enough"), after=greeting)
        assert not {HOW, BY_TRANSFER} & {*labels(covered)}
        second = sandbox.provider.create_invoice(account, Decimal("2.95"), due_in_days=12)
        alert = await chat.wait_for(says(f"New invoice {second.id}", "€2.93 short for this and"), after=covered)
        assert alert.button(BY_TRANSFER).data == f"topup:{second.id}:earlier"
        listed = await ask(chat, ada, "/invoices", "€2.93 short")
        status = await ask(chat, ada, "/status", "€2.93 short")
        for message in (listed, status):
            assert message.button(BY_TRANSFER).data == "topup:all"
        assert HOW not in labels(await ask(chat, ada, f"/pay {first.id}", "enough"))
        account.credit = Decimal(0)
        sandbox.clock.put_forward(timedelta(minutes=2))
        question = await ask(chat, ada, f"/pay {second.id}", "€2.95 short")
        assert question.button(BY_TRANSFER).data == f"topup:{second.id}"
        ada.press(question, "✅ Pay €2.95")
        refused = await chat.wait_for(lambda m: m.id == question.id and "not enough credit" in m.text)
        assert refused.button(HOW).url == PAGE
        assert refused.button(BY_TRANSFER).data == f"topup:{second.id}"


async def test_the_reminder_of_the_transfer_leads_there_even_if_the_credit_cant_be_read(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    account.shows_credit = False
    settings = {"transfer_days": 3, "reminder_days": (), "overdue_days": ()}
    async with work(transfer_to=TRANSFER_TO, **settings) as greeting:
        account.shows_credit = False
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
        new = await chat.wait_for(says(f"New invoice {invoice.id}"), after=greeting)
        await ask(chat, ada, "/reference K-4711", "The reference for transfers is K-4711")
        last = ProviderCalendar(transfer_days=3).last_transfer_day(invoice.due)
        assert last is not None
        sandbox.clock.put_forward(last - timedelta(days=1) - sandbox.provider.today)
        reminder = await chat.wait_for(says("Send a transfer by"), after=new)
        shown = await transfer_from(chat, ada, reminder, HOW)
        assert "the whole sum" in shown.text
        assert read_code(shown)[7] == "EUR7.95"


async def test_without_settings_nothing_is_shown_and_nothing_claimed(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work():
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        question = await ask(chat, ada, f"/pay {invoice.id}", "€2.93 short")
        assert not any("opup" in (button.data or "") or button.url for button in question.buttons)
        assert "eference" not in (await ask(chat, ada, "/settings", "Settings")).text
        assert "/reference" not in (await ask(chat, ada, "/help", "What I can do")).text
        await ask(chat, ada, "/reference 4711", "don't know")
        ada.forge(question, f"topup:{invoice.id}")
        await ask(chat, ada, "/status", "Linked since")


async def test_a_page_alone_is_a_button_that_opens_it(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work(top_up_url=PAGE):
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        question = await ask(chat, ada, f"/pay {invoice.id}", "€2.93 short")
        assert question.button(HOW).url == PAGE
        assert BY_TRANSFER not in labels(question)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [("x" * 141, "has 141 characters. A transfer has room for 140"), ("K-4711 😀", "plain text, without emoji")],
)
async def test_a_reference_that_no_transfer_carries_is_refused_and_the_next_one_is_taken(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work, sent: str, answer: str
) -> None:
    async with work(transfer_to=TRANSFER_TO):
        await ask(chat, ada, "/reference", QUESTION)
        await ask(chat, ada, sent, answer)
        longest = "Kundennummer " + "0" * 127
        await ask(chat, ada, longest, f"The reference for transfers is {longest}")
        sandbox.provider.create_invoice(account, Decimal(1000), due_in_days=30)
        listed = await ask(chat, ada, "/invoices", "short")
        assert read_code(await transfer_from(chat, ada, listed, HOW))[7:] == ["EUR994.98", "", "", longest]


async def test_the_reference_is_shown_and_changed_in_the_settings_and_stays_with_a_new_token(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work(transfer_to=TRANSFER_TO):
        sandbox.provider.create_invoice(account, Decimal(10), due_in_days=30)
        menu = await ask(chat, ada, "/settings", "Reference for transfers: not set")
        ada.press(menu, "🏦 Reference")
        await chat.wait_for(says(QUESTION), after=menu)
        await ask(chat, ada, "K-4711", "The reference for transfers is K-4711")
        await ask(chat, ada, "/settings", "Reference for transfers: K-4711")
        token = "another-token-of-ada-0123456789"
        sandbox.provider.accounts[token] = account
        offer = await ask(chat, ada, f"/link {token}", "another account")
        ada.press(offer, "🔁 Replace the other one")
        await chat.wait_for(lambda m: m.id == offer.id and "This chat is linked" in m.text)
        await ask(chat, ada, "/settings", "Reference for transfers: K-4711")


async def test_a_command_ends_the_wait_for_the_reference(ada: Person, chat: Chat, work: Work) -> None:
    async with work(transfer_to=TRANSFER_TO):
        await ask(chat, ada, "/reference", QUESTION)
        await ask(chat, ada, "/invoices", "Your invoices")
        await ask(chat, ada, "K-4711", "No invoice matches")
        await ask(chat, ada, "/settings", "Reference for transfers: not set")


async def test_a_transfer_that_needs_no_reference_is_shown_at_once_without_a_code(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work(transfer_to=TRANSFER_TO):
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        question = await ask(chat, ada, f"/pay {invoice.id}", "€2.93 short")
        ada.press(question, HOW)
        asked = await chat.wait_for(says(QUESTION), after=question)
        ada.press(asked, "None is needed")
        shown = await chat.wait_for(says("Top up by bank transfer", "€2.93"), after=asked)
        assert shown.document is None
        assert "Reference" not in shown.text
        assert "📋 Amount" in copies(shown)


async def test_in_another_currency_there_are_the_data_but_no_code(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    account.currency = "CHF"
    async with work(transfer_to="CH9300762011623852957; Example AG", currency="CHF"):
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        await ask(chat, ada, "/reference K-4711", "is K-4711")
        shown = await transfer_from(chat, ada, await ask(chat, ada, f"/pay {invoice.id}", "short"), HOW)
        assert shown.document is None
        assert copies(shown)["📋 Amount"] == "2.93"


async def test_the_transfer_is_shown_while_the_provider_refuses_and_where_pictures_are_refused(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work(transfer_to=TRANSFER_TO) as greeting:
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        alert = await chat.wait_for(says(f"New invoice {invoice.id}", "€2.93 short"), after=greeting)
        await ask(chat, ada, "/reference K-4711", "is K-4711")
        sandbox.provider.faults.switch_on(Fault.TOKEN_REVOKED, Call.INVOICE)
        assert read_code(await transfer_from(chat, ada, alert, HOW))[7] == "EUR2.93"
        sandbox.telegram.faults.refuse(bad_request("not enough rights to send photos to the chat"), method="sendPhoto")
        shown = await transfer_from(chat, ada, alert, HOW)
        assert shown.document is None
        assert copies(shown)["📋 IBAN"] == IBAN


async def test_where_the_text_speaks_of_the_providers_website_a_button_leads_there(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    site = "https://provider.example/"
    async with work(provider_site=site, max_payment=Decimal(5)):
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        refused = await ask(chat, ada, f"/pay {invoice.id}", "on your provider's website")
        assert refused.button("🌐 Provider's website").url == site
        assert "🌐 Provider's website" not in labels(await ask(chat, ada, "/invoices", "Your invoices"))
        sandbox.provider.faults.switch_on(Fault.TOKEN_REVOKED, Call.LIST)
        await ask(chat, ada, "/check", "provider's website")
        assert chat.messages[-1].button("🌐 Provider's website").url == site


async def test_snoozing_keeps_the_buttons_that_lead_to_topping_up(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work(**BOTH) as greeting:
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
        alert = await chat.wait_for(says(f"New invoice {invoice.id}", "€2.93 short"), after=greeting)
        await ada.press(alert, f"mute:{invoice.id}").answered()
        await chat.wait_for(lambda m: m.id == alert.id and any("wake" in (b.data or "") for b in m.buttons))
        assert alert.button(HOW).url == PAGE
        assert alert.button(BY_TRANSFER).data == f"topup:{invoice.id}"


@pytest.mark.parametrize("paid", ["with credit", "otherwise", "partly with credit"])
async def test_it_is_said_that_the_provider_has_paid_with_credit_only_where_the_invoice_shows_it(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work, paid: str
) -> None:
    async with work() as greeting:
        invoice = sandbox.provider.create_invoice(account, Decimal("4.02"), due_in_days=9)
        new = await chat.wait_for(says(f"New invoice {invoice.id}"), after=greeting)
        if paid == "with credit":
            sandbox.provider.use_credit(account, invoice)
        else:
            account.credit -= Decimal("4.02")  # the credit falls as if it had paid, and proves nothing
            invoice.credit = Decimal(1 if paid == "partly with credit" else 0)
            sandbox.provider.settle(invoice)
        told = await chat.wait_for(says(f"Invoice {invoice.id} is paid"), after=new)
        assert ("The provider paid it with your credit" in told.text) == (paid == "with credit")


async def test_an_invoice_that_the_provider_pays_as_it_makes_it_is_told_so(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    async with work() as greeting:
        invoice = sandbox.provider.create_invoice(account, Decimal("4.02"), due_in_days=7, use_credit=True)
        assert (account.credit, invoice.status) == (Decimal(1), "Paid")
        await chat.wait_for(says(f"New invoice {invoice.id}", "paid with your credit by the provider"), after=greeting)


async def test_a_payment_from_another_chat_is_not_called_the_providers(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    bob = sandbox.telegram.add_user("Bob", language_code="en")
    other = sandbox.telegram.private_chat(bob)
    async with work() as greeting:
        await ask(other, bob, f"/link {TOKEN}", "linked")
        invoice = sandbox.provider.create_invoice(account, Decimal("4.02"), due_in_days=9)
        new = await chat.wait_for(says(f"New invoice {invoice.id}"), after=greeting)
        await other.wait_for(says(f"New invoice {invoice.id}"))
        question = await ask(chat, ada, f"/pay {invoice.id}", "Pay €4.02")
        ada.press(question, "✅ Pay €4.02")
        await chat.wait_for(lambda m: m.id == question.id and "is paid" in m.text)
        told = await other.wait_for(says(f"Invoice {invoice.id} is paid"))
        assert "by the provider" not in told.text
        assert new.text


async def test_in_a_group_who_may_pay_sets_the_reference_and_everybody_sees_the_transfer(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work
) -> None:
    bob = sandbox.telegram.add_user("Bob", language_code="en")
    group = ada.create_group("Studio", members=[bob])
    ada.set_bot_status(group, "member")
    async with work(transfer_to=TRANSFER_TO):
        invited = await ask(group, ada, "/link", "private")
        ada.follow(invited, invited.buttons[0].text)
        joining = await chat.wait_for(lambda m: any((b.data or "").startswith("own") for b in m.buttons))
        ada.press(joining, next(b.text for b in joining.buttons if (b.data or "").startswith("own")))
        await group.wait_for(says("linked"))
        sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=30)
        listed = await ask(group, bob, "/invoices", "€2.93 short")
        shown = await transfer_from(group, bob, listed, HOW)
        assert "No reference has been set" in shown.text
        assert shown.document is None
        await ask(group, bob, "/reference K-1", "Ada")
        await ask(group, ada, "/reference", "Send /reference TEXT")
        await ask(group, ada, "/reference K-4711", "is K-4711")
        shown = await transfer_from(group, bob, listed, HOW)
        assert read_code(shown)[-1] == "K-4711"
        assert "✏️ Change the reference" not in labels(shown)


@pytest.mark.parametrize(
    "data", ["topup", "topup:x", "topup:4711:later", "reference:none:x", "topup:99999999999999999999"]
)
async def test_forged_buttons_do_no_harm(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, work: Work, data: str
) -> None:
    async with work(transfer_to=TRANSFER_TO):
        greeting = await ask(chat, ada, "/status", "Linked since")
        await ada.forge(greeting, data).answered()
        await ask(chat, ada, "/status", "Linked since")
        assert not any("went wrong" in message.text for message in chat.messages)
