"""Draw messages that show invoices anew, once a check finds that the invoices stand otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.chats import Chat
from bot.domain.invoices import Invoice, Listing
from bot.domain.live_messages import LiveMessage, outdated
from bot.errors import BotError, ChatClosed, MessengerError, SendRefused
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Messenger
from bot.services.failures import log_failure


class Redrawing:
    """A courtesy: no failure of it touches a check, and what could not be drawn is tried after the next one."""

    def __init__(self, store: ChatStore, messenger: Messenger) -> None:
        self._store = store
        self._messenger = messenger

    async def after_check(self, before: Chat, listing: Listing, found: Sequence[Invoice], now: datetime) -> None:
        """Draw the chat's messages as things stand now. ``before`` is the chat as it was when the reading began.

        Messages that came or changed since then show something newer. ``found`` are the invoices of the ``listing`` and
        those that were read singly.
        """
        if not before.live:
            return
        changed = await off_loop(len(found) > HEAVY_COUNT, outdated, before.live, listing, found)
        if not changed:
            return
        try:
            chat = await self._store.chat(before.key)
            for message, drawn, shown in changed:
                if message in chat.live:
                    await self._draw(message, drawn, shown, chat, now)
        except BotError as error:
            log_failure("messages can't be drawn anew", error, chat=before.id)

    async def _draw(self, message: LiveMessage, drawn: LiveMessage, shown: Listing, chat: Chat, now: datetime) -> None:
        try:
            is_there = await self._messenger.redraw(message, shown, chat, now)
        except ChatClosed:
            return  # after the next check, the chat may be open
        except SendRefused:
            is_there = False  # it would be refused each time
        except MessengerError as error:
            log_failure("message can't be drawn anew", error, chat=chat.id)
            return
        await self._store.set_live_message(chat.key, message, drawn if is_there else None)
