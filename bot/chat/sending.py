"""Send and edit messages. What is raised is one of our own errors: :mod:`bot.chat.telegram_errors`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar, cast

import structlog
from markupsafe import Markup
from telegram import Bot, CallbackQuery, InputFile, Message
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import ExtBot

from bot.chat.request import RequestTooLarge, TelegramRequest
from bot.chat.screens import Screen
from bot.chat.telegram_errors import NOT_FOUND_TEXT, TOPIC_TEXTS, messenger_error, says
from bot.domain.chats import Place
from bot.errors import BotError, DeliveryUncertain, DocumentTooLarge, FloodLimited, NotSent, TelegramDown
from bot.ports import Document, Sleep

log = structlog.get_logger()

T = TypeVar("T")

NOT_EDITABLE_TEXTS = ("message to edit not found", "message can't be edited", "message_id_invalid")
MAX_UPLOAD_MB = 50

NOTHING = Screen(Markup(""))

ACTION_LASTS = 4.5
"""Seconds after which a chat action is sent again. Telegram shows it for five."""

MAX_FLOOD_WAITS = 3
MAX_FLOOD_WAIT = 30.0
"""Seconds. Nobody should wait longer for an answer."""
RETRY_WAIT = 1.0
"""Seconds before the one retry after finding no connection, or after an unknown outcome that does no harm twice."""


async def retry_unsent(
    attempt: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep, *, idempotent: bool = False
) -> T:
    """Return the result of ``attempt``, retried if surely nothing was sent. For answers: nothing else repeats them.

    What is ``idempotent``, such as an edit, is retried after an unknown outcome, too. Raise :class:`MessengerError`.
    """
    retried = (NotSent, DeliveryUncertain) if idempotent else NotSent
    floods, retries = MAX_FLOOD_WAITS, 1
    while True:
        try:
            return await attempt()
        except FloodLimited as error:
            if not floods or error.retry_after > MAX_FLOOD_WAIT:
                raise
            floods -= 1
            await sleep(error.retry_after)
        except retried:
            if not retries:
                raise
            retries -= 1
            await sleep(RETRY_WAIT)


async def send(bot: Bot, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None) -> int:
    """Send a message, as a reply if the message ``reply_to`` still exists. Return its id.

    Raise :class:`MessengerError`.
    """

    async def attempt(topic_id: int | None, reply_to: int | None) -> int:
        sent = await _call(
            bot,
            "sendMessage",
            place,
            screen,
            message_thread_id=topic_id,
            disable_notification=silent or None,
            reply_parameters={"message_id": reply_to, "allow_sending_without_reply": True} if reply_to else None,
        )
        return int(sent["message_id"])

    return await _post(bot, place, reply_to, attempt)


async def send_picture(bot: Bot, place: Place, screen: Screen, picture: bytes) -> Message:
    """Send a PNG with a screen's text and buttons below it. Raise :class:`MessengerError`."""

    async def attempt(topic_id: int | None, _: int | None) -> Message:
        return _message(
            await bot.send_photo(
                place.chat_id,
                InputFile(picture, filename="picture.png"),
                caption=screen.text,
                message_thread_id=topic_id,
                parse_mode=ParseMode.HTML,
                reply_markup=screen.keyboard,
            )
        )

    return await _post(bot, place, None, attempt)


async def send_document(
    bot: Bot,
    place: Place,
    document: Document | str,
    below: Screen = NOTHING,
    *,
    protected: bool = False,
    silent: bool = False,
) -> Message:
    """Stream a file from its source, under its name, or send one again by its id. ``below`` is its caption.

    One that is ``protected`` can't be forwarded or saved.

    Raise :class:`MessengerError`, or :class:`DocumentTooLarge` if Telegram does not take that much.
    """

    def file() -> InputFile | str:
        if isinstance(document, str):
            return document
        document.content.seek(0)
        return InputFile(document.content, filename=document.name, read_file_handle=False)

    async def attempt(topic_id: int | None, _: int | None) -> Message:
        try:
            return _message(
                await bot.send_document(
                    place.chat_id,
                    file(),
                    caption=below.text or None,
                    parse_mode=ParseMode.HTML,
                    reply_markup=below.keyboard,
                    message_thread_id=topic_id,
                    protect_content=protected,
                    disable_notification=silent,
                )
            )
        except RequestTooLarge as error:
            raise DocumentTooLarge(MAX_UPLOAD_MB) from error

    return await _post(bot, place, None, attempt)


def file_id_of(message: Message) -> str:
    """Return the id under which a message's file can be sent again. Empty: it has none."""
    return message.document.file_id if message.document is not None else ""


async def make_sure_of_telegram(bot: Bot) -> None:
    """Raise :class:`NotSent` unless Telegram answers at present. Ask before a send that should not stay uncertain."""
    try:
        await bot.get_me()
    except Exception as error:  # an answer that can't be read is none
        raise NotSent from error


async def edit(bot: Bot, place: Place, message_id: int, screen: Screen) -> bool:
    """Edit a message. Return False if it is out of reach. Raise :class:`MessengerError`."""
    return await _edited(_call(bot, "editMessageText", place, screen, message_id=message_id))


async def edit_buttons(bot: Bot, place: Place, message_id: int, screen: Screen) -> bool:
    """Give a message the buttons of a screen and keep its text. Otherwise as :func:`edit`."""
    return await _edited(bot.edit_message_reply_markup(place.chat_id, message_id, reply_markup=screen.keyboard))


