"""The data folder: crash-safe files, and TinyDB on them.

A crash leaves the old state or the new one. A single file is written beside its place, synced and renamed over it. A
change of several files is first written whole into ``pending.json``, then carried out. The start carries out (again) a
journal that a crash left behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import structlog
from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from bot.errors import StartError
from bot.store.tinydb.tables import Tables, decoded, encoded

log = structlog.get_logger()

PENDING = "pending.json"
ACCOUNT_FORM = re.compile(r"[\w-]{1,128}", re.ASCII)
"""An account becomes a file's name."""
CHAT_ID_FORM = re.compile(r"0|-?[1-9]\d*", re.ASCII)
ENDING = ".json"
PROBE = "probe"
PROBE_BYTES = 4096
"""A full disk still takes empty files."""
STORE_FILE = "store.json"
CHATS = "chats"
ACCOUNTS = "accounts"
DAMAGES = frozenset({errno.EIO, errno.EISDIR, errno.ELOOP, errno.EBADMSG})
"""Errors of reading that are about this one file. All others are about the folder, or pass."""

FOLDER_MODE = 0o700
FILE_MODE = 0o600


class DamagedFile(StartError):
    """A file is not what the store wrote. The message names the file, and nothing is thrown away."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The file {path} can't be read as a store's file ({why}). It was left as it is: put back a copy of it, "
            "or move it out of the data folder, and start again."
        )


class DataFolder:
    """Read and change the files under ``root``. Names are relative to it, such as ``chats/4711.json``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._unfinished = True
        self._trouble = ""

    def make(self) -> None:
        """Create missing folders. Raise :class:`StartError` where that can't be done."""
        try:
            self.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            for folder in (CHATS, ACCOUNTS):
                (self.root / folder).mkdir(mode=FOLDER_MODE, exist_ok=True)
            sync_folder(self.root)
        except OSError as error:
            raise self._unwritable(error) from error

    def try_writing(self) -> None:
        """Raise :class:`StartError` where :meth:`make` or a later write would fail. Leave nothing behind."""
        try:
            for folder in (self.root, self.root / CHATS, self.root / ACCOUNTS):
                nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
                with tempfile.TemporaryFile(dir=nearest):  # asking for rights would say yes to root, also in /proc
                    pass
        except OSError as error:
            raise self._unwritable(error) from error

    def probe(self) -> None:
        """Raise :class:`OSError` where a write would most likely fail: on a disk that is full or read-only, say."""
        with self._watched():
            for folder in (self.root, self.root / CHATS, self.root / ACCOUNTS):
                path = temporary_name(folder / PROBE)
                write_new(path, bytes(PROBE_BYTES), sync=False)
                os.unlink(path)  # noqa: PTH108  # one module of system calls, as below
            # Without its journal the folder takes no change of several files.
            journal = self.root / PENDING
            write_new(temporary_name(journal), b"{}", sync=False)
            os.replace(temporary_name(journal), journal)  # noqa: PTH105  # as above
            os.unlink(journal)  # noqa: PTH108  # as above

    def sweep(self) -> None:
        """Delete the temporary files of a write that a crash cut off."""
        for folder in (self.root, self.root / CHATS, self.root / ACCOUNTS):
            for path in folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """Return the names of all store files in ``folder``."""
        return [f"{folder}/{stem}{ENDING}" for stem in self._stems(folder)]

    def _stems(self, folder: str) -> list[str]:
        """Return the names of the files in a folder without their ending. A start asks, and Paths take longer."""
        try:
            with os.scandir(f"{self.root}/{folder}") as entries:
                names = sorted(entry.name for entry in entries)
        except FileNotFoundError:
            return []
        return [name.removesuffix(ENDING) for name in names if name.endswith(ENDING)]

    def chat_ids(self) -> list[int]:
        """Return the ids of the chats that have a file, in order. Other files in their folder are no chats."""
        return sorted(int(stem) for stem in self._stems(CHATS) if CHAT_ID_FORM.fullmatch(stem))

    def accounts(self) -> list[str]:
        """Return the accounts that have a file, in order."""
        return [stem for stem in self._stems(ACCOUNTS) if ACCOUNT_FORM.fullmatch(stem)]

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return os.path.exists(f"{self.root}/{name}")  # noqa: PTH110  # each claim asks, and a Path takes longer

    def read(self, name: str) -> bytes | None:
        """Return the content of a file. None: there is no such file."""
        try:
            with open(f"{self.root}/{name}", "rb", buffering=0) as file:  # noqa: PTH123  # as above
                return file.readall()
        except FileNotFoundError:
            return None

    def apply(self, changes: Mapping[str, bytes | None]) -> None:
        """Make all changes or, across a crash, none: new contents by name. None deletes.

        After an error nobody knows which of the two happened until :meth:`recover` was called.
        """
        try:
            with self._watched():
                self._apply(changes)
        except BaseException:
            self._unfinished = True
            raise

    def _apply(self, changes: Mapping[str, bytes | None]) -> None:
        if len(changes) > 1:
            texts = {name: None if content is None else content.decode() for name, content in changes.items()}
            self._change(PENDING, msgspec.json.encode(texts))
        for name, content in changes.items():
            self._change(name, content)
        if len(changes) > 1:
            self._change(PENDING, None)

    def recover(self) -> Iterable[str]:
        """Carry out what an interrupted :meth:`apply` left in the journal. Return the names that it changed."""
        if not self._unfinished:
            return ()
        texts = self.pending()
        if texts is not None:
            for name, text in texts.items():
                self._change(name, None if text is None else text.encode())
            self._change(PENDING, None)
        self._unfinished = False
        return texts or ()

    def pending(self) -> dict[str, str | None] | None:
        """Return what the journal holds. None: there is no journal. Raise :class:`DamagedFile`."""
        content = self.read(PENDING)
        try:
            return None if content is None else msgspec.json.decode(content, type=dict[str, str | None])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedFile(self.root / PENDING, str(error)) from error

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Log when writing begins to fail, and when it works again."""
        try:
            yield
        except OSError as error:
            self._note(error.strerror or str(error))
            raise
        self._note("")

    def _note(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.error("data folder can't be written", folder=str(self.root), reason=trouble)
        if self._trouble and not trouble:
            log.info("data folder can be written again", folder=str(self.root))
        self._trouble = trouble

    def _unwritable(self, error: OSError) -> StartError:
        return StartError(
            f"The data folder {self.root} can't be made or written to ({error.strerror}). "
            "Set DATA_DIR to a folder that belongs to the user who runs the bot."
        )

    def _change(self, name: str, content: bytes | None) -> None:
        path = self.root / name
        if content is None:
            delete_file(path)
        else:
            replace_file(path, content)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that at any moment, and after any crash, it is the old or the new one. Mode 600."""
    temporary = temporary_name(path)
    write_new(temporary, content)
    os.replace(temporary, path)  # noqa: PTH105  # one module of system calls, so that a test can cut at each
    sync_folder(path.parent)


