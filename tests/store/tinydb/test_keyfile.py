"""The key file of a data folder: it is made once, private, and never replaced beside sealed data."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import StartError
from bot.store.tinydb.keyfile import load_or_make_key
from bot.store.vault import Vault, new_key

KEY, OTHER_KEY = new_key(), new_key()


def test_a_key_is_made_once_and_read_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    keys, made = load_or_make_key(folder)
    assert made
    Vault(keys)
    assert load_or_make_key(folder) == (keys, False)
    assert (folder / "token.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["token.key"]


def test_a_key_file_may_hold_several_keys(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    path.write_text(f"{OTHER_KEY}\n{KEY}\n")
    path.chmod(0o600)
    assert load_or_make_key(tmp_path) == ((OTHER_KEY, KEY), False)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_or_make_key(tmp_path)
    (tmp_path / "token.key").chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        load_or_make_key(tmp_path)


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token.key").touch(mode=0o600)
    with pytest.raises(StartError, match="is empty"):
        load_or_make_key(tmp_path)


@pytest.mark.parametrize("left", ["store.json", "chats/1.json", "accounts/a.json"])
def test_no_new_key_is_made_beside_sealed_data(tmp_path: Path, left: str) -> None:
    (tmp_path / left).parent.mkdir(exist_ok=True)
    (tmp_path / left).write_text("{}")
    with pytest.raises(StartError, match=r"token\.key is gone"):
        load_or_make_key(tmp_path)
    assert not (tmp_path / "token.key").exists()


def test_if_no_key_file_can_be_made_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("bot.store.tinydb.keyfile.os.link", refuse)
    with pytest.raises(StartError, match="Set TOKEN_KEYS instead"):
        load_or_make_key(tmp_path)
    assert not list(tmp_path.glob("*.key")) + list(tmp_path.glob(".*"))
