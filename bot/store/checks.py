"""The queue of due checks: who has claimed them, and how they end. The port says what the methods promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import overload

from bot.domain.chat_keys import ChatKey, chat_id_of
from bot.domain.chats import Chat, Token
from bot.domain.deliveries import Claim
from bot.domain.unchanged import Unchanged
from bot.errors import ChatUnreadable
from bot.ports import Access, Check, Checked, Glance
from bot.store.backend import Backend, FoundChat, Held, StoredChat, StoredGlance, Transaction
from bot.store.claims import Claims
from bot.store.reading import note_unreadable, readable
from bot.store.rules import chats as rules
from bot.store.rules.check_times import proven
from bot.store.rules.records import ChatRecord

UNREADABLE = "chat can't be read for its check"


class StoredChecks:
    """Implement the claims and ends of :class:`bot.ports.CheckStore`.

    ``open_chat`` opens a chat's token, and ``open_token`` a token alone. The operator was told of the ``unreadable``
    chats.
    """

    def __init__(
        self,
        backend: Backend,
        claims: Claims,
        open_chat: Callable[[ChatRecord], Chat],
        open_token: Callable[[int, str], Token],
        unreadable: set[int],
    ) -> None:
        self._backend = backend
        self._claims = claims
        self._open_chat = open_chat
        self._open_token = open_token
        self._unreadable = unreadable

    @overload
    async def claim_due(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]: ...

    @overload
    async def claim_due(self, now: datetime, limit: int, lease: timedelta, rules: str) -> Sequence[Check | Glance]: ...

    async def claim_due(
        self, now: datetime, limit: int, lease: timedelta, rules: str | None = None
    ) -> Sequence[Check | Glance]:
        def due(found: FoundChat | StoredGlance) -> Check | Glance:
            return self._glance(found) if isinstance(found, StoredGlance) else self._check(found.load())

        async def claim(t: Transaction) -> list[Check | Glance]:
            found = await t.claim_checks(now, limit, now + lease, rules)
            return readable(UNREADABLE, found, due, self._unreadable)

        return await self._claims.take(claim, partial(self._give_back, now))

    async def claim(self, key: ChatKey, now: datetime, lease: timedelta) -> Check | None:
        async def claim_one(t: Transaction) -> list[Check]:
            stored = await t.claim_check(key, now, now + lease)
            return [] if stored is None else [self._check(stored)]

        claimed = await self._claims.take(claim_one, partial(self._give_back, now))
        return claimed[0] if claimed else None

    async def whole(self, claim: Claim) -> Check | None:
        async def read(t: Transaction) -> list[Check]:
            stored = await t.held(Held.CHECK, claim)
            return [] if stored is None else [replace(self._check(stored), changed=stored.unchanged is None)]

        try:
            checks = await self._backend.run(read)
        except ChatUnreadable as error:  # its lease ends by itself
            note_unreadable(UNREADABLE, int(claim.key), error, self._unreadable)
            return None
        return checks[0] if checks else None

    async def end_glance(self, claim: Claim, now: datetime, next_check_at: datetime, seen: Unchanged) -> bool:
        return await self._backend.end_glance(claim, now, next_check_at, seen)

    async def finish(self, claim: Claim, checked: Checked) -> bool:
        return await self._end(claim, lambda record, at: rules.after_check(record, checked, at), checked.unchanged)

    async def postpone(self, claim: Claim, until: datetime) -> bool:
        return await self._end(claim, lambda record, at: rules.due_at(record, until, at))

    async def _end(
        self, claim: Claim, change: Callable[[ChatRecord, datetime | None], ChatRecord], seen: Unchanged | None = None
    ) -> bool:
        """Change the chat whose check is held under this claim, and give the lease back. ``seen`` is what it saw.

        ``change`` is told when the check was claimed, if that is known: then the time of the next one was set.
        """

        def ended(stored: StoredChat) -> StoredChat | None:
            if stored.check is None or stored.record.link is None:
                return None
            at = stored.check.set_at
            record = rules.without_future(change(stored.record, at), at)
            unchanged = proven(stored.unchanged, seen, stored.record, record)
            return StoredChat(record, message=stored.message, unchanged=unchanged)

        return await self._backend.change_held(Held.CHECK, claim, ended)

    async def _give_back(self, now: datetime, check: Check | Glance) -> None:
        await self.postpone(check.claim, now)

    def _glance(self, stored: StoredGlance) -> Glance:
        access = Access(chat_id_of(stored.id), self._open_token(stored.id, stored.sealed_token), stored.language)
        claim = Claim(str(stored.id), stored.fencing_token)
        return Glance(claim, ChatKey(stored.id), access, stored.due, stored.unchanged)

    def _check(self, stored: StoredChat) -> Check:
        record, fencing_token = stored.record, stored.check.fencing_token if stored.check else 0
        return Check(Claim(str(record.id), fencing_token), self._open_chat(record), record.known, record.sent)
