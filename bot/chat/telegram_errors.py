"""What an error of Telegram means for a message: every one becomes one of ours, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from telegram import error as telegram_error
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.chat.flood_pauses import EverybodyWaits
from bot.chat.request import BotApiMissing, NotTelegram, RequestTooLarge, pause_of
from bot.domain.deliveries import LONGEST_FLOOD_PAUSE
from bot.errors import (
    ChatClosed,
    ChatGone,
    ChatMigrated,
    ChatNotFound,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
    TextRefused,
)

NOT_FOUND_TEXT = "chat not found"
TOPIC_TEXTS = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")

REFUSALS: Sequence[tuple[type[ChatGone | SendRefused], Sequence[str]]] = (
    (
        ChatGone,
        (
            "bot was blocked by the user",
            "user is deactivated",
            "bot was kicked from",
            "bot is not a member of",
            "the group chat was deleted",
        ),
    ),
    (ChatNotFound, (NOT_FOUND_TEXT, "peer_id_invalid", "chat_id_invalid", "channel_private")),
    (
        ChatClosed,
        (
            *TOPIC_TEXTS,
            "not enough rights",
            "no write access",
            "have no rights",
            "administrator rights",
            "chat_admin_required",
            "chat_restricted",
            "_forbidden",  # CHAT_WRITE_FORBIDDEN, CHAT_SEND_PLAIN_FORBIDDEN …
            "user_banned_in_channel",
            "can't initiate conversation",
            "slowmode_wait",
            "flood",
            "payment_required",
            "frozen",
        ),
    ),
    (
        TextRefused,
        (
            "can't parse",  # entities, buttons
            "can't find end of",
            "entities",
            "entity_",
            "too long",
            "too_long",
            "text is empty",
            "message_empty",
            "must be non-empty",
            "must be encoded in utf-8",
            "parse_mode",
            "button",  # BUTTON_DATA_INVALID, "inline keyboard button …"
            "reply markup",
            "reply_markup",
            "inline keyboard",
        ),
    ),
)
"""What Telegram means by a 400 or 403, by its words (those of github.com/tdlib/telegram-bot-api and tdlib/td).

The first match counts. A 403 with other words is about the chat, too: Telegram forbids no text. A 400 with other words
may be about either.
"""

NOT_SENT_CAUSES = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "TlsFailed"})
"""Names of the transport's errors which mean that no request was sent."""


def messenger_error(error: TelegramError) -> MessengerError:
    """Return what an error of Telegram means for the message that was to be sent."""
    match error:
        case RetryAfter():
            pause = min(pause_of(error), LONGEST_FLOOD_PAUSE.total_seconds())
            return FloodLimited(pause, everywhere=isinstance(error, EverybodyWaits))
        case telegram_error.ChatMigrated():
            return ChatMigrated(error.new_chat_id)
        case Forbidden() | BadRequest():
            return _refusal(error)
        case InvalidToken() | BotApiMissing():
            # Nothing is accepted until the operator corrects the bot's token or address.
            return NotSent()
        case NotTelegram():
            return TelegramDown()
        case NetworkError() if not isinstance(error, RequestTooLarge):
            return NotSent() if type(error.__cause__).__name__ in NOT_SENT_CAUSES else DeliveryUncertain()
        case _:
            return SendRefused(error.message)


def _refusal(error: TelegramError) -> MessengerError:
    unknown = ChatClosed if isinstance(error, Forbidden) else SendRefused
    kind = next((kind for kind, texts in REFUSALS if says(error, texts)), unknown)
    return kind(error.message)


def says(error: TelegramError, texts: Iterable[str]) -> bool:
    """Return whether one of these texts is in the words of the error."""
    return any(text in error.message.lower() for text in texts)
