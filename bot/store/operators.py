"""What operators see and change: one transaction for each chat that is changed, and for some hundred that are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from bot.errors import ChatUnreadable, StartError
from bot.ports import Backlog, Overview, WaitingAlert
from bot.store.backend import Backend, FoundChat, Transaction
from bot.store.finding import accounts_of, locked
from bot.store.inspection import READ_TOGETHER, problem_of
from bot.store.reading import readable
from bot.store.rules import alerts as rules
from bot.store.rules.chats import overview_of
from bot.store.rules.records import AlertRow, ChatRecord
from bot.store.vault import Vault

T = TypeVar("T")


class OperatorsView:
    """Implement :class:`bot.ports.OperatorStore`. The operator was told of the ``unreadable`` chats."""

    def __init__(self, backend: Backend, vault: Vault, unreadable: set[int]) -> None:
        self._backend = backend
        self._vault = vault
        self._unreadable = unreadable

    async def backlog(self, now: datetime) -> Backlog:
        return await self._backend.run(lambda t: t.backlog(now))

    async def newest_wait(self) -> datetime | None:
        return await self._backend.run(lambda t: t.newest_wait())

    async def overviews(self) -> Sequence[Overview]:
        async def read(ids: Sequence[int], t: Transaction) -> list[Overview | None]:
            return [self._overview(chat) for chat in await t.find_chats(ids)]

        return [overview for part in await self._in_parts(read) for overview in part if overview is not None]

    async def overview(self, chat_id: int) -> Overview | None:
        _, stored, bad = await self._backend.run(lambda t: accounts_of(t, chat_id, self._unreadable))
        for error in bad.values():
            raise StartError(f"Chat {chat_id} can't be read ({error.reason}). It can be forgotten.") from error
        return overview_of(stored[0].record) if stored else None

    async def alerts(self) -> Sequence[WaitingAlert]:
        return [alert for record in await self._records() for alert in rules.alerts_in(record)]

    async def retry_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._change_alerts(alert_ids, rules.retried)

    async def drop_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._change_alerts(alert_ids, rules.dropped)

    async def _records(self) -> list[ChatRecord]:
        """Return all chats. Skip those that have moved. Log and skip those that can't be read."""

        async def read(ids: Sequence[int], t: Transaction) -> list[ChatRecord]:
            return readable("chat can't be read", await t.find_chats(ids), lambda chat: chat.load().record)

        records = [record for part in await self._in_parts(read) for record in part]
        return [record for record in records if record.chat.moved_to is None]

    async def _in_parts(self, read: Callable[[Sequence[int], Transaction], Awaitable[T]]) -> list[T]:
        """Read all chats, some hundred in each transaction."""
        ids = await self._backend.run(lambda t: t.chat_ids())
        parts = [ids[start : start + READ_TOGETHER] for start in range(0, len(ids), READ_TOGETHER)]
        return [await self._backend.run(partial(read, part)) for part in parts]

    def _overview(self, chat: FoundChat) -> Overview | None:
        """Return a chat as an operator sees it. None: it has moved."""
        try:
            record = chat.load().record
        except ChatUnreadable as error:
            return overview_of(ChatRecord(chat.id), error.reason)
        if record.chat.moved_to is not None:
            return None
        return overview_of(record, problem_of(chat, self._vault))

    async def _change_alerts(
        self, alert_ids: Collection[str], change: Callable[[ChatRecord, Collection[AlertRow]], ChatRecord]
    ) -> int:
        async def change_chat(t: Transaction, chat_id: int) -> int:
            stored = (await locked(t, chat_id)).get(chat_id)
            rows = rules.changeable(stored.record, alert_ids) if stored else []
            if stored and rows:
                new = change(stored.record, rows)
                await t.save_chat(stored, replace(stored, record=new))
            return len(rows)

        concerned = [each.id for each in await self._records() if rules.changeable(each, alert_ids)]
        return sum([await self._backend.run(partial(change_chat, chat_id=chat_id)) for chat_id in concerned])
