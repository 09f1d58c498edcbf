"""Chats and their links. The promises are those of :class:`bot.ports.ChatStore`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.chats import Chat, Link, Member, Silence, Token
from bot.domain.preferences import Preferences
from bot.ports import Waiting
from bot.store.postgres.connections import Cursor
from bot.store.postgres.desk import clear_desk, use_up_invitation
from bot.store.postgres.part import Part
from bot.store.postgres.rows import (
    Stored,
    delete_chat,
    lock_account,
    lock_chats,
    lock_or_make,
    payments_where,
    read_chat,
    save_chat,
    save_payments,
)
from bot.store.rules.chats import (
    can_be_accepted,
    everything_in,
    merged,
    preferring,
    relinked,
    silenced,
    waiting_in,
    with_payer,
    without_payer,
    woken,
)
from bot.store.rules.payments import given_up, moved_payment, without_chat
from bot.store.rules.records import ChatRecord, PaymentRow, chat_of
from bot.store.vault import account_fingerprint

Change = Callable[[ChatRecord], ChatRecord | None]
"""What becomes of a chat; None: nothing, as there is nothing to be changed."""


class _NotAccepted(Exception):
    """An invitation does not hold any more."""


class PostgresChats(Part):
    """Each method is one transaction."""

    def account_of(self, base_url: str, token: Token) -> str:
        return account_fingerprint(self._secret, base_url, token)

    async def chat(self, chat_id: int) -> Chat:
        record = await self._db.run(lambda cursor: read_chat(cursor, chat_id))
        return Chat(chat_id) if record is None else chat_of(record, self._vault)

    async def set_language(self, chat_id: int, language: str | None) -> None:
        await self._change(chat_id, lambda r: replace(r, chat=replace(r.chat, language=language)), make=True)

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        await self._change(chat_id, lambda r: replace(r, chat=replace(r.chat, telegram_language=language)))

    async def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        def awaiting(record: ChatRecord) -> ChatRecord:
            row = replace(record.chat, awaiting_token_until=until, awaiting_for=invitation)
            return replace(record, chat=row)

        await self._change(chat_id, awaiting, make=True)

    async def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        def preferred(record: ChatRecord) -> ChatRecord | None:
            new = preferring(record, preferences, now)
            return None if new is record else new

        await self._change(chat_id, preferred, make=True, void=True)

    async def silence(self, chat_id: int, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        return await self._change(chat_id, lambda record: silenced(record, account, silences, now), void=True)

    async def known_invoices(self, chat_id: int) -> Mapping[int, KnownInvoice]:
        record = await self._db.run(lambda cursor: read_chat(cursor, chat_id))
        return record.known if record else {}

    async def sent_messages(self, chat_id: int) -> Sequence[SentMessage]:
        record = await self._db.run(lambda cursor: read_chat(cursor, chat_id))
        return record.sent if record else ()

    async def link(self, link: Link, known: Mapping[int, KnownInvoice], invitation_id: str | None = None) -> bool:
        """Leases on the older link's checks and alerts are void."""
        chat_id = link.place.chat_id

        async def write(cursor: Cursor) -> bool:
            stored = await lock_or_make(cursor, chat_id)
            if invitation_id is not None:
                invitation = await use_up_invitation(cursor, invitation_id)
                if not can_be_accepted(stored.record, invitation):
                    raise _NotAccepted
            await _change_payments(cursor, chat_id, lambda row: given_up(row, chat_id), but=link.account)
            new = relinked(stored.record, link, known, self._vault)
            await save_chat(cursor, stored, new, message=stored.message)
            return True

        try:
            return await self._db.run(write)
        except _NotAccepted:  # whatever was done is taken back
            return False

    async def add_payer(self, chat_id: int, payer: Member) -> None:
        await self._change(chat_id, lambda record: with_payer(record, payer))

    async def remove_payer(self, chat_id: int, user_id: int) -> None:
        await self._change(chat_id, lambda record: without_payer(record, user_id))

    async def everything_of(self, chat_id: int) -> Mapping[str, Any]:
        async def read(cursor: Cursor) -> Mapping[str, Any]:
            record = await read_chat(cursor, chat_id) or ChatRecord(chat_id)
            return everything_in(record, await payments_where(cursor, "chat_id = %s", chat_id))

        return await self._db.run(read)

    async def unlink(self, chat_id: int) -> bool:
        return bool(await self._db.run(partial(_delete_all, chat_id=chat_id, change=without_chat)))

    async def forget(self, chat_id: int) -> bool:
        return await self._db.run(partial(_delete_all, chat_id=chat_id, change=given_up)) is not None

    async def move_chat(self, old_id: int, new_id: int) -> None:
        if old_id == new_id:
            return

        async def move(cursor: Cursor) -> None:
            stored = await lock_chats(cursor, old_id, new_id)
            await _change_payments(cursor, old_id, lambda row: moved_payment(row, old_id, new_id))
            if old := stored.get(old_id):
                await self._move(cursor, old, stored.get(new_id), new_id)

        await self._db.run(move)

    async def rest(self, chat_id: int, reason: str) -> None:
        await self._change(chat_id, lambda record: replace(record, chat=replace(record.chat, resting=reason)))

    async def wake(self, chat_id: int, now: datetime) -> bool:
        return await self._change(chat_id, lambda record: woken(record, now), void=True)

    async def waiting_alerts(self, chat_id: int) -> Waiting:
        record = await self._db.run(lambda cursor: read_chat(cursor, chat_id))
        return waiting_in(record or ChatRecord(chat_id))

    async def _change(self, chat_id: int, change: Change, *, make: bool = False, void: bool = False) -> bool:
        """Change a chat, if it is stored or to be made. ``void``: a check under way is refused what it will report."""
        return await self._db.run(partial(_change_chat, chat_id=chat_id, change=change, make=make, void=void))

    async def _move(self, cursor: Cursor, old: Stored, new: Stored | None, new_id: int) -> None:
        """A lease on the chat's alerts goes on under its new id, unless that has a link, and so alerts, of its own."""
        record = merged(old.record, new.record if new else None, new_id, self._vault)
        handed_on = new is None or new.record.link is None
        await delete_chat(cursor, old.record.id)
        there = new or await lock_or_make(cursor, new_id)
        await save_chat(cursor, there, record, check=there.check, message=old.message if handed_on else there.message)


