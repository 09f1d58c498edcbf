"""The state behind the sandbox's Bot API, and the rules for changing it."""

from __future__ import annotations

import base64
import mimetypes
from datetime import datetime
from itertools import count
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from bot.ports import Clock
from bot.sandbox.telegram.calls import Upload
from bot.sandbox.telegram.errors import NO_RIGHT_TO_WRITE, ApiError, bad_request, forbidden, upgraded
from bot.sandbox.telegram.event_bus import EventBus
from bot.sandbox.telegram.events import ButtonPressed, MembershipChanged, MessageDeleted, MessageSent, UpdatesConfirmed
from bot.sandbox.telegram.menus import Menus
from bot.sandbox.telegram.models import (
    ADMINISTRATORS,
    GENERAL_TOPIC,
    PRESENT,
    Chat,
    ChatKind,
    Member,
    MemberStatus,
    Message,
    StoredFile,
    User,
)
from bot.sandbox.telegram.presses import Press
from bot.sandbox.telegram.serialization import membership_json, message_json, press_json
from bot.sandbox.telegram.updates import UpdateQueue

_SUPERGROUPS_FROM = -1_000_000_000_000


class TelegramState:
    """Users, chats, files and updates around one bot.

    With ``privacy`` (the default of real bots) the bot sees only commands, replies to it and service messages of a
    group, unless it is an administrator there.
    """

    def __init__(self, clock: Clock, bot: User, *, privacy: bool = True) -> None:
        self.clock = clock
        self.bot = bot
        self.privacy = privacy
        self.events = EventBus()
        self.updates = UpdateQueue(clock, lambda: self.events.publish(UpdatesConfirmed()))
        self.menus = Menus()
        self.users: dict[int, User] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.presses: dict[str, Press] = {}
        self._numbers = count(1)
        self.album_ids = count(10_000_000_001)

    # --- Users and chats --------------------------------------------------------------------------------------------

    def add_user(self, first_name: str, last_name: str, username: str, language_code: str | None) -> User:
        user = User(1_000_000 + next(self._numbers), first_name, last_name, username, language_code)
        self.users[user.id] = user
        return user

    def private_chat(self, user: User) -> Chat:
        """Return the user's chat with the bot. The bot is no member until the user has started it."""
        if user.id not in self.chats:
            chat = self.chats[user.id] = Chat(user.id, "private", self.events)
            chat.set_members([user], "member")
        return self.chats[user.id]

    def add_group(self, kind: ChatKind, title: str, *, is_forum: bool = False) -> Chat:
        number = next(self._numbers)
        chat_id = -number if kind == "group" else _SUPERGROUPS_FROM - number
        chat = self.chats[chat_id] = Chat(chat_id, kind, self.events, title=title, is_forum=is_forum)
        return chat

    def set_bot_status(self, chat: Chat, by: User, status: MemberStatus) -> None:
        """Change the bot's status in a chat, and queue an update about it."""
        old = chat.members.get(self.bot.id, Member(self.bot, "left"))
        if old.status == status:
            return
        new = chat.members[self.bot.id] = Member(self.bot, status)
        self.updates.add("my_chat_member", membership_json(chat, by, old, new, self.clock()))
        self.events.publish(MembershipChanged(chat))

    def upgrade(self, chat: Chat) -> Chat:
        """Turn a group into a supergroup: a new chat with a new id."""
        new = self.add_group("supergroup", chat.title)
        new.members = dict(chat.members)
        chat.migrated_to = new
        self.events.publish(MembershipChanged(chat))
        return new

    # --- Messages ---------------------------------------------------------------------------------------------------

    def post(self, chat: Chat, sender: User, **content: Any) -> Message:
        """Add a message to a chat. ``content`` holds fields of :class:`Message`."""
        message = Message(chat.next_id(), chat, sender, self.clock(), **content)
        chat.history.append(message)
        self.events.publish(MessageSent(chat, message))
        return message

    def delete(self, message: Message) -> None:
        message.deleted = True
        if message in message.chat.pinned:
            message.chat.pinned.remove(message)
        self.events.publish(MessageDeleted(message.chat, message))

    def receive(self, message: Message, kind: str = "message") -> None:
        """Queue an update about a person's message, if the bot may see it."""
        if self._is_seen(message):
            self.updates.add(kind, message_json(message))

    def press(self, user: User, message: Message, data: str) -> Press:
        press = Press(str(7_000_000_000 + next(self._numbers)), user, message, data, self.clock(), self.events)
        self.presses[press.id] = press
        self.events.publish(ButtonPressed(message.chat, press))
        self.updates.add("callback_query", press_json(press))
        return press

    def store_file(self, upload: Upload) -> StoredFile:
        """Keep a file. Its ids are permanent, and new for each upload."""
        number = len(self.files) + 1
        name = PureWindowsPath(PurePosixPath(upload.name).name).name or "file"
        mime_type = upload.mime_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        unique = base64.urlsafe_b64encode(f"sandbox{number:05d}".encode()).decode()
        path = f"documents/file_{number}{PurePosixPath(name).suffix}"
        file = StoredFile(f"BQACAgIAAxk{unique}", f"AgAD{unique}", name, mime_type, path, upload.content)
        self.files[file.id] = file
        return file

    def _is_seen(self, message: Message) -> bool:
        status = message.chat.status(self.bot)
        if status not in PRESENT:
            return False
        if message.chat.kind == "private" or status in ADMINISTRATORS or not self.privacy or message.service:
            return True
        is_reply = message.reply_to is not None and message.reply_to.sender is self.bot
        word = message.text.split(maxsplit=1)[0] if message.text.startswith("/") else ""
        _, at, name = word.partition("@")
        return is_reply or (bool(word) and (not at or name.lower() == self.bot.username.lower()))

    # --- What the bot may do ----------------------------------------------------------------------------------------

    def chat(self, chat_id: int | None) -> Chat:
        """Return a chat. Raise :class:`ApiError` if there is none."""
        chat = self.chats.get(chat_id) if chat_id is not None else None
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def writable(self, chat_id: int | None) -> Chat:
        """Return a chat that the bot may write to now. Otherwise raise :class:`ApiError` with the reason."""
        chat = self.chat(chat_id)
        if chat.migrated_to is not None:
            raise upgraded(chat.migrated_to.id)
        if chat.deleted:
            raise forbidden("the group chat was deleted")
        status = chat.status(self.bot)
        if chat.kind == "private":
            self._check_private(chat.members[chat.id].user, status)
        elif status not in PRESENT:
            was = "bot was kicked from" if status == "kicked" else "bot is not a member of"
            raise forbidden(f"{was} the {chat.kind} chat")
        return chat

    def topic(self, chat: Chat, thread_id: int | None, reply_to: Message | None = None) -> int | None:
        """Return the topic for a ``message_thread_id``; None outside topics. A reply alone leads into its topic."""
        if thread_id is None and reply_to is not None:
            thread_id = reply_to.topic_id
        if not chat.is_forum:
            if thread_id is not None and (chat.kind != "supergroup" or chat.message(thread_id) is None):
                raise _no_thread()
            return None
        topic = chat.topics.get(GENERAL_TOPIC if thread_id is None else thread_id)
        # A message to the General topic has no topic id. The server refuses General's own id.
        if topic is None or topic.deleted or thread_id == GENERAL_TOPIC:
            raise _no_thread()
        if topic.closed and chat.status(self.bot) not in ADMINISTRATORS:
            raise bad_request("TOPIC_CLOSED")
        return thread_id

    def check_may_write(self, chat: Chat) -> None:
        """Raise :class:`ApiError` unless the bot may write new messages, beside changing its own."""
        status = chat.status(self.bot)
        if status == "restricted" or (chat.closed and status not in ADMINISTRATORS):
            raise bad_request(NO_RIGHT_TO_WRITE)

    def open_press(self, query_id: str, now: datetime) -> Press | None:
        press = self.presses.get(query_id)
        return press if press and press.open_at(now) else None

    @staticmethod
    def _check_private(user: User, status: MemberStatus | None) -> None:
        if user.deactivated:
            raise forbidden("user is deactivated")
        if status == "kicked":
            raise forbidden("bot was blocked by the user")
        if status is None:
            raise forbidden("bot can't initiate conversation with a user")


def _no_thread() -> ApiError:
    return bad_request("message thread not found")
