"""One transaction on the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec
import psycopg
import structlog
from psycopg.errors import UniqueViolation

from bot.domain.deliveries import Claim
from bot.domain.invitations import Invitation
from bot.domain.packs.pack import LONGEST_PACK_WAIT
from bot.domain.unchanged import Unchanged
from bot.domain.waits import CLOCKS_AGREE_WITHIN
from bot.errors import PaymentInProgress, PaymentsUnreadable
from bot.ports import Backlog, Pending, PendingItem
from bot.store.backend import (
    OF_PERSONS,
    PENDING_KINDS,
    SEVERAL,
    FoundChat,
    Held,
    StoredChat,
    StoredGlance,
    note_void_waits,
)
from bot.store.postgres.columns import (
    CHAT_COLUMNS,
    COLUMNS_BUT_KNOWN,
    GLANCE_COLUMNS,
    chat_columns,
    documents,
    encode,
    glance_of,
    payment_columns,
    payment_of,
    saved_columns,
    stored_chat,
    type_of,
)
from bot.store.postgres.connections import Cursor
from bot.store.rules.check_times import CheckTimes
from bot.store.rules.records import ChatRecord, PaymentRow

log = structlog.get_logger()

LEASED = (
    "check_epoch = nextval('epochs'), check_due = %(until)s, check_until = %(until)s, "
    "check_set_at = %(now)s, check_leased_at = now()"
)

# Ends waits that were set by a clock that was ahead, and such leases once they are over by the database's clock: their
# holder may be at work. Many at a time, so that the statement stays short.
END_VOID_WAITS = """
    WITH void AS (
        SELECT id AS void_id, {work}_set_at AS set_at FROM chats
        WHERE {work}_set_at > %(agreed)s
        AND ({work}_epoch IS NULL OR {work}_leased_at + ({work}_until - {work}_set_at) <= now())
        LIMIT 2000 FOR UPDATE SKIP LOCKED
    )
    UPDATE chats SET {work}_set_at = %(now)s,
        {work}_due = CASE WHEN {work}_due IS NOT NULL THEN %(now)s END,
        {work}_until = CASE WHEN {work}_until IS NOT NULL THEN %(now)s END
    FROM void WHERE id = void_id RETURNING set_at
