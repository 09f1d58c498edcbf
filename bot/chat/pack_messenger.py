"""Tells chats of their packs, and sends the files, over Telegram."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from telegram import Bot
from telegram.constants import ChatAction

from bot.chat import sending
from bot.chat.account_marks import finished
from bot.chat.screens import Screen, join, one_line
from bot.chat.texts import Texts, TextsFor
from bot.chat.views import pack_settings, packs as views
from bot.chat.views.tables import table_words
from bot.domain.chats import Chat, Loudness, Place
from bot.domain.invoices import Listing
from bot.domain.packs.pack import Pack
from bot.domain.schedule import CheckPlan
from bot.errors import BotError
from bot.ports import PackEnd, PackFile, PackWords
from bot.turns import Turn, taking_turn

WHY_LENGTH = 200


class TelegramPackMessenger:
    """Implements :class:`bot.ports.PackMessenger`."""

    def __init__(self, bot: Bot, texts_for: TextsFor, plan: CheckPlan) -> None:
        self._bot = bot
        self._texts_for = texts_for
        self._plan = plan

    def words(self, chat: Chat, listing: Listing) -> PackWords:
        """Return the words in a pack's files."""
        t = self._texts_for(chat)
        style = pack_settings.style(t, self._plan.preferences(chat))
        table = table_words(t, [listing], with_account=bool(t.account))
        return PackWords(style, t.plain("packs.missing_file"), t.plain("packs.missing_head"), t.account, table)

    def file_name(self, chat: Chat, pack: Pack, part: int | None = None) -> str:
        """Return the name of a pack's ZIP without its ending."""
        return views.file_name(self._texts_for(chat), pack.choice, part)

    def why(self, chat: Chat, error: BotError) -> str:
        """Return what an error means for the reader, as plain text."""
        t = self._texts_for(chat)
        return one_line(t.error(error).striptags(), WHY_LENGTH)

    async def draw(self, chat: Chat, pack: Pack, at: int, of: int) -> int | None:
        """Draw the progress. A message that can't be edited any more is sent anew."""
        t = self._texts_for(chat)
        return await self._put(chat, pack, finished(t, views.progress(t, pack, at, of)))

    async def send(self, chat: Chat, pack: Pack, file: PackFile) -> None:
        """Send a file. Those that come by themselves are silent, unless everything is to ring."""
        t, chosen = self._texts(chat, pack), self._plan.preferences(chat)
        below = finished(t, views.caption(t, pack, file))
        post = partial(
            sending.send_document,
            self._bot,
            Place(chat.id, pack.topic_id),
            file.document,
            below,
            protected=chosen.protected,
            silent=self._is_silent(chat, pack),
        )
        place = Place(chat.id, pack.topic_id)
        with taking_turn(Turn.ALERT):
            async with sending.showing_action(self._bot, place, ChatAction.UPLOAD_DOCUMENT):
                await sending.retry_unsent(post)

    async def tell_end(self, chat: Chat, pack: Pack, end: PackEnd, *, again: bool) -> None:
        """Put the end where the progress was, and say what is missing in a message of its own."""
        t = self._texts(chat, pack)
        whole, lacks = views.ended(t, pack, end), views.lacks(t, pack, end)
        if again:
            await sending.make_sure_of_telegram(self._bot)
        if pack.is_awaited:
            await self._put(chat, pack, finished(t, whole))
        elif not end.count and lacks is None:
            lacks = whole
        if lacks is not None:
            marked = replace(lacks, text=join([lacks.text, t("alert.again")])) if again else lacks
            with taking_turn(Turn.ALERT):
                await sending.send(
                    self._bot, Place(chat.id, pack.topic_id), finished(t, marked), silent=self._is_silent(chat, pack)
                )

    async def _put(self, chat: Chat, pack: Pack, screen: Screen) -> int:
        """Put a screen into the message of the progress. Send it if there is none within reach. Return its id."""
        place = Place(chat.id, pack.topic_id)
        with taking_turn(Turn.ALERT):
            if pack.message_id is not None:
                edit = partial(sending.edit, self._bot, place, pack.message_id, screen)
                if await sending.retry_unsent(edit, idempotent=True):
                    return pack.message_id
            return await sending.send(self._bot, place, screen, silent=True)

    def _texts(self, chat: Chat, pack: Pack) -> Texts:
        """Return the texts. What nobody asked for just now hides what it should: whoever holds the phone sees it."""
        t = self._texts_for(chat)
        return t if pack.is_awaited else replace(t, discreet=self._plan.preferences(chat).discreet)

    def _is_silent(self, chat: Chat, pack: Pack) -> bool:
        return not pack.is_awaited and self._plan.preferences(chat).loudness is not Loudness.ALL
