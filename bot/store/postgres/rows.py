"""Chats and payments as they stand in tables. All of it runs within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.chats import Silence
from bot.store.postgres.connections import Cursor
from bot.store.rules.chats import waiting_in
from bot.store.rules.records import AlertRow, ChatRecord, ChatRow, LinkRow, PaymentRow, blank
from bot.store.tinydb.queue import AT_ONCE
from bot.store.vault import key_id_of

DOCUMENTS: Mapping[str, msgspec.json.Decoder[Any]] = {
    "chat": msgspec.json.Decoder(ChatRow),
    "link": msgspec.json.Decoder(LinkRow | None),
    "known": msgspec.json.Decoder(dict[int, KnownInvoice]),
    "alerts": msgspec.json.Decoder(tuple[AlertRow, ...]),
    "silences": msgspec.json.Decoder(dict[int, Silence]),
    "sent": msgspec.json.Decoder(tuple[SentMessage, ...]),
}
"""The parts of a chat's record, each a column."""

PAYMENT = msgspec.json.Decoder(PaymentRow)
HOLDS = ("check_epoch", "check_until", "message_epoch", "message_until")
COLUMNS = ", ".join(("id", *DOCUMENTS, *HOLDS))


def encode(document: object) -> str:
    """A document as a json column takes it."""
    return msgspec.json.encode(document).decode()


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease on a chat's check, or on its next message."""

    fencing_token: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A chat's row: its record, and who has its check and its message in hand."""

    record: ChatRecord
    check: Hold | None = None
    message: Hold | None = None


def stored_of(row: tuple[Any, ...]) -> Stored:
    """A row of :data:`COLUMNS`. Raises :class:`msgspec.ValidationError`."""
    number, *rest = row
    documents, holds = rest[: len(DOCUMENTS)], rest[len(DOCUMENTS) :]
    parts: dict[str, Any] = {
        name: None if document is None else decoder.decode(document)
        for (name, decoder), document in zip(DOCUMENTS.items(), documents, strict=True)
    }
    return Stored(ChatRecord(number, **parts), _hold(*holds[:2]), _hold(*holds[2:4]))


async def read_chat(cursor: Cursor, chat_id: int) -> ChatRecord | None:
    """A chat's record, or None."""
    await cursor.execute(f"SELECT {COLUMNS} FROM chats WHERE id = %s", [chat_id])
    row = await cursor.fetchone()
    return None if row is None else stored_of(row).record


async def lock_chats(cursor: Cursor, *chat_ids: int) -> dict[int, Stored]:
    """Those of these chats that are stored, locked until the transaction ends, always in the same order."""
    await cursor.execute(f"SELECT {COLUMNS} FROM chats WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [list(chat_ids)])
    return {row[0]: stored_of(row) for row in await cursor.fetchall()}


async def lock_or_make(cursor: Cursor, chat_id: int) -> Stored:
    """The chat, locked; one that is not stored is made, so that nobody else makes it meanwhile."""
    while True:
        if stored := (await lock_chats(cursor, chat_id)).get(chat_id):
            return stored
        await insert_chats(cursor, [ChatRecord(chat_id)], skip_stored=True)


async def save_chat(
    cursor: Cursor, old: Stored, new: ChatRecord, *, check: Hold | None = None, message: Hold | None = None
) -> None:
    """Save what changed of a locked chat, and who has it in hand from now on. One that is blank goes."""
    if blank(new):
        await delete_chat(cursor, new.id)
        return
    documents = {
        name: encode(getattr(new, name)) for name in DOCUMENTS if getattr(new, name) != getattr(old.record, name)
    }
    if new.link is None:
        documents["link"] = None  # type: ignore[assignment]  # a null, and not the document `null`
    columns = {**documents, **_columns(Stored(new, check, message))}
    assignments = ", ".join(f"{name} = %({name})s" for name in columns)
    await cursor.execute(f"UPDATE chats SET {assignments} WHERE id = %(id)s", {**columns, "id": new.id})


async def save_claimed(cursor: Cursor, claimed: Sequence[Stored]) -> None:
    """Save that messages of locked chats are in hand, all in one go."""
    names = ("message_due", "message_epoch", "message_until")
    assignments = ", ".join(f"{name} = %({name})s" for name in ("alerts", *names))
    rows = [{"id": s.record.id, "alerts": encode(s.record.alerts), **_columns(s)} for s in claimed]
    if rows:
        await cursor.executemany(f"UPDATE chats SET {assignments} WHERE id = %(id)s", rows)


async def insert_chats(cursor: Cursor, records: Iterable[ChatRecord], *, skip_stored: bool = False) -> None:
    """Store new chats."""
    rows = []
    for record in records:
        documents = {name: encode(getattr(record, name)) for name in DOCUMENTS}
        if record.link is None:
            documents["link"] = None  # type: ignore[assignment]  # as above
        rows.append({"id": record.id, **documents, **_columns(Stored(record))})
    if rows:
        names, values = ", ".join(rows[0]), ", ".join(f"%({name})s" for name in rows[0])
        skip = "ON CONFLICT DO NOTHING" if skip_stored else ""
        await cursor.executemany(f"INSERT INTO chats ({names}) VALUES ({values}) {skip}", rows)


async def delete_chat(cursor: Cursor, chat_id: int) -> None:
    """Forget a chat."""
    await cursor.execute("DELETE FROM chats WHERE id = %s", [chat_id])


async def lock_account(cursor: Cursor, account: str) -> None:
    """Have an account's payments for this transaction alone. Chats are locked before accounts, accounts in order."""
    await cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [account])


