"""The files and what is known of them in memory, kept in step. Everything here runs in the store's one thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec

from bot.store.rules.records import (
    ChatRecord,
    PaymentRow,
    blank,
    load_chat,
    load_payments,
    replace_rows,
    save_chat,
    save_payments,
)
from bot.store.tinydb.files import ACCOUNTS, CHATS, DamagedFile, DataFolder
from bot.store.tinydb.index import ChatState, PaymentState
from bot.store.tinydb.storage import Transaction
from bot.store.vault import Vault

ACCOUNT_FORM = re.compile(r"[\w-]{1,128}", re.ASCII)  # it becomes a file's name


class Change:
    """A transaction in terms of chats and accounts. Remembers what it saved, so that the memory can follow."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.chats: dict[int, ChatRecord | None] = {}
        self.accounts: dict[str, Sequence[PaymentRow]] = {}
        self.moved: tuple[int, int] | None = None

    def save_chat(self, record: ChatRecord) -> None:
        """Store a chat; one about which nothing is left to say goes."""
        name = chat_file(record.id)
        if blank(record):
            self._transaction.delete(name)
        else:
            save_chat(self._transaction.open(name), record)
        self.chats[record.id] = record

    def save_rows(self, name: str, tables: Mapping[str, Sequence[Any]]) -> None:
        """Put rows into tables of a file of which nothing is held in memory; its other tables stay."""
        database = self._transaction.open(name)
        for table, rows in tables.items():
            replace_rows(database, table, dict(enumerate(rows, start=1)))

    def delete_chat(self, chat_id: int) -> None:
        """Delete a chat's file."""
        self._transaction.delete(chat_file(chat_id))
        self.chats[chat_id] = None

    def hand_on_alerts(self, old_id: int, new_id: int) -> None:
        """Let a lease on a chat's alerts go on under the chat's new id."""
        self.moved = (old_id, new_id)

    def save_payments(self, account: str, rows: Sequence[PaymentRow]) -> None:
        """Store an account's payments; without any, its file goes."""
        name = account_file(account)
        if rows:
            save_payments(self._transaction.open(name), rows)
        else:
            self._transaction.delete(name)
        self.accounts[account] = rows


class Database:
    """Loads and changes records; after each change the queues and the index say the same as the files."""

    def __init__(self, folder: DataFolder, vault: Vault) -> None:
        self.folder = folder
        self.vault = vault
        self.chats = ChatState()
        self.payments = PaymentState()
        self._doubtful: set[str] = set()

    def chat(self, chat_id: int) -> ChatRecord | None:
        """A chat's record with its freshest check times, or None. Raises :class:`DamagedFile`."""
        record = self.read_chat(chat_id)
        fresh = self.chats.fresh.get(chat_id)
        if fresh is None or record is None or record.link is None:
            return record
        watch = replace(record.link.watch, checked_at=fresh.checked_at)
        link = replace(record.link, watch=watch, next_check_at=fresh.next_check_at)
        return replace(record, link=link)

    def read_chat(self, chat_id: int, *, with_known: bool = True) -> ChatRecord | None:
        """A chat's record as its file has it, or None."""
        name = chat_file(chat_id)
        try:
            return load_chat(Transaction(self.folder).open(name), chat_id, with_known=with_known)
        except (msgspec.ValidationError, ValueError) as error:
            raise DamagedFile(self.folder.root / name, str(error)) from error

    def payments_of(self, account: str) -> list[PaymentRow]:
        """An account's payments, in the order in which they were asked for."""
        name = account_file(account)
        try:
            return load_payments(Transaction(self.folder).open(name))
        except (msgspec.ValidationError, ValueError) as error:
            raise DamagedFile(self.folder.root / name, str(error)) from error

    @contextmanager
    def change(self) -> Iterator[Change]:
        """One transaction: what is saved within is written at its end as a whole, or not at all on an error."""
        transaction = Transaction(self.folder)
        change = Change(transaction)
        yield change
        try:
            transaction.commit()
        except BaseException:
            self._doubtful |= transaction.names
            raise
        if change.moved:
            self.chats.alerts.rename(*change.moved)
        for chat_id, record in change.chats.items():
            self.chats.fresh.pop(chat_id, None)
            self.chats.sync(chat_id, record)
        for account, rows in change.accounts.items():
            self.payments.sync(account, rows)

    def recover(self) -> None:
        """After a write that failed halfway: finish what was decided, and look again at the files it touched."""
        self._doubtful |= set(self.folder.recover())
        for name in sorted(self._doubtful):
            folder, _, stem = name.removesuffix(".json").partition("/")
            if folder == CHATS:
                self.chats.sync(int(stem), self.chat(int(stem)))
            elif folder == ACCOUNTS:
                self.payments.sync(stem, self.payments_of(stem))
            self._doubtful.discard(name)


def chat_file(chat_id: int) -> str:
    """The name of a chat's file."""
    return f"{CHATS}/{chat_id}.json"


def account_file(account: str) -> str:
    """The name of an account's file. Raises :class:`ValueError` for what can't be a fingerprint."""
    if not ACCOUNT_FORM.fullmatch(account):
        raise ValueError(f"not an account's fingerprint: {account!r}")
    return f"{ACCOUNTS}/{account}.json"
