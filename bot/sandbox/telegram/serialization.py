"""The Bot API's objects in JSON (https://core.telegram.org/bots/api#available-types)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.sandbox.telegram.models import Button, Chat, Keyboard, Member, Message, StoredFile, User
from bot.sandbox.telegram.presses import Press

_NO_RIGHTS = ("can_be_edited", "is_anonymous")
_RIGHTS = (
    "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members",
    "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
    "can_pin_messages", "can_manage_topics", "can_send_welcome_messages",
)  # fmt: skip
_MEMBERS_RIGHTS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics",
    "can_edit_tag", "can_react_to_messages",
)  # fmt: skip
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")

Json = dict[str, object]

ANONYMOUS: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
"""Telegram's placeholder for a person who writes in the name of a group."""


def timestamp(instant: datetime) -> int:
    return int(instant.timestamp())


def user_json(user: User) -> Json:
    optional = {
        "last_name": user.last_name,
        "username": user.username,
        "language_code": None if user.is_bot else user.language_code,
    }
    return {"id": user.id, "is_bot": user.is_bot, "first_name": user.first_name} | _given(optional)


def chat_json(chat: Chat) -> Json:
    if chat.kind == "private":
        person = chat.members[chat.id].user
        named = {"first_name": person.first_name, "last_name": person.last_name, "username": person.username}
        return {"id": chat.id, "type": chat.kind} | _given(named)
    return {"id": chat.id, "type": chat.kind, "title": chat.title} | _given({"is_forum": chat.is_forum})


def full_chat_json(chat: Chat) -> Json:
    """Return a ``ChatFullInfo`` with its required fields."""
    return chat_json(chat) | {
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(_GIFTS, False),
    }


def member_json(member: Member) -> Json:
    content: Json = {"user": user_json(member.user), "status": member.status}
    if member.status == "creator":
        content["is_anonymous"] = False
    elif member.status == "administrator":
        content |= dict.fromkeys(_NO_RIGHTS, False) | dict.fromkeys(_RIGHTS, True)
    elif member.status == "restricted":
        content |= {"is_member": True, "until_date": 0} | dict.fromkeys(_MEMBERS_RIGHTS, False)
    elif member.status == "kicked":
        content["until_date"] = 0
    return content


def membership_json(chat: Chat, by: User, old: Member, new: Member, at: datetime) -> Json:
    return {
        "chat": chat_json(chat),
        "from": user_json(by),
        "date": timestamp(at),
        "old_chat_member": member_json(old),
        "new_chat_member": member_json(new),
    }


def keyboard_json(keyboard: Keyboard) -> Json:
    return {"inline_keyboard": [[_button_json(button) for button in row] for row in keyboard]}


def document_json(file: StoredFile) -> Json:
    return file_json(file) | {"file_name": file.name, "mime_type": file.mime_type}


def photo_json(file: StoredFile) -> Json:
    """Return a picture. The size of a PNG stands in its header."""
    width, height = (int.from_bytes(file.content[at : at + 4], "big") for at in (16, 20))
    return file_json(file) | {"width": width, "height": height}


def file_json(file: StoredFile) -> Json:
    return {"file_id": file.id, "file_unique_id": file.unique_id, "file_size": len(file.content)}


def message_json(message: Message, *, with_reply: bool = True) -> Json:
    """Return a message, including the message it replies to, but no further replies within that one."""
    content: Json = {
        "message_id": message.id,
        "from": ANONYMOUS if message.in_name_of else user_json(message.sender),
        "chat": chat_json(message.chat),
        "date": timestamp(message.date),
    }
    text, entities = ("caption", "caption_entities") if message.document else ("text", "entities")
    content |= _given(
        {
            text: message.text,
            entities: [entity.as_json() for entity in message.entities],
            "document": message.document and not message.photo and document_json(message.document),
            "photo": message.document and message.photo and [photo_json(message.document)],
            "media_group_id": message.album,
            "message_thread_id": message.thread_id,
            "is_topic_message": message.topic_id is not None,
            "edit_date": message.edited_at and timestamp(message.edited_at),
            "reply_markup": message.keyboard and keyboard_json(message.keyboard),
            "has_protected_content": message.protected,
            "sender_chat": message.in_name_of and chat_json(message.in_name_of),
        }
    )
    if with_reply and message.reply_to:
        content["reply_to_message"] = message_json(message.reply_to, with_reply=False)
    elif with_reply and message.topic_id:
        content["reply_to_message"] = _topic_json(message, message.topic_id)
    return content | message.service


def _topic_json(message: Message, topic_id: int) -> Json:
    """Return the topic's first message. In a topic, every message that is no reply is sent as a reply to it."""
    return {
        "message_id": topic_id,
        "from": user_json(message.sender),
        "chat": chat_json(message.chat),
        "date": timestamp(message.date),
        "forum_topic_created": {"name": message.chat.topics[topic_id].name, "icon_color": 7322096},
    }


def press_json(press: Press) -> Json:
    message = press.message
    gone: Json = {"chat": chat_json(message.chat), "message_id": message.id, "date": 0}
    return {
        "id": press.id,
        "from": user_json(press.user),
        "message": gone if message.deleted else message_json(message),
        "chat_instance": str(-message.chat.id),
        "data": press.data,
    }


def _button_json(button: Button) -> Json:
    copied = {"text": button.copied} if button.copied else None
    optional = {"callback_data": button.data, "url": button.url, "copy_text": copied, "style": button.style}
    return {"text": button.text} | _given(optional)


def _given(optional: Mapping[str, object]) -> Json:
    """Drop empty fields. The Bot API omits what does not apply."""
    return {name: value for name, value in optional.items() if value}
