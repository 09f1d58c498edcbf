"""One transaction on the data folder. It runs in the store's one thread and never waits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec
import structlog
from tinydb import TinyDB

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.chat_keys import keys_of, slot_of
from bot.domain.chats import Silence
from bot.domain.deliveries import Claim
from bot.domain.invitations import Invitation
from bot.domain.unchanged import Unchanged
from bot.domain.waits import LONG_AGO
from bot.errors import ChatUnreadable, PaymentsUnreadable, StartError
from bot.offload import HEAVY_BYTES
from bot.ports import Backlog, Pending, PendingItem
from bot.store.backend import OF_PERSONS, PENDING_KINDS, SEVERAL, FoundChat, Held, StoredChat, StoredGlance
from bot.store.rules.check_times import CheckTimes, only_times, with_times
from bot.store.rules.records import PARTS, AlertRow, ChatRecord, ChatRow, LinkRow, PaymentRow, blank
from bot.store.tinydb.files import (
    ACCOUNT_FORM,
    ACCOUNTS,
    CHATS,
    STORE_FILE,
    DamagedFile,
    DataFolder,
    FileTransaction,
    delete_file,
    replace_file,
)
from bot.store.tinydb.last_checks import LastCheck
from bot.store.tinydb.memory import ChatIndex, PaymentIndex
from bot.store.tinydb.tables import replace_rows, rows_in

log = structlog.get_logger()

T = TypeVar("T")

PENDING_FILE = "desk.json"
MOVING_FILE = "moving"
KNOWN = "known"
"""The table that is by far the largest."""
SCHEMA = 1
NOTHING = b"{}"
"""A file without tables."""
ONLY = 1
"""The document id in a table that holds one document."""

SAVE_CHECKS_EVERY = timedelta(hours=1)
"""A full check that found nothing new is saved only if the saved one is older than this. So after a restart the bot may
call its knowledge too old, by this and :data:`bot.domain.schedule.FULL_CHECK_EVERY` at most, and never too young."""


class _ChatTables(msgspec.Struct):
    """The parts of a chat's file. To read it as these takes half as long as row by row."""

    chat: dict[int, ChatRow] = {}
    link: dict[int, LinkRow] = {}
    known: dict[int, KnownInvoice] = {}
    alerts: dict[int, AlertRow] = {}
    silences: dict[int, Silence] = {}
    sent: dict[int, SentMessage] = {}


_chat_tables = msgspec.json.Decoder(_ChatTables)


