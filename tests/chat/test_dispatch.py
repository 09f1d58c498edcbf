"""What holds for every handler: how a failure looks, in which order updates are handled, and how many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from telegram import Update

from bot import logs
from bot.chat import routing, update_processor
from bot.chat.incoming import Incoming
from bot.chat.update_processor import InOrderPerChat
from bot.chat.update_tracker import UpdateTracker
from bot.domain.chats import Chat as StoredChat
from bot.errors import StoreAway
from bot.sandbox.telegram import ApiError, Chat, Person, SandboxTelegram
from bot.sandbox.telegram.errors import upgraded
from bot.store.store import Store
from bot.turns import Turn, present_turn
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
    logs.flush()
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
    people = [telegram.add_user(f"Person {number}") for number in range(16)]
    gate = provider.gates["list_invoices"] = asyncio.Event()
    for person in people:
        person.send(telegram.private_chat(person), f"/link {TOKEN}")
    await provider.reached(times=16)
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


def processor_for(work: Callable[[int], Awaitable[object]], tracker: UpdateTracker | None = None) -> InOrderPerChat:
    """Return a processor that handles each update by this work, which gets its number."""
    processor = InOrderPerChat(tracker or UpdateTracker(asyncio.Queue()))

    async def handle(update: Update) -> None:
        await work(update.update_id)

    processor.handle = handle
    return processor


def sent(number: int, chat_id: int | None = None, person_id: int = 1) -> Incoming:
    """Return an update with this number, from a person in a chat."""
    message = {"message_id": 1, "date": 1, "from": {"id": person_id}, "chat": {"id": chat_id, "type": "private"}}
    return Incoming({"update_id": number} if chat_id is None else {"update_id": number, "message": message})


async def process(processor: InOrderPerChat, *updates: Incoming) -> None:
    """Have updates handled as the library does it: all at once, with a coroutine of its own for each."""
    async with asyncio.timeout(10):
        await asyncio.gather(*(processor.process_update(update, asyncio.sleep(3600)) for update in updates))


async def test_an_update_that_was_given_back_does_not_count_as_handled() -> None:
    tracker = UpdateTracker(asyncio.Queue())

    async def give_back_the_first(number: int) -> None:
        if number == 1:
            tracker.give_back(number)

    processor = processor_for(give_back_the_first, tracker)
    for number, handled in ((1, False), (2, True)):
        ended = tracker.take(sent(number))
        await process(processor, sent(number))
        assert await ended is handled


@pytest.mark.parametrize("other", [2, None])
async def test_one_chat_that_floods_the_bot_does_not_lock_the_others_out(
    monkeypatch: pytest.MonkeyPatch, other: int | None
) -> None:
    monkeypatch.setattr(update_processor, "UPDATES_AT_ONCE", dict.fromkeys(Turn, 3))
    gate = asyncio.Event()

    async def wait(number: int) -> None:
        if number < 10:
            await gate.wait()

    processor = processor_for(wait)
    flood = asyncio.create_task(process(processor, *(sent(number, chat_id=1) for number in range(10))))
    await process(processor, sent(10, chat_id=other))
    gate.set()
    await flood
    assert processor.current_concurrent_updates == 0


async def test_no_more_updates_are_worked_on_at_once_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_processor, "UPDATES_AT_ONCE", dict.fromkeys(Turn, 3))
    gate, under_way = asyncio.Event(), set[int]()

    async def work(number: int) -> None:
        under_way.add(number)
        assert len(under_way) <= 3
        if len(under_way) == 3:
            gate.set()
        await gate.wait()
        under_way.remove(number)

    await process(processor_for(work), *(sent(number, chat_id=number) for number in range(1, 10)))


async def test_the_members_of_a_group_take_turns_and_each_is_served_in_order() -> None:
    served = list[int]()

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        served.append(number)

    of_one = [sent(number, chat_id=-5, person_id=1) for number in range(5)]
    of_another = [sent(number, chat_id=-5, person_id=2) for number in (10, 11)]
    await process(processor_for(work), *of_one, *of_another)
    assert served == [0, 10, 1, 11, 2, 3, 4]


async def test_strangers_take_no_place_of_customers_and_their_work_waits_for_a_later_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(update_processor, "UPDATES_AT_ONCE", dict.fromkeys(Turn, 1))
    tracker, gate, turns = UpdateTracker(asyncio.Queue()), asyncio.Event(), dict[int, Turn]()

    async def work(number: int) -> None:
        turns[number] = present_turn()
        if number != 3:
            await gate.wait()

    processor = processor_for(work, tracker)
    for number in (1, 2, 3):
        tracker.take(sent(number), stranger=number != 3)
    strangers = asyncio.create_task(process(processor, sent(1), sent(2)))
    while not turns:  # noqa: ASYNC110  # nothing else happens here
        await asyncio.sleep(0)
    await process(processor, sent(3))
    gate.set()
    await strangers
    assert list(turns.items()) == [(1, Turn.OTHER), (3, Turn.CUSTOMER), (2, Turn.OTHER)]
    assert present_turn() is Turn.CUSTOMER


async def test_nothing_is_kept_of_a_chat_that_was_served() -> None:
    processor = processor_for(lambda _: asyncio.sleep(0))
    await process(processor, sent(1, chat_id=1))
    assert len(processor._locks) == 0
