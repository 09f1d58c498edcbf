"""``migrate``, ``move`` and ``rekey``, as an operator runs them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.store.postgres import versions
from bot.store.vault import new_key
from tests.commands.conftest import Run
from tests.commands.stores import with_store
from tests.store.examples import CHAT, linked


def test_migrate_updates_the_schema(folder: Path, database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    newest = max(path.stem[1:5] for path in Path(versions.__file__).parent.glob("v*.py"))
    for _ in range(2):
        assert run("migrate").stdout == f"The schema is at version {newest}.\n"


def test_without_a_database_there_is_nothing_to_migrate_or_move(folder: Path, run: Run) -> None:
    for command in (["migrate"], ["move", "to-database"]):
        done = run(*command)
        assert done.exit_code == 1
        assert "DATABASE_URL is not set" in done.stderr


def test_a_store_moves_to_the_database_and_back(
    folder: Path, database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_store(linked)
    monkeypatch.setenv("DATABASE_URL", database_url)
    there = run("move", "to-database")
    assert there.exit_code == 0, there.output
    assert "Moved 1 chats and 0 payments" in there.stdout
    assert with_store(lambda store: store.chat(CHAT)).link is not None
    monkeypatch.setenv("DATA_DIR", str(folder.with_name("new")))
    assert run("move", "to-folder").exit_code == 0
    monkeypatch.delenv("DATABASE_URL")
    assert with_store(lambda store: store.chat(CHAT)).link is not None
    old = (folder / "chats" / f"{CHAT}.json").read_bytes()
    assert (folder.with_name("new") / "chats" / f"{CHAT}.json").read_bytes() == old


def test_a_move_needs_the_keys_in_the_settings(
    folder: Path, database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("TOKEN_KEYS")
    done = run("move", "to-database")
    assert done.exit_code == 1
    assert "TOKEN_KEYS must be set too" in done.stderr


def test_after_rekey_the_old_key_can_be_removed(place: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with_store(linked)
    new = new_key()
    monkeypatch.setenv("TOKEN_KEYS", f"{new},{os.environ['TOKEN_KEYS']}")
    assert run("rekey").exit_code == 0
    monkeypatch.setenv("TOKEN_KEYS", new)
    link = with_store(lambda store: store.chat(CHAT)).link
    assert link is not None
    assert link.token.reveal() == "secret-token-1"
