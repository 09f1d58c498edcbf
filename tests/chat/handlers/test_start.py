"""/start, links to an invoice, the menus by chat, and the styles of buttons."""

from __future__ import annotations

import pytest

from bot.chat.views.general import COMMANDS, FOR_MEMBERS
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from tests.chat.conversation import ask, link, said
from tests.chat.fakes import TOKEN, FakeProvider
from tests.chat.samples import invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


async def test_start_says_what_is_open_what_is_due_next_and_offers_one_payment(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(4711), paid(4710))
    await link(ada, chat)
    home = await ask(ada, chat, "/start", "1 open invoice, €7.95", "Next due: invoice 4711", "Last check")
    assert [(b.text, b.style) for b in home.buttons] == [
        ("🧾 Invoices", ""), ("💳 Pay €7.95 with credit", "success"), ("⚙️ Settings", ""),
    ]  # fmt: skip
    assert "/invoices" not in home.text
    read = len(provider.filters)
    await ask(ada, chat, "/start", "1 open invoice")
    assert len(provider.filters) == read


async def test_of_several_open_invoices_the_button_lets_one_choose(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    home = await ask(ada, chat, "/start", "2 open invoices")
    ada.press(home, "💳 Pay …")
    await chat.wait_for(lambda message: "☐" in str(message.buttons), after=home)


async def test_the_settings_are_one_press_away(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    home = await ask(ada, chat, "/start", "Nothing to pay")
    await ada.press(home, "⚙️ Settings").answered()
    assert "Settings" in home.text


# --- Links to an invoice ---


async def test_a_link_opens_its_invoice_in_a_linked_chat(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(300001))
    await link(ada, chat)
    await ask(ada, chat, "/start inv_300001", "Invoice 300001", "Server 300001")


async def test_in_an_unlinked_chat_it_opens_once_the_chat_is_linked_even_after_a_wrong_token(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(300001))
    asked = await ask(ada, chat, "/start inv_300001", "API token")
    refused = await ask(ada, chat, "a-wrong-token-0123456789", "does not accept this token")
    ada.send(chat, TOKEN)
    await chat.wait_for(lambda message: "Server 300001" in message.text, after=refused)
    assert any("linked" in text for text in said(chat)[asked.id :])


@pytest.mark.parametrize("word", ["inv_0", "inv_", "inv_4711x", "inv_" + "9" * 40, "else"])
async def test_other_words_behind_start_open_nothing(ada: Person, chat: Chat, word: str) -> None:
    await link(ada, chat)
    await ask(ada, chat, f"/start {word}", "Nothing to pay")


async def test_a_link_to_an_invoice_that_the_account_lacks_says_so(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    await ask(ada, chat, "/start inv_999", "no such invoice")


# --- Menus ---


async def test_each_menu_holds_what_its_readers_may_do(telegram: SandboxTelegram, ada: Person, chat: Chat) -> None:
    bob = telegram.add_user("Bob")
    group = ada.create_group("Friends", members=[bob])
    ada.set_bot_status(group, "member")
    await ask(ada, chat, "/help", "What I can do")

    def names(person: Person, where: Chat) -> list[str]:
        return [command.name for command in person.menu(where)]

    assert names(ada, chat) == [name for name in COMMANDS if name != "payers"]
    assert names(ada, group) == [name for name in COMMANDS if name != "cancel"]
    assert names(bob, group) == [name for name in COMMANDS if name in FOR_MEMBERS]
    assert "payers" in names(bob, group)
    assert {"settings", "unlink"}.isdisjoint(names(bob, group))


async def test_what_can_not_be_taken_back_is_red(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    question = await ask(ada, chat, "/unlink", "?")
    assert [button.style for button in question.buttons] == ["danger", ""]
