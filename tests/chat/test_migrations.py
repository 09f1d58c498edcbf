"""A group becomes a supergroup: everything moves with it, in whatever order Telegram says so, or if it never does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta

import pytest

from bot.application import InvoiceBot
from bot.chat import routing
from bot.domain.chats import Chat as StoredChat, Link, Member
from bot.errors import StoreAway
from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from bot.sandbox.telegram.models import ChatKind
from bot.store.store import Store
from tests.chat.conversation import ask, from_bot, said
from tests.chat.fakes import TOKEN, FakeProvider, Time
from tests.chat.samples import invoice
from tests.chat.working import check_and_tell

pytestmark = pytest.mark.usefixtures("invoice_bot")

GO_ON = "🔗 Continue in private"
FAR = date(2026, 12, 24)
ORDERS: list[tuple[ChatKind, ...]] = [
    ("group",),
    ("supergroup",),
    ("group", "supergroup"),
    ("supergroup", "group"),
    ("group", "supergroup", "group", "supergroup"),
]


@pytest.fixture
def bob(telegram: SandboxTelegram) -> Person:
    return telegram.add_user("Bob", language_code="en")


@pytest.fixture
async def group(ada: Person, bob: Person, chat: Chat, provider: FakeProvider) -> Chat:
    """Ada's basic group, which she has linked, with Bob in it."""
    provider.add(invoice(due=FAR))
    group = ada.create_group("Friends", members=[bob])
    ada.set_bot_status(group, "member")
    await join(ada, chat, group)
    return group


async def join(person: Person, private: Chat, group: Chat, token: str = TOKEN) -> None:
    started = person.follow(await ask(person, group, "/link", "continue in our private chat"), GO_ON)
    await private.wait_for(from_bot("You are linking the group"), after=started)
    await ask(person, private, token, "is linked")
    await group.wait_for(from_bot("This chat is linked"))


async def moved(store: Store, group: Chat) -> StoredChat:
    """Wait until the bot knows the new id, and return what it has there."""
    assert group.migrated_to is not None
    async with asyncio.timeout(10):
        while (found := await store.chat(group.id)).id != group.migrated_to.id:  # noqa: ASYNC110  # a store has no events
            await asyncio.sleep(0.005)
    return found


def link_of(chat: StoredChat) -> Link:
    assert chat.link is not None
    return chat.link


# --- What Telegram says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
async def test_all_moves_at_once_however_telegram_says_so(
    ada: Person, bob: Person, group: Chat, store: Store, order: Sequence[ChatKind]
) -> None:
    await ask(ada, group, "/timezone Lisbon", "Lisbon")
    ada.send(group, "/payers", reply_to=bob.send(group, "I pay, too"))
    await group.wait_for(from_bot("may pay"))
    new = ada.upgrade(group, order)
    await moved(store, group)
    await ask(bob, new, "/status", "Linked since")
    chat = await store.chat(new.id)
    link, preferences = link_of(chat), chat.preferences
    assert (link.linked_by, link.payers, link.token.reveal()) == (ada.id, (Member(bob.id, "Bob"),), TOKEN)
    assert preferences is not None
    assert preferences.zone == "Europe/Lisbon"
    await ask(bob, new, "/link", "Only Ada, who linked this group")
    await ask(ada, new, "/unlink", "Remove the link?")


async def test_all_moves_too_after_messages_in_the_new_chat(
    ada: Person, bob: Person, group: Chat, store: Store
) -> None:
    new = ada.upgrade(group, ())
    await ask(bob, new, "/status", "not linked")
    await ask(bob, new, "/language de", "Welche Sprache")
    ada.say_upgraded(group, "supergroup")
    chat = await moved(store, group)
    assert (link_of(chat).linked_by, chat.language) == (ada.id, "de")


