"""Chats and payments as they stand in tables: documents, and beside them the columns that are searched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.chats import Silence
from bot.domain.unchanged import Unchanged
from bot.domain.waits import LONG_AGO, Wait
from bot.errors import ChatUnreadable, PaymentsUnreadable
from bot.store.backend import Hold, StoredChat, StoredGlance
from bot.store.rules import packs
from bot.store.rules.check_times import CheckTimes, only_times, with_times
from bot.store.rules.records import PARTS, AlertRow, ChatRecord, ChatRow, LinkRow, PaymentRow, blank
from bot.store.vault import key_id_of

T = TypeVar("T")

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
HOLDS = tuple(f"{work}_{name}" for work in ("check", "message") for name in ("epoch", "until", "set_at"))
CHAT_COLUMNS = ", ".join(("id", *PARTS, "check_times", "unchanged", *HOLDS))
GLANCE_COLUMNS = "id, check_epoch, chat, link, check_times, unchanged"

CHECK_TIMES = msgspec.json.Decoder(CheckTimes)
UNCHANGED = msgspec.json.Decoder(Unchanged)


class _Sealed(msgspec.Struct):
    """What a glance needs of a link."""

    sealed_token: str


_SEALED = msgspec.json.Decoder(_Sealed)


def encode(document: object) -> str:
    """Return a document as a json column takes it."""
    return msgspec.json.encode(document).decode()


def stored_chat(row: Sequence[Any]) -> StoredChat:
    """Return the chat of a row of :data:`CHAT_COLUMNS`. Raise :class:`ChatUnreadable`."""
    number, *rest = row
    parts: dict[str, Any] = {
        name: _read(DOCUMENTS[name], document) for name, document in zip(PARTS, rest[: len(PARTS)], strict=True)
    }
    check_times, unchanged, *holds = rest[len(PARTS) :]
    record, times = ChatRecord(number, **parts), _read(CHECK_TIMES, check_times)
    return StoredChat(
        record if times is None else with_times(record, times),
        _hold(*holds[:3]),
        _hold(*holds[3:]),
        _read(UNCHANGED, unchanged),
    )


def glance_of(row: tuple[Any, ...], due: datetime) -> StoredGlance | None:
    """Return what a row of :data:`GLANCE_COLUMNS` shows. None: the chat has to be read whole."""
    number, fencing_token, chat, link, times, unchanged = row
    if times is None or unchanged is None:
        return None
    try:
        seen, since = UNCHANGED.decode(unchanged), CHECK_TIMES.decode(times).checked_at
        sealed, language = _SEALED.decode(link).sealed_token, DOCUMENTS["chat"].decode(chat).reply_language
    except (msgspec.DecodeError, ValueError):
        return None  # who reads it whole says so
    return StoredGlance(number, fencing_token, sealed, language, since, due, seen)


def _read(decoder: msgspec.json.Decoder[T], document: bytes | None) -> T | None:
    if document is None:
        return None
    try:
        return decoder.decode(document)
    except (msgspec.DecodeError, ValueError) as error:
        raise ChatUnreadable(f"its row in the table chats is damaged: {error}") from error


def _hold(fencing_token: int | None, until: datetime, set_at: datetime | None) -> Hold | None:
    return None if fencing_token is None else Hold(fencing_token, until, set_at)


def documents(record: ChatRecord, old: ChatRecord | None = None) -> dict[str, str | None]:
    """Return the parts of a record that differ from the ``old`` one, as columns."""
    changed = dict[str, str | None]()
    for name in PARTS:
        part = getattr(record, name)
        before = getattr(old, name) if old is not None else None
        if part is None:
            changed[name] = None  # a null, and not the document `null`
        elif old is None or (part is not before and part != before):
            changed[name] = encode(part)
    return changed


def chat_columns(stored: StoredChat) -> dict[str, Any]:
    """Return the columns for searches. They follow from the chat's record and its leases."""
    record, link = stored.record, stored.record.link
    check = stored.check if link is not None else None
    next_message, set_aside = record.next_message, record.dead_letters
    since, wait = next_message or (None, Wait(LONG_AGO))
    message = stored.message if since is not None else None
    message_leased_until = message.until if message else LONG_AGO
    resting = record.chat.resting is not None
    until = record.chat.awaiting_token_until
    return {
        "account": link and link.account,
        "key_id": link and key_id_of(link.sealed_token),
        "fleeting_until": until if until is not None and blank(record, until) else None,
        "check_due": None if link is None or resting else (check.until if check else link.next_check_at),
        "check_epoch": check and check.fencing_token,
        "check_until": check and check.until,
        "check_set_at": check.set_at if check else link and _known(link.check_wait.set_at),
        "message_due": None if since is None or resting else max(wait.until, message_leased_until),
        "message_since": since,
        "message_epoch": message and message.fencing_token,
        "message_until": message and message.until,
        "message_set_at": message.set_at if message else since and _known(wait.set_at),
        "pack_due": packs.due_at(record),
        "waiting": len(record.alerts) - set_aside,
        "set_aside": set_aside,
    }


def saved_columns(old: StoredChat, new: StoredChat) -> dict[str, Any]:
    """Return the columns that are written to save a chat. The id alone: its record is not worth keeping."""
    record = new.record
    if blank(record):
        return {"id": record.id}
    columns: dict[str, Any] = documents(record, old.record)
    if "link" in columns:
        times = only_times(old.record, record)
        if times is not None:
            del columns["link"]
        columns["check_times"] = None if times is None else encode(times)
    seen = new.unchanged if new.unchanged is not old.unchanged else None
    return {"id": record.id, **columns, "unchanged": None if seen is None else encode(seen), **chat_columns(new)}


def type_of(column: str) -> str:
    """Return the database's type of a column of the table chats."""
    return _TYPES.get(column, "timestamptz")


_TYPES = {
    **dict.fromkeys((*PARTS, "check_times", "unchanged"), "json"),
    **dict.fromkeys(("account", "key_id"), "text"),
    **dict.fromkeys(("id", "check_epoch", "message_epoch"), "bigint"),
    **dict.fromkeys(("waiting", "set_aside"), "integer"),
}


def _known(set_at: datetime) -> datetime | None:
    return None if set_at == LONG_AGO else set_at


def payment_of(document: bytes) -> PaymentRow:
    """Return a stored payment. Raise :class:`PaymentsUnreadable`."""
    try:
        return PAYMENT.decode(document)
    except (msgspec.DecodeError, ValueError) as error:
        raise PaymentsUnreadable(f"a row in the table payments is damaged: {error}") from error


def payment_columns(row: PaymentRow) -> dict[str, Any]:
    """Return what is stored of a payment."""
    payment = row.payment
    return {
        "id": payment.id,
        "payment": encode(row),
        "account": payment.account,
        "chat_id": payment.place.chat_id,
        "invoice_id": payment.invoice_id,
        "state": payment.state.value,
        "unsettled": row.payment.is_unsettled,
    }