class TinyTransaction:
    """Implement :class:`bot.store.backend.Transaction`.

    Leases are taken in memory at once. If a claim fails, they last until they end. All else in memory changes after the
    files were written.
    """

    backend_errors: tuple[type[Exception], ...] = ()

    def __init__(self, folder: DataFolder, chats: ChatIndex, payments: PaymentIndex, doubtful: set[str]) -> None:
        self._folder = folder
        self._chats = chats
        self._payments = payments
        self._doubtful = doubtful
        self._files = FileTransaction(folder)
        self._saved: dict[int, StoredChat | None] = {}
        self._times: dict[int, CheckTimes] = {}
        self._seen: dict[int, Unchanged] = {}
        self._ended: dict[int, LastCheck] = {}
        self._saved_payments: dict[str, Sequence[PaymentRow]] = {}

    def commit(self) -> None:
        """Write the files, then let the memory follow. After an error the files are ``doubtful``."""
        try:
            self._files.commit()
        except BaseException:
            self._doubtful |= self._files.names
            raise
        for chat_id, stored in self._saved.items():
            self._follow(chat_id, stored)
        for chat_id, last in self._ended.items():
            self._chats.end_glance(chat_id, last)
        for account, rows in self._saved_payments.items():
            self._payments.sync(account, rows)

    def _follow(self, chat_id: int, stored: StoredChat | None) -> None:
        self._chats.checks.hold(chat_id, stored.check if stored else None)
        self._chats.messages.hold(chat_id, stored.message if stored else None)
        self._chats.sync(chat_id, stored.record if stored else None)
        if stored is not None:
            times, seen = self._times.get(chat_id), self._seen.get(chat_id)
            self._chats.keep_last_check(chat_id, stored.record, times, seen)

    def load_chat(self, chat_id: int, *, with_known: bool = True) -> ChatRecord | None:
        """Return a chat's record as its file has it. Raise :class:`ChatUnreadable`."""
        name = chat_file(chat_id)
        try:
            tables = self._tables_of(name, with_known=with_known)
        except DamagedFile as error:
            raise ChatUnreadable(str(error)) from error
        except (msgspec.DecodeError, ValueError) as error:
            raise ChatUnreadable(str(DamagedFile(self._folder.root / name, str(error)))) from error
        if tables is None:
            return None
        return ChatRecord(
            id=chat_id,
            chat=tables.chat.get(ONLY, ChatRow()),
            link=tables.link.get(ONLY),
            known=tables.known,
            alerts=_in_order(tables.alerts),
            silences=tables.silences,
            sent=_in_order(tables.sent),
        )

    def _tables_of(self, name: str, *, with_known: bool) -> _ChatTables | None:
        """Return what is in a chat's file, which is read in one step unless it is large. None: there is none."""
        content = self._files.content(name) if with_known else None
        if content is not None and content != NOTHING and len(content) <= HEAVY_BYTES:
            content.decode()  # fields that are passed over may hold bytes that are no text
            return _chat_tables.decode(content)
        database = self._files.open(name, without="" if with_known else KNOWN)
        if not database.tables():
            return None
        return _ChatTables(
            chat=_rows(database, "chat", ChatRow),
            link=_rows(database, "link", LinkRow),
            known=_rows(database, KNOWN, KnownInvoice),
            alerts=_rows(database, "alerts", AlertRow),
            silences=_rows(database, "silences", Silence),
            sent=_rows(database, "sent", SentMessage),
        )

    def chat(self, chat_id: int) -> ChatRecord | None:
        """Return a chat's record with its newest check times."""
        return self._with_times(self.load_chat(chat_id), self._chats.last_checks.get(chat_id))

    @staticmethod
    def _with_times(record: ChatRecord | None, last: LastCheck | None) -> ChatRecord | None:
        return record if last is None or record is None else with_times(record, last.times)

    def _stored(self, chat_id: int | None) -> StoredChat | None:
        if chat_id is None:
            return None
        record = self._chats.claimed.get(chat_id) if chat_id not in self._saved else None
        last = self._chats.last_checks.get(chat_id)
        if record is None and (record := self._with_times(self.load_chat(chat_id), last)) is None:
            return None
        return StoredChat(
            record,
            self._chats.checks.held(record.id),
            self._chats.messages.held(record.id),
            last.seen.unchanged if last is not None and last.seen is not None else None,
        )

    def _load(self, chat_id: int) -> StoredChat:
        return self._stored(chat_id) or StoredChat(ChatRecord(chat_id))

    def _load_for_check(self, chat_id: int) -> StoredChat:
        """Load a chat, and keep it for the end of its check: mostly nothing of it changes before."""
        stored = self._load(chat_id)
        self._chats.claimed[chat_id] = stored.record
        return stored

    async def find_chats(self, chat_ids: Iterable[int], *, lock: bool = False) -> list[FoundChat]:  # noqa: ARG002  # one thread
        return [FoundChat(number, partial(self._load, number)) for number in chat_ids if self._has(number)]

    def _has(self, chat_id: int) -> bool:
        if chat_id in self._saved:  # in this transaction
            saved = self._saved[chat_id]
            return saved is not None and not blank(saved.record)
        if slot_of(chat_id) and chat_id not in self._chats.beside:
            return False
        return self._folder.has(chat_file(chat_id))

    async def chat_ids(self) -> list[int]:
        return self._folder.chat_ids()

    async def linked_chats(self, account: str) -> list[int]:
        return [chat_id for chat_id, linked in self._chats.accounts.items() if linked == account]

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        return {chat_id for chat_id in chat_ids if chat_id in self._chats.accounts}

    async def lock_or_make(self, chat_id: int) -> StoredChat:
        return self._load(chat_id)

    async def save_chat(self, old: StoredChat, new: StoredChat) -> None:
        record, name = new.record, chat_file(new.record.id)
        was_there = blank(record) and self._has(record.id)
        self._saved[record.id] = new
        if new.unchanged is not None and new.unchanged is not old.unchanged:
            self._seen[record.id] = new.unchanged
        if blank(record):
            if was_there:
                self._files.delete(name)
        elif (times := self._times_only(old.record, record)) is not None:
            self._times[record.id] = times
        else:
            self._write(old.record, record)

    def _times_only(self, old: ChatRecord, new: ChatRecord) -> CheckTimes | None:
        """Return the check times if nothing else of the chat has changed. None: the change is worth a write."""
        times, last = only_times(old, new), self._chats.last_checks.get(old.id)
        if times is not None and last is not None:
            times = replace(times, saved_at=last.times.saved_at)
        return None if times is None or abs(times.checked_at - times.saved_at) >= SAVE_CHECKS_EVERY else times

    def _write(self, old: ChatRecord | None, new: ChatRecord) -> None:
        """Write what changed. None: all of it."""
        database = self._files.open(chat_file(new.id))
        if not database.tables():
            old = None
        for name in PARTS:
            part = getattr(new, name)
            if old is None or part != getattr(old, name):
                _replace(database, name, part, old.known if old is not None and name == "known" else None)
                if name == "link" and new.link is not None:
                    at, link = new.link.watch.checked_at, new.link
                    self._times[new.id] = CheckTimes(at, link.next_check_at, link.next_check_set_at, at)

    async def delete_chat(self, chat_id: int) -> None:
        self._files.delete(chat_file(chat_id))
        self._saved[chat_id] = None

    async def put_chats(self, records: Sequence[ChatRecord]) -> None:
        for record in records:
            self._saved[record.id] = StoredChat(record)
            self._write(None, record)

    async def claim_checks(
        self, now: datetime, limit: int, until: datetime, rules: str | None = None
    ) -> list[FoundChat | StoredGlance]:
        due: list[FoundChat | StoredGlance] = []
        for chat_id in self._chats.checks.claim(now, limit, until):
            glance = self._chats.glance(chat_id)
            if glance is not None and glance.suffices(now, rules):
                due.append(glance)
            elif self._has(chat_id):
                due.append(FoundChat(chat_id, partial(self._load_for_check, chat_id)))
        return due

    async def claim_check(self, chat_id: int, now: datetime, until: datetime) -> StoredChat | None:
        return self._load_for_check(chat_id) if self._chats.checks.claim_key(chat_id, now, until) else None

    async def claim_messages(self, now: datetime, limit: int, until: datetime) -> list[FoundChat]:
        return await self.find_chats(self._chats.messages.claim(now, limit, until))

    async def save_begun(self, chats: Sequence[StoredChat], left: Collection[int], until: datetime) -> set[int]:  # noqa: ARG002  # all are leased
        saved = set()
        for stored in chats:
            name = chat_file(stored.record.id)
            _replace(self._files.open(name), "alerts", stored.record.alerts)
            try:
                self._files.write(name)
            except OSError as error:
                self._doubtful.add(name)
                log.warning("chat can't be written for its alert", chat=stored.record.id, error=str(error))
            else:
                self._saved[stored.record.id] = stored
                saved.add(stored.record.id)
        return saved

    async def held(self, what: Held, claim: Claim) -> StoredChat | None:
        if what is Held.MESSAGE:
            return self._stored(self._chats.messages.holder(claim.fencing_token))
        chat_id = self._chats.checks.holder(claim.fencing_token)
        return None if chat_id is None else self._load_for_check(chat_id)

    async def end_glance(self, claim: Claim, now: datetime, next_check_at: datetime, seen: Unchanged) -> bool:
        """Do what :meth:`bot.store.backend.Backend.end_glance` says."""
        chat_id = self._chats.checks.holder(claim.fencing_token)
        last = None if chat_id is None else self._chats.last_checks.get(chat_id)
        if chat_id is None or last is None or last.seen is None:
            return False
        times = CheckTimes(now, next_check_at, now, last.times.saved_at, seen.credit)
        self._ended[chat_id] = LastCheck(times, last.seen._replace(unchanged=seen))
        return True

    async def chats_with_due_packs(self, now: datetime, limit: int) -> list[FoundChat]:
        return await self.find_chats(self._chats.with_due_packs(now, limit))

    async def put_off_packs(self, chat_id: int, until: datetime) -> None:
        self._chats.packs[chat_id] = until

    async def accounts(self) -> list[str]:
        return sorted({*self._payments.find(), *self._payments.damaged})

    async def account_of(self, payment_id: str) -> str | None:
        return self._payments.accounts.get(payment_id)

    async def accounts_of_chat(self, chat_id: int) -> list[str]:
        """Return them. A damaged file may hold payments of every chat that is linked to its account."""
        linked = {self._chats.accounts.get(key) for key in keys_of(chat_id)}
        damaged = self._payments.damaged & linked
        return sorted({*self._payments.find(chat_id=chat_id), *damaged})

    async def payments_of(self, account: str, *, lock: bool = False) -> list[PaymentRow]:  # noqa: ARG002  # one thread
        name = account_file(account)
        try:
            return list(_in_order(_rows(self._files.open(name), "payments", PaymentRow)))
        except DamagedFile as error:
            raise PaymentsUnreadable(str(error)) from error
        except (msgspec.ValidationError, ValueError) as error:
            raise PaymentsUnreadable(str(DamagedFile(self._folder.root / name, str(error)))) from error

    async def unsettled_payments(self) -> list[PaymentRow]:
        unsettled: list[PaymentRow] = []
        for account in self._payments.find(unsettled=True):
            try:
                unsettled += [row for row in await self.payments_of(account) if row.payment.is_unsettled]
            except PaymentsUnreadable as error:
                log.warning("payments can't be read", account=account[:8], reason=error.reason)
        return unsettled

    async def save_payments(self, account: str, rows: Mapping[str, PaymentRow | None]) -> None:
        stored = {row.payment.id: row for row in await self.payments_of(account)}
        await self.put_payments(account, [row for row in {**stored, **rows}.values() if row is not None])

    async def put_payments(self, account: str, rows: Sequence[PaymentRow]) -> None:
        if rows:
            _replace(self._files.open(account_file(account)), "payments", rows)
        else:
            self._files.delete(account_file(account))
        self._saved_payments[account] = rows

    def _items(self, kind: type[PendingItem]) -> list[PendingItem]:
        """Return the pending items of a kind. They live for a day at most: none of a damaged file is worth keeping."""
        try:
            return list(_rows(self._files.open(PENDING_FILE), _table(kind), kind).values())
        except (DamagedFile, msgspec.ValidationError) as error:
            log.warning("pending items can't be read, so they are dropped", file=PENDING_FILE, reason=str(error))
            self._files.empty(PENDING_FILE)
            return []

    def _keep(self, kind: type[PendingItem], wanted: Callable[[PendingItem], bool]) -> None:
        items = self._items(kind)
        kept = [item for item in items if wanted(item)]
        if kept != items:
            _replace(self._files.open(PENDING_FILE), _table(kind), kept)

    async def put_pending(self, item: Pending, now: datetime) -> None:
        def gives_way(other: Pending) -> bool:
            same_person = (other.place.chat_id, other.user_id) == (item.place.chat_id, item.user_id)
            return other.id == item.id or other.expires_at <= now or (not isinstance(item, SEVERAL) and same_person)

        kept = [other for other in self._items(type(item)) if not gives_way(other)]
        _replace(self._files.open(PENDING_FILE), _table(type(item)), [*kept, item])

    async def pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        return next((item for item in self._items(kind) if item.id == item_id), None)

    async def pending_of(self, kind: type[PendingItem], chat_id: int, user_id: int) -> Sequence[PendingItem]:
        return [item for item in self._items(kind) if (item.place.chat_id, item.user_id) == (chat_id, user_id)]

    async def take_pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        item = await self.pending(kind, item_id)
        self._keep(kind, lambda other: other.id != item_id)
        return item

    async def move_pending(self, old_id: int, new_id: int) -> None:
        def moved(item: PendingItem) -> PendingItem:
            return replace(item, place=item.place.in_chat(new_id)) if item.place.chat_id == old_id else item

        for kind in PENDING_KINDS:
            items = self._items(kind)
            if any(item.place.chat_id == old_id for item in items):
                _replace(self._files.open(PENDING_FILE), _table(kind), [moved(item) for item in items])

    async def clear_pending(self, chat_id: int) -> None:
        self._keep(Invitation, lambda item: item.user_id != chat_id)
        for kind in PENDING_KINDS:
            if kind not in OF_PERSONS:
                self._keep(kind, lambda item: item.place.chat_id != chat_id)

    async def drop_expired(self, now: datetime) -> None:
        for kind in PENDING_KINDS:
            self._keep(kind, lambda item: item.expires_at > now)

    async def sealed_secret(self) -> str | None:
        document = self._files.open(STORE_FILE).table("store").get(doc_id=ONLY)
        if document is None:
            return None
        schema, sealed = document.get("schema"), document.get("fingerprint_secret")
        if not isinstance(schema, int) or not isinstance(sealed, str):
            raise DamagedFile(self._folder.root / STORE_FILE, "a field is missing")
        if schema > SCHEMA:
            raise StartError(
                f"The data folder {self._folder.root} was written by a newer version of the bot: install that one."
            )
        return sealed

    async def put_sealed_secret(self, sealed: str) -> None:
        _put_only(self._files.open(STORE_FILE), "store", {"schema": SCHEMA, "fingerprint_secret": sealed})

    async def sealed_by_others(self, key_id: str) -> Mapping[str, Collection[int]]:  # noqa: ARG002  # the index knows
        found: dict[str, list[int]] = {}
        for chat_id, other in self._chats.other_keys.items():
            found.setdefault(other, []).append(chat_id)
        return found

    async def is_moving(self) -> bool:
        return self._folder.has(MOVING_FILE)

    async def set_moving(self, moving: bool) -> None:  # noqa: FBT001  # what is set
        mark = self._folder.root / MOVING_FILE
        if moving:
            replace_file(mark, b"")
        else:
            delete_file(mark)

    async def backlog(self, now: datetime) -> Backlog:
        self._folder.probe()
        return self._chats.backlog(now)

    async def newest_wait(self) -> datetime | None:
        newest = max(self._chats.checks.last_set_at, self._chats.messages.last_set_at)
        return None if newest == LONG_AGO else newest


