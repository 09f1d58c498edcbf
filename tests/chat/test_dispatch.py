"""What holds for every handler: who may talk, what a failure looks like, in which order and how many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from telegram import Chat as TelegramChat, Update

from bot import logs
from bot.application import InvoiceBot
from bot.chat import dispatch
from bot.chat.dispatch import InOrderPerChat
from bot.domain.chats import Chat as StoredChat, Link, Place, Token
from bot.sandbox.telegram import ActionShown, ApiError, Chat, Person, SandboxTelegram
from bot.sandbox.telegram.errors import upgraded
from bot.store.tinydb import TinyStore
from tests.chat.conversation import answers, ask, from_bot, link, said
from tests.chat.fakes import TOKEN, FakeProvider
from tests.chat.samples import NOW, invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")


async def until(store: TinyStore, chat_id: int, condition: Callable[[StoredChat], bool]) -> StoredChat:
    """What the store knows of a chat, as soon as it is so."""
    async with asyncio.timeout(10):
        while not condition(stored := await store.chat(chat_id)):
            pass
    return stored


def link_of(chat_id: int) -> Link:
    """A link as it was made before its chat was no longer allowed in."""
    return Link("account", Place(chat_id), Token(TOKEN), chat_id, NOW, NOW, NOW)


# --- Who may talk ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_who_is_not_allowed_is_told_so_and_gets_nothing_else(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    for text in ("/start", "/help", f"/link {TOKEN}", "hello", "/frobnicate"):
        answer = await ask(ada, chat, text, "not open to everyone")
        assert answer.text.endswith(f"tell its operator your number: {ada.id}")
    assert provider.languages == []
    assert len(said(chat)) == 5


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_a_press_by_somebody_who_is_not_allowed_is_turned_away_in_a_pop_up(
    invoice_bot: InvoiceBot, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    await invoice_bot.telegram.bot.send_message(chat.id, "Invoice")
    answer = await ada.forge(chat.messages[-1], "language:de").answered()
    assert answer.show_alert
    assert f"your number: {ada.id}" in answer.text


@pytest.mark.parametrize("allowed_users", ["1000001"])
async def test_who_is_allowed_is_served(telegram: SandboxTelegram, ada: Person, chat: Chat) -> None:
    assert ada.id == 1000001
    await link(ada, chat)
    bob = telegram.add_user("Bob", language_code="de")
    await ask(bob, telegram.private_chat(bob), "/help", "nicht für alle offen", str(bob.id))


@pytest.mark.parametrize("allowed_users", ["1,2"])
@pytest.mark.parametrize("text", [f"/link {TOKEN}", "/link short-one", TOKEN])
async def test_the_token_of_somebody_who_is_turned_away_does_not_stay_in_the_chat(
    ada: Person, chat: Chat, text: str
) -> None:
    sent = ada.send(chat, text)
    await chat.wait_for(from_bot("not open to everyone"), after=sent)
    assert sent.deleted


@pytest.mark.parametrize("allowed_users", ["1,2"])
@pytest.mark.parametrize("text", ["/link", "hello", "https://example.org/a-long-address", "/pdf 4711"])
async def test_other_messages_of_somebody_who_is_turned_away_stay(ada: Person, chat: Chat, text: str) -> None:
    sent = ada.send(chat, text)
    await chat.wait_for(from_bot("not open to everyone"), after=sent)
    assert not sent.deleted


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_who_is_turned_away_is_told_if_the_token_could_not_be_deleted(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: message can't be deleted"), method="deleteMessage")
    await ask(ada, chat, f"/link {TOKEN}", "I could not delete your message with the token")
    assert "not open to everyone" in said(chat)[0]


@pytest.mark.parametrize("allowed_users", ["1,2"])
async def test_everybody_may_have_their_own_data_forgotten(ada: Person, chat: Chat, store: TinyStore) -> None:
    await ask(ada, chat, "/unlink", "not linked")
    await store.link(link_of(chat.id), {})
    question = await ask(ada, chat, "/unlink", "Remove the link?")
    await ada.press(question, "🗑 Remove the link").answered()
    assert "The link is gone" in question.text
    assert (await store.chat(chat.id)).link is None


# --- Failures -------------------------------------------------------------------------------------------------------


async def test_an_unexpected_failure_is_a_sentence_for_the_person_and_a_traceback_in_the_log(
    ada: Person, chat: Chat, provider: FakeProvider, capfd: pytest.CaptureFixture[str]
) -> None:
    await link(ada, chat)
    provider.failures["list_invoices"] = RuntimeError("inner workings")
    logs.configure("INFO", "console")
    assert await answers(ada, chat, "/invoices") == [
        "Something went wrong on my side. Please try again; if it keeps happening, tell the operator of this bot."
    ]
    logged = capfd.readouterr().err
    assert "Traceback (most recent call last)" in logged
    assert "RuntimeError: inner workings" in logged
    assert not any("inner workings" in text for text in said(chat))


async def test_an_unexpected_failure_after_a_press_ends_the_spinner_with_that_sentence(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    await link(ada, chat)
    provider.add(invoice())
    listing = await ask(ada, chat, "/invoices", "Your invoices")
    provider.failures["list_invoices"] = RuntimeError("inner workings")
    answer = await ada.press(listing, "🔍 Filter").answered()
    assert "Something went wrong on my side" in answer.text


async def test_after_a_failure_the_next_question_is_answered(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    await link(ada, chat)
    provider.failures["list_invoices"] = RuntimeError("inner workings")
    await ask(ada, chat, "/invoices", "went wrong")
    provider.failures.clear()
    await ask(ada, chat, "/invoices", "Your invoices")


@pytest.mark.parametrize(
    "error",
    [
        ApiError(400, "Bad Request: something new"),
        ApiError(500, "Internal Server Error"),
        ApiError(403, "Forbidden: odd"),
    ],
    ids=str,
)
async def test_an_answer_that_can_not_be_delivered_stops_nothing(
    ada: Person, chat: Chat, telegram: SandboxTelegram, error: ApiError
) -> None:
    telegram.faults.refuse(error, method="sendMessage")
    ada.send(chat, "/help")
    await telegram.wait_until(lambda: telegram.calls_of("sendMessage") or None)
    await ask(ada, chat, "/status", "not linked")
    assert len(said(chat)) == 1


# --- Resting and waking ---------------------------------------------------------------------------------------------


async def test_a_chat_rests_while_the_bot_is_blocked(ada: Person, chat: Chat, store: TinyStore) -> None:
    await link(ada, chat)
    ada.block()
    resting = await until(store, chat.id, lambda stored: stored.resting is not None)
    assert resting.link is not None
    ada.unblock()
    awake = await until(store, chat.id, lambda stored: stored.resting is None)
    assert awake.link is not None


@pytest.mark.parametrize("status", ["left", "kicked"])
async def test_a_group_rests_while_the_bot_is_not_in_it(ada: Person, store: TinyStore, status: str) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    await ask(ada, group, "/language de", "Welche Sprache")
    ada.set_bot_status(group, status)  # type: ignore[arg-type]
    await until(store, group.id, lambda stored: stored.resting is not None)
    ada.set_bot_status(group, "administrator")
    await until(store, group.id, lambda stored: stored.resting is None)


async def test_a_refusal_while_answering_lets_the_chat_rest_and_the_next_message_wakes_it(
    ada: Person, chat: Chat, telegram: SandboxTelegram, store: TinyStore
) -> None:
    await link(ada, chat)
    telegram.faults.refuse(ApiError(403, "Forbidden: bot was blocked by the user"), method="sendMessage")
    ada.send(chat, "/help")
    await until(store, chat.id, lambda stored: stored.resting is not None)
    await ask(ada, chat, "/help", "What I can do")
    assert (await store.chat(chat.id)).resting is None


async def test_a_group_that_became_a_supergroup_takes_its_data_along(
    ada: Person, telegram: SandboxTelegram, store: TinyStore
) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    await ask(ada, group, "/language de", "Welche Sprache")
    telegram.faults.refuse(upgraded(-1009), method="sendMessage")
    ada.send(group, "/help")
    await until(store, -1009, lambda stored: stored.language == "de")
    assert (await store.chat(group.id)).language is None


# --- Waiting --------------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "TYPING_AFTER", 0.01)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("text", "call"), [("/invoices", "list_invoices"), ("/invoice 1", "invoice"), ("/pay", "list_invoices")]
)
async def test_an_answer_that_takes_its_time_is_announced(
    ada: Person, chat: Chat, telegram: SandboxTelegram, provider: FakeProvider, text: str, call: str
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    gate = provider.gates[call] = asyncio.Event()
    with telegram.subscribe() as changes:
        sent = ada.send(chat, text)
        async with asyncio.timeout(10):
            shown = await anext(change async for change in changes if isinstance(change, ActionShown))
    assert (shown.action, shown.chat.id) == ("typing", chat.id)
    gate.set()
    await chat.wait_for(from_bot(), after=sent)


async def test_a_quick_answer_is_not_announced(
    ada: Person, chat: Chat, telegram: SandboxTelegram, provider: FakeProvider
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    await ask(ada, chat, "/invoices", "Your invoices")
    assert telegram.calls_of("sendChatAction") == []


@pytest.mark.parametrize(("text", "call"), [("/pdf 1", "pdf"), ("/archive", "archive")])
async def test_a_download_holds_up_no_other_answer(
    ada: Person, chat: Chat, provider: FakeProvider, text: str, call: str
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    gate = provider.gates[call] = asyncio.Event()
    ada.send(chat, text)
    await provider.reached()
    await ask(ada, chat, "/status", "Linked since")
    gate.set()
    await chat.wait_for(lambda message: message.document is not None)


async def test_a_payment_that_is_carried_out_holds_up_no_other_answer(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    question = await ask(ada, chat, "/pay 1", "Pay €7.95")
    gate = provider.gates["pay"] = asyncio.Event()
    ada.press(question, "✅ Pay €7.95")
    await provider.reached()
    await ask(ada, chat, "/status", "Linked since")
    gate.set()
    await chat.wait_for(from_bot("Invoice 1 is paid"))


async def test_a_flood_of_presses_starts_one_download_of_each_and_one_at_a_time(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(1), invoice(2))
    await link(ada, chat)
    details = await ask(ada, chat, "/invoice 1", "Invoice 1")
    gate = provider.gates["pdf"] = asyncio.Event()
    first = ada.press(details, "📄 PDF")
    await provider.reached()
    for _ in range(10):
        answer = await ada.press(details, "📄 PDF").answered()
        assert (answer.text, answer.show_alert) == ("I'm already on it.", False)
    ada.send(chat, "/pdf 2")
    await ask(ada, chat, "/pdf 1", "I'm already on it.")
    assert provider.held == 1
    gate.set()
    await chat.wait_for(lambda message: message.document is not None and "2" in message.document.name)
    await first.answered()
    names = [message.document.name for message in chat.messages if message.document is not None]
    assert names == ["Rechnung-1.pdf", "Rechnung-2.pdf"]


async def test_what_is_slow_ends_the_wait_for_a_token_as_any_command_does(
    ada: Person, chat: Chat, store: TinyStore
) -> None:
    await ask(ada, chat, "/link", "Send me your API token")
    ada.send(chat, "/pdf 1")
    await until(store, chat.id, lambda stored: stored.awaiting_token_until is None)


async def test_stopping_lets_a_download_come_to_its_end(
    ada: Person, chat: Chat, provider: FakeProvider, invoice_bot: InvoiceBot
) -> None:
    provider.add(invoice(1))
    await link(ada, chat)
    gate = provider.gates["pdf"] = asyncio.Event()
    ada.send(chat, "/pdf 1")
    await provider.reached()
    asyncio.get_running_loop().call_later(0.05, gate.set)
    await invoice_bot.stop()
    assert chat.messages[-1].document is not None


# --- Order ----------------------------------------------------------------------------------------------------------


async def test_one_chat_waits_for_its_own_slow_answer_and_the_others_do_not(
    ada: Person, chat: Chat, telegram: SandboxTelegram, provider: FakeProvider
) -> None:
    await link(ada, chat)
    bob = telegram.add_user("Bob")
    gate = provider.gates["list_invoices"] = asyncio.Event()
    first, second = ada.send(chat, "/invoices"), ada.send(chat, "/help")
    await provider.reached()
    await ask(bob, telegram.private_chat(bob), "/help", "What I can do")
    assert chat.messages[-1] is second
    gate.set()
    await chat.wait_for(from_bot("What I can do"), after=first)
    assert [text.splitlines()[0] for text in said(chat)[1:]] == ["🧾 Your invoices", "What I can do"]


async def test_many_questions_of_one_chat_are_answered_in_their_order(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(*(invoice(number) for number in range(1, 31)))
    await link(ada, chat)
    sent = [ada.send(chat, f"/invoice {number}") for number in range(1, 31)]
    await chat.wait_for(from_bot("Invoice 30"), after=sent[0])
    shown = [text.split()[2] for text in said(chat)[1:]]
    assert shown == [str(number) for number in range(1, 31)]


async def test_many_chats_are_served_at_once(telegram: SandboxTelegram, provider: FakeProvider) -> None:
    people = [telegram.add_user(f"Person {number}") for number in range(20)]
    gate = provider.gates["list_invoices"] = asyncio.Event()
    for person in people:
        person.send(telegram.private_chat(person), f"/link {TOKEN}")
    await provider.reached(times=20)
    gate.set()
    for person in people:
        await telegram.private_chat(person).wait_for(from_bot("✅"))


def update_of(chat_id: int | None) -> Update:
    update = Update(1)
    update._effective_chat = TelegramChat(chat_id, "private") if chat_id else None
    return update


@pytest.mark.parametrize("other", [2, None])
async def test_one_chat_that_floods_the_bot_does_not_lock_the_others_out(
    monkeypatch: pytest.MonkeyPatch, other: int | None
) -> None:
    monkeypatch.setattr(dispatch, "AT_ONCE", 3)
    processor, gate = InOrderPerChat(), asyncio.Event()
    flood = [asyncio.create_task(processor.process_update(update_of(1), gate.wait())) for _ in range(10)]
    async with asyncio.timeout(10):
        await processor.process_update(update_of(other), asyncio.sleep(0))
        gate.set()
        await asyncio.gather(*flood)
    assert processor.current_concurrent_updates == 0


async def test_no_more_updates_are_worked_on_at_once_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "AT_ONCE", 3)
    processor, gate, under_way = InOrderPerChat(), asyncio.Event(), set[int]()

    async def work(number: int) -> None:
        under_way.add(number)
        assert len(under_way) <= 3
        if len(under_way) == 3:
            gate.set()
        await gate.wait()
        under_way.remove(number)

    tasks = [asyncio.create_task(processor.process_update(update_of(n), work(n))) for n in range(1, 10)]
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)


async def test_nothing_is_kept_of_a_chat_that_was_served() -> None:
    processor = InOrderPerChat()
    await processor.process_update(update_of(1), asyncio.sleep(0))
    assert len(processor._locks) == 0
