"""The sandbox's updates, polled through python-telegram-bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict
from telegram.ext import Application, ApplicationBuilder, CallbackQueryHandler, CommandHandler, ContextTypes

from bot.sandbox.clock import SandboxClock
from bot.sandbox.telegram import BOT_TOKEN, Answer, CallAnswered, Chat, Message, Person, SandboxTelegram


async def send_button(bot: Bot, chat: Chat, data: str = "pay:1") -> Message:
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("Pay", callback_data=data)]])
    sent = await bot.send_message(chat.id, "Invoice", reply_markup=markup)
    found = chat.message(sent.message_id)
    assert found is not None
    return found


# --- An application that polls --------------------------------------------------------------------------------------


@pytest.fixture
async def application(url: str) -> AsyncIterator[Application[Any, Any, Any, Any, Any, Any]]:
    async def start(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        buttons = InlineKeyboardMarkup([[InlineKeyboardButton("Open", callback_data="open")]])
        await update.message.reply_html("<b>Hello</b>", reply_markup=buttons)

    async def opened(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("Here it is", show_alert=True)
        await update.callback_query.edit_message_text("Opened")

    builder = ApplicationBuilder().token(BOT_TOKEN).base_url(f"{url}/bot").base_file_url(f"{url}/file/bot")
    application = builder.build()
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CallbackQueryHandler(opened, "open"))
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling(timeout=5)
        yield application
        await application.updater.stop()
        await application.stop()


@pytest.mark.usefixtures("application")
async def test_an_application_polls_answers_and_edits(ada: Person, chat: Chat) -> None:
    ada.send(chat, "/start")
    greeting = await chat.wait_for(lambda message: message.text == "Hello")
    press = ada.press(greeting, "Open")
    assert await press.answered() == Answer("Here it is", show_alert=True)
    assert await chat.wait_for(lambda message: message.text == "Opened") is greeting


@pytest.mark.usefixtures("application")
async def test_an_application_confirms_what_it_got_before_it_stops(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    ada.send(chat, "/start")
    await chat.wait_for(lambda message: message.text == "Hello")
    await telegram.wait_until(lambda: telegram.state.updates.pending == 0)
    assert len(telegram.calls_of("getUpdates")) >= 2


# --- getUpdates -----------------------------------------------------------------------------------------------------


async def test_updates_come_again_until_an_offset_confirms_them(bot: Bot, ada: Person, chat: Chat) -> None:
    for text in ("one", "two", "three"):
        ada.send(chat, text)
    first = await bot.get_updates(limit=2)
    assert [update.message.text for update in first if update.message] == ["one", "two"]
    assert await bot.get_updates(limit=2) == first
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["three"]
    assert await bot.get_updates(offset=rest[-1].update_id + 1) == ()


async def test_a_negative_offset_forgets_all_but_the_last(bot: Bot, ada: Person, chat: Chat) -> None:
    for text in ("one", "two", "three"):
        ada.send(chat, text)
    last = await bot.get_updates(offset=-1)
    assert [update.message.text for update in last if update.message] == ["three"]
    assert await bot.get_updates() == last


async def test_a_long_poll_ends_with_the_first_update(
    bot: Bot, ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await telegram.wait_until(lambda: telegram.calls_of("getUpdates"))
    ada.send(chat, "/start")
    updates = await poll
    assert updates[0].message is not None
    assert updates[0].message.entities[0].type == "bot_command"
    assert updates[0].effective_user is not None
    assert updates[0].effective_user.language_code == "de"


async def test_a_second_poller_ends_the_first_with_a_conflict(
    bot: Bot, ada: Person, chat: Chat, telegram: SandboxTelegram, url: str
) -> None:
    async with Bot(BOT_TOKEN, base_url=f"{url}/bot") as other:
        first = asyncio.create_task(bot.get_updates(timeout=30))
        await telegram.wait_until(lambda: telegram.calls_of("getUpdates"))
        second = asyncio.create_task(other.get_updates(timeout=30))
        with pytest.raises(Conflict, match="Conflict: terminated by other getUpdates request; make sure that only one"):
            await first
        ada.send(chat, "hello")
        assert len(await second) == 1


async def test_a_poll_whose_client_hung_up_causes_no_conflict(bot: Bot, telegram: SandboxTelegram, url: str) -> None:
    async with Bot(BOT_TOKEN, base_url=f"{url}/bot") as other:
        first = asyncio.create_task(bot.get_updates(timeout=30))
        await telegram.wait_until(lambda: telegram.calls_of("getUpdates"))
        with telegram.subscribe() as changes:
            first.cancel()
            async with asyncio.timeout(5):
                assert isinstance(await anext(changes), CallAnswered)
        assert await other.get_updates(timeout=1) == ()
    assert [call.status for call in telegram.calls_of("getUpdates")] == [0, 200]


async def test_with_a_webhook_set_polling_is_a_conflict(bot: Bot, ada: Person, chat: Chat) -> None:
    ada.send(chat, "waits")
    await bot.set_webhook("https://example.org/hook", allowed_updates=["message"])
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("https://example.org/hook", 1)
    assert info.allowed_updates == ("message",)
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()


async def test_a_webhook_without_tls_is_refused(bot: Bot) -> None:
    with pytest.raises(BadRequest, match=r"(?i)an https URL must be provided for webhook"):
        await bot.set_webhook("http://example.org/hook")


async def test_allowed_updates_stay_until_they_are_named_again(bot: Bot, ada: Person, chat: Chat) -> None:
    message = await send_button(bot, chat)
    await bot.get_updates(allowed_updates=[Update.CALLBACK_QUERY])
    ada.send(chat, "not wanted")
    ada.press(message, "Pay")
    updates = await bot.get_updates()
    assert [update.callback_query is not None for update in updates] == [True]
    await bot.get_updates(offset=updates[-1].update_id + 1, allowed_updates=[])
    ada.send(chat, "wanted again")
    assert [update.message is not None for update in await bot.get_updates()] == [True]


async def test_updates_are_forgotten_after_24_hours(bot: Bot, ada: Person, chat: Chat, clock: SandboxClock) -> None:
    ada.send(chat, "too old")
    clock.put_forward(timedelta(hours=24, seconds=1))
    ada.send(chat, "fresh")
    assert [update.message.text for update in await bot.get_updates() if update.message] == ["fresh"]


# --- Any client -----------------------------------------------------------------------------------------------------


async def test_parameters_may_come_in_the_query_as_a_form_or_as_json(chat: Chat, url: str) -> None:
    address, buttons = f"{url}/bot{BOT_TOKEN}/sendmessage", {"inline_keyboard": [[{"text": "x", "url": "tg://a"}]]}
    async with httpx.AsyncClient() as client:
        answers = [
            await client.get(address, params={"chat_id": chat.id, "text": "query"}),
            await client.post(address, data={"chat_id": chat.id, "text": "form"}),
            await client.post(address, json={"chat_id": chat.id, "text": "json", "reply_markup": buttons}),
        ]
    assert [answer.json()["result"]["text"] for answer in answers] == ["query", "form", "json"]
    assert chat.messages[-1].buttons[0].url == "tg://a"


async def test_an_unknown_parse_mode_is_refused(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match="Unsupported parse_mode"):
        await bot.send_message(chat.id, "*bold*", parse_mode="MarkdownV2")
