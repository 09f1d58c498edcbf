"""The methods that edit or delete messages, and that answer presses."""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import NOT_MODIFIED, QUERY_TOO_OLD, bad_request
from bot.sandbox.telegram.events import MessageEdited, PressAnswered
from bot.sandbox.telegram.formatting import Formatted, units
from bot.sandbox.telegram.message_parameters import EDITED_CAPTION, EDITED_TEXT, read_caption, read_keyboard, read_text
from bot.sandbox.telegram.models import ADMINISTRATORS, Keyboard, Message
from bot.sandbox.telegram.presses import Answer
from bot.sandbox.telegram.serialization import Json, message_json
from bot.sandbox.telegram.state import TelegramState

DELETABLE_FOR = timedelta(hours=48)
MAX_ANSWER_LENGTH = 200


def edit_message_text(state: TelegramState, call: Call) -> Json:
    message = _editable(state, call)
    if message.document is not None:
        raise bad_request("there is no text in the message to edit")
    return _edit(state, message, read_text(call, EDITED_TEXT), read_keyboard(call))


def edit_message_caption(state: TelegramState, call: Call) -> Json:
    message = _editable(state, call)
    if message.document is None:
        raise bad_request("there is no caption in the message to edit")
    return _edit(state, message, read_caption(call, EDITED_CAPTION), read_keyboard(call))


def edit_message_reply_markup(state: TelegramState, call: Call) -> Json:
    message = _editable(state, call)
    return _edit(state, message, Formatted(message.text, message.entities), read_keyboard(call))


def delete_message(state: TelegramState, call: Call) -> bool:
    """Delete an own message, or anyone's in private chats and as an administrator. None older than 48 hours."""
    chat = state.writable(call.chat_id)
    message = chat.message(call.number("message_id", 0))
    if message is None:
        raise bad_request("message to delete not found")
    may = (
        message.sender is state.bot or chat.kind == "private" or chat.status(state.bot) in ADMINISTRATORS
    ) and not message.service
    if not may:
        raise bad_request("message can't be deleted")
    if state.clock() - message.date > DELETABLE_FOR:
        raise bad_request("message can't be deleted for everyone")
    state.delete(message)
    return True


def answer_callback_query(state: TelegramState, call: Call) -> bool:
    text = call.text("text")
    if units(text) > MAX_ANSWER_LENGTH:
        raise bad_request("MESSAGE_TOO_LONG")
    press = state.open_press(call.text("callback_query_id"), state.clock())
    if press is None:
        raise bad_request(QUERY_TOO_OLD)
    press.answer = Answer(text, call.flag("show_alert"), call.text("url") or None)
    state.events.publish(PressAnswered(press.message.chat, press))
    return True


def _editable(state: TelegramState, call: Call) -> Message:
    chat = state.writable(call.chat_id)
    message = chat.message(call.number("message_id", 0))
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender is not state.bot:
        raise bad_request("message can't be edited")
    return message


def _edit(state: TelegramState, message: Message, content: Formatted, keyboard: Keyboard) -> Json:
    """Replace content and keyboard. Without a keyboard in the call, the message loses its old one."""
    if (content.text, content.entities, keyboard) == (message.text, message.entities, message.keyboard):
        raise bad_request(NOT_MODIFIED)
    message.text, message.entities, message.keyboard = content.text, content.entities, keyboard
    message.edited_at = state.clock()
    state.events.publish(MessageEdited(message.chat, message))
    return message_json(message)


METHODS = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "answerCallbackQuery": answer_callback_query,
}
