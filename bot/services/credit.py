"""Read the credit on an account, where the token may, and never let that disturb anything else."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.domain.chats import Chat
from bot.domain.credit import FRESH_FOR, Credit, CreditWatch
from bot.errors import (
    AnswerNotUnderstood,
    NotFound,
    NotLinked,
    PermissionMissing,
    ProviderError,
    Refused,
    TokenRefused,
)
from bot.ports import Access, ChatStore, Clock, Provider
from bot.services.permissions import link_of

log = structlog.get_logger()

CREDIT_EVERY = timedelta(minutes=10)
"""How often a check reads the credit while something is to be paid."""

DENIED = (PermissionMissing, TokenRefused, NotFound, Refused, AnswerNotUnderstood)
"""Answers which mean that this token can't read the credit, or that this provider has no such call. An answer that is
not understood means that only as long as none was."""


class Credits:
    """The credit as people see it. It never raises an error of the provider: without credit, all is as it was."""

    def __init__(self, provider: Provider, store: ChatStore, clock: Clock) -> None:
        self._provider = provider
        self._store = store
        self._clock = clock

    async def wish(self, chat: Chat, invoice_id: int) -> None:
        """Remember that somebody wants to hear when the credit suffices. Raise :class:`NotLinked`."""
        link = link_of(chat)
        if not await self._store.wish_for_credit(chat.key, link.account, invoice_id, self._clock()):
            raise NotLinked

    async def of(self, chat: Chat) -> Credit | None:
        """Return the credit as it is now. None: it can't be read, or the chat is not linked."""
        link = chat.link
        if link is None:
            return None
        access = Access(chat.id, link.token, chat.reply_language)
        watch = await read_credit(self._provider, access, link.credit, self._clock(), FRESH_FOR)
        if watch is not link.credit:
            await self._store.note_credit(chat.key, link.account, watch)
        return watch.credit


async def read_credit(
    provider: Provider, access: Access, before: CreditWatch, now: datetime, every: timedelta = CREDIT_EVERY
) -> CreditWatch:
    """Return what is known of an account's credit, read anew if that is due ``every`` so often."""
    if not before.is_due(now, every):
        return before
    try:
        return before.read(await provider.credit(access.token, access.language), now)
    except DENIED as error:
        log.debug("credit can't be read", chat=access.chat_id, error=error.key)
        was_understood = isinstance(error, AnswerNotUnderstood) and before.credit is not None
        return before.failed_at(now) if was_understood else before.denied_at(now)
    except ProviderError as error:
        log.debug("credit was not read", chat=access.chat_id, error=error.key)
        return before.failed_at(now)