async def test_while_the_store_is_away_telegram_says_it_again(
    ada: Person, group: Chat, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "GIVE_BACK_DELAY", 0)
    move, tries = store.move_chat, []

    async def is_away_at_first(old_id: int, new_id: int) -> None:
        tries.append(old_id)
        if len(tries) < 3:
            raise StoreAway
        await move(old_id, new_id)

    monkeypatch.setattr(store, "move_chat", is_away_at_first)
    ada.upgrade(group, ["group"])
    assert link_of(await moved(store, group)).linked_by == ada.id
    assert tries == [group.id] * 3


async def test_a_group_without_anything_stored_moves_without_a_trace(ada: Person, store: Store) -> None:
    group = ada.create_group("Others")
    ada.set_bot_status(group, "member")
    new = ada.upgrade(group)
    await ask(ada, new, "/status", "not linked")
    assert await store.chat(group.id) == StoredChat(group.id)


# --- Nobody takes it over -------------------------------------------------------------------------------------------


async def test_an_invitation_from_before_the_bot_knew_links_nothing(
    ada: Person, bob: Person, group: Chat, store: Store, telegram: SandboxTelegram, provider: FakeProvider
) -> None:
    provider.tokens.add("a-token-of-bob-0123456789")
    new, private = ada.upgrade(group, ()), telegram.private_chat(bob)
    started = bob.follow(await ask(bob, new, "/link", "continue in our private chat"), GO_ON)
    await private.wait_for(from_bot("You are linking the group"), after=started)
    ada.say_upgraded(group, "group")
    await moved(store, group)
    await ask(bob, private, "a-token-of-bob-0123456789", "Only Ada, who linked this group")
    assert link_of(await store.chat(new.id)).linked_by == ada.id


async def test_a_link_of_somebody_else_from_before_the_bot_knew_gives_way(
    ada: Person, bob: Person, group: Chat, store: Store, telegram: SandboxTelegram, provider: FakeProvider
) -> None:
    provider.tokens.add("a-token-of-bob-0123456789")
    new = ada.upgrade(group, ())
    await join(bob, telegram.private_chat(bob), new, "a-token-of-bob-0123456789")
    assert link_of(await store.chat(new.id)).linked_by == bob.id
    ada.say_upgraded(group, "supergroup")
    link = link_of(await moved(store, group))
    assert (link.linked_by, link.token.reveal(), link.payers) == (ada.id, TOKEN, ())


async def test_the_owners_own_new_link_stays(
    ada: Person, chat: Chat, group: Chat, store: Store, provider: FakeProvider
) -> None:
    provider.tokens.add("a-newer-token-0123456789")
    new = ada.upgrade(group, ())
    await join(ada, chat, new, "a-newer-token-0123456789")
    ada.say_upgraded(group, "group")
    assert link_of(await moved(store, group)).token.reveal() == "a-newer-token-0123456789"


async def test_an_invitation_of_the_old_group_links_the_new_one(ada: Person, chat: Chat, store: Store) -> None:
    group = ada.create_group("Others")
    ada.set_bot_status(group, "member")
    started = ada.follow(await ask(ada, group, "/link", "continue in our private chat"), GO_ON)
    await chat.wait_for(from_bot("You are linking the group"), after=started)
    new = ada.upgrade(group)
    await ask(ada, new, "/status", "not linked")
    await ask(ada, chat, TOKEN, "is linked")
    await new.wait_for(from_bot("This chat is linked"))
    assert link_of(await store.chat(new.id)).place.chat_id == new.id


async def test_a_group_whose_new_id_is_learnt_from_the_greeting_is_greeted_there(
    ada: Person, chat: Chat, store: Store
) -> None:
    group = ada.create_group("Others")
    ada.set_bot_status(group, "member")
    started = ada.follow(await ask(ada, group, "/link", "continue in our private chat"), GO_ON)
    await chat.wait_for(from_bot("You are linking the group"), after=started)
    new = ada.upgrade(group, ())
    await ask(ada, chat, TOKEN, "is linked")
    await new.wait_for(from_bot("This chat is linked"))
    assert link_of(await store.chat(new.id)).linked_by == ada.id


