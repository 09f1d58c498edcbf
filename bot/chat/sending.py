"""Send and edit messages. Every error of Telegram becomes one of ours, in one place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from telegram import (
    Bot,
    CallbackQuery,
    InputFile,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
    error as telegram_error,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.chat.request import BotApiMissing, pause_of
from bot.chat.screens import Screen
from bot.domain.chats import Place
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    DocumentTooLarge,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
)
from bot.ports import Document, Sleep

T = TypeVar("T")

CHAT_GONE_TEXTS = (
    "bot was blocked by the user",
    "user is deactivated",
    "bot was kicked from",
    "bot is not a member of",
    "the group chat was deleted",
    "chat not found",
)
"""Texts of a 403 or 400 which mean that this chat can't be written to any more."""

TOPIC_GONE_TEXTS = ("message thread not found", "topic_closed")
NOT_EDITABLE_TEXTS = ("message to edit not found", "message can't be edited", "message_id_invalid")
NOT_SENT_CAUSES = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"})
"""Names of the transport's errors which mean that no request was sent."""

TOO_LARGE_TEXT = "request entity too large"
MAX_UPLOAD_MB = 50

ACTION_LASTS = 4.5
"""Seconds after which a chat action is sent again. Telegram shows it for five."""

MAX_FLOOD_WAITS = 3
MAX_FLOOD_WAIT = 30.0
"""Seconds. Nobody should wait longer for an answer."""
RETRY_WAIT = 1.0
"""Seconds before the one retry after finding no connection, or after an unknown outcome that does no harm twice."""


def messenger_error(error: TelegramError) -> MessengerError:
    """Return what an error of Telegram means for the message that was to be sent."""
    text = error.message.lower()
    match error:
        case RetryAfter():
            return FloodLimited(pause_of(error))
        case telegram_error.ChatMigrated():
            return ChatMigrated(error.new_chat_id)
        case Forbidden() | BadRequest():
            is_gone = any(known in text for known in CHAT_GONE_TEXTS)
            return ChatGone(error.message) if is_gone else SendRefused(error.message)
        case InvalidToken() | BotApiMissing():
            # Nothing is accepted until the operator corrects the bot's token or address.
            return NotSent()
        case TimedOut() | NetworkError():
            cause = error.__cause__
            if type(cause).__name__ in NOT_SENT_CAUSES:
                return NotSent()
            # A 5xx is an answer. It has no cause; or, as a page in HTML, the library's error that it is no JSON.
            return TelegramDown() if cause is None or isinstance(cause, TelegramError) else DeliveryUncertain()
        case _:
            return SendRefused(error.message)


async def retry_unsent(
    attempt: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep, *, idempotent: bool = False
) -> T:
    """Return the result of ``attempt``, retried if surely nothing was sent. For answers: nothing else repeats them.

    What is ``idempotent``, such as an edit, is retried after an unknown outcome, too. Raise :class:`MessengerError`.
    """
    retried = (NotSent, DeliveryUncertain, TelegramDown) if idempotent else NotSent
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


async def send(bot: Bot, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None) -> Message:
    """Send a message, as a reply if the message ``reply_to`` still exists. Raise :class:`MessengerError`."""
    reply = None if reply_to is None else ReplyParameters(reply_to, allow_sending_without_reply=True)

    async def attempt(topic_id: int | None) -> Message:
        return await bot.send_message(
            place.chat_id,
            screen.text,
            message_thread_id=topic_id,
            parse_mode=ParseMode.HTML,
            reply_markup=screen.keyboard,
            disable_notification=silent,
            reply_parameters=reply,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )

    return await _in_topic(place, attempt)


async def send_document(bot: Bot, place: Place, document: Document) -> Message:
    """Stream a file from its source, under its name.

    Raise :class:`MessengerError`, or :class:`DocumentTooLarge` if Telegram does not take that much.
    """

    async def attempt(topic_id: int | None) -> Message:
        document.content.seek(0)
        try:
            return await bot.send_document(
                place.chat_id,
                InputFile(document.content, filename=document.name, read_file_handle=False),
                message_thread_id=topic_id,
            )
        except NetworkError as error:
            if TOO_LARGE_TEXT in error.message.lower():
                raise DocumentTooLarge(MAX_UPLOAD_MB) from error
            raise

    return await _in_topic(place, attempt)


async def edit(bot: Bot, place: Place, message_id: int, screen: Screen) -> bool:
    """Edit a message. Return False if it is out of reach. Raise :class:`MessengerError`."""
    return await _edited(
        bot.edit_message_text(
            screen.text,
            place.chat_id,
            message_id,
            parse_mode=ParseMode.HTML,
            reply_markup=screen.keyboard,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
    )


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
        await asyncio.sleep(after)
        while True:
            with suppress(TelegramError):
                await bot.send_chat_action(place.chat_id, action, message_thread_id=place.topic_id)
            await asyncio.sleep(ACTION_LASTS)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _in_topic(place: Place, attempt: Callable[[int | None], Awaitable[T]]) -> T:
    """Send to the topic. If that is gone or closed, send to the chat itself."""
    try:
        try:
            return await attempt(place.topic_id)
        except BadRequest as error:
            if place.topic_id is None or not any(known in error.message.lower() for known in TOPIC_GONE_TEXTS):
                raise
            return await attempt(None)
    except TelegramError as error:
        raise messenger_error(error) from error
