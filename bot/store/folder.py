"""The data folder of a stopped bot as an :class:`bot.store.move.Archive`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.store.database import Database
from bot.store.rules.records import ChatRecord, PaymentRow
from bot.store.secrets import SecretFile
from bot.store.tinydb.files import ACCOUNTS, CHATS, DataFolder, delete_file, replace_file
from bot.store.tinydb.opening import MOVING_FILE, lock_folder
from bot.store.vault import Vault


class FolderArchive:
    """What :func:`open_folder` gives; nobody else has the folder meanwhile."""

    def __init__(self, data_dir: Path, vault: Vault) -> None:
        self.name = f"the folder {data_dir}"
        self._folder = DataFolder(data_dir)
        self._folder.sweep()
        self._folder.recover()
        self._db = Database(self._folder, vault)
        self._secret = SecretFile(self._folder, vault)
        self._mark = data_dir / MOVING_FILE

    async def is_running(self) -> bool:
        return False  # it could not have been opened

    async def is_empty(self) -> bool:
        return self._secret.sealed() is None

    async def is_moving(self) -> bool:
        return self._mark.exists()

    async def set_moving(self, moving: bool) -> None:  # noqa: FBT001  # what is set
        if moving:
            replace_file(self._mark, b"")
        else:
            delete_file(self._mark)

    async def sealed_secret(self) -> str | None:
        self._secret.open()  # whether the keys are the right ones
        return self._secret.sealed()

    async def put_sealed_secret(self, sealed: str) -> None:
        self._secret.put(sealed)

    async def chat_ids(self) -> list[int]:
        return sorted(int(Path(name).stem) for name in self._folder.names(CHATS))

    async def chats(self, chat_ids: Sequence[int]) -> list[ChatRecord]:
        records = [self._db.read_chat(chat_id) for chat_id in chat_ids]
        return [record for record in records if record is not None]

    async def put_chats(self, records: Sequence[ChatRecord]) -> None:
        for record in records:
            with self._db.change() as change:
                change.save_chat(record)

    async def delete_chats(self, chat_ids: Sequence[int]) -> None:
        for chat_id in chat_ids:
            with self._db.change() as change:
                change.delete_chat(chat_id)

    async def accounts(self) -> list[str]:
        return sorted(Path(name).stem for name in self._folder.names(ACCOUNTS))

    async def payments(self, accounts: Sequence[str]) -> dict[str, list[PaymentRow]]:
        payments = {account: self._db.payments_of(account) for account in accounts}
        return {account: rows for account, rows in payments.items() if rows}

    async def put_payments(self, payments: Mapping[str, Sequence[PaymentRow]]) -> None:
        for account, rows in payments.items():
            with self._db.change() as change:
                change.save_payments(account, rows)


@contextmanager
def open_folder(data_dir: Path, vault: Vault) -> Iterator[FolderArchive]:
    """Lock the folder, and see it as a whole. Raises :class:`bot.errors.StartError` where a bot has it."""
    with lock_folder(data_dir):
        yield FolderArchive(data_dir, vault)
