"""One update as a handler sees it: who speaks, where, in which language, and how to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from markupsafe import Markup
from telegram import Bot, CallbackQuery, Message, Update
from telegram.constants import ChatType
from telegram.ext import CallbackContext

from bot.chat import sending
from bot.chat.account_marks import finished, slot_in, without_slot
from bot.chat.screens import POPUP_LIMIT, Button, Rows, Screen, cut, length, one_line
from bot.chat.texts import Texts, TextsFor
from bot.domain.chats import Chat, Member, Place
from bot.errors import (
    AlreadyUnderWay,
    AnonymousPerson,
    BotError,
    ChatMigrated,
    ConfirmationExpired,
    InvitationVoid,
    MessengerError,
    QuestionOver,
)
from bot.ports import Document, Sleep

T = TypeVar("T")

LibraryContext = CallbackContext[Any, Any, Any, Any]
Edit = Callable[[Bot, Place, int, Screen], Awaitable[bool]]

MAX_NAME_LENGTH = 64
"""How much of a person's name, or of a group's title, is kept and shown."""


@dataclass(slots=True)
class Context:
    """What a handler needs to answer a message or a press of a button.

    ``words`` are the arguments of a command, or a button's callback data after its first colon, split at colons.
    ``query`` is set for a press. ``sender_chat_id`` is set if a message was written in the name of a chat: by an
    anonymous administrator, or through a channel.

    ``chat`` is the chat with one of its ``accounts``. A button says which one it is about (``slot``).

    ``unreadable``: what is stored of the chat is damaged, so ``chat`` is empty. Only /unlink gets this far.

    Answers are retried while Telegram asks for a pause or finds no connection; ``sleep`` waits in between. If Telegram
    refuses one because the chat has a new id, it is sent there, once, and ``moved_to`` is that id. The methods raise
    :class:`bot.errors.MessengerError` if an answer could not be sent.
    """

    bot: Bot
    chat: Chat
    place: Place
    user_id: int
    private: bool
    texts_for: TextsFor
    words: list[str]
    message: Message | None
    query: CallbackQuery | None = None
    user_name: str = ""
    sender_chat_id: int | None = None
    sleep: Sleep = asyncio.sleep
    moved_to: int | None = None
    unreadable: bool = False
    accounts: Sequence[Chat] = ()
    _texts: Texts | None = field(default=None)
    _answered: bool = field(default=False)

    @property
    def person(self) -> Member:
        """The person who speaks. Raise :class:`AnonymousPerson` if the message does not show that."""
        if self.sender_chat_id is not None:
            raise AnonymousPerson
        return Member(self.user_id, self.user_name)

    @property
    def text(self) -> str:
        """What the person wrote: the text of a message, or the caption of a file."""
        return (self.message.text or self.message.caption or "") if self.message is not None else ""

    @property
    def message_id(self) -> int | None:
        """The message's id. None: there is no message, or it stands under the chat's old id and can't be changed."""
        here = self.message is not None and self.message.chat.id == self.place.chat_id
        return self.message.message_id if self.message is not None and here else None

    @property
    def buttons(self) -> Rows:
        """The buttons below the message."""
        markup = self.message.reply_markup if self.message is not None else None
        rows = markup.inline_keyboard if markup else ()
        read = [[Button.read(button) for button in row] for row in rows]
        return [[replace(button, data=without_slot(button.data)) for button in row] for row in read]

    @property
    def slot(self) -> int | None:
        """The account that the button is about. None: it does not say, or nothing was pressed."""
        return slot_in(self.query.data or "") if self.query is not None else None

    @property
    def t(self) -> Texts:
        """The texts for the chat. They are made when they are first needed: once it is known which account is meant."""
        if self._texts is None:
            self._texts = self.texts_for(self.chat)
        return self._texts

    def use(self, chat: Chat) -> None:
        """Let handlers work on this account of the chat, under the id that it has by now."""
        self.chat, self.place, self._texts = chat, self.place.in_chat(chat.id), None

    async def reply(self, screen: Screen) -> int:
        """Send a new message. Return its id."""
        whole = finished(self.t, screen)
        return await self._here(lambda place: sending.send(self.bot, place, whole))

    async def reply_with_picture(self, screen: Screen, picture: bytes) -> int:
        """Send a picture, with the screen below it. Return the message's id."""
        return (
            await self._here(lambda place: sending.send_picture(self.bot, place, finished(self.t, screen), picture))
        ).message_id

    async def send_document(
        self,
        document: Document | str,
        below: Screen = sending.NOTHING,
        *,
        protected: bool = False,
        elsewhere: Place | None = None,
    ) -> str:
        """Send a file, here or elsewhere, with a screen below it. Return the id under which it can be sent again.

        One that is ``protected`` can't be forwarded or saved.

        Raise as :func:`bot.chat.sending.send_document`.
        """

        def send(place: Place) -> Awaitable[Message]:
            return sending.send_document(
                self.bot, elsewhere or place, document, finished(self.t, below), protected=protected
            )

        return sending.file_id_of(await self._here(send))

    async def show(self, screen: Screen) -> int:
        """Put a screen into the message whose button was pressed. After a command, send it. Return the message's id."""
        if self.query is not None and self.message_id is not None and await self._edited(sending.edit, screen):
            return self.message_id
        return await self.reply(screen)

    async def edit(self, message_id: int, screen: Screen) -> bool:
        """Put a screen into one of the bot's messages here. Return False if it is out of reach."""
        return await self._edited(sending.edit, screen, message_id)

    async def show_buttons(self, rows: Rows) -> None:
        """Put other buttons below the message whose button was pressed. If the chat has moved, send it once more."""
        await self._edited(sending.edit_buttons, Screen(Markup(""), rows))
        if rows and self.message is not None and self.message_id is None and self.message.text:
            await self.reply(Screen(Markup(self.message.text_html), rows))  # noqa: S704  # the library has escaped it

    async def answer_press(self, text: str = "", *, alert: bool = False) -> bool:
        """Stop the button's spinner, with a short text if given. Return False without a press, or if it is too late.

        The press itself counts even if the answer is too late.
        """
        if self.query is None or self._answered:
            return False
        self._answered = True
        answer = partial(sending.answer_press, self.query, cut(text, POPUP_LIMIT), alert=alert)
        return await sending.retry_unsent(answer, self.sleep, idempotent=True)

    async def tell(self, text: Markup, *, alert: bool = True) -> None:
        """Say a sentence: after a press in a pop-up if it fits there, else in a message."""
        screen = finished(self.t, Screen(text))
        is_message = bool(screen.rows) or length(text) > POPUP_LIMIT
        if is_message or not await self.answer_press(text.striptags(), alert=alert):
            await self.reply(Screen(text))

    async def explain(self, error: BotError) -> None:
        """Say what went wrong.

        If a button was used before, say so in a pop-up or not at all. After a crash, an answered press can come again,
        and its message already shows the result.
        """
        text = self.t.error(error)
        pressed = without_slot(self.query.data or "") if self.query is not None else None
        own = {button.data for row in self.buttons for button in row if button.data}
        if isinstance(error, QuestionOver | InvitationVoid) and pressed in own:  # forged data take no buttons away
            await self.show_buttons([])
        if self.query is not None and isinstance(error, ConfirmationExpired):
            await self.answer_press(text.striptags(), alert=not isinstance(error, AlreadyUnderWay))
        else:
            await self.tell(text)

    async def delete_message(self) -> bool:
        """Delete what the person wrote. Return False if that fails."""
        if self.message is None:
            return False
        try:
            return await sending.retry_unsent(partial(sending.delete, self.message), self.sleep, idempotent=True)
        except MessengerError:
            return False

    async def _edited(self, edit: Edit, screen: Screen, message_id: int | None = None) -> bool:
        """Edit the message, or another one here. Return False if it is out of reach."""
        message_id = message_id or self.message_id
        if message_id is None:
            return False
        attempt = partial(edit, self.bot, self.place, message_id, finished(self.t, screen))
        try:
            return await sending.retry_unsent(attempt, self.sleep, idempotent=True)
        except ChatMigrated as error:
            self._move(error)
            return False

    async def _here(self, send: Callable[[Place], Awaitable[T]]) -> T:
        """Send something to this place. If the chat has a new id, send it there, once."""
        try:
            return await sending.retry_unsent(lambda: send(self.place), self.sleep)
        except ChatMigrated as error:
            self._move(error)
            return await sending.retry_unsent(lambda: send(self.place), self.sleep)

    def _move(self, error: ChatMigrated) -> None:
        self.moved_to = error.new_chat_id
        self.place = self.place.in_chat(error.new_chat_id)


