"""The objects of the sandbox's Telegram: users, chats, messages, files, buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.sandbox.telegram.event_bus import EventBus
from bot.sandbox.telegram.formatting import Entity

ChatKind = Literal["private", "group", "supergroup"]
MemberStatus = Literal["creator", "administrator", "member", "restricted", "left", "kicked"]
PRESENT: frozenset[MemberStatus] = frozenset({"creator", "administrator", "member", "restricted"})
ADMINISTRATORS: frozenset[MemberStatus] = frozenset({"creator", "administrator"})
GENERAL_TOPIC = 1
DEFAULT_TIMEOUT = 10.0
"""Seconds that a test waits for something that should happen at once."""


@dataclass(slots=True, eq=False)
class User:
    """A user of Telegram. If ``deactivated``, the account was deleted."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str | None = None
    is_bot: bool = False
    deactivated: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message. Pressing it sends ``data`` to the bot, opens ``url`` or copies ``copied``.

    ``style`` is ``danger``, ``success`` or ``primary``, or empty: as apps usually draw buttons.
    """

    text: str
    data: str | None = None
    url: str | None = None
    copied: str | None = None
    style: str = ""


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file. ``id`` is permanent: it can be used to send the file again."""

    id: str
    unique_id: str
    name: str
    mime_type: str
    path: str
    content: bytes = field(repr=False)


@dataclass(slots=True, eq=False)
class Message:
    """A message. ``text`` is the caption if there is a ``document``; ``entities`` belong to it.

    A ``photo`` is a document that Telegram shows as a picture.

    ``topic_id`` is set in a forum's topics other than General; ``thread_id`` also for replies in a supergroup.
    ``in_name_of`` is the chat that appears as the author: an anonymous administrator's group, or a channel.
    ``album`` is shared by the files of an album. ``service`` holds the content of a service message, by the Bot API's
    field names.
    """

    id: int
    chat: Chat
    sender: User
    date: datetime
    text: str = ""
    entities: tuple[Entity, ...] = ()
    keyboard: Keyboard = ()
    document: StoredFile | None = None
    photo: bool = False
    album: str = ""
    topic_id: int | None = None
    thread_id: int | None = None
    reply_to: Message | None = None
    in_name_of: Chat | None = None
    silent: bool = False
    protected: bool = False
    force_reply: bool = False
    service: dict[str, object] = field(default_factory=dict)
    edited_at: datetime | None = None
    deleted: bool = False

    @property
    def buttons(self) -> list[Button]:
        """All buttons, row by row."""
        return [button for row in self.keyboard for button in row]

    def button(self, label: str) -> Button:
        """Return the button with this text, or else with this callback data. Raise :class:`LookupError` if none has."""
        for button in self.buttons:
            if button.text == label:
                return button
        for button in self.buttons:
            if button.data == label:
                return button
        raise LookupError(f"no button {label!r} among {[button.text for button in self.buttons]}")

    def __repr__(self) -> str:
        return f"<message {self.id} from {self.sender.first_name}: {self.text!r}>"


@dataclass(slots=True)
class Topic:
    """A forum's topic."""

    id: int
    name: str
    closed: bool = False
    deleted: bool = False


@dataclass(slots=True)
class Member:
    """A member of a chat. One who is ``restricted`` may read, but not write."""

    user: User
    status: MemberStatus


class Chat:
    """A chat with all its messages.

    Set ``deleted`` to delete a group for everybody, ``closed`` to let only its administrators write, and
    ``pinning_restricted`` to let only them pin messages. ``pinned`` are the pinned messages, the latest last.

    A private chat has the id of its person. The bot is one of the ``members``. In a private chat it is missing until
    the person has started it, and ``kicked`` while it is blocked.
    """

    def __init__(
        self, chat_id: int, kind: ChatKind, events: EventBus, *, title: str = "", is_forum: bool = False
    ) -> None:
        self.id = chat_id
        self.kind = kind
        self.title = title
        self.is_forum = is_forum
        self.members: dict[int, Member] = {}
        self.topics: dict[int, Topic] = {GENERAL_TOPIC: Topic(GENERAL_TOPIC, "General")} if is_forum else {}
        self.history: list[Message] = []
        self.migrated_to: Chat | None = None
        self.deleted = False
        self.closed = False
        self.pinning_restricted = False
        self.pinned: list[Message] = []
        self._events = events
        self._last_id = GENERAL_TOPIC if is_forum else 0

    def next_id(self) -> int:
        """Return the id of the next message. Topics take one too."""
        self._last_id += 1
        return self._last_id

    @property
    def messages(self) -> list[Message]:
        """The visible messages, oldest first: all but the deleted ones."""
        return [message for message in self.history if not message.deleted]

    def message(self, message_id: int) -> Message | None:
        return next((m for m in self.history if m.id == message_id and not m.deleted), None)

    def status(self, user: User) -> MemberStatus | None:
        member = self.members.get(user.id)
        return member.status if member else None

    def set_members(self, users: Iterable[User], status: MemberStatus) -> None:
        for user in users:
            self.members[user.id] = Member(user, status)

    def add_topic(self, name: str) -> int:
        """Open a topic and return its ``message_thread_id``."""
        topic = Topic(self.next_id(), name)
        self.topics[topic.id] = topic
        return topic.id

    async def wait_for(
        self, predicate: Callable[[Message], bool], timeout: float = DEFAULT_TIMEOUT, *, after: Message | None = None
    ) -> Message:
        """Return the newest visible message that fits, as soon as there is one.

        With ``after``, only later messages count. Raise :class:`TimeoutError`, with the chat's content, if none comes.
        """
        first = after.id + 1 if after else 0

        def found() -> Message | None:
            return next((m for m in reversed(self.messages) if m.id >= first and predicate(m)), None)

        try:
            return await self._events.wait_until(found, timeout)
        except TimeoutError:
            shown = "\n".join(map(repr, self.messages)) or "nothing"
            raise TimeoutError(f"No message fits within {timeout} s. In the chat:\n{shown}") from None

    def __repr__(self) -> str:
        return f"<{self.kind} chat {self.id}>"