"""

CLAIM_DUE_CHECKS = f"""
    WITH due AS (
        SELECT id AS due_id, check_due AS since FROM chats WHERE check_due <= %(now)s
        ORDER BY check_due, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE chats SET {LEASED} FROM due WHERE id = due_id RETURNING {GLANCE_COLUMNS}, since
"""

# A chat that somebody else has locked is being changed.
END_GLANCES = """
    WITH ended AS (
        SELECT id AS ended_id, token, due, at, seen, times FROM chats JOIN unnest(
            %(ids)s::bigint[], %(tokens)s::bigint[], %(due)s::timestamptz[], %(at)s::timestamptz[],
            %(seen)s::json[], %(times)s::json[]
        ) AS glance (glance_id, token, due, at, seen, times) ON id = glance_id AND check_epoch = token
        WHERE unchanged IS NOT NULL ORDER BY id FOR UPDATE OF chats SKIP LOCKED
    )
    UPDATE chats SET check_due = due, check_epoch = NULL, check_until = NULL, check_set_at = at, check_times = times,
        unchanged = seen
    FROM ended WHERE id = ended_id RETURNING token
"""

CLAIM_CHECK = f"""
    UPDATE chats SET {LEASED} WHERE id = %(id)s AND check_due IS NOT NULL
    AND (check_until IS NULL OR check_until <= %(now)s) RETURNING {CHAT_COLUMNS}
"""

DUE_MESSAGES = f"""
    SELECT {CHAT_COLUMNS}, nextval('epochs') FROM (
        SELECT * FROM chats WHERE message_due <= %s
        ORDER BY message_due, message_since, id LIMIT %s FOR UPDATE SKIP LOCKED
    ) AS due
    ORDER BY message_due, message_since, id
"""

HELD = {
    Held.CHECK: "SELECT check_epoch, {columns} FROM chats WHERE check_epoch = ANY(%(tokens)s) AND id = ANY(%(ids)s)",
    Held.MESSAGE: "SELECT message_epoch, {columns} FROM chats WHERE message_epoch = ANY(%(tokens)s)",
}

# A time too far ahead was set by a wrong clock.
DUE_PACKS = f"""
    SELECT {CHAT_COLUMNS} FROM chats WHERE pack_due <= %s OR pack_due > %s
    ORDER BY pack_due, id LIMIT %s FOR UPDATE SKIP LOCKED
"""

PUT_PENDING = """
    INSERT INTO papers (kind, id, paper, chat_id, user_id, expires_at) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (kind, id) DO UPDATE SET (paper, chat_id, user_id, expires_at) =
        (excluded.paper, excluded.chat_id, excluded.user_id, excluded.expires_at)
"""

EXPIRED = (
    "DELETE FROM chats WHERE fleeting_until <= %(now)s",
    "DELETE FROM papers WHERE expires_at <= %(now)s",
    "DELETE FROM budgets WHERE full_at <= %(now)s",
    "DELETE FROM leases WHERE until <= %(now)s - interval '1 day'",
)

# A leased chat is due when its lease ends, so it counts again from then on only.
BACKLOG = """
    SELECT
        (SELECT min(check_due) FROM chats WHERE check_due <= %(now)s),
        (SELECT min(message_since) FROM chats WHERE message_due <= %(now)s AND message_since <= %(now)s),
        (SELECT coalesce(sum(waiting), 0) FROM chats WHERE waiting > 0 OR set_aside > 0),
        (SELECT coalesce(sum(set_aside), 0) FROM chats WHERE waiting > 0 OR set_aside > 0)
"""


class GlanceEnd(NamedTuple):
    """The end of a check that found nothing changed. The next check has to see what was ``seen``."""

    id: int
    now: datetime
    next_check_at: datetime
    seen: Unchanged

    @property
    def times(self) -> CheckTimes:
        return CheckTimes(self.now, self.next_check_at, self.now, self.now, self.seen.credit)


class PostgresTransaction:
    """Implement :class:`bot.store.backend.Transaction`. Chats are locked in the order of their ids."""

    backend_errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    async def rows(self, statement: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        await self.cursor.execute(statement.encode(), named or values)
        return await self.cursor.fetchall()

    async def value(self, statement: str, *values: object) -> Any:
        """Return the first column of the first row. None: there is no row."""
        rows = await self.rows(statement, *values)
        return rows[0][0] if rows else None

    async def _insert(self, table: str, rows: Sequence[dict[str, Any]], on_conflict: str = "") -> None:
        if rows:
            names, values = ", ".join(rows[0]), ", ".join(f"%({name})s" for name in rows[0])
            statement = f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT {on_conflict or 'DO NOTHING'}"
            await self.cursor.executemany(statement.encode(), rows)

    async def find_chats(self, chat_ids: Collection[int], *, lock: bool = False) -> list[FoundChat]:
        statement = f"SELECT {CHAT_COLUMNS} FROM chats WHERE id = ANY(%s) ORDER BY id {'FOR UPDATE' if lock else ''}"
        return _found(await self.rows(statement, list(chat_ids)))

    async def chat_ids(self) -> list[int]:
        return [chat_id for (chat_id,) in await self.rows("SELECT id FROM chats ORDER BY id")]

    async def linked_chats(self, account: str) -> list[int]:
        return [chat_id for (chat_id,) in await self.rows("SELECT id FROM chats WHERE account = %s", account)]

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        statement = "SELECT id FROM chats WHERE id = ANY(%s) AND account IS NOT NULL"
        return {chat_id for (chat_id,) in await self.rows(statement, list(chat_ids))}

    async def lock_or_make(self, chat_id: int) -> StoredChat:
        while True:
            if found := await self.find_chats([chat_id], lock=True):
                return found[0].load()
            await self._make_chats([ChatRecord(chat_id)])

    async def save_chat(self, old: StoredChat, new: StoredChat) -> None:
        await self.save_columns([saved_columns(old, new)])

    async def save_columns(self, rows: Sequence[dict[str, Any]]) -> None:
        """Save locked chats, as :func:`saved_columns` gives them. One statement for all that have the same columns."""
        for names in {tuple(row): None for row in rows}:
            alike = [row for row in rows if tuple(row) == names]
            if names == ("id",):
                await self.cursor.execute("DELETE FROM chats WHERE id = ANY(%s)", [[row["id"] for row in alike]])
                continue
            changes = ", ".join(f"{name} = new.{name}" for name in names[1:])
            arrays = ", ".join(f"%b::{type_of(name)}[]" for name in names)
            statement = (
                f"UPDATE chats SET {changes} FROM unnest({arrays}) AS new ({', '.join(names)}) WHERE chats.id = new.id"
            )
            await self.cursor.execute(statement.encode(), [[row[name] for row in alike] for name in names])

    async def delete_chat(self, chat_id: int) -> None:
        await self.cursor.execute("DELETE FROM chats WHERE id = %s", [chat_id])

    async def put_chats(self, records: Sequence[ChatRecord]) -> None:
        await self.cursor.execute("DELETE FROM chats WHERE id = ANY(%s)", [[record.id for record in records]])
        await self._make_chats(records)

    async def _make_chats(self, records: Sequence[ChatRecord]) -> None:
        chats = [{"id": each.id, **documents(each), **chat_columns(StoredChat(each))} for each in records]
        await self._insert("chats", chats)

    async def claim_checks(
        self, now: datetime, limit: int, until: datetime, rules: str | None = None
    ) -> list[FoundChat | StoredGlance]:
        await self._end_void_waits("check", now)
        rows = await self.rows(CLAIM_DUE_CHECKS, now=now, limit=limit, until=until)
        glances = {row[0]: glance_of(row[:-1], row[-1].astimezone(UTC)) for row in rows}
        spared = {number: g for number, g in glances.items() if g is not None and g.suffices(now, rules)}
        whole = {chat.id: chat for chat in await self.find_chats([n for n in glances if n not in spared])}
        order = [row[0] for row in sorted(rows, key=lambda row: (row[-1], row[0]))]
        return [spared.get(number) or whole[number] for number in order]

    async def claim_check(self, chat_id: int, now: datetime, until: datetime) -> StoredChat | None:
        await self._end_void_waits("check", now)
        rows = await self.rows(CLAIM_CHECK, id=chat_id, now=now, until=until)
        return stored_chat(rows[0]) if rows else None

    async def claim_messages(self, now: datetime, limit: int, until: datetime) -> list[FoundChat]:
        await self._end_void_waits("message", now)
        rows = await self.rows(DUE_MESSAGES, now, limit)
        return _found([(*row[:-4], row[-1], until, now) for row in rows])  # under the new lease, not under an older one

    async def _end_void_waits(self, work: str, now: datetime) -> None:
        rows = await self.rows(END_VOID_WAITS.format(work=work), now=now, agreed=now + CLOCKS_AGREE_WITHIN)
        note_void_waits(len(rows), max((set_at for (set_at,) in rows), default=now) - now)

    async def save_begun(self, chats: Sequence[StoredChat], left: Collection[int], until: datetime) -> set[int]:
        names = ("alerts", "unchanged", "message_due", "message_epoch", "message_until", "message_set_at")
        assignments = ", ".join([*(f"{name} = %({name})s" for name in names), "message_leased_at = now()"])
        rows = [
            {"id": s.record.id, "alerts": encode(s.record.alerts), "unchanged": None, **chat_columns(s)} for s in chats
        ]
        if rows:
            await self.cursor.executemany(f"UPDATE chats SET {assignments} WHERE id = %(id)s".encode(), rows)
        if left:
            statement = "UPDATE chats SET message_due = %s WHERE id = ANY(%s)"
            await self.cursor.execute(statement, [until, list(left)])
        return {stored.record.id for stored in chats}

    async def held(self, what: Held, claim: Claim) -> StoredChat | None:
        found = await self._held(f"{HELD[what]} FOR UPDATE", CHAT_COLUMNS, what, [claim])
        return found[claim.fencing_token].load() if found else None

    async def lock_held(self, what: Held, claims: Collection[Claim]) -> dict[int, FoundChat]:
        """Return by fencing token the chats that are still leased under these claims, locked, without what they know.

        Leave out those that others have locked: nobody is waited for.
        """
        return await self._held(f"{HELD[what]} ORDER BY id FOR UPDATE SKIP LOCKED", COLUMNS_BUT_KNOWN, what, claims)

    async def locked_held(self, what: Held, claims: Collection[Claim]) -> dict[int, FoundChat]:
        """Return chats that :meth:`lock_held` has locked, with what they know."""
        return await self._held(HELD[what], CHAT_COLUMNS, what, claims)

    async def _held(self, statement: str, columns: str, what: Held, claims: Collection[Claim]) -> dict[int, FoundChat]:
        ids = [int(claim.key) for claim in claims] if what is Held.CHECK else []
        tokens = [claim.fencing_token for claim in claims]
        rows = await self.rows(statement.format(columns=columns), ids=ids, tokens=tokens)
        return {row[0]: FoundChat(row[1], partial(stored_chat, row[1:])) for row in rows}

    async def end_glances(self, ends: Mapping[int, GlanceEnd]) -> set[int]:
        """End checks by their fencing tokens, as :meth:`bot.store.backend.Backend.end_glance` says.

        Return the tokens of those that ended. Nobody is waited for.
        """
        rows = await self.rows(
            END_GLANCES,
            ids=[each.id for each in ends.values()],
            tokens=[*ends],
            due=[each.next_check_at for each in ends.values()],
            at=[each.now for each in ends.values()],
            seen=[encode(each.seen) for each in ends.values()],
            times=[encode(each.times) for each in ends.values()],
        )
        return {token for (token,) in rows}

    async def chats_with_due_packs(self, now: datetime, limit: int) -> list[FoundChat]:
        return _found(await self.rows(DUE_PACKS, now, now + LONGEST_PACK_WAIT, limit))

    async def put_off_packs(self, chat_id: int, until: datetime) -> None:
        await self.cursor.execute("UPDATE chats SET pack_due = %s WHERE id = %s", [until, chat_id])

    async def accounts(self) -> list[str]:
        return sorted(account for (account,) in await self.rows("SELECT DISTINCT account FROM payments"))

    async def account_of(self, payment_id: str) -> str | None:
        account: str | None = await self.value("SELECT account FROM payments WHERE id = %s", payment_id)
        return account

    async def accounts_of_chat(self, chat_id: int) -> list[str]:
        rows = await self.rows("SELECT DISTINCT account FROM payments WHERE chat_id = %s", chat_id)
        return sorted(account for (account,) in rows)

    async def payments_of(self, account: str, *, lock: bool = False) -> list[PaymentRow]:
        if lock:  # it ends with the transaction
            await self.cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [account])
        rows = await self.rows("SELECT payment FROM payments WHERE account = %s ORDER BY number", account)
        return [payment_of(payment) for (payment,) in rows]

    async def unsettled_payments(self) -> list[PaymentRow]:
        unsettled = []
        for payment_id, payment in await self.rows("SELECT id, payment FROM payments WHERE unsettled ORDER BY number"):
            try:
                unsettled.append(payment_of(payment))
            except PaymentsUnreadable as error:
                log.warning("payment can't be read", payment=payment_id, reason=error.reason)
        return unsettled

    async def save_payments(self, account: str, rows: Mapping[str, PaymentRow | None]) -> None:  # noqa: ARG002  # they know it
        gone = [payment_id for payment_id, row in rows.items() if row is None]
        if gone:
            await self.cursor.execute("DELETE FROM payments WHERE id = ANY(%s)", [gone])
        kept = [payment_columns(row) for row in rows.values() if row is not None]
        changes = ", ".join(f"{name} = excluded.{name}" for row in kept[:1] for name in row)
        try:
            await self._insert("payments", kept, f"(id) DO UPDATE SET {changes}")
        except UniqueViolation as error:  # the database's own guard against two payments of one invoice
            raise PaymentInProgress from error

    async def put_payments(self, account: str, rows: Sequence[PaymentRow]) -> None:
        await self.cursor.execute("DELETE FROM payments WHERE account = %s", [account])
        await self.save_payments(account, {row.payment.id: row for row in rows})

    async def put_pending(self, item: Pending, now: datetime) -> None:
        kind, chat_id = _kind(type(item)), item.place.chat_id
        await self.cursor.execute("DELETE FROM papers WHERE expires_at <= %s", [now])
        if not isinstance(item, SEVERAL):
            same_person = "DELETE FROM papers WHERE kind = %s AND chat_id = %s AND user_id = %s"
            await self.cursor.execute(same_person, [kind, chat_id, item.user_id])
        await self.cursor.execute(PUT_PENDING, [kind, item.id, encode(item), chat_id, item.user_id, item.expires_at])

    async def pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        item = await self.value("SELECT paper FROM papers WHERE kind = %s AND id = %s", _kind(kind), item_id)
        return None if item is None else msgspec.json.decode(item, type=kind)

    async def pending_of(self, kind: type[PendingItem], chat_id: int, user_id: int) -> Sequence[PendingItem]:
        statement = "SELECT paper FROM papers WHERE kind = %s AND chat_id = %s AND user_id = %s"
        papers = await self.rows(statement, _kind(kind), chat_id, user_id)
        return [msgspec.json.decode(paper, type=kind) for (paper,) in papers]

    async def take_pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        statement = "DELETE FROM papers WHERE kind = %s AND id = %s RETURNING paper"
        item = await self.value(statement, _kind(kind), item_id)
        return None if item is None else msgspec.json.decode(item, type=kind)

    async def move_pending(self, old_id: int, new_id: int) -> None:
        for kind in PENDING_KINDS:
            papers = await self.rows("SELECT paper FROM papers WHERE kind = %s AND chat_id = %s", _kind(kind), old_id)
            for (paper,) in papers:
                item: Any = msgspec.json.decode(paper, type=kind)
                moved = replace(item, place=item.place.in_chat(new_id))
                statement = "UPDATE papers SET paper = %s, chat_id = %s WHERE kind = %s AND id = %s"
                await self.cursor.execute(statement, [encode(moved), new_id, _kind(kind), item.id])

    async def clear_pending(self, chat_id: int) -> None:
        statement = "DELETE FROM papers WHERE kind <> ALL(%s) AND (chat_id = %s OR (kind = %s AND user_id = %s))"
        await self.cursor.execute(statement, [[*map(_kind, OF_PERSONS)], chat_id, _kind(Invitation), chat_id])

    async def sealed_secret(self) -> str | None:
        """Return the secret, locked, so that only one of several first starts makes it."""
        sealed: str | None = await self.value("SELECT fingerprint_secret FROM store FOR UPDATE")
        return sealed

    async def put_sealed_secret(self, sealed: str) -> None:
        await self.cursor.execute(
            "INSERT INTO store (fingerprint_secret) VALUES (%s) "
            "ON CONFLICT (only_row) DO UPDATE SET fingerprint_secret = excluded.fingerprint_secret",
            [sealed],
        )

    async def sealed_by_others(self, key_id: str) -> Mapping[str, Collection[int]]:
        statement = "SELECT key_id, array_agg(id) FROM chats WHERE key_id <> %s GROUP BY key_id"
        return dict(await self.rows(statement, key_id))

    async def is_moving(self) -> bool:
        return bool(await self.value("SELECT EXISTS (SELECT FROM store WHERE moving)"))

    async def set_moving(self, moving: bool) -> None:  # noqa: FBT001  # what is set
        await self.cursor.execute(
            "INSERT INTO store (moving) VALUES (%s) ON CONFLICT (only_row) DO UPDATE SET moving = excluded.moving",
            [moving],
        )

    async def drop_expired(self, now: datetime) -> None:
        for statement in EXPIRED:
            await self.cursor.execute(statement, {"now": now})

    async def backlog(self, now: datetime) -> Backlog:
        [(check, message, waiting, dead_letters)] = await self.rows(BACKLOG, now=now)
        return Backlog(_utc(check), _utc(message), waiting, dead_letters)

    async def newest_wait(self) -> datetime | None:
        return _utc(await self.value("SELECT greatest(max(check_set_at), max(message_set_at)) FROM chats"))


def _found(rows: Sequence[tuple[Any, ...]]) -> list[FoundChat]:
    return [FoundChat(row[0], partial(stored_chat, row)) for row in rows]


def _kind(kind: type[PendingItem]) -> str:
    return kind.__name__.lower()


def _utc(instant: datetime | None) -> datetime | None:
    """Return the same instant in UTC, whatever time zone the database gives it in."""
    return instant and instant.astimezone(UTC)
