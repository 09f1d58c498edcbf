"""Opening a data folder: lock it, finish what a crash left, try the keys, and read every file once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from filelock import BaseFileLock, FileLock, Timeout

from bot.domain.alerts import AlertState
from bot.errors import StartError
from bot.store.database import Database
from bot.store.rules.records import ChatRecord, blank
from bot.store.secrets import SecretFile
from bot.store.tinydb.files import ACCOUNTS, CHATS, FILE_MODE, DamagedFile, DataFolder
from bot.store.tinydb.keyfile import read_keys
from bot.store.tokens import check_tokens, seal_tokens_anew
from bot.store.vault import Vault

LOCK_FILE = "lock"
MOVING_FILE = "moving"

NOT_FINISHED = (
    "A move of the data to this place has begun and was not finished: run `python -m bot move` again, to its end."
)

log = structlog.get_logger()


def lock_folder(data_dir: Path) -> BaseFileLock:
    """Take the folder for this process. Raises :class:`StartError` when another one has it."""
    DataFolder(data_dir).make()
    if lock := _try_lock(data_dir):
        return lock
    raise StartError(
        f"Another process is using the data folder {data_dir}. Stop it first, or set DATA_DIR to another folder."
    )


def in_use(data_dir: Path) -> bool:
    """Whether a running bot has the folder. Changes nothing; a lock that is free is taken for a moment.

    Raises :class:`StartError` where that can't be told, and a start would fail.
    """
    if not (data_dir / LOCK_FILE).exists():
        return False
    lock = _try_lock(data_dir)
    if lock:
        lock.release()
    return lock is None


def load(data_dir: Path, vault: Vault, now: datetime) -> tuple[Database, str]:
    """The database and the fingerprint secret of a locked folder. Raises :class:`StartError`.

    A chat that once wrote to the bot and left it at that is forgotten here.
    """
    folder = DataFolder(data_dir)
    if (data_dir / MOVING_FILE).exists():
        raise StartError(NOT_FINISHED)
    try:
        folder.sweep()
        folder.recover()
        secret_file = SecretFile(folder, vault)
        secret = secret_file.open() or secret_file.make()
        database, records = _read(folder, vault)
        with database.change() as change:
            for record in records:
                if blank(record, now):
                    change.delete_chat(record.id)
        if count := secret_file.seal_anew() + seal_tokens_anew(records, folder, vault):
            log.info("sealed anew with the first key", key=vault.key_ids[0], count=count)
    except OSError as error:
        raise _inaccessible(data_dir, error) from error
    return database, secret


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds: linked ``chats``, how many of them rest, and how many alerts were set aside."""

    chats: int
    resting: int
    set_aside: int


def inspect(data_dir: Path, keys: Sequence[str]) -> Contents | None:
    """What the store holds; None where there is none. ``keys``: those of ``TOKEN_KEYS``, or none for the folder's own.

    Raises the :class:`StartError` that a start would end with if nobody has the folder, which :func:`in_use` tells.
    Changes nothing; a running bot is not disturbed.
    """
    folder = DataFolder(data_dir)
    try:
        folder.try_writing()
        keys = keys or read_keys(data_dir)
        if not keys:
            return None
        vault = Vault(keys)
        folder.pending()
        if SecretFile(folder, vault).open() is None:
            return None
        _, records = _read(folder, vault)
    except OSError as error:
        raise _inaccessible(data_dir, error) from error
    linked = [record for record in records if record.link is not None]
    return Contents(
        chats=len(linked),
        resting=sum(record.chat.resting is not None for record in linked),
        set_aside=sum(row.alert.state is AlertState.DEAD_LETTER for record in linked for row in record.alerts),
    )


def _try_lock(data_dir: Path) -> BaseFileLock | None:
    lock = FileLock(data_dir / LOCK_FILE, mode=FILE_MODE, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except OSError as error:
        raise StartError(f"The data folder {data_dir} can't be locked: {error}.") from error
    return lock


def _read(folder: DataFolder, vault: Vault) -> tuple[Database, list[ChatRecord]]:
    """Read every file once; the records come without what they know."""
    database = Database(folder, vault)
    records = _read_chats(database)
    check_tokens(records, vault)
    for record in sorted(records, key=_oldest_alert):
        database.chats.sync(record.id, record)
    for name in folder.names(ACCOUNTS):
        account = _stem(name)
        database.payments.sync(account, database.payments_of(account))
    return database, records


def _read_chats(database: Database) -> list[ChatRecord]:
    records = []
    for name in database.folder.names(CHATS):
        stem = _stem(name)
        if not stem.removeprefix("-").isdecimal():
            raise DamagedFile(database.folder.root / name, "its name is no chat id")
        if (record := database.read_chat(int(stem), with_known=False)) is not None:
            records.append(record)
    return records


def _oldest_alert(record: ChatRecord) -> datetime:
    row = record.next_alert
    return row.alert.created_at if row else datetime.max.replace(tzinfo=UTC)


def _inaccessible(data_dir: Path, error: OSError) -> StartError:
    return StartError(
        f"The data folder {data_dir} can't be read or written ({error}). All in it must belong to the user who "
        "runs the bot."
    )


def _stem(name: str) -> str:
    return Path(name).stem
