"""A person and their actions: write, press, edit, block, administer groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs, urlsplit

from bot.sandbox.telegram.calls import Upload
from bot.sandbox.telegram.events import MessageEdited
from bot.sandbox.telegram.formatting import Formatted, trimmed, with_found
from bot.sandbox.telegram.menus import Command
from bot.sandbox.telegram.models import (
    ADMINISTRATORS,
    GENERAL_TOPIC,
    PRESENT,
    Chat,
    ChatKind,
    MemberStatus,
    Message,
    Topic,
    User,
)
from bot.sandbox.telegram.presses import Press
from bot.sandbox.telegram.state import TelegramState


class Person:
    """A user of the sandbox's Telegram, with the actions that Telegram's apps offer.

    Other actions, such as writing to a foreign chat or pressing a missing button, raise :class:`PermissionError` or
    :class:`LookupError`.
    """

    def __init__(self, state: TelegramState, user: User) -> None:
        self.user = user
        self._state = state

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return f"{self.user.first_name} {self.user.last_name}".strip()

    # --- Writing ----------------------------------------------------------------------------------------------------

    def send(self, chat: Chat, text: str, *, topic: int | None = None, reply_to: Message | None = None) -> Message:
        """Write a message. The first one in a private chat starts the bot."""
        return self._post(chat, text, topic=topic, reply_to=reply_to)

    def send_anonymously(self, chat: Chat, text: str) -> Message:
        """Write as an anonymous administrator, in the name of the group."""
        self._check_administrator(chat)
        return self._post(chat, text, in_name_of=chat)

    def send_file(self, chat: Chat, name: str, content: bytes, caption: str = "") -> Message:
        return self._post(chat, caption, file=Upload(name, "", content))

    def send_album(self, chat: Chat, names: Sequence[str], captions: Sequence[str] = ()) -> list[Message]:
        """Send files together. Each is a message of its own; those without a caption of their own have none."""
        album = str(next(self._state.album_ids))
        given = [*captions, *[""] * len(names)][: len(names)]
        files = [(Upload(name, "", b"content"), caption) for name, caption in zip(names, given, strict=True)]
        return [self._post(chat, caption, file=file, album=album) for file, caption in files]

    def edit(self, message: Message, text: str) -> None:
        if message.sender is not self.user:
            raise PermissionError("only one's own messages can be edited")
        content = with_found(trimmed(Formatted(text)))
        message.text, message.entities, message.edited_at = content.text, content.entities, self._state.clock()
        self._state.events.publish(MessageEdited(message.chat, message))
        self._state.receive(message, "edited_message")

    def delete(self, message: Message) -> None:
        """Delete a message for everybody. The bot gets no update."""
        self._state.delete(message)

    # --- Pressing ---------------------------------------------------------------------------------------------------

    def press(self, message: Message, label: str) -> Press:
        """Press the button with this text or callback data. Await ``answered()`` of the returned press."""
        if message.chat.migrated_to is None:  # the buttons of a former group still work
            self._check_can_write(message.chat)
        button = message.button(label)
        if button.data is None:
            raise LookupError(f"{label!r} opens {button.url} and tells the bot nothing")
        return self._state.press(self.user, message, button.data)

    def press_twice_delivered(self, message: Message, label: str) -> tuple[Press, Press]:
        """Press once, but let it reach the bot twice under different update ids (tdlib/telegram-bot-api issue #699).

        An app that loses its connection before the answer sends the query again. The server takes it for a new one.
        """
        return self.press(message, label), self.press(message, label)

    def forge(self, message: Message, data: str) -> Press:
        """Send callback data that no button has, as a modified app can."""
        return self._state.press(self.user, message, data)

    def follow(self, message: Message, label: str) -> Message:
        """Follow a button's deep link into the private chat with the bot, and start it there."""
        url = urlsplit(message.button(label).url or "")
        if (url.netloc, url.path) != ("t.me", f"/{self._state.bot.username}"):
            raise LookupError(f"{label!r} leads to {url.geturl()!r}, not to the bot")
        (payload,) = parse_qs(url.query)["start"]
        return self.send(self._state.private_chat(self.user), f"/start {payload}")

    # --- The bot in private -----------------------------------------------------------------------------------------

    def block(self) -> None:
        """Block the bot. It can't write any more, and gets an update about it."""
        self._state.set_bot_status(self._state.private_chat(self.user), self.user, "kicked")

    def unblock(self) -> None:
        self._state.set_bot_status(self._state.private_chat(self.user), self.user, "member")

    # --- Groups -----------------------------------------------------------------------------------------------------

    def create_group(
        self,
        title: str,
        *,
        members: Iterable[Person] = (),
        administrators: Iterable[Person] = (),
        supergroup: bool = False,
        forum: bool = False,
    ) -> Chat:
        """Create a group without the bot (see :meth:`set_bot_status`). A forum is a supergroup with topics."""
        chat = self._state.add_group("supergroup" if supergroup or forum else "group", title, is_forum=forum)
        chat.set_members([self.user], "creator")
        chat.set_members([person.user for person in administrators], "administrator")
        chat.set_members([person.user for person in members], "member")
        return chat

    def set_bot_status(self, chat: Chat, status: MemberStatus) -> None:
        """Add the bot (``member``), promote it (``administrator``), remove it (``left``) or ban it (``kicked``).

        A ``restricted`` bot may not write.
        """
        self._check_administrator(chat)
        self._state.set_bot_status(chat, self.user, status)

    def upgrade(self, chat: Chat, says_so: Iterable[ChatKind] = ("group", "supergroup")) -> Chat:
        """Turn a group into a supergroup and return the new chat.

        A service message ``says_so`` in each of the two. They may come in any order, and the bot may miss them.
        """
        self._check_administrator(chat)
        if chat.kind != "group" or chat.migrated_to is not None:
            raise PermissionError("only a basic group becomes a supergroup, and once")
        new = self._state.upgrade(chat)
        for kind in says_so:
            self.say_upgraded(chat, kind)
        return new

    def say_upgraded(self, group: Chat, where: ChatKind) -> None:
        """Let Telegram say in the former group, or in the supergroup, that the one became the other."""
        new = group.migrated_to
        if new is None:
            raise LookupError(f"{group} is no former group")
        if where == "group":
            message = self._state.post(group, self.user, service={"migrate_to_chat_id": new.id})
        else:
            message = self._state.post(new, self.user, service={"migrate_from_chat_id": group.id})
        self._state.receive(message)

    def open_topic(self, chat: Chat, name: str) -> int:
        """Open a topic in a supergroup and return its ``message_thread_id``. The first topic makes it a forum."""
        self._check_administrator(chat)
        if chat.kind != "supergroup":
            raise PermissionError("only a supergroup has topics")
        if not chat.is_forum:
            chat.is_forum, chat.topics = True, {GENERAL_TOPIC: Topic(GENERAL_TOPIC, "General")}
        return chat.add_topic(name)

    def menu(self, chat: Chat) -> tuple[Command, ...]:
        """Return the bot's commands that the app offers in this chat."""
        return self._state.menus.seen_by(self.user, chat)

    # --- Within -----------------------------------------------------------------------------------------------------

    def _post(
        self,
        chat: Chat,
        text: str,
        *,
        topic: int | None = None,
        reply_to: Message | None = None,
        file: Upload | None = None,
        in_name_of: Chat | None = None,
        album: str = "",
    ) -> Message:
        self._check_can_write(chat)
        if chat.kind == "private" and chat.status(self._state.bot) is None:
            chat.set_members([self._state.bot], "member")
        content = with_found(trimmed(Formatted(text)))
        message = self._state.post(
            chat,
            self.user,
            text=content.text,
            entities=content.entities,
            document=self._state.store_file(file) if file else None,
            album=album,
            topic_id=None if topic == GENERAL_TOPIC else topic,
            thread_id=_thread(chat, topic, reply_to),
            reply_to=reply_to,
            in_name_of=in_name_of,
        )
        self._state.receive(message)
        return message

    def _check_can_write(self, chat: Chat) -> None:
        if chat.status(self.user) not in PRESENT:
            raise PermissionError(f"{self.name} isn't in {chat}")
        if chat.kind == "private" and chat.status(self._state.bot) == "kicked":
            raise PermissionError(f"{self.name} has blocked the bot")
        if chat.migrated_to is not None or chat.deleted:
            raise PermissionError(f"{chat} no longer exists")

    def _check_administrator(self, chat: Chat) -> None:
        if chat.status(self.user) not in ADMINISTRATORS:
            raise PermissionError(f"{self.name} isn't an administrator of {chat}")


def _thread(chat: Chat, topic: int | None, reply_to: Message | None) -> int | None:
    """Return the ``message_thread_id``: a topic, or in a supergroup the message at the beginning of the replies."""
    if chat.is_forum:
        return None if topic == GENERAL_TOPIC else topic
    if chat.kind == "supergroup" and reply_to is not None:
        return reply_to.thread_id or reply_to.id
    return None