def chat_file(chat_id: int) -> str:
    """Return the name of a chat's file."""
    return f"{CHATS}/{chat_id}.json"


def account_file(account: str) -> str:
    """Return the name of an account's file. Raise :class:`ValueError` for what can't be a fingerprint."""
    if not ACCOUNT_FORM.fullmatch(account):
        raise ValueError(f"not an account's fingerprint: {account!r}")
    return f"{ACCOUNTS}/{account}.json"


def _table(kind: type[PendingItem]) -> str:
    return f"{kind.__name__.lower()}s"


def _rows(database: TinyDB, table: str, kind: type[T]) -> dict[int, T]:
    # One by one: a single step for all would hold up every thread.
    return {int(number): msgspec.convert(row, kind) for number, row in rows_in(database, table).items()}


def _in_order(rows: Mapping[int, T]) -> tuple[T, ...]:
    return tuple(rows[number] for number in sorted(rows))


def _replace(database: TinyDB, table: str, part: Any, before: Any = None) -> None:
    """Put a part of a record into its table: a row for each number of a mapping, or for each place of a sequence.

    ``before`` is what stands there, if that is known.
    """
    if part is None or isinstance(part, Mapping | Sequence):
        replace_rows(database, table, _numbered(part), _numbered(before))
    else:
        _put_only(database, table, msgspec.to_builtins(part))


def _numbered(part: Mapping[int, Any] | Sequence[Any] | None) -> Mapping[int, Any]:
    return part if isinstance(part, Mapping) else dict(enumerate(part or (), start=1))


def _put_only(database: TinyDB, table: str, row: Mapping[str, Any]) -> None:
    """Put a row into a table that holds one. Unknown fields of a newer version stay."""
    replace_rows(database, table, {ONLY: {**rows_in(database, table).get(str(ONLY), {}), **row}})