# --- Buttons of older messages --------------------------------------------------------------------------------------


Tell = Callable[[], Awaitable[None]]


@pytest.fixture
async def alert(invoice_bot: InvoiceBot, time: Time, group: Chat, provider: FakeProvider) -> Message:
    provider.add(invoice(4712, due=FAR))
    time.forward(timedelta(minutes=15))
    await check_and_tell(invoice_bot)
    return await group.wait_for(from_bot("4712"))


@pytest.mark.parametrize("told", [True, False])
async def test_a_press_on_an_older_message_is_answered_once_in_the_new_chat(
    ada: Person, alert: Message, group: Chat, store: Store, *, told: bool
) -> None:
    new = ada.upgrade(group, ["group"] if told else [])
    if told:
        await moved(store, group)
    await ada.press(alert, "show:4712").answered()
    await new.wait_for(from_bot("Invoice 4712"))
    assert link_of(await moved(store, group)).linked_by == ada.id
    await ask(ada, new, "/status", "Linked since")
    assert len(said(new)) == 2


@pytest.mark.parametrize("told", [True, False])
async def test_reminders_can_be_changed_by_buttons_of_an_older_message(
    ada: Person, alert: Message, group: Chat, store: Store, *, told: bool
) -> None:
    new = ada.upgrade(group, ["supergroup"] if told else [])
    if told:
        await moved(store, group)
    assert "No more reminders" in (await ada.press(alert, "mute:4712").answered()).text
    again = await new.wait_for(from_bot("4712"))
    assert "wake:4712" in [button.data for button in again.buttons]
    assert (await moved(store, group)).silences[4712].muted
    await ada.press(again, "wake:4712").answered()
    assert (await store.chat(new.id)).silences == {}


@pytest.mark.parametrize("told", [True, False])
async def test_a_payment_asked_for_before_is_confirmed_by_its_old_button_and_told_in_the_new_chat(
    ada: Person, group: Chat, store: Store, provider: FakeProvider, *, told: bool
) -> None:
    question = await ask(ada, group, "/pay 4711", "Pay €7.95")
    new = ada.upgrade(group, ["group"] if told else [])
    if told:
        await moved(store, group)
    ada.press(question, "✅ Pay €7.95")
    await new.wait_for(from_bot("is paid"))
    assert provider.posts == [("pay", 4711)]
    again = await ada.press(question, "✅ Pay €7.95").answered()
    assert "already used" in again.text
    assert provider.posts == [("pay", 4711)]


@pytest.mark.parametrize("order", [("group",), ("supergroup",), ()])
async def test_a_payment_that_is_running_meanwhile_is_told_in_the_new_chat(
    ada: Person, group: Chat, provider: FakeProvider, store: Store, order: Sequence[ChatKind]
) -> None:
    question = await ask(ada, group, "/pay 4711", "Pay €7.95")
    gate = provider.gates["pay"] = asyncio.Event()
    ada.press(question, "✅ Pay €7.95")
    await provider.reached()
    new = ada.upgrade(group, order)
    if order:
        await moved(store, group)
    gate.set()
    await new.wait_for(from_bot("is paid"))
    assert len(said(new)) == 1
    assert provider.posts == [("pay", 4711)]


async def test_a_question_in_the_old_chat_is_never_taken_for_a_message_of_the_new_one(
    ada: Person, group: Chat, store: Store, provider: FakeProvider
) -> None:
    question = await ask(ada, group, "/pay 4711", "Pay €7.95")
    new = ada.upgrade(group)
    await moved(store, group)
    while len(new.history) < question.id:
        await ask(ada, new, "/help", "What I can do")
    before = [(message.id, message.text) for message in new.messages]
    ada.press(question, "✅ Pay €7.95")
    await new.wait_for(from_bot("is paid"))
    assert [(message.id, message.text) for message in new.messages][: len(before)] == before
