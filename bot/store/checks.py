"""The queue of due checks: who has claimed them, and how they end. The port says what the methods promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat
from bot.domain.deliveries import Claim
from bot.ports import Check, Checked
from bot.store.backend import Backend, FoundChat, Held, StoredChat, Transaction
from bot.store.claims import Claims
from bot.store.reading import readable
from bot.store.rules import chats as rules
from bot.store.rules.records import ChatRecord


class StoredChecks:
    """Implement the claims and ends of :class:`bot.ports.CheckStore`.

    ``open_chat`` opens a chat's token. The operator was told of the ``unreadable`` chats.
    """

    def __init__(
        self, backend: Backend, claims: Claims, open_chat: Callable[[ChatRecord], Chat], unreadable: set[int]
    ) -> None:
        self._backend = backend
        self._claims = claims
        self._open_chat = open_chat
        self._unreadable = unreadable

    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]:
        async def claim(t: Transaction) -> list[Check]:
            found = await t.claim_checks(now, limit, now + lease)
            return readable("chat can't be read for its check", found, self._load_check, self._unreadable)

        return await self._claims.take(claim, partial(self._give_back, now))

    async def claim(self, key: ChatKey, now: datetime, lease: timedelta) -> Check | None:
        async def claim_one(t: Transaction) -> list[Check]:
            stored = await t.claim_check(key, now, now + lease)
            return [] if stored is None else [self._check(stored)]

        claimed = await self._claims.take(claim_one, partial(self._give_back, now))
        return claimed[0] if claimed else None

    async def finish(self, claim: Claim, checked: Checked) -> bool:
        return await self._end(claim, lambda record, at: rules.after_check(record, checked, at))

    async def postpone(self, claim: Claim, until: datetime) -> bool:
        return await self._end(claim, lambda record, at: rules.due_at(record, until, at))

    async def _end(self, claim: Claim, change: Callable[[ChatRecord, datetime | None], ChatRecord]) -> bool:
        """Change the chat whose check is held under this claim, and give the lease back.

        ``change`` is told when the check was claimed, if that is known: then the time of the next one was set.
        """

        def ended(stored: StoredChat) -> StoredChat | None:
            if stored.check is None or stored.record.link is None:
                return None
            at = stored.check.set_at
            return StoredChat(rules.without_future(change(stored.record, at), at), message=stored.message)

        return await self._backend.change_held(Held.CHECK, claim, ended)

    async def _give_back(self, now: datetime, check: Check) -> None:
        await self.postpone(check.claim, now)

    def _load_check(self, chat: FoundChat) -> Check:
        return self._check(chat.load())

    def _check(self, stored: StoredChat) -> Check:
        record, fencing_token = stored.record, stored.check.fencing_token if stored.check else 0
        return Check(Claim(str(record.id), fencing_token), self._open_chat(record), record.known, record.sent)
