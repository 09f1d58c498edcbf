"""What a service has cost each time, and the name that people give it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.domain.invoices import Invoice, Item
from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import ask, from_bot, link
from tests.chat.fakes import FakeProvider
from tests.chat.samples import NASTY, invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


def monthly(month: int, amount: str) -> Invoice:
    """The invoice of a month of 2026 for a server, the last one open."""
    start = date(2026, month, 1)
    end = (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    item = Item("Hosting", "KVM", f"KVM ({start:%d.%m.%Y} - {end:%d.%m.%Y})", Decimal(amount), 23633)
    make = invoice if month == 11 else paid
    return make(4700 + month, issued=start, items=(item,))


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(*(monthly(month, "9.95" if month > 8 else "7.95") for month in range(1, 12)))
    await link(ada, chat)
    return chat


async def history(ada: Person, chat: Chat, number: int = 4711) -> Message:
    details = await ask(ada, chat, f"/invoice {number}", f"Invoice {number}")
    ada.press(details, "📈 History")
    return await chat.wait_for(from_bot("📈"), after=details)


async def test_the_history_shows_dates_and_sums_newest_first_with_what_changed(ada: Person, linked: Chat) -> None:
    row = await history(ada, linked)
    assert row.text.splitlines() == [
        "📈 KVM", "",
        "1 Nov 2026 · €9.95", "1 Oct 2026 · €9.95", "1 Sept 2026 · €9.95 (+€2.00)",
        "1 Aug 2026 · €7.95", "1 Jul 2026 · €7.95", "1 Jun 2026 · €7.95",
    ]  # fmt: skip
    assert [(b.text, b.data) for b in row.buttons[:2]] == [
        ("1 Nov 2026 · €9.95", "show:4711"), ("1 Oct 2026 · €9.95", "show:4710"),
    ]  # fmt: skip
    ada.press(row, "▶")
    await linked.wait_for(lambda message: message is row and "1 Jan 2026" in message.text)


async def test_the_details_alone_read_no_list(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    before = len(provider.filters)
    details = await ask(ada, linked, "/invoice 4711", "Invoice 4711")
    assert len(provider.filters) == before
    assert [button.copied for button in details.buttons if button.copied] == ["4711", "7.95"]


async def test_of_several_services_one_is_chosen_first(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    items = (Item("Hosting", "Server", "", Decimal(5), 1), Item("Domain", "shop.example", "", Decimal(2), 1))
    provider.add(invoice(1, items=items))
    await link(ada, chat)
    details = await ask(ada, chat, "/invoice 1", "Invoice 1")
    ada.press(details, "📈 History")
    which = await chat.wait_for(from_bot("for several things"), after=details)
    ada.press(which, "shop.example")
    row = await chat.wait_for(from_bot("📈 shop.example"), after=which)
    assert "€2.00" in row.text


async def test_without_a_service_there_is_no_history(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(1, items=(Item("Hosting", "Server", "", Decimal(5), None),)))
    await link(ada, chat)
    details = await ask(ada, chat, "/invoice 1", "Invoice 1")
    assert all("History" not in button.text for button in details.buttons)
    ada.forge(details, "row:1")
    await ask(ada, chat, "/name 1 shop", "doesn't say which service")


# --- Names ---


async def test_a_name_stands_wherever_the_service_is_spoken_of_until_it_is_taken_away(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    row = await history(ada, linked)
    ada.press(row, "✏️ Name it")
    asked = await linked.wait_for(from_bot("What do you call this?"), after=row)
    ada.send(linked, f"  my\n shop {NASTY} ")
    saved = await linked.wait_for(from_bot("from now on"), after=asked)
    name = f"my shop {NASTY}"
    assert name in saved.text
    for command in ("/invoices", "/invoice 4711", "/pay 4711"):
        await ask(ada, linked, command, f"{name} · KVM")
    choice = await ask(ada, linked, "/pay", "Which")
    assert any("my shop" in button.text for button in choice.buttons)
    row = await history(ada, linked, 4702)
    assert row.text.startswith(f"📈 {name} · KVM")
    ada.press(row, "✏️ Change the name")
    asked = await linked.wait_for(from_bot("What do you call this?"), after=row)
    await ask(ada, linked, "-", "no name of its own")
    assert name not in (await ask(ada, linked, "/invoice 4711", "Invoice 4711")).text


async def test_a_name_that_is_too_long_is_asked_for_again(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/name 4711", "What do you call this?")
    await ask(ada, linked, "x" * 41, "41 characters", "at most 40")
    await ask(ada, linked, "x" * 40, "from now on")


async def test_a_command_or_cancel_ends_the_wait_for_a_name(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/name 4711", "What do you call this?")
    await ask(ada, linked, "/cancel", "no longer waiting for the name")
    await ask(ada, linked, "my shop", "shop")  # it is a search now
    assert "my shop" not in (await ask(ada, linked, "/invoice 4711", "Invoice 4711")).text


async def test_what_is_no_number_is_quoted(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/name", "/name")
    await ask(ada, linked, "/name shop", "shop")


async def test_a_name_is_kept_with_a_new_token_of_the_same_customer(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    await ask(ada, linked, "/name 4711 my shop", "from now on")
    provider.tokens.add("another-token-0123456789")
    question = await ask(ada, linked, "/link another-token-0123456789", "?")
    ada.press(question, "🔁 Replace the other one")
    await linked.wait_for(lambda message: message is question and "linked" in message.text)
    await ask(ada, linked, "/invoice 4711", "my shop · KVM")


async def test_in_a_group_only_those_in_charge_name_a_service(
    telegram: SandboxTelegram, ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    bob = telegram.add_user("Bob", language_code="en")
    group = ada.create_group("Friends", members=[bob])
    ada.set_bot_status(group, "administrator")
    invitation = await ask(ada, group, "/link", "private chat")
    opened = ada.follow(invitation, invitation.buttons[0].text)
    joining = await linked.wait_for(from_bot("Friends"), after=opened)
    ada.press(joining, joining.buttons[0].text)
    await group.wait_for(from_bot("linked"), after=invitation)
    await ask(bob, group, "/name 4711 his shop", "Ada")
    details = await ask(ada, group, "/invoice 4711", "Invoice 4711")
    ada.press(details, "📈 History")
    row = await group.wait_for(from_bot("📈"), after=details)
    ada.press(row, "✏️ Name it")
    asked = await group.wait_for(from_bot("/name 4711/0 NAME"), after=row)
    assert [button.copied for button in asked.buttons] == ["/name 4711/0 "]
    await ask(ada, group, "/name 4711/0 our shop", "our shop")
    assert "our shop" not in (await ask(ada, linked, "/invoice 4711", "Invoice 4711")).text


async def test_a_search_finds_the_service_by_its_name_until_it_has_another(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/name 4711 Blumenladen", "Blumenladen")
    await ask(ada, linked, "blumenladen", "Search: “blumenladen”", "4711")
    await ask(ada, linked, "/name 4711 -", "no name")
    await ask(ada, linked, "blumenladen", "No invoice matches")