async def _change_chat(cursor: Cursor, *, chat_id: int, change: Change, make: bool, void: bool) -> bool:
    stored = await lock_or_make(cursor, chat_id) if make else (await lock_chats(cursor, chat_id)).get(chat_id)
    if stored is None:
        return False
    new = change(stored.record)
    if new is None and not make:
        return False
    # Where it was made for nothing, saving it deletes it.
    await save_chat(
        cursor, stored, new or stored.record, check=None if void and new else stored.check, message=stored.message
    )
    return new is not None


async def _delete_all(
    cursor: Cursor, *, chat_id: int, change: Callable[[PaymentRow, int], PaymentRow | None]
) -> bool | None:
    """Delete all of a chat, readable or not; ``change`` says what becomes of its payments.

    Tells whether the chat was linked; None: it was not stored.
    """
    await cursor.execute("SELECT account FROM chats WHERE id = %s FOR UPDATE", [chat_id])
    row = await cursor.fetchone()
    await clear_desk(cursor, chat_id)
    await _change_payments(cursor, chat_id, lambda payment: change(payment, chat_id))
    await delete_chat(cursor, chat_id)
    return None if row is None else row[0] is not None


async def _change_payments(
    cursor: Cursor, chat_id: int, change: Callable[[PaymentRow], PaymentRow | None], but: str = ""
) -> None:
    """Change the payments of a chat, except those with one account; None deletes."""
    await cursor.execute("SELECT DISTINCT account FROM payments WHERE chat_id = %s ORDER BY account", [chat_id])
    for (account,) in await cursor.fetchall():
        if account != but:
            await lock_account(cursor, account)
    rows = [row for row in await payments_where(cursor, "chat_id = %s", chat_id) if row.payment.account != but]
    await save_payments(cursor, {row.payment.id: change(row) for row in rows})
