"""Opening a data folder: lock it, finish what a crash left, read every file once, and try the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from filelock import BaseFileLock, FileLock, Timeout

from bot.errors import ChatUnreadable, PaymentsUnreadable, StartError
from bot.ports import Clock, StoreCounts, utc_now
from bot.store.backend import Transaction, Work
from bot.store.inspection import what_is_unreadable
from bot.store.move import check_not_moving
from bot.store.rules.chats import counts_of
from bot.store.rules.records import ChatRecord, blank
from bot.store.store import Store
from bot.store.tinydb.backend import TinyBackend, run_to_end
from bot.store.tinydb.files import FILE_MODE, DataFolder
from bot.store.tinydb.keyfile import read_keys
from bot.store.vault import Vault, open_secret, seal_anew

log = structlog.get_logger()

T = TypeVar("T")

LOCK_FILE = "lock"


def open_store(data_dir: Path, keys: Sequence[str], clock: Clock = utc_now) -> Store:
    """Open (or make) the store in a folder. ``keys`` as in :class:`bot.store.vault.Vault`.

    Read every file once, seal with the first key what an older one sealed, and delete what is over: a chat that once
    wrote to the bot and left it at that, and pending items that have expired. Raise :class:`StartError` where another
    process has the folder, a file that all chats need is damaged, or the keys are not those of the stored data.
    """
    vault = Vault(keys)
    lock = lock_folder(data_dir)
    backend = TinyBackend(data_dir, vault.key_ids[0], lock)
    try:
        with _access(data_dir):
            secret = _prepare(backend, vault, clock())
    except BaseException:
        lock.release()
        raise
    return Store(backend, vault, secret)


@contextmanager
def open_folder(data_dir: Path, vault: Vault) -> Iterator[TinyBackend]:
    """Open the folder of a stopped bot as it is, to move data. Raise :class:`StartError` where a bot has it."""
    with lock_folder(data_dir):
        backend = TinyBackend(data_dir, vault.key_ids[0])
        backend.folder.sweep()
        backend.recover()
        _read_all(backend)
        yield backend


def lock_folder(data_dir: Path) -> BaseFileLock:
    """Take the folder for this process. Raise :class:`StartError` when another one has it."""
    DataFolder(data_dir).make()
    if lock := _try_lock(data_dir):
        return lock
    raise StartError(
        f"Another process is using the data folder {data_dir}. Stop it first, or set DATA_DIR to another folder."
    )


def in_use(data_dir: Path) -> bool:
    """Whether a running bot has the folder. Changes nothing. A free lock is taken for a moment.

    Raise :class:`StartError` where that can't be told, and a start would fail.
    """
    if not DataFolder(data_dir).has(LOCK_FILE):
        return False
    lock = _try_lock(data_dir)
    if lock:
        lock.release()
    return lock is None


def inspect(data_dir: Path, keys: Sequence[str]) -> StoreCounts | None:
    """Return what the store holds. None: there is none. ``keys``: those of ``TOKEN_KEYS``, else the folder's own.

    Raise the :class:`StartError` that a start would end with if nobody has the folder, which :func:`in_use` tells.
    Changes nothing, and does not disturb a running bot.
    """
    folder = DataFolder(data_dir)
    with _access(data_dir):
        folder.try_writing()
        keys = keys or read_keys(data_dir)
        if not keys:
            return None
        vault = Vault(keys)
        folder.pending()
        backend = TinyBackend(data_dir, vault.key_ids[0])
        t = backend.transaction()
        records = list[ChatRecord]()
        _read_all(backend, records.append)
        if not (records or backend.payments.accounts or run_to_end(t.sealed_secret())):
            return None
        run_to_end(open_secret(t, vault, backend.secret_place))  # nothing of it is committed
        unreadable = run_to_end(what_is_unreadable(t, vault))
    return replace(counts_of(records), unreadable=unreadable)


def _prepare(backend: TinyBackend, vault: Vault, now: datetime) -> str:
    """Bring a locked folder into order, and return its secret."""
    run_to_end(check_not_moving(backend.transaction()))
    backend.folder.sweep()
    backend.recover()
    gone = list[int]()

    def look(record: ChatRecord) -> None:
        if blank(record, now):
            gone.append(record.id)

    _read_all(backend, look)
    secret = backend.transact(partial(open_secret, vault=vault, place=backend.secret_place))

    async def drop(t: Transaction) -> None:
        for chat_id in gone:
            await t.delete_chat(chat_id)
        await t.drop_expired(now)

    async def at_once(work: Work[T]) -> T:
        return backend.transact(work)

    backend.transact(drop)
    run_to_end(seal_anew(at_once, vault))
    return secret


def _read_all(backend: TinyBackend, look: Callable[[ChatRecord], None] = lambda _: None) -> None:
    """Read every file once, and fill the backend's index. ``look`` gets each chat, without what it knows.

    One that is damaged keeps nobody else from starting: its chat rests, or its account pays nothing. Only chats with
    alerts are held in memory until all are read: the oldest alert goes first.
    """
    waiting = list[ChatRecord]()
    for chat_id in backend.folder.chat_ids():
        backend.chats.note_stored(chat_id, is_stored=True)  # also if it is damaged
        try:
            record = backend.transaction().load_chat(chat_id, with_known=False)
        except ChatUnreadable as error:
            log.warning("chat can't be read, so it rests", chat=chat_id, reason=error.reason)
            continue
        if record is None:
            continue
        look(record)
        if record.alerts:
            waiting.append(record)
        else:
            backend.chats.sync(record.id, record)
    for record in sorted(waiting, key=_oldest_alert):
        backend.chats.sync(record.id, record)
    for account in backend.folder.accounts():
        try:
            backend.payments.sync(account, run_to_end(backend.transaction().payments_of(account)))
        except PaymentsUnreadable as error:
            backend.payments.damaged.add(account)
            log.warning("payments can't be read, so nothing is paid with this account", reason=error.reason)


def _try_lock(data_dir: Path) -> BaseFileLock | None:
    lock = FileLock(data_dir / LOCK_FILE, mode=FILE_MODE, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except OSError as error:
        raise StartError(f"The data folder {data_dir} can't be locked: {error}.") from error
    return lock


def _oldest_alert(record: ChatRecord) -> datetime:
    row = record.next_alert
    return row.alert.created_at if row else datetime.max.replace(tzinfo=UTC)


@contextmanager
def _access(data_dir: Path) -> Iterator[None]:
    """Turn an error of the disk into a :class:`StartError`."""
    try:
        yield
    except OSError as error:
        raise StartError(
            f"The data folder {data_dir} can't be read or written ({error}). All in it must belong to the user who "
            "runs the bot."
        ) from error
