"""/export: all that is stored of a chat."""

from __future__ import annotations

import io
import json

import structlog

from bot.chat.roles import check_owner
from bot.chat.screens import Screen
from bot.chat.talk import Talk
from bot.domain.chats import Place
from bot.errors import ChatGone, MessengerError, NotLinked
from bot.ports import ChatStore, Document

log = structlog.get_logger()


class ExportHandlers:
    """Gives people what the bot knows of them."""

    def __init__(self, chats: ChatStore) -> None:
        self._chats = chats

    async def export(self, talk: Talk) -> None:
        """A JSON document, in private: of a group only its link's owner gets one, and not in front of all."""
        if talk.private:
            await talk.send_document(await self._document(talk))
            return
        if talk.chat.link is None:
            raise NotLinked
        check_owner(talk.chat.link, talk.person)
        try:
            await talk.send_document(await self._document(talk), Place(talk.user_id))
        except MessengerError as error:
            log.info("export not delivered", chat=talk.chat.id, error=str(error))
            unknown = isinstance(error, ChatGone)  # a bot can't begin a conversation
            await talk.reply(Screen(talk.t("export.not_sent" if unknown else "document.not_sent")))
        else:
            await talk.reply(Screen(talk.t("export.sent")))

    async def _document(self, talk: Talk) -> Document:
        everything = await self._chats.everything_of(talk.chat.id)
        content = json.dumps(everything, ensure_ascii=False, indent=2).encode()
        return Document(f"invoice-bot-{talk.chat.id}.json", io.BytesIO(content), len(content))
