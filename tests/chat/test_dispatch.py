"""What holds for every handler: how a failure looks, in which order updates are handled, and how many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from telegram import Chat as TelegramChat, Update, User

from bot import logs
from bot.chat import routing, update_processor
from bot.chat.incoming import Incoming
from bot.chat.turns import Turn, present_turn
from bot.chat.update_processor import InOrderPerChat
from bot.chat.update_tracker import UpdateTracker
from bot.domain.chats import Chat as StoredChat
from bot.errors import StoreAway
from bot.sandbox.telegram import ApiError, Chat, Person, SandboxTelegram
from bot.sandbox.telegram.errors import upgraded
from bot.store.store import Store
from tests.chat.conversation import answers, ask, from_bot, link, said
from tests.chat.fakes import TOKEN, FakeProvider
from tests.chat.samples import invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")


async def until(store: Store, chat_id: int, condition: Callable[[StoredChat], bool]) -> StoredChat:
    """Return what the store knows of a chat as soon as it meets a condition."""
    async with asyncio.timeout(10):
        while not condition(stored := await store.chat(chat_id)):
            pass
    return stored


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


async def test_a_chat_rests_while_the_bot_is_blocked(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    ada.block()
    resting = await until(store, chat.id, lambda stored: stored.resting is not None)
    assert resting.link is not None
    ada.unblock()
    awake = await until(store, chat.id, lambda stored: stored.resting is None)
    assert awake.link is not None


@pytest.mark.parametrize("status", ["left", "kicked"])
async def test_a_group_rests_while_the_bot_is_not_in_it(ada: Person, store: Store, status: str) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    await ask(ada, group, "/language de", "Welche Sprache")
    ada.set_bot_status(group, status)  # type: ignore[arg-type]
    await until(store, group.id, lambda stored: stored.resting is not None)
    ada.set_bot_status(group, "administrator")
    await until(store, group.id, lambda stored: stored.resting is None)


async def test_a_refusal_while_answering_lets_the_chat_rest_and_the_next_message_wakes_it(
    ada: Person, chat: Chat, telegram: SandboxTelegram, store: Store
) -> None:
    await link(ada, chat)
    telegram.faults.refuse(ApiError(403, "Forbidden: bot was blocked by the user"), method="sendMessage")
    ada.send(chat, "/help")
    await until(store, chat.id, lambda stored: stored.resting is not None)
    await ask(ada, chat, "/help", "What I can do")
    assert (await store.chat(chat.id)).resting is None


async def test_a_group_that_became_a_supergroup_takes_its_data_along(
    ada: Person, telegram: SandboxTelegram, store: Store
) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    await ask(ada, group, "/language de", "Welche Sprache")
    telegram.faults.refuse(upgraded(-1009), method="sendMessage")
    ada.send(group, "/help")
    await until(store, -1009, lambda stored: stored.language == "de")
    assert (await store.chat(group.id)).id == -1009


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


async def test_a_block_that_could_not_be_noted_comes_again(
    ada: Person, chat: Chat, store: Store, telegram: SandboxTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "GIVE_BACK_DELAY", 0)
    await ask(ada, chat, "/start", "invoice")
    rest, tries = store.rest, []

    async def is_away_at_first(chat_id: int, reason: str) -> None:
        tries.append(chat_id)
        if len(tries) < 3:
            raise StoreAway
        await rest(chat_id, reason)

    monkeypatch.setattr(store, "rest", is_away_at_first)
    ada.block()
    await until(store, chat.id, lambda stored: stored.resting is not None)
    assert await telegram.wait_until(lambda: not telegram.state.updates.pending or None, 30)
    assert tries == [chat.id] * 3


async def test_an_update_that_was_given_back_does_not_count_as_handled() -> None:
    tracker = UpdateTracker(asyncio.Queue())
    processor, update = InOrderPerChat(tracker), update_of(1)

    async def give_back() -> None:
        tracker.give_back(update)

    for work, handled in ((give_back(), False), (asyncio.sleep(0), True)):
        ended = tracker.take(Incoming({"update_id": update.update_id}))
        await processor.process_update(update, work)
        assert await ended is handled


def update_of(chat_id: int | None, person: str = "Ada") -> Update:
    update = Update(1)
    update._effective_user = User(len(person), person, is_bot=False)
    update._effective_chat = TelegramChat(chat_id, "private") if chat_id else None
    return update


@pytest.mark.parametrize("other", [2, None])
async def test_one_chat_that_floods_the_bot_does_not_lock_the_others_out(
    monkeypatch: pytest.MonkeyPatch, other: int | None
) -> None:
    monkeypatch.setattr(update_processor, "UPDATES_AT_ONCE", dict.fromkeys(Turn, 3))
    processor, gate = InOrderPerChat(UpdateTracker(asyncio.Queue())), asyncio.Event()
    flood = [asyncio.create_task(processor.process_update(update_of(1), gate.wait())) for _ in range(10)]
    async with asyncio.timeout(10):
        await processor.process_update(update_of(other), asyncio.sleep(0))
        gate.set()
        await asyncio.gather(*flood)
    assert processor.current_concurrent_updates == 0


async def test_no_more_updates_are_worked_on_at_once_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_processor, "UPDATES_AT_ONCE", dict.fromkeys(Turn, 3))
    processor, gate, under_way = InOrderPerChat(UpdateTracker(asyncio.Queue())), asyncio.Event(), set[int]()

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


async def test_the_members_of_a_group_take_turns_and_each_is_served_in_order() -> None:
    processor, served = InOrderPerChat(UpdateTracker(asyncio.Queue())), list[str]()

    async def work(name: str) -> None:
        await asyncio.sleep(0)
        served.append(name)

    names = [*(f"flood {number}" for number in range(5)), "bob 0", "bob 1"]
    updates = [update_of(-5, person=name.split()[0]) for name in names]
    works = [processor.process_update(update, work(name)) for update, name in zip(updates, names, strict=True)]
    await asyncio.gather(*works)
    assert served == ["flood 0", "bob 0", "flood 1", "bob 1", "flood 2", "flood 3", "flood 4"]


async def test_strangers_take_no_place_of_customers_and_their_work_waits_for_a_later_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(update_processor, "UPDATES_AT_ONCE", dict.fromkeys(Turn, 1))
    tracker, gate, turns = UpdateTracker(asyncio.Queue()), asyncio.Event(), list[Turn]()
    processor = InOrderPerChat(tracker)

    async def work(until: asyncio.Event | None = None) -> None:
        turns.append(present_turn())
        if until:
            await until.wait()

    for number in (1, 2):
        tracker.take(Incoming({"update_id": number}), stranger=True)
    crowd = [asyncio.create_task(processor.process_update(Update(number), work(gate))) for number in (1, 2)]
    tracker.take(Incoming({"update_id": 3}))
    async with asyncio.timeout(10):
        while not turns:  # noqa: ASYNC110  # nothing else happens here
            await asyncio.sleep(0)
        await processor.process_update(Update(3), work())
        gate.set()
        await asyncio.gather(*crowd)
    assert turns == [Turn.OTHER, Turn.CUSTOMER, Turn.OTHER]
    assert present_turn() is Turn.CUSTOMER


async def test_nothing_is_kept_of_a_chat_that_was_served() -> None:
    processor = InOrderPerChat(UpdateTracker(asyncio.Queue()))
    await processor.process_update(update_of(1), asyncio.sleep(0))
    assert len(processor._locks) == 0
