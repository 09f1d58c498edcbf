"""Opening a data folder: lock it, finish what a crash left, try the keys, and read every file once."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from bot.errors import FolderInUse, StartError
from bot.store.database import Database
from bot.store.files import ACCOUNTS, CHATS, FILE_MODE, DamagedFile, DataFolder
from bot.store.keyfile import STORE_FILE
from bot.store.records import ChatRecord
from bot.store.storage import Transaction
from bot.store.vault import SealBroken, Vault, key_id_of

SCHEMA = 1
LOCK_FILE = "lock"
PUT_IT_BACK = (
    "Put that key back into TOKEN_KEYS, behind the new one: the first key seals, all of them open. "
    "(With TOKEN_KEYS unset, the keys are those of the file token.key in the data folder.)"
)


def lock_folder(data_dir: Path) -> BaseFileLock:
    """Take the folder for this process. Raises :class:`StartError` when another one has it."""
    DataFolder(data_dir).make()
    lock = FileLock(data_dir / LOCK_FILE, mode=FILE_MODE, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise FolderInUse(
            f"Another process is using the data folder {data_dir}. Stop it first, or set DATA_DIR to another folder; "
            "several processes at once need PostgreSQL."
        ) from error
    except OSError as error:
        raise StartError(f"The data folder {data_dir} can't be locked: {error}.") from error
    return lock


def load(data_dir: Path, vault: Vault) -> tuple[Database, str]:
    """The database and the fingerprint secret of a locked folder. Raises :class:`StartError`."""
    folder = DataFolder(data_dir)
    folder.sweep()
    folder.recover()
    secret = _open_secret(folder, vault)
    database = Database(folder, vault)
    _read_chats(database)
    for name in folder.names(ACCOUNTS):
        account = _stem(name)
        database.payments.sync(account, database.payments_of(account))
    return database, secret


def _open_secret(folder: DataFolder, vault: Vault) -> str:
    """The secret of the account fingerprints. That it opens shows that the keys are the right ones."""
    transaction = Transaction(folder)
    table = transaction.open(STORE_FILE).table("store")
    document = table.get(doc_id=1)
    if document is None:
        if folder.names(CHATS) or folder.names(ACCOUNTS):
            raise StartError(
                f"The file {folder.root / STORE_FILE} is gone or empty, but there are chats beside it. Without it the "
                "accounts can't be told apart: put back a copy of it. Nothing was changed."
            )
        secret = secrets.token_urlsafe(32)
        table.insert({"schema": SCHEMA, "fingerprint_secret": vault.seal("fingerprint", "store", secret)})
        transaction.commit()
        return secret
    schema, sealed = document.get("schema"), document.get("fingerprint_secret")
    if not isinstance(schema, int) or not isinstance(sealed, str):
        raise DamagedFile(folder.root / STORE_FILE, "a field is missing")
    if schema > SCHEMA:
        raise StartError(f"The data folder {folder.root} was written by a newer version of the bot: install that one.")
    try:
        return vault.open("fingerprint", "store", sealed)
    except SealBroken as error:
        raise _wrong_keys(folder, vault, sealed) from error


def _wrong_keys(folder: DataFolder, vault: Vault, sealed: str) -> StartError:
    if vault.knows(sealed):
        return DamagedFile(folder.root / STORE_FILE, "its sealed part was changed")
    return StartError(
        f"The data in {folder.root} were sealed with the key {key_id_of(sealed)}, which is not among the keys given "
        f"({', '.join(vault.key_ids)}). {PUT_IT_BACK}"
    )


def _read_chats(database: Database) -> None:
    records = []
    for name in database.folder.names(CHATS):
        stem = _stem(name)
        if not stem.removeprefix("-").isdecimal():
            raise DamagedFile(database.folder.root / name, "its name is no chat id")
        if (record := database.read_chat(int(stem), with_known=False)) is not None:
            records.append(record)
    unknown = {
        record.id: key_id_of(record.link.sealed_token)
        for record in records
        if record.link and not database.vault.knows(record.link.sealed_token)
    }
    if unknown:
        raise StartError(
            f"The tokens of {len(unknown)} chats were sealed with keys that are not at hand "
            f"({', '.join(sorted(set(unknown.values())))}). {PUT_IT_BACK}"
        )
    for record in sorted(records, key=_oldest_alert):
        database.chats.sync(record.id, record)


def _oldest_alert(record: ChatRecord) -> datetime:
    row = record.next_alert
    return row.alert.created_at if row else datetime.max.replace(tzinfo=UTC)


def _stem(name: str) -> str:
    return Path(name).stem
