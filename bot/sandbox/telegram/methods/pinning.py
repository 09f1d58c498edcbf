"""The methods that pin messages."""

from __future__ import annotations

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import bad_request
from bot.sandbox.telegram.models import ADMINISTRATORS, Chat
from bot.sandbox.telegram.serialization import message_json
from bot.sandbox.telegram.state import TelegramState


def pin_chat_message(state: TelegramState, call: Call) -> bool:
    """Pin a message on top of the others. A service message says so, unless it is pinned already."""
    chat = state.writable(call.chat_id)
    message = chat.message(call.number("message_id", 0))
    if message is None:
        raise bad_request("message to pin not found")
    _check_right(state, chat)
    if message not in chat.pinned:
        chat.pinned.append(message)
        service: dict[str, object] = {"pinned_message": message_json(message, with_reply=False)}
        silent = call.flag("disable_notification")
        topic = message.topic_id
        state.receive(state.post(chat, state.bot, service=service, silent=silent, topic_id=topic, thread_id=topic))
    return True


def unpin_chat_message(state: TelegramState, call: Call) -> bool:
    """Unpin a message; without an id, the one on top."""
    chat = state.writable(call.chat_id)
    _check_right(state, chat)
    number = call.integer("message_id")
    found = [message for message in chat.pinned if number in {None, message.id}]
    if not found:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(found[-1])
    return True


def _check_right(state: TelegramState, chat: Chat) -> None:
    if chat.kind != "private" and chat.pinning_restricted and chat.status(state.bot) not in ADMINISTRATORS:
        raise bad_request("not enough rights to manage pinned messages in the chat")


METHODS = {"pinChatMessage": pin_chat_message, "unpinChatMessage": unpin_chat_message}