async def payments_where(cursor: Cursor, condition: str, value: object) -> list[PaymentRow]:
    """Payments, in the order in which they were asked for."""
    await cursor.execute(f"SELECT payment FROM payments WHERE {condition} ORDER BY account, number", [value])
    return [PAYMENT.decode(payment) for (payment,) in await cursor.fetchall()]


async def insert_payments(cursor: Cursor, rows: Iterable[PaymentRow]) -> None:
    """Store new payments."""
    names = ("id", *_payment_columns(None))
    values = ", ".join(f"%({name})s" for name in names)
    await cursor.executemany(
        f"INSERT INTO payments ({', '.join(names)}) VALUES ({values})",
        [{"id": row.payment.id, **_payment_columns(row)} for row in rows],
    )


async def save_payments(cursor: Cursor, rows: Mapping[str, PaymentRow | None]) -> None:
    """Save stored payments, by id; None deletes."""
    gone = [number for number, row in rows.items() if row is None]
    if gone:
        await cursor.execute("DELETE FROM payments WHERE id = ANY(%s)", [gone])
    assignments = ", ".join(f"{name} = %({name})s" for name in _payment_columns(None))
    kept = [{"id": number, **_payment_columns(row)} for number, row in rows.items() if row is not None]
    if kept:
        await cursor.executemany(f"UPDATE payments SET {assignments} WHERE id = %(id)s", kept)


def _hold(fencing_token: int | None, until: datetime | None) -> Hold | None:
    return None if fencing_token is None or until is None else Hold(fencing_token, until)


def _columns(stored: Stored) -> dict[str, Any]:
    """What is searched for, found out from a chat's record and from who has it in hand."""
    record, link = stored.record, stored.record.link
    first, alerts_at = record.next_alert, record.chat.next_message_at
    check = stored.check if link is not None else None
    message = stored.message if first is not None else None
    resting = record.chat.resting is not None
    until = record.chat.awaiting_token_until
    count = waiting_in(record)
    return {
        "account": link and link.account,
        "key_id": link and key_id_of(link.sealed_token),
        "fleeting_until": until if until is not None and blank(record, until) else None,
        "check_due": None if link is None or resting else (check.until if check else link.next_check_at),
        "check_epoch": check and check.fencing_token,
        "check_until": check and check.until,
        "message_due": None if first is None or resting else (message.until if message else alerts_at or AT_ONCE),
        "message_since": first and max(first.alert.created_at, alerts_at or first.alert.created_at),
        "message_epoch": message and message.fencing_token,
        "message_until": message and message.until,
        "waiting": count.waiting,
        "set_aside": count.set_aside,
    }


def _payment_columns(row: PaymentRow | None) -> dict[str, Any]:
    """What is stored of a payment beside its id; without one, only the names count."""
    payment = row and row.payment
    return {
        "payment": row and encode(row),
        "account": payment and payment.account,
        "chat_id": payment and payment.place.chat_id,
        "invoice_id": payment and payment.invoice_id,
        "state": payment and payment.state.value,
        "unsettled": row and row.unsettled,
    }
