"""The packs of all chats: each is kept with the link of its account. The port says what the methods promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat
from bot.domain.packs.pack import Pack
from bot.errors import ChatUnreadable
from bot.ports import PackClaim
from bot.store.backend import Backend, StoredChat, Transaction
from bot.store.finding import lock
from bot.store.rules import packs as rules
from bot.store.rules.records import ChatRecord

log = structlog.get_logger()

LOOK_AGAIN_AFTER = timedelta(hours=1)
"""At a chat that can't be read. It must hold up no other."""


class StoredPacks:
    """Implement :class:`bot.ports.PackStore`. ``open_chat`` opens a chat's token."""

    def __init__(self, backend: Backend, open_chat: Callable[[ChatRecord], Chat]) -> None:
        self._backend = backend
        self._open_chat = open_chat

    async def add(self, key: ChatKey, account: str, pack: Pack) -> bool:
        async def add(t: Transaction) -> bool:
            stored = await lock(t, key)
            new = rules.with_pack(stored.record, account, pack) if stored is not None else None
            if stored is None or new is None:
                return False
            await _save(t, stored, new)
            return True

        return await self._backend.run(add)

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[PackClaim]:
        async def claim(t: Transaction) -> list[PackClaim]:
            claims = []
            for found in await t.chats_with_due_packs(now, limit):
                try:
                    stored = found.load()
                    chat = self._open_chat(stored.record)
                except ChatUnreadable as error:
                    log.warning("chat can't be read for its pack", chat=found.id, reason=error.reason)
                    await t.put_off_packs(found.id, now + LOOK_AGAIN_AFTER)
                    continue
                if (taken := rules.claimed(stored.record, now, now + lease)) is not None:
                    record, pack = taken
                    await _save(t, stored, record)
                    claims.append(PackClaim(chat, pack))
            return claims

        return await self._backend.run(claim)

    async def save(self, key: ChatKey, pack: Pack) -> Pack | None:
        async def save(t: Transaction) -> Pack | None:
            stored = await lock(t, key)
            saved = rules.saved(stored.record, pack) if stored is not None else None
            if stored is None or saved is None:
                return None
            await _save(t, stored, saved[0])
            return saved[1]

        return await self._backend.run(save)

    async def end(self, key: ChatKey, pack: Pack) -> bool:
        return await self._change(key, lambda record: rules.ended(record, pack))

    async def stop(self, key: ChatKey, pack_id: str) -> bool:
        return await self._change(key, lambda record: rules.stopped(record, pack_id))

    async def _change(self, key: ChatKey, change: Callable[[ChatRecord], ChatRecord | None]) -> bool:
        async def write(t: Transaction) -> bool:
            stored = await lock(t, key)
            new = change(stored.record) if stored is not None else None
            if stored is None or new is None:
                return False
            await _save(t, stored, new)
            return True

        return await self._backend.run(write)


async def _save(t: Transaction, stored: StoredChat, record: ChatRecord) -> None:
    await t.save_chat(stored, StoredChat(record, stored.check, stored.message))
