"""The key file ``DATA_DIR/token.key``, for when no ``TOKEN_KEYS`` are set."""

from __future__ import annotations

import os
from pathlib import Path

from bot.errors import StartError
from bot.store.tinydb.files import (
    ACCOUNTS,
    CHATS,
    STORE_FILE,
    DataFolder,
    delete_file,
    sync_folder,
    temporary_name,
    write_new,
)
from bot.store.vault import new_key

KEY_FILE = "token.key"
READABLE_BY_OTHERS = 0o077


def load_or_make_key(data_dir: Path) -> tuple[tuple[str, ...], bool]:
    """Return the keys of the key file (one a line, the first seals), and whether the file was just made.

    Raise :class:`StartError` if others can read the file, or if it is gone while data are sealed by it.
    """
    DataFolder(data_dir).make()
    if keys := read_keys(data_dir):
        return keys, False
    return _make(data_dir / KEY_FILE)


def read_keys(data_dir: Path) -> tuple[str, ...]:
    """Return the keys of the key file; none before the first start. Raise :class:`StartError` as above."""
    folder, path = DataFolder(data_dir), data_dir / KEY_FILE
    if folder.has(KEY_FILE):
        return _read(path)
    if folder.has(STORE_FILE) or folder.names(CHATS) or folder.names(ACCOUNTS):
        raise StartError(
            f"TOKEN_KEYS is not set and the key file {path} is gone, but {data_dir} holds data sealed with it. "
            "Put the file back, or set TOKEN_KEYS to the key it held. Without it the tokens can't be opened again."
        )
    return ()


def _read(path: Path) -> tuple[str, ...]:
    if os.name == "posix" and path.stat().st_mode & READABLE_BY_OTHERS:
        raise StartError(
            f"The key file {path} can be read by other users of this machine. If none of them is to be feared, "
            f"make it private again (chmod 600 {path}); else link the chats anew with new tokens."
        )
    try:
        keys = tuple(path.read_text(encoding="ascii", errors="replace").split())
    except OSError as error:
        raise StartError(
            f"The key file {path} can't be read ({error.strerror}): it must belong to the bot's user."
        ) from error
    if not keys:
        raise StartError(f"The key file {path} is empty. Put back a copy of it, or set TOKEN_KEYS to the key it held.")
    return keys


def _make(path: Path) -> tuple[tuple[str, ...], bool]:
    # The file is written under another name, then linked to its own. A link never replaces a file, so two processes
    # that start together use the same key, and a crash leaves no half of one.
    temporary, key = temporary_name(path).with_suffix(f".{os.getpid()}.tmp"), new_key()
    try:
        write_new(temporary, f"{key}\n".encode())
        os.link(temporary, path)
    except OSError as error:
        if path.exists():
            return _read(path), False
        raise StartError(
            f"The key file {path} can't be made ({error.strerror}). Set TOKEN_KEYS instead, to a key of your own."
        ) from error
    finally:
        delete_file(temporary)
    sync_folder(path.parent)
    return (key,), True
