"""Long polling: how outages of Telegram are waited for and logged, and which updates are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from telegram import Bot
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot import logs
from bot.chat.incoming import Incoming
from bot.chat.polling import MAX_OUTAGE_WAIT, REFUSED_FOR, Poller, TokenDoubt, connect, retry_forever
from bot.chat.request import NotTelegram
from bot.chat.update_tracker import UpdateTracker
from bot.chat.webhook import Webhook
from bot.errors import StartError
from bot.factories import build_telegram
from bot.ports import utc_now
from bot.sandbox.telegram import ApiError, Chat, Person, SandboxTelegram
from bot.sandbox.telegram.errors import NOT_FOUND, UNAUTHORIZED
from bot.services.leader_lease import LeaderLease
from bot.settings import Settings
from bot.store.store import Store
from tests.chat.fakes import Time
from tests.chat.waits import Travels, Waits


def failing(*errors: Exception | None) -> Callable[[], Any]:
    """Return a call that raises these errors, one after the other, and then works. None: it works once."""
    left = list(errors)

    async def call() -> str:
        if left and (error := left.pop(0)):
            raise error
        return "here"

    return call


async def test_what_works_at_once_is_neither_waited_for_nor_logged() -> None:
    waits = Waits()
    with capture_logs() as logged:
        assert await retry_forever(failing(), waits) == "here"
    assert waits == []
    assert logged == []


async def test_an_outage_is_waited_for_longer_each_time_and_logged_twice() -> None:
    waits = Waits()
    with capture_logs() as logged:
        assert await retry_forever(failing(*[NetworkError("gone")] * 2000), waits) == "here"
    assert waits[:6] == [1, 2, 4, 8, 16, MAX_OUTAGE_WAIT]
    assert set(waits[6:]) == {MAX_OUTAGE_WAIT}
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [
        ("Telegram outage began", "warning"),
        ("Telegram outage ended", "info"),
    ]
    assert logged[0]["error"] == "gone"


async def test_a_flood_limit_says_itself_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # as build_telegram sets it
    waits = Waits()
    await retry_forever(failing(RetryAfter(90)), waits)
    assert waits == [90]


@pytest.mark.parametrize(("error", "drawn"), [(Conflict("another one polls"), False), (KeyError("result"), True)])
async def test_only_an_error_that_nobody_knows_is_logged_with_its_traceback(error: Exception, drawn: bool) -> None:
    with capture_logs() as logged:
        await retry_forever(failing(error), Waits())
    assert (logged[0]["exc_info"] is error) is drawn


async def test_at_a_start_a_refused_token_is_believed_at_once() -> None:
    waits = Waits()
    with pytest.raises(StartError, match="does not accept TELEGRAM_BOT_TOKEN"):
        await retry_forever(failing(TelegramError("away"), InvalidToken()), waits)
    assert waits == [1]


async def retried(time: Time, calls: Sequence[Exception], get_me: Sequence[Exception | None]) -> Any:
    """Return the result of a call that fails so often. The clock moves on meanwhile; getMe answers in this order."""
    return await retry_forever(failing(*calls), Travels(time.forward), TokenDoubt(failing(*get_me), time))


async def test_later_a_refused_token_is_believed_once_getme_has_confirmed_it_for_minutes(time: Time) -> None:
    began = time()
    with capture_logs() as logged, pytest.raises(StartError, match="no longer accepts TELEGRAM_BOT_TOKEN"):
        await retried(time, [InvalidToken()] * 100, [InvalidToken()] * 100)
    assert REFUSED_FOR <= time() - began <= REFUSED_FOR + timedelta(seconds=MAX_OUTAGE_WAIT)
    assert [entry["event"] for entry in logged] == ["bot token refusal began"]


@pytest.mark.parametrize("get_me", [[], [NetworkError("away")] * 100, [NotTelegram("a page")] * 100])
async def test_a_refusal_that_getme_does_not_confirm_passes(time: Time, get_me: list[Exception]) -> None:
    began = time()
    with capture_logs() as logged:
        assert await retried(time, [InvalidToken()] * 20, get_me) == "here"
    assert time() - began > 2 * REFUSED_FOR
    events = [entry["event"] for entry in logged if entry["log_level"] != "debug"]
    assert events == ["bot token refusal began", "bot token refusal ended"]


async def test_a_good_answer_ends_the_doubt_about_a_token(time: Time) -> None:
    began = time()
    get_me = [*[InvalidToken()] * 7, None, *[InvalidToken()] * 4]  # a minute and a half each time
    assert await retried(time, [InvalidToken()] * len(get_me), get_me) == "here"
    assert time() - began > REFUSED_FOR


async def test_the_two_confirmations_may_have_an_outage_between_them(time: Time) -> None:
    calls = [InvalidToken(), *[NetworkError("gone")] * 20, InvalidToken()]
    with pytest.raises(StartError):
        await retried(time, calls, [InvalidToken()] * 2)


async def test_a_clock_that_is_put_back_does_not_make_a_refused_token_good(time: Time) -> None:
    doubt = TokenDoubt(failing(*[InvalidToken()] * 3), time)
    assert not await doubt.is_confirmed()
    time.forward(-timedelta(days=40))
    assert not await doubt.is_confirmed()
    time.forward(REFUSED_FOR)
    assert await doubt.is_confirmed()


async def test_a_conflict_is_logged_apart_from_an_outage_with_what_to_do() -> None:
    conflict = Conflict("terminated by other getUpdates request")
    with capture_logs() as logged:
        await retry_forever(failing(NetworkError("gone"), conflict, conflict), Waits())
    assert [entry["event"] for entry in logged] == [
        "Telegram outage began",
        "Telegram outage ended",
        "bot token conflict began",
        "bot token conflict ended",
    ]
    assert "Another process polls with this bot token" in logged[2]["meaning"]


class Taken(asyncio.Queue[Any]):
    """A queue whose updates are handled as soon as a poll brings them."""

    tracker: UpdateTracker

    def put_nowait(self, item: Incoming) -> None:
        super().put_nowait(item.read())
        asyncio.get_running_loop().call_soon(lambda: self.tracker.end(item.id, handled=True))


@pytest.fixture
def lease(store: Store, time: Time) -> LeaderLease:
    return LeaderLease("polling", "a", store, time)


@asynccontextmanager
async def polling(bot: Bot, lease: LeaderLease) -> AsyncIterator[Taken]:
    """Poll while the context lasts, and yield the queue of updates."""
    updates = Taken()
    updates.tracker = UpdateTracker(updates)
    task = asyncio.create_task(Poller(bot, updates.tracker, lease, utc_now, Waits()).run())
    try:
        yield updates
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.odd_calls
async def test_an_update_that_cannot_be_read_stops_no_other_and_is_logged_by_its_id_alone(
    bot: Bot,
    lease: LeaderLease,
    telegram: SandboxTelegram,
    ada: Person,
    chat: Chat,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("DEBUG", "console")
    ada.send(chat, "before")
    bad = telegram.state.updates.add("message", {"text": "17|a-bare-token", "chat": "private words"})
    ada.send(chat, "after")
    async with polling(bot, lease) as updates:
        batch = [await asyncio.wait_for(updates.get(), 5) for _ in range(3)]
        await telegram.wait_until(lambda: not telegram.state.updates.pending or None)
    assert [update.message and update.message.text for update in batch] == ["before", None, "after"]
    assert batch[1].update_id == bad
    written = capsys.readouterr().err
    assert f"update_id={bad}" in written
    assert "17|a-bare-token" not in written
    assert "private words" not in written


async def test_a_404_while_polling_is_an_outage(
    bot: Bot, lease: LeaderLease, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    telegram.faults.refuse(ApiError(*NOT_FOUND), times=2, method="getUpdates")
    ada.send(chat, "still there")
    with capture_logs() as logged:
        async with polling(bot, lease) as updates:
            update = await asyncio.wait_for(updates.get(), 5)
    assert update.message.text == "still there"
    events = [entry["event"] for entry in logged if "outage" in entry["event"]]
    assert events == ["Telegram outage began", "Telegram outage ended"]


async def test_a_webhook_that_somebody_set_is_deleted_again(
    bot: Bot, lease: LeaderLease, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    telegram.state.updates.set_webhook("https://bot.example/hook")
    ada.send(chat, "heard")
    async with polling(bot, lease) as updates:
        update = await asyncio.wait_for(updates.get(), 5)
    assert update.message.text == "heard"
    assert telegram.state.updates.webhook == ""


async def test_updates_come_in_order_and_once(
    bot: Bot, lease: LeaderLease, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    telegram.faults.server_error(method="getUpdates")
    texts = []
    async with polling(bot, lease) as updates:
        for text in ("one", "two", "three"):
            ada.send(chat, text)
            update = await asyncio.wait_for(updates.get(), 5)
            texts.append(update.message.text)
    assert texts == ["one", "two", "three"]
    assert updates.empty()


@pytest.mark.parametrize("method", ["getUpdates", "deleteWebhook"])
@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 409])
async def test_a_page_that_is_not_telegrams_does_not_end_the_polling(
    bot: Bot, lease: LeaderLease, telegram: SandboxTelegram, ada: Person, chat: Chat, status: int, method: str
) -> None:
    telegram.faults.page(status, times=20, method=method)
    ada.send(chat, "still there")
    with capture_logs() as logged:
        async with polling(bot, lease) as updates:
            update = await asyncio.wait_for(updates.get(), 5)
    assert update.message.text == "still there"
    events = [entry["event"] for entry in logged if entry["event"].endswith(("began", "outage ended"))]
    assert events == ["Telegram outage began", "Telegram outage ended"]


@pytest.mark.parametrize("method", ["getWebhookInfo", "setWebhook"])
@pytest.mark.parametrize("status", [200, 401, 403, 404])
async def test_a_page_that_is_not_telegrams_does_not_end_the_set_up_of_a_webhook(
    bot: Bot, telegram: SandboxTelegram, time: Time, status: int, method: str
) -> None:
    telegram.faults.page(status, times=20, method=method)
    webhook = Webhook(bot, UpdateTracker(asyncio.Queue()), "https://bot.example/hook", "secret", time, Waits())
    keeping = asyncio.create_task(webhook.run())
    await telegram.wait_until(lambda: telegram.state.updates.webhook or None)
    keeping.cancel()
    assert telegram.state.updates.webhook == "https://bot.example/hook"


async def test_one_refusal_of_the_token_does_not_end_the_polling(
    bot: Bot, lease: LeaderLease, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    telegram.faults.refuse(ApiError(*UNAUTHORIZED), times=30, method="getUpdates")
    ada.send(chat, "still there")
    async with polling(bot, lease) as updates:
        update = await asyncio.wait_for(updates.get(), 5)
    assert update.message.text == "still there"
    assert len(telegram.calls_of("getMe")) > 30  # each time, it was asked whether the token is still good


async def test_polling_ends_when_the_token_is_revoked(
    bot: Bot, lease: LeaderLease, telegram: SandboxTelegram, time: Time
) -> None:
    telegram.token = "1000000001:AAanother-token-made-at-BotFather-0"
    poller = Poller(bot, UpdateTracker(asyncio.Queue()), lease, time, Travels(time.forward))
    with pytest.raises(StartError, match="no longer accepts TELEGRAM_BOT_TOKEN"):
        await asyncio.wait_for(poller.run(), 5)


async def becomes_leader(lease: LeaderLease, time: Time) -> bool:
    """Whether a replica that asks now and then becomes the leader within a minute."""
    end = time() + timedelta(minutes=1)
    while not (is_leader := await lease.acquire_or_renew()) and time() < end:
        time.forward(timedelta(seconds=5))
    return is_leader


async def test_of_two_replicas_one_polls_and_the_other_takes_over_once_it_is_gone(
    bot: Bot, store: Store, time: Time, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    first, second = (LeaderLease("polling", name, store, time) for name in "ab")
    async with polling(bot, first) as updates:
        ada.send(chat, "one")
        assert (await asyncio.wait_for(updates.get(), 5)).message.text == "one"
        idle = Poller(bot, UpdateTracker(asyncio.Queue()), second, time)
        assert await idle._poll() is None
        assert idle.good_at == time()  # a replica that is not the leader is well
        await telegram.wait_until(lambda: not telegram.state.updates.pending)
    assert await becomes_leader(second, time)
    ada.send(chat, "two")
    async with polling(bot, second) as updates:
        assert (await asyncio.wait_for(updates.get(), 5)).message.text == "two"
    assert not await first.acquire_or_renew()


async def test_an_update_in_progress_is_not_confirmed_and_comes_again_after_a_crash(
    bot: Bot, store: Store, time: Time, telegram: SandboxTelegram, ada: Person, chat: Chat
) -> None:
    lease, queue = LeaderLease("polling", "a", store, time), asyncio.Queue[Any]()
    tracker = UpdateTracker(queue)
    poller = Poller(bot, tracker, lease, time)
    for text in ("one", "two"):
        ada.send(chat, text)
    assert await poller._poll() == []  # a webhook that may be set is deleted first
    tracker.take_batch(await poller._poll() or ())
    one, two = queue.get_nowait(), queue.get_nowait()
    tracker.end(two.id, handled=True)
    assert [u.id for u in await poller._poll() or ()] == [one.id, two.id]
    tracker.end(one.id, handled=True)
    assert telegram.state.updates.pending == 2
    await poller.finish()
    assert telegram.state.updates.pending == 0


async def test_a_stop_lets_another_replica_poll_at_once(bot: Bot, store: Store, time: Time) -> None:
    poller = Poller(bot, UpdateTracker(asyncio.Queue()), LeaderLease("polling", "a", store, time), time)
    poller._tracker.end(1, handled=True)
    assert await poller._lease.acquire_or_renew()
    await poller.finish()
    assert await LeaderLease("polling", "b", store, time).acquire_or_renew()


async def test_after_a_conflict_a_replica_steps_down_until_the_store_says_otherwise(
    bot: Bot, lease: LeaderLease, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(409, "Conflict: terminated by other getUpdates request"), method="getUpdates")
    assert await lease.acquire_or_renew()
    poller = Poller(bot, UpdateTracker(asyncio.Queue()), lease, utc_now)
    assert await poller._poll() == []
    with pytest.raises(Conflict):
        await poller._poll()
    assert not lease.is_leader


async def test_a_replica_that_was_frozen_while_it_deleted_a_webhook_asks_for_the_lease_again(
    bot: Bot, store: Store, time: Time, telegram: SandboxTelegram
) -> None:
    first, second = (LeaderLease("polling", name, store, time) for name in "ab")
    poller = Poller(bot, UpdateTracker(asyncio.Queue()), first, time)
    assert await poller._poll() == []
    assert await becomes_leader(second, time)
    assert await poller._poll() is None
    assert not telegram.calls_of("getUpdates")


async def test_asking_for_the_bots_name_fails_at_once_with_a_sentence_and_leaves_nothing_open(
    settings: Settings, telegram: SandboxTelegram
) -> None:
    bot = build_telegram(settings).bot
    telegram.faults.server_error(method="getMe")
    with pytest.raises(StartError, match=r"can't be reached at http://127.*\(HTTP status 502\)"):
        await connect(bot)
    with pytest.raises(NetworkError, match="not initialized"):
        await bot.request.retrieve(settings.telegram_api_url)
    assert await connect(bot) == telegram.bot.username


async def test_a_404_at_the_start_means_that_the_address_or_the_token_is_wrong(
    settings: Settings, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(*NOT_FOUND), method="getMe")
    with pytest.raises(StartError, match=r"http://127.*TELEGRAM_API_URL or TELEGRAM_BOT_TOKEN is wrong"):
        await connect(build_telegram(settings).bot)