def context_of(update: Update, library_context: LibraryContext, texts_for: TextsFor) -> Context | None:
    """Return an update's context, knowing of its chat only what the update tells. None: it has no chat or no user."""
    chat, user, message = update.effective_chat, update.effective_user, update.effective_message
    if chat is None or user is None:
        return None
    # A plain reply has a thread id too. Only the messages of a topic count.
    topic_id = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
    speaker = Chat(chat.id, telegram_language=user.language_code or None)
    written = update.message or update.edited_message  # a button is pressed in one's own name
    sender_chat = written.sender_chat if written else None
    return Context(
        bot=library_context.bot,
        chat=speaker,
        place=Place(chat.id, topic_id),
        user_id=user.id,
        private=chat.type == ChatType.PRIVATE,
        texts_for=texts_for,
        words=_words(update, library_context),
        # After a press, python-telegram-bot represents a deleted message as a Message without content.
        message=message if isinstance(message, Message) and message.is_accessible else None,
        query=update.callback_query,
        user_name=one_line(user.full_name, MAX_NAME_LENGTH),
        sender_chat_id=sender_chat.id if sender_chat else None,
    )


def _words(update: Update, library_context: LibraryContext) -> list[str]:
    if update.callback_query is not None:
        return (update.callback_query.data or "").split(":")[1:]
    if library_context.args is None or update.message is None:
        return []
    return words_behind(update.message)


def words_behind(message: Message) -> list[str]:
    """Return the words behind a command. Of ``/link:TOKEN`` the library says that there are none."""
    text, command = message.text or "", next(iter(message.entities), None)
    return text[command.length :].lstrip(":=").split() if command is not None else []
