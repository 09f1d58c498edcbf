"""/export: all that is stored of a chat."""

from __future__ import annotations

import io
import json

import structlog

from bot.chat.context import Context
from bot.chat.group_roles import check_owner
from bot.chat.screens import Screen
from bot.domain.chats import Place
from bot.errors import ChatGone, MessengerError
from bot.ports import ChatStore, Document
from bot.services.permissions import link_of

log = structlog.get_logger()


class ExportHandlers:
    """Gives people what the bot knows of them."""

    def __init__(self, chats: ChatStore) -> None:
        self._chats = chats

    async def export(self, context: Context) -> None:
        """A JSON document, in private: of a group only its link's owner gets one, and not in front of all."""
        if context.private:
            await context.send_document(await self._document(context))
            return
        check_owner(link_of(context.chat), context.person)
        try:
            await context.send_document(await self._document(context), Place(context.user_id))
        except MessengerError as error:
            log.info("export not delivered", chat=context.chat.id, error=str(error))
            unknown = isinstance(error, ChatGone)  # a bot can't begin a conversation
            await context.reply(Screen(context.t("export.not_sent" if unknown else "document.not_sent")))
        else:
            await context.reply(Screen(context.t("export.sent")))

    async def _document(self, context: Context) -> Document:
        everything = await self._chats.everything_of(context.chat.id)
        content = json.dumps(everything, ensure_ascii=False, indent=2).encode()
        return Document(f"invoice-bot-{context.chat.id}.json", io.BytesIO(content), len(content))
