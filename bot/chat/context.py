"""One update, as a handler sees it: who speaks, where, in which language, and how to answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

from markupsafe import Markup
from telegram import Bot, CallbackQuery, Message, Update
from telegram.constants import ChatType
from telegram.error import TelegramError

from bot.chat import sending
from bot.chat.screens import POPUP_LIMIT, Button, Screen, cut, length
from bot.chat.texts import Texts
from bot.chat.views.snoozing import Rows, swapped
from bot.domain.chats import Chat, Member, Place
from bot.errors import AnonymousPerson, BotError, ConfirmationExpired
from bot.ports import Document

MAX_NAME_LENGTH = 64
"""How much of a person's name is kept and shown."""


@dataclass(slots=True)
class Context:
    """What a handler needs to answer a message or a press of a button.

    ``words`` are the arguments of a command, or what follows the first colon of a button's callback data, split at
    colons. ``query`` is set for a press. ``sender_chat_id`` is set where a message was written in the name of a chat:
    by an anonymous administrator, or through a channel. What Telegram holds off for a while, or what finds no
    connection, is tried again, and ``sleep`` waits for it.
    """

    bot: Bot
    chat: Chat
    place: Place
    user_id: int
    private: bool
    t: Texts
    words: list[str]
    message: Message | None
    query: CallbackQuery | None = None
    user_name: str = ""
    sender_chat_id: int | None = None
    sleep: sending.Sleep = asyncio.sleep
    _answered: bool = field(default=False)

    @property
    def person(self) -> Member:
        """Who speaks. Raises :class:`AnonymousPerson` where nobody can know."""
        if self.sender_chat_id is not None:
            raise AnonymousPerson
        return Member(self.user_id, self.user_name)

    async def reply(self, screen: Screen) -> None:
        """Send a new message."""
        await sending.retry(partial(sending.send, self.bot, self.place, screen), self.sleep)

    async def send_document(self, document: Document, elsewhere: Place | None = None) -> None:
        """Send a file, here or elsewhere. Raises as :func:`bot.chat.sending.send_document`."""
        place = elsewhere or self.place
        await sending.retry(partial(sending.send_document, self.bot, place, document), self.sleep)

    async def show(self, screen: Screen) -> None:
        """Put a screen into the message whose button was pressed; after a command, send it."""
        old = self.message if self.query is not None else None
        if old is not None:
            edit = partial(sending.edit, self.bot, self.place, old.message_id, screen)
            if await sending.retry(edit, self.sleep):
                return
        await self.reply(screen)

    async def swap(self, rows: Rows) -> None:
        """Put other buttons for putting reminders off below the message whose button was pressed."""
        if self.message is None:
            return
        markup = self.message.reply_markup
        old = [[Button(b.text, str(b.callback_data)) for b in row] for row in markup.inline_keyboard] if markup else []
        screen = Screen(Markup(""), swapped(old, rows))
        edit = partial(sending.edit_buttons, self.bot, self.place, self.message.message_id, screen)
        await sending.retry(edit, self.sleep)

    async def answer_press(self, text: str = "", *, alert: bool = False) -> bool:
        """Stop the button's spinner, with a short text if there is one; False if there is none or it is too late.

        Too late is no harm to the action itself. Raises :class:`bot.errors.MessengerError`.
        """
        if self.query is None or self._answered:
            return False
        self._answered = True
        answer = partial(sending.answer_press, self.query, cut(text, POPUP_LIMIT), alert=alert)
        return await sending.retry(answer, self.sleep)

    async def tell(self, text: Markup, *, alert: bool = True) -> None:
        """Say a sentence: as a pop-up after a press, if it fits there, else as a message."""
        if length(text) > POPUP_LIMIT or not await self.answer_press(text.striptags(), alert=alert):
            await self.reply(Screen(text))

    async def explain(self, error: BotError) -> None:
        """Say what went wrong.

        That a button was used already is said in a pop-up or not at all: a press that a crash lets come again was
        answered, and what came of it stands in the message.
        """
        text = self.t.error(error)
        if self.query is not None and isinstance(error, ConfirmationExpired):
            await self.answer_press(text.striptags(), alert=True)
        else:
            await self.tell(text)

    async def delete_message(self) -> bool:
        """Delete what the person wrote; False if that can't be done."""
        if self.message is None:
            return False
        try:
            return await self.message.delete()
        except TelegramError:
            return False


def place_of(update: Update) -> Place | None:
    """Where an update comes from. A plain reply carries a thread id too, so only real topic messages count."""
    chat, message = update.effective_chat, update.effective_message
    if chat is None:
        return None
    in_topic = isinstance(message, Message) and message.is_topic_message
    return Place(chat.id, message.message_thread_id if in_topic and message else None)


def is_private(update: Update) -> bool:
    """Whether the update comes from a private chat."""
    return update.effective_chat is not None and update.effective_chat.type == ChatType.PRIVATE
