"""What an operator can limit: payments altogether, large ones, and how long a question stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.application import InvoiceBot
from bot.domain.chats import Place
from bot.domain.payments import Action, Payment
from bot.factories import build_telegram
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.settings import Settings
from bot.store.store import Store
from tests.chat.conversation import ask, from_bot, link, plain
from tests.chat.fakes import FakeProvider, Time, fake_providers
from tests.chat.samples import NOW, invoice

SENTENCE = "Paying is switched off in this bot. Please pay on your provider's website."


@pytest.fixture
def changes() -> dict[str, Any]:
    return {}


@pytest.fixture
async def bot_with(
    settings: Settings, changes: dict[str, Any], store: Store, provider: FakeProvider, time: Time
) -> AsyncIterator[None]:
    changed = replace(settings, **changes)
    bot = InvoiceBot(changed, store, fake_providers(provider), build_telegram(settings), time)
    await bot.start(86_400)
    yield
    await bot.stop()


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider, bot_with: None) -> Chat:
    provider.add(invoice(1), invoice(2, credit=Decimal(1)))
    await link(ada, chat)
    return chat


# --- Switched off ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"payments": "off"}])
@pytest.mark.parametrize("command", ["/pay", "/pay 1", "/removecredit", "/removecredit 2"])
async def test_switched_off_the_commands_say_so(ada: Person, linked: Chat, command: str) -> None:
    await ask(ada, linked, command, SENTENCE)


@pytest.mark.parametrize("changes", [{"payments": "off"}])
async def test_switched_off_no_menu_no_help_and_no_button_offers_it(ada: Person, linked: Chat) -> None:
    offered = {command.name for command in ada.menu(linked)}
    assert offered.isdisjoint({"pay", "removecredit"})
    assert {"payments", "invoices"} <= offered
    assert "/pay " not in (await ask(ada, linked, "/help", "/unlink")).text
    details = await ask(ada, linked, "/invoice 2", "Invoice 2")
    words = {(button.data or "").partition(":")[0] for button in details.buttons if button.data}
    assert words == {"pdf", "snooze", "mute"}


@pytest.mark.parametrize("changes", [{"payments": "off"}])
async def test_switched_off_the_owner_still_names_who_may_change_the_reminders(
    ada: Person, linked: Chat, telegram: SandboxTelegram, store: Store
) -> None:
    bob = telegram.add_user("Bob", language_code="en")
    group = ada.create_group("Family", members=[bob], supergroup=True)
    ada.set_bot_status(group, "member")
    link = (await store.chat(linked.id)).link
    assert link is not None
    await store.link(replace(link, place=Place(group.id)), {})
    message = bob.send(group, "May I?")
    ada.send(group, "/payers", reply_to=message)
    await group.wait_for(from_bot("Bob may pay here", "can change the reminders of this group"))
    owned = (await store.chat(group.id)).link
    assert owned is not None
    assert [payer.name for payer in owned.payers] == ["Bob"]
    listed = await ask(ada, group, "/payers", "Paying is switched off", "Bob may pay.")
    assert [button.text for button in listed.buttons] == ["✖️ Remove Bob"]


@pytest.mark.parametrize("changes", [{"payments": "off"}])
async def test_switched_off_older_buttons_move_nothing(
    ada: Person, linked: Chat, provider: FakeProvider, store: Store
) -> None:
    details = await ask(ada, linked, "/invoice 1", "Invoice 1")
    link = (await store.chat(linked.id)).link
    assert link is not None
    question = Payment(
        id="asked-before", action=Action.PAY, account=link.account, invoice_id=1, amount=Decimal("7.95"),
        credit=Decimal(0), status="Unpaid", due=None, place=Place(linked.id), user_id=ada.id, since=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )  # fmt: skip
    await store.add_payment(question)
    await store.add_payment(replace(question, id="also-asked", action=Action.REMOVE_CREDIT))
    for data in ("pay:1", "removecredit:2", "several", "tick:1", "tick:all", "yes:asked-before", "yes:also-asked"):
        assert (await ada.forge(details, data).answered()).text == SENTENCE
    assert provider.posts == []


# --- A limit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"max_payment": Decimal("7.00")}])
async def test_a_payment_above_the_limit_is_refused_before_any_button(ada: Person, linked: Chat, store: Store) -> None:
    refusal = await ask(ada, linked, "/pay 1", "€7.95 is more than this bot may pay at once (€7.00)")
    assert refusal.buttons == []
    assert await store.payments_of_chat(linked.id) == []
    await ask(ada, linked, "/pay 2", "Pay €6.95 for invoice 2")


@pytest.mark.parametrize("changes", [{"max_payment": Decimal("7.00")}])
async def test_no_button_offers_a_payment_above_the_limit(ada: Person, linked: Chat) -> None:
    too_large, within = await ask(ada, linked, "/invoice 1", "Invoice 1"), await ask(ada, linked, "/invoice 2", "Left")
    assert [button.text for button in too_large.buttons if "Pay" in button.text] == []
    assert [button.text for button in within.buttons if "Pay" in button.text] == ["💳 Pay €6.95 with credit"]
    choice = await ask(ada, linked, "/pay", "Which invoice would you like to pay?")
    assert "1 open invoice is more than this bot may pay at once (€7.00)." in plain(choice)
    assert [button.data for button in choice.buttons] == ["pay:2"]


@pytest.mark.parametrize("changes", [{"max_payment": Decimal("1.00")}])
async def test_where_all_are_above_the_limit_nobody_is_told_that_nothing_is_open(ada: Person, linked: Chat) -> None:
    choice = await ask(ada, linked, "/pay", "2 open invoices are each more than this bot may pay at once (€1.00).")
    assert choice.buttons == []
    assert choice.text.count("\n") == 0


@pytest.mark.parametrize("changes", [{"max_payment": Decimal("7.00")}])
async def test_who_chooses_several_is_told_of_those_above_the_limit(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(4))
    selection = await ask(ada, linked, "/pay 1 2", "Pay €6.95 for invoice 2")
    assert "2 open invoices are each more than this bot may pay at once (€7.00)." in plain(selection)
    assert [button.text[0] for button in selection.buttons if "Server" in button.text] == ["☑"]
    provider.invoices.pop(2)
    none_left = await ask(
        ada, linked, "/pay 1 4", "2 open invoices are each more than this bot may pay at once (€7.00)."
    )
    assert none_left.buttons == []


@pytest.mark.parametrize("changes", [{"max_payment": Decimal("0.50")}])
async def test_taking_credit_back_knows_no_limit(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/removecredit 2", "Take back €1.00 of credit")


@pytest.mark.parametrize("changes", [{"max_payment": Decimal("7.95")}])
async def test_the_limit_itself_may_be_paid(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/pay 1", "Pay €7.95")


# --- How long a question stands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"confirmation_minutes": 2.0}])
async def test_a_question_stands_as_long_as_the_operator_says(
    ada: Person, linked: Chat, provider: FakeProvider, time: Time
) -> None:
    question = await ask(ada, linked, "/pay 1", "Please confirm within 2 minutes.")
    time.forward(timedelta(minutes=2))
    ada.press(question, "✅ Pay €7.95")
    await linked.wait_for(lambda m: m is question and "has expired" in m.text)
    assert provider.posts == []
