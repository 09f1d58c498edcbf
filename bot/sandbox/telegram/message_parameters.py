"""Read a message's parts from a call's parameters, and check the server's limits."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import bad_request
from bot.sandbox.telegram.formatting import Entity, Formatted, ordered, trimmed, units, with_found
from bot.sandbox.telegram.html import parse_html
from bot.sandbox.telegram.models import Button, Chat, Keyboard, Message

MAX_TEXT_LENGTH = 4096
MAX_CAPTION_LENGTH = 1024
MAX_CALLBACK_DATA_BYTES = 64
MAX_BUTTONS = 100
MAX_COPIED_LENGTH = 256
_STYLES = frozenset({"", "danger", "success", "primary"})
_LINKS = frozenset({"http", "https", "tg"})


class Limit(NamedTuple):
    """A maximum length in UTF-16 code units after parsing, and the server's words if it is exceeded."""

    length: int
    refusal: str


SENT_TEXT = Limit(MAX_TEXT_LENGTH, "message is too long")
EDITED_TEXT = Limit(MAX_TEXT_LENGTH, "MESSAGE_TOO_LONG")
SENT_CAPTION = Limit(MAX_CAPTION_LENGTH, "message caption is too long")
EDITED_CAPTION = Limit(MAX_CAPTION_LENGTH, "MEDIA_CAPTION_TOO_LONG")


def read_text(call: Call, limit: Limit) -> Formatted:
    if not call.text("text"):
        raise bad_request("message text is empty")
    formatted = _formatted(call, "text", "entities", limit)
    if not formatted.text:
        raise bad_request("text must be non-empty")
    return formatted


def read_caption(call: Call, limit: Limit) -> Formatted:
    return _formatted(call, "caption", "caption_entities", limit)


def read_keyboard(call: Call) -> Keyboard:
    """Return the inline keyboard. It is empty if the markup is of another kind, which concerns the text field."""
    markup = call.structure("reply_markup", "reply keyboard markup")
    if markup is None:
        return ()
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    rows = markup.get("inline_keyboard", [])
    if not isinstance(rows, list):
        raise bad_request('field "inline_keyboard" must be of type Array')
    if not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    keyboard = tuple(tuple(_button(fields) for fields in row) for row in rows if row)
    if sum(map(len, keyboard)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return keyboard


def read_force_reply(call: Call) -> bool:
    """Return whether the person's app must open a reply to the message, as if they had chosen to."""
    markup = call.structure("reply_markup", "reply keyboard markup")
    return isinstance(markup, dict) and markup.get("force_reply") is True


def read_reply(call: Call, chat: Chat) -> Message | None:
    """Return the message to which the call replies."""
    fields = call.structure("reply_parameters", "reply parameters")
    if not fields:
        return None
    message = chat.message(int(fields.get("message_id", 0)))
    if message is None and not fields.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return message


def _formatted(call: Call, text: str, entities: str, limit: Limit) -> Formatted:
    mode = call.text("parse_mode").lower()
    if mode == "html":
        formatted = parse_html(call.text(text))
    elif mode:
        # The official server also knows Markdown. The bot does not use it.
        raise bad_request("unsupported parse_mode")
    else:
        given = call.structure_or_none(entities) or []
        formatted = Formatted(call.text(text), ordered([_entity(fields) for fields in given]))
    formatted = with_found(trimmed(formatted))
    if units(formatted.text) > limit.length:
        raise bad_request(limit.refusal)
    return formatted


def _entity(fields: dict[str, Any]) -> Entity:
    return Entity(
        str(fields["type"]),
        int(fields["offset"]),
        int(fields["length"]),
        url=fields.get("url"),
        language=fields.get("language"),
    )


def _button(fields: dict[str, Any]) -> Button:
    text, data, url = str(fields.get("text", "")), fields.get("callback_data"), fields.get("url")
    copied = _copied(fields.get("copy_text"))
    if data is url is copied is None:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if not text.strip():
        raise bad_request("inline keyboard button text must be non-empty")
    if data is not None and not 1 <= len(str(data).encode()) <= MAX_CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if url is not None and urlsplit(str(url)).scheme not in _LINKS:
        raise bad_request("BUTTON_URL_INVALID")
    style = str(fields.get("style") or "")
    if style not in _STYLES:
        raise bad_request("can't parse inline keyboard button: Button style is invalid")
    return Button(text, data, url, copied, style)


def _copied(fields: Any) -> str | None:
    if fields is None:
        return None
    text = str(fields.get("text", "")) if isinstance(fields, dict) else ""
    if not 1 <= units(text) <= MAX_COPIED_LENGTH:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    return text