def delete_file(path: Path) -> None:
    """Delete a file for good. It may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108  # as above
    sync_folder(path.parent)


def temporary_name(path: Path) -> Path:
    """Return where a file is written before it is renamed. :meth:`DataFolder.sweep` knows the pattern."""
    return path.with_name(f".{path.name}.tmp")


def write_new(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Write and sync a file that nobody else reads yet."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Make renames and deletions in a folder last."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FileTransaction:
    """Files that are read and changed together: each is read once, and nothing reaches the disk before the commit."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._files: dict[str, tuple[TinyDB, MemoryStorage, Tables | None]] = {}
        self._contents: dict[str, bytes | None] = {}
        """Texts of files that are not open."""
        self._deleted: set[str] = set()

    @property
    def names(self) -> set[str]:
        """The files that this transaction has to do with."""
        return self._files.keys() | self._deleted

    def open(self, name: str, *, without: str = "") -> TinyDB:
        """Return the file as a database. A missing file is an empty database. Raise :class:`DamagedFile`.

        ``without`` this table it is read faster, and can't be changed.
        """
        if name not in self._files:
            storage = MemoryStorage()  # type: ignore[no-untyped-call]
            content = self._contents.pop(name) if name in self._contents else self._read(name)
            try:
                storage.memory = None if content is None else decoded(content, without)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise DamagedFile(self._folder.root / name, str(error)) from error
            before = None if storage.memory is None else dict(storage.memory)  # whole tables are replaced
            self._files[name] = TinyDB(storage=lambda: storage), storage, before
        return self._files[name][0]

    def content(self, name: str) -> bytes | None:
        """Return the text of a file that is not open. None: it is open, so it may have changed, or it is missing."""
        if name not in self._files and name not in self._contents:
            self._contents[name] = self._read(name)
        return self._contents.get(name)

    def _read(self, name: str) -> bytes | None:
        try:
            return self._folder.read(name)
        except OSError as error:
            if error.errno in DAMAGES:
                raise DamagedFile(self._folder.root / name, error.strerror or str(error)) from error
            raise

    def empty(self, name: str) -> None:
        """Begin this file anew."""
        storage = MemoryStorage()  # type: ignore[no-untyped-call]
        self._files[name] = TinyDB(storage=lambda: storage), storage, None

    def write(self, name: str) -> None:
        """Write this file at once, and not again: the others don't depend on it."""
        _, storage, _ = self._files.pop(name)
        self._folder.apply({name: encoded(storage.memory)})

    def delete(self, name: str) -> None:
        """Delete the file, whatever else this transaction did to it."""
        self._deleted.add(name)

    def commit(self) -> None:
        """Make all changes at once. Where nothing changed, nothing is written."""
        changes: dict[str, bytes | None] = {
            name: encoded(storage.memory)
            for name, (_, storage, before) in self._files.items()
            if storage.memory != before and name not in self._deleted
        }
        changes |= dict.fromkeys(sorted(self._deleted))
        if changes:
            self._folder.apply(changes)