async def _edited(change: Awaitable[object]) -> bool:
    try:
        await change
    except BadRequest as error:
        text = error.message.lower()
        if "message is not modified" in text:
            return True
        if any(known in text for known in NOT_EDITABLE_TEXTS):
            return False
        raise messenger_error(error) from error
    except TelegramError as error:
        raise messenger_error(error) from error
    return True


async def delete(message: Message) -> bool:
    """Delete a message. Return True if it is gone, whoever deleted it. Raise :class:`MessengerError`."""
    try:
        return await message.delete()
    except TelegramError as error:
        if "message to delete not found" in error.message.lower():
            return True
        raise messenger_error(error) from error


async def pin(bot: Bot, chat_id: int, message_id: int) -> bool:
    """Pin a message without a sound. Return False if the bot has no right to. Raise :class:`MessengerError`."""
    try:
        return await bot.pin_chat_message(chat_id, message_id, disable_notification=True)
    except (BadRequest, Forbidden):
        return False
    except TelegramError as error:
        raise messenger_error(error) from error


async def unpin(bot: Bot, chat_id: int, message_id: int) -> None:
    """Unpin a message, if it is pinned and the bot has the right to. Raise :class:`MessengerError`."""
    try:
        await bot.unpin_chat_message(chat_id, message_id=message_id)
    except (BadRequest, Forbidden):
        return
    except TelegramError as error:
        raise messenger_error(error) from error


async def delete_own(bot: Bot, place: Place, message_id: int) -> bool:
    """Delete one of the bot's messages. Return whether it is gone. Raise :class:`MessengerError`."""
    try:
        return await bot.delete_message(place.chat_id, message_id)
    except BadRequest as error:
        if "message to delete not found" in error.message.lower():
            return True
        if "message can't be deleted" in error.message.lower():
            return False
        raise messenger_error(error) from error
    except TelegramError as error:
        raise messenger_error(error) from error


async def answer_press(query: CallbackQuery, text: str, *, alert: bool) -> bool:
    """Stop a button's spinner. Return False if it is too late. Raise :class:`MessengerError`."""
    try:
        return await query.answer(text or None, show_alert=alert)
    except TelegramError as error:
        if "query is too old" in error.message.lower():
            return False
        raise messenger_error(error) from error


@asynccontextmanager
async def showing_action(bot: Bot, place: Place, action: ChatAction, *, after: float = 0) -> AsyncIterator[None]:
    """Show "sending a document…" or the like in the chat while the context lasts, after ``after`` seconds."""

    async def keep() -> None:
        while True:
            with suppress(TelegramError):
                await bot.send_chat_action(place.chat_id, action, message_thread_id=place.topic_id)
            await asyncio.sleep(ACTION_LASTS)

    tasks = list[asyncio.Task[None]]()
    # Most answers are there before, and a task that is never needed costs more than a timer.
    begin = asyncio.get_running_loop().call_later(after, lambda: tasks.append(asyncio.create_task(keep())))
    try:
        yield
    finally:
        begin.cancel()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)


async def _call(bot: Bot, method: str, place: Place, screen: Screen, **others: object) -> Any:
    """Send or edit a message, and return the result as it came.

    The library's own methods make objects of what goes out and of what comes back, and nobody looks at them.
    """
    keyboard = screen.keyboard
    parameters = {
        "chat_id": place.chat_id,
        "text": screen.text,
        "parse_mode": ParseMode.HTML,
        "reply_markup": keyboard.to_dict() if keyboard is not None else None,
        "link_preview_options": {"is_disabled": True},
        **others,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    call = partial(cast("TelegramRequest", bot.request).call, f"{bot.base_url}/{method}", given)
    limits = bot.rate_limiter if isinstance(bot, ExtBot) else None
    return await (call() if limits is None else limits.process_request(call, (), {}, method, given, None))


async def _post(
    bot: Bot, place: Place, reply_to: int | None, attempt: Callable[[int | None, int | None], Awaitable[T]]
) -> T:
    """Send to the topic, as a reply. If the topic is gone or closed, send to the chat itself.

    That is no reply then: a reply would lead back into the topic of the message that it replies to.
    """
    try:
        try:
            return await attempt(place.topic_id, reply_to)
        except BadRequest as error:
            if says(error, [NOT_FOUND_TEXT]):
                await _ask_for_chat(bot, place.chat_id, error)
                return await attempt(place.topic_id, reply_to)
            if says(error, TOPIC_TEXTS) and (place.topic_id or reply_to):
                return await attempt(None, None)
            raise
    except TelegramError as error:
        raise messenger_error(error) from error
    except BotError:
        raise
    except Exception as error:  # JSON with `ok`, but with no message in it
        log.warning("answer to a message can't be read", exc_info=error)
        raise TelegramDown from error


def _message(sent: object) -> Message:
    """Return a message that was sent. The library passes on whatever came."""
    if not isinstance(sent, Message):
        raise TelegramDown
    return sent


async def _ask_for_chat(bot: Bot, chat_id: int, not_found: BadRequest) -> None:
    """Ask for a chat that Telegram did not find: a server that lost its files finds it by that.

    Raise ``not_found`` unless that helps.
    """
    try:
        await bot.get_chat(chat_id)
    except Exception:  # noqa: BLE001  # whatever it is, it says nothing about the message
        raise not_found from None
