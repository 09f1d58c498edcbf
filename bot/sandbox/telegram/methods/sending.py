"""The methods that send something to a chat, and those for files."""

from __future__ import annotations

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import bad_request
from bot.sandbox.telegram.events import ActionShown
from bot.sandbox.telegram.formatting import Formatted
from bot.sandbox.telegram.message_parameters import (
    SENT_CAPTION,
    SENT_TEXT,
    read_caption,
    read_force_reply,
    read_keyboard,
    read_reply,
    read_text,
)
from bot.sandbox.telegram.models import Chat, Message, StoredFile
from bot.sandbox.telegram.serialization import Json, file_json, message_json
from bot.sandbox.telegram.state import TelegramState

PNG = b"\x89PNG\r\n\x1a\n"
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024
CHAT_ACTIONS = frozenset(
    {"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
     "choose_sticker", "find_location", "record_video_note", "upload_video_note"}
)  # fmt: skip
_ATTACHED = "attach://"


def send_message(state: TelegramState, call: Call) -> Json:
    chat = state.writable(call.chat_id)
    return message_json(_post(state, call, chat, read_text(call, SENT_TEXT)))


def send_document(state: TelegramState, call: Call) -> Json:
    """Send a file: an upload (in ``document``, or named there by ``attach://``), or an earlier file by its id."""
    chat = state.writable(call.chat_id)
    caption = read_caption(call, SENT_CAPTION)
    return message_json(_post(state, call, chat, caption, _file(state, call, "document")))


def send_photo(state: TelegramState, call: Call) -> Json:
    """Send a picture: an upload, in ``photo`` or named there by ``attach://``. The sandbox takes PNGs only."""
    chat = state.writable(call.chat_id)
    caption = read_caption(call, SENT_CAPTION)
    photo = _file(state, call, "photo")
    if not photo.content.startswith(PNG):
        raise bad_request("IMAGE_PROCESS_FAILED")
    return message_json(_post(state, call, chat, caption, photo, is_photo=True))


def send_chat_action(state: TelegramState, call: Call) -> bool:
    chat = state.writable(call.chat_id)
    action = call.text("action")
    if action not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    state.events.publish(ActionShown(chat, action, state.topic(chat, call.integer("message_thread_id"))))
    return True


def get_file(state: TelegramState, call: Call) -> Json:
    file = state.files.get(call.text("file_id"))
    if file is None:
        raise bad_request("invalid file_id")
    if len(file.content) > MAX_DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return file_json(file) | {"file_path": file.path}


def _file(state: TelegramState, call: Call, field: str) -> StoredFile:
    given = call.text(field)
    upload = call.uploads.get(given.removeprefix(_ATTACHED) if given.startswith(_ATTACHED) else field)
    if upload is not None:
        if not upload.content:
            raise bad_request("file must be non-empty")
        return state.store_file(upload)
    if not given:
        raise bad_request(f"there is no {field} in the request")
    if given not in state.files:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return state.files[given]


def _post(
    state: TelegramState,
    call: Call,
    chat: Chat,
    content: Formatted,
    document: StoredFile | None = None,
    *,
    is_photo: bool = False,
) -> Message:
    state.check_may_write(chat)
    thread_id = call.integer("message_thread_id")
    reply_to, keyboard = read_reply(call, chat), read_keyboard(call)
    topic_id = state.topic(chat, thread_id, reply_to)
    return state.post(
        chat,
        state.bot,
        text=content.text,
        entities=content.entities,
        keyboard=keyboard,
        document=document,
        photo=is_photo,
        topic_id=topic_id,
        thread_id=thread_id,
        reply_to=reply_to,
        silent=call.flag("disable_notification"),
        force_reply=read_force_reply(call),
        protected=call.flag("protect_content"),
    )


METHODS = {
    "sendMessage": send_message,
    "sendDocument": send_document,
    "sendPhoto": send_photo,
    "sendChatAction": send_chat_action,
    "getFile": get_file,
}
