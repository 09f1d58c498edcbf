"""Changing the key: a start seals with the first key what an older key sealed, so that the older one can be removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.chats import Token
from bot.store.tinydb import files
from bot.store.tinydb.opening import open_store
from bot.store.vault import Vault, new_key
from tests.store.examples import CHAT, NOW, OTHER, URL, knowledge, new_link
from tests.store.faulty_os import FaultyOs, Killed

OLD, NEW = new_key(), new_key()
TOKEN = "a-very-secret-token"


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Make a store with two linked chats and one without a link, sealed with the old key."""
    store = open_store(tmp_path, [OLD])
    await store.link(new_link(store, CHAT, TOKEN), knowledge(1, 2))
    await store.link(new_link(store, OTHER, TOKEN), {})
    await store.set_language(55, "de")
    await store.close()
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")}


async def start(folder: Path, *keys: str) -> None:
    await open_store(folder, keys).close()


async def assert_all_opens(folder: Path, *keys: str) -> None:
    store = open_store(folder, keys)
    for chat_id in (CHAT, OTHER):
        link = new_link(store, chat_id, TOKEN)
        assert (await store.chat(chat_id)).link == link
        assert link.account == store.account_of(URL, Token(TOKEN))
    checks = await store.claim_checks(NOW.replace(year=2027), 10, NOW - NOW)
    assert {check.chat.id: check.known for check in checks} == {CHAT: knowledge(1, 2), OTHER: {}}
    await store.close()


async def test_after_a_start_with_a_new_first_key_the_old_one_can_be_removed(folder: Path) -> None:
    before = open_store(folder, [OLD])
    account = before.account_of(URL, Token(TOKEN))
    await before.close()
    await start(folder, NEW, OLD)
    await assert_all_opens(folder, NEW)
    after = open_store(folder, [NEW])
    assert after.account_of(URL, Token(TOKEN)) == account
    await after.close()


async def test_the_number_of_new_seals_is_logged_once(folder: Path) -> None:
    with capture_logs() as lines:
        await start(folder, NEW, OLD)
        await start(folder, NEW, OLD)
    assert lines == [
        {"event": "sealed anew with the first key", "log_level": "info", "key": Vault([NEW]).key_ids[0], "count": 3}
    ]


async def test_nothing_is_written_if_the_first_key_sealed_everything(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)
    counted = FaultyOs()
    monkeypatch.setattr(files, "os", counted)
    await start(folder, OLD, NEW)
    assert contents(folder) == before
    without_data = FaultyOs()
    monkeypatch.setattr(files, "os", without_data)
    files.DataFolder(folder).make()
    assert counted.calls == without_data.calls


async def test_after_a_crash_at_any_step_everything_opens_and_the_next_start_finishes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = contents(folder)
    for step in range(1, 200):
        for name, content in original.items():
            (folder / name).write_bytes(content)
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", FaultyOs(step))
            try:
                await start(folder, NEW, OLD)
            except Killed:
                survived = False
            else:
                survived = True
        await assert_all_opens(folder, NEW, OLD)
        await assert_all_opens(folder, NEW)
        if survived:
            return
    raise AssertionError("the start never came to an end")


async def test_sealing_anew_keeps_fields_of_a_newer_version(folder: Path) -> None:
    for name, table in ((f"chats/{CHAT}.json", "link"), ("store.json", "store")):
        document = json.loads((folder / name).read_text())
        document[table]["1"]["colour"] = "blue"
        (folder / name).write_text(json.dumps(document))
    await start(folder, NEW, OLD)
    for name, table in ((f"chats/{CHAT}.json", "link"), ("store.json", "store")):
        assert json.loads((folder / name).read_text())[table]["1"]["colour"] == "blue"


async def test_a_token_that_does_not_open_is_logged_and_holds_up_no_other(folder: Path) -> None:
    path = folder / "chats" / f"{CHAT}.json"
    document = json.loads(path.read_text())
    document["link"]["1"]["sealed_token"] = Vault([OLD]).seal_token(OTHER, Token(TOKEN))
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    with capture_logs() as lines:
        store = open_store(folder, [NEW, OLD])
    assert (await store.chat(OTHER)).link is not None
    assert path.read_bytes() == before
    assert [(line["log_level"], line.get("chat"), line.get("count")) for line in lines] == [
        ("warning", CHAT, None),
        ("info", None, 2),
    ]
    await store.close()
