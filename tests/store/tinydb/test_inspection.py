"""Inspecting a data folder without opening it: errors are those of a start, and nothing changes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bot.domain.chat_keys import key_of
from bot.errors import StartError
from bot.ports import StoreCounts
from bot.store.tinydb import files
from bot.store.tinydb.files import DataFolder
from bot.store.tinydb.keyfile import load_or_make_key
from bot.store.tinydb.opening import LOCK_FILE, in_use, inspect, open_store
from bot.store.vault import new_key
from tests.store.examples import CHAT, LEASE, MINUTE, NOW, OTHER, linked, new_payment, with_alerts
from tests.store.faulty_os import FaultyOs
from tests.store.openers import TinyOpener


@pytest.fixture(autouse=True)
def store_calls(monkeypatch: pytest.MonkeyPatch) -> FaultyOs:
    """Count the system calls with which the store changes files."""
    calls = FaultyOs()
    monkeypatch.setattr(files, "os", calls)
    return calls


async def filled(opener: TinyOpener) -> TinyOpener:
    store = await opener.open()
    await with_alerts(store, 1)
    await opener.crash()
    return opener


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


async def test_inspection_distinguishes_a_store_from_none(tiny_opener: TinyOpener) -> None:
    assert inspect(tiny_opener.folder, tiny_opener.keys) is None
    assert inspect(tiny_opener.folder, []) is None
    assert not tiny_opener.folder.exists()
    await filled(tiny_opener)
    assert inspect(tiny_opener.folder, tiny_opener.keys) == StoreCounts(chats=1, resting=0, set_aside=0)


async def test_linked_and_resting_chats_and_dead_letters_are_counted(tiny_opener: TinyOpener) -> None:
    store = await (await filled(tiny_opener)).open()
    await store.set_language(5, "de")
    await with_alerts(store, 1, 2, chat_id=6)
    for delivery in await store.claim_alerts(NOW + MINUTE, 10, LEASE):
        if delivery.chat.id == 6:
            assert await store.move_to_dead_letters(delivery.claim)
    await linked(store, 7)
    await store.rest(6, "blocked")
    await store.rest(7, "blocked")
    await tiny_opener.crash()
    assert inspect(tiny_opener.folder, tiny_opener.keys) == StoreCounts(chats=3, resting=2, set_aside=2)


def test_a_key_file_without_a_store_is_no_store_yet(tmp_path: Path) -> None:
    load_or_make_key(tmp_path)
    assert inspect(tmp_path, []) is None


async def test_the_folders_own_keys_are_used_if_none_are_set(tmp_path: Path) -> None:
    keys, _ = load_or_make_key(tmp_path)
    await open_store(tmp_path, keys).close()
    assert inspect(tmp_path, []) == StoreCounts(chats=0, resting=0, set_aside=0)


async def test_inspection_changes_nothing_that_a_start_would_change(tiny_opener: TinyOpener) -> None:
    folder = (await filled(tiny_opener)).folder
    (folder / "chats" / ".x.json.tmp").write_text("{half")
    (folder / files.PENDING).write_text('{"chats/1.json": null}')
    (folder / "lock").unlink()
    before = contents(folder)
    assert inspect(folder, [new_key(), *tiny_opener.keys])
    assert contents(folder) == before


async def test_a_running_bot_is_not_disturbed(tiny_opener: TinyOpener, store_calls: FaultyOs) -> None:
    store = await (await filled(tiny_opener)).open()
    calls = store_calls.calls
    assert inspect(tiny_opener.folder, tiny_opener.keys)
    assert store_calls.calls == calls
    assert (await store.waiting_alerts(key_of(4711))).waiting == 1


async def test_a_folder_is_in_use_while_a_bot_has_it_and_asking_leaves_it_free(tiny_opener: TinyOpener) -> None:
    assert not in_use(tiny_opener.folder)
    assert not tiny_opener.folder.exists()
    await tiny_opener.open()
    assert in_use(tiny_opener.folder)
    await tiny_opener.crash()
    before = contents(tiny_opener.folder)
    assert not in_use(tiny_opener.folder)
    assert contents(tiny_opener.folder) == before
    await tiny_opener.open()


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(StartError, match="can't be locked"):
        in_use(tmp_path)


@pytest.mark.parametrize("keys", [["nonsense"], [new_key(), "nonsense"]])
def test_malformed_keys_are_named_even_before_the_first_start(tmp_path: Path, keys: list[str]) -> None:
    with pytest.raises(StartError, match=rf"Key number {len(keys)} of TOKEN_KEYS"):
        inspect(tmp_path, keys)


async def test_wrong_keys_are_named(tiny_opener: TinyOpener) -> None:
    await filled(tiny_opener)
    with pytest.raises(StartError, match="not among the keys given"):
        inspect(tiny_opener.folder, [new_key()])


@pytest.mark.parametrize("name", ["store.json", "pending.json"])
async def test_a_damaged_file_that_all_need_is_named(tiny_opener: TinyOpener, name: str) -> None:
    await filled(tiny_opener)
    (tiny_opener.folder / name).write_text("{")
    with pytest.raises(StartError, match=Path(name).name):
        inspect(tiny_opener.folder, tiny_opener.keys)


async def test_damaged_chats_and_payments_and_tokens_that_do_not_open_are_named(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    link = await linked(store, CHAT)
    await linked(store, OTHER)
    await store.add_payment(new_payment(account=link.account))
    await tiny_opener.crash()
    folder, keys = tiny_opener.folder, tiny_opener.keys
    found = inspect(folder, keys)
    assert found is not None
    assert found.unreadable == ()
    (folder / "accounts" / f"{link.account}.json").write_text("{")
    (folder / "chats" / f"{CHAT}.json").write_text("{")
    other = folder / "chats" / f"{OTHER}.json"
    other.write_text(other.read_text().replace('"sealed_token":"1.', '"sealed_token":"2.'))
    found = inspect(folder, keys)
    assert found is not None
    names = [f"chat {chat_id}" for chat_id in sorted([CHAT, OTHER])]
    assert [each.partition(":")[0] for each in found.unreadable] == [*names, f"payments of account {link.account[:8]}"]


@pytest.mark.parametrize("below", ["", "data", "deep/data"])
def test_a_folder_that_could_not_be_made_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"can't be made or written to .*Set DATA_DIR"):
        inspect(tmp_path / "file" / below, [])


@pytest.mark.parametrize("below", ["", "chats", "accounts"])
async def test_a_folder_that_refuses_new_files_is_named(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    await filled(tiny_opener)
    possible = tempfile.TemporaryFile

    def refuse(*, dir: Path) -> object:
        if dir == tiny_opener.folder / below:
            raise PermissionError(13, "Permission denied")
        return possible(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(StartError, match=r"\(Permission denied\).*Set DATA_DIR"):
        inspect(tiny_opener.folder, tiny_opener.keys)


async def test_a_file_that_may_not_be_read_is_named(tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(tiny_opener)

    def refuse(data: DataFolder, name: str) -> bytes:
        raise PermissionError(13, "Permission denied", f"{data.root}/{name}")

    monkeypatch.setattr(DataFolder, "read", refuse)
    with pytest.raises(StartError, match=r"Permission denied.*must belong to the user"):
        inspect(tiny_opener.folder, tiny_opener.keys)
