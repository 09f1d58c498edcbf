"""Opening a data folder: the lock, the keys, damaged files, and what is cleaned up."""

from __future__ import annotations

import base64
import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.chats import Token
from bot.domain.selections import Selection
from bot.errors import ChatUnreadable, PaymentsUnreadable, StartError
from bot.store.tinydb.files import DataFolder
from bot.store.tinydb.opening import open_store
from bot.store.vault import Vault, new_key
from tests.store.examples import CHAT, NOW, OTHER, URL, linked, new_link, new_payment
from tests.store.openers import TinyOpener

TOKEN = "a-very-secret-token/with+signs=="


async def fill(opener: TinyOpener) -> None:
    store = await opener.open()
    await store.link(new_link(store, CHAT, TOKEN), {})
    await store.link(new_link(store, OTHER, TOKEN), {})
    await store.add_payment(new_payment(account=store.account_of(URL, Token(TOKEN))))
    await opener.crash()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_second_process_is_refused_the_folder(tiny_opener: TinyOpener) -> None:
    await tiny_opener.open()
    code = (
        "import sys; from pathlib import Path\n"
        "from bot.store.tinydb.opening import open_store; from bot.errors import StartError\n"
        "try: open_store(Path(sys.argv[1]), [sys.argv[2]])\n"
        "except StartError as error: print(error)"
    )
    command = [sys.executable, "-c", code, str(tiny_opener.folder), tiny_opener.keys[0]]
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert second.stdout.startswith(f"Another process is using the data folder {tiny_opener.folder}. ")


async def test_closing_frees_the_folder_and_may_be_repeated(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    await store.close()
    await store.close()
    await (await tiny_opener.open()).set_language(CHAT, "de")


async def test_a_failed_start_frees_the_folder(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    with pytest.raises(StartError):
        open_store(tiny_opener.folder, [new_key()])
    assert (await (await tiny_opener.open()).chat(CHAT)).link is not None


async def test_wrong_keys_stop_the_start_and_change_nothing(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    before = contents(tiny_opener.folder)
    needed = Vault(tiny_opener.keys).key_ids[0]
    with pytest.raises(StartError, match=rf"{needed}.* behind the new one"):
        open_store(tiny_opener.folder, [new_key()])
    assert contents(tiny_opener.folder) == before


async def test_a_new_first_key_opens_everything_and_keeps_the_accounts(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    account = (await tiny_opener.open()).account_of(URL, Token(TOKEN))
    await tiny_opener.crash()
    rotated = TinyOpener(tiny_opener.folder, new_key(), *tiny_opener.keys)
    store = await rotated.open()
    link = (await store.chat(CHAT)).link
    assert link is not None
    assert link.token == Token(TOKEN)
    assert store.account_of(URL, Token(TOKEN)) == account
    await rotated.crash()


async def test_tokens_of_a_lost_key_are_counted(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    path = tiny_opener.folder / "chats" / f"{CHAT}.json"
    backup = path.read_bytes()
    rotated = TinyOpener(tiny_opener.folder, new_key(), *tiny_opener.keys)
    await rotated.open()
    await rotated.crash()
    path.write_bytes(backup)
    with pytest.raises(StartError, match="tokens of 1 chats were sealed with keys that are not at hand"):
        await TinyOpener(tiny_opener.folder, rotated.keys[0]).open()


async def test_a_lost_account_secret_is_never_replaced(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    (tiny_opener.folder / "store.json").unlink()
    before = contents(tiny_opener.folder)
    with pytest.raises(StartError, match=r"store\.json is gone"):
        await tiny_opener.open()
    assert contents(tiny_opener.folder) == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"chat": 1}', b'{"chat": {"x": {}}}', b"\xff", b'{"link":{"1":{}}}']
)
@pytest.mark.parametrize("name", ["store.json", "pending.json"])
async def test_a_damaged_file_that_all_need_is_named_and_kept(
    tiny_opener: TinyOpener, name: str, content: bytes
) -> None:
    await fill(tiny_opener)
    (tiny_opener.folder / name).write_bytes(content)
    before = contents(tiny_opener.folder)
    with pytest.raises(StartError, match=Path(name).name):
        await tiny_opener.open()
    assert contents(tiny_opener.folder) == before


async def test_a_changed_seal_of_the_store_is_reported_as_damage_not_as_a_wrong_key(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    path = tiny_opener.folder / "store.json"
    document = json.loads(path.read_text())
    document["store"]["1"]["fingerprint_secret"] = Vault(tiny_opener.keys).seal("token", "1", "x")
    path.write_text(json.dumps(document))
    with pytest.raises(StartError, match="its sealed part was changed"):
        await tiny_opener.open()


async def test_a_store_of_a_newer_version_is_refused(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    path = tiny_opener.folder / "store.json"
    document = json.loads(path.read_text())
    document["store"]["1"]["schema"] = 99
    path.write_text(json.dumps(document))
    with pytest.raises(StartError, match="newer version"):
        await tiny_opener.open()


@pytest.mark.parametrize("name", ["chats/notes.json", "chats/007.json", "chats/-.json", "accounts/a b.json"])
async def test_a_file_whose_name_is_none_of_ours_is_left_alone(tiny_opener: TinyOpener, name: str) -> None:
    await fill(tiny_opener)
    (tiny_opener.folder / name).write_text("mine")
    store = await tiny_opener.open()
    assert [overview.chat_id for overview in await store.overviews()] == sorted([CHAT, OTHER])
    assert (tiny_opener.folder / name).read_text() == "mine"


DAMAGES = [b"", b"{", b"[]", b'{"chat": 1}', b'{"chat": {"x": {}}}', b"\xff", b'{"link":{"1":{}}}']


@pytest.mark.parametrize("content", DAMAGES)
async def test_a_damaged_chat_rests_and_keeps_nobody_from_starting(tiny_opener: TinyOpener, content: bytes) -> None:
    await fill(tiny_opener)
    path = tiny_opener.folder / "chats" / f"{CHAT}.json"
    path.write_bytes(content)
    with capture_logs() as logs:
        store = await tiny_opener.open()
    assert [(entry["event"], entry["chat"]) for entry in logs] == [("chat can't be read, so it rests", CHAT)]
    assert path.name in logs[0]["reason"]
    with pytest.raises(ChatUnreadable):
        await store.chat(CHAT)
    with pytest.raises(ChatUnreadable):  # nothing is put in the place of what is there
        await store.await_token(CHAT, NOW)
    assert [check.chat.id for check in await store.claim_checks(NOW.replace(year=2027), 10, NOW - NOW)] == [OTHER]
    assert path.read_bytes() == content
    assert {overview.chat_id for overview in await store.overviews() if overview.problem} == {CHAT}
    await store.unlink(CHAT)
    assert not path.exists()
    assert (await store.chat(CHAT)).link is None


@pytest.mark.parametrize("folder", ["chats", "accounts"])
async def test_a_file_on_a_bad_part_of_the_disk_keeps_nobody_from_starting(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    store = await tiny_opener.open()
    await store.add_payment(new_payment(account=(await linked(store)).account))
    await tiny_opener.crash()
    (bad,) = (tiny_opener.folder / folder).glob("*.json")
    read = DataFolder.read

    def read_or_fail(data: DataFolder, name: str) -> bytes | None:
        if data.root / name == bad:
            raise OSError(errno.EIO, "Input/output error", str(bad))
        return read(data, name)

    monkeypatch.setattr(DataFolder, "read", read_or_fail)
    store = await tiny_opener.open()
    if folder == "chats":
        with pytest.raises(ChatUnreadable, match="Input/output error"):
            await store.chat(CHAT)
        await store.unlink(CHAT)
    else:
        assert (await store.chat(CHAT)).link is not None
        with pytest.raises(PaymentsUnreadable, match="Input/output error"):
            await store.payments_of_chat(CHAT)


@pytest.mark.parametrize("content", [b"", b"{", b'{"payments":{"1":{}}}'])
async def test_damaged_payments_keep_nobody_from_starting_and_nothing_is_paid_beside_them(
    tiny_opener: TinyOpener, content: bytes
) -> None:
    store = await tiny_opener.open()
    link = await linked(store)
    await store.add_payment(new_payment(account=link.account))
    await tiny_opener.crash()
    path = tiny_opener.folder / "accounts" / f"{link.account}.json"
    path.write_bytes(content)
    store = await tiny_opener.open()
    assert (await store.chat(CHAT)).link is not None
    with pytest.raises(PaymentsUnreadable):
        await store.add_payment(new_payment("another", account=link.account))
    with pytest.raises(PaymentsUnreadable):
        await store.payments_of_chat(CHAT)
    assert await store.unsettled_payments() == []
    assert path.read_bytes() == content
    await store.unlink(CHAT)
    assert (await store.chat(CHAT)).link is None


async def test_damaged_pending_items_are_dropped(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    (tiny_opener.folder / "desk.json").write_bytes(b"{")
    store = await tiny_opener.open()
    assert await store.pending(Selection, "x") is None


async def test_unknown_fields_and_missing_new_ones_are_accepted(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    path = tiny_opener.folder / "chats" / f"{CHAT}.json"
    document = json.loads(path.read_text())
    document["chat"]["1"] = {"language": "de", "mood": "good"}
    document["link"]["1"]["colour"] = "blue"
    document["future"] = {"1": {"a": 1}}
    path.write_text(json.dumps(document))
    chat = await (await tiny_opener.open()).chat(CHAT)
    assert chat.language == "de"
    assert chat.link is not None
    assert chat.link.token == Token(TOKEN)


async def test_temporary_files_of_a_crash_are_deleted(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    for folder in ("", "chats", "accounts"):
        (tiny_opener.folder / folder / ".x.json.tmp").write_text('{"half')
    await tiny_opener.open()
    assert not list(tiny_opener.folder.rglob("*.tmp"))


async def test_files_and_folders_are_private(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    for path in (tiny_opener.folder, *tiny_opener.folder.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="Set DATA_DIR"):
        open_store(tmp_path / "file", [new_key()])


async def test_no_token_is_stored_in_the_clear(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    raw = TOKEN.encode()
    spellings = {raw, raw.hex().encode(), json.dumps(TOKEN).encode()}
    for shift in range(3):  # within a longer text, base64 has three forms of it
        padded = b"\0" * shift + raw
        inner = slice(4 if shift else 0, len(padded) // 3 * 4 - 4)
        spellings |= {base64.b64encode(padded)[inner], base64.urlsafe_b64encode(padded)[inner]}
    files = contents(tiny_opener.folder)
    assert {"store.json", f"chats/{CHAT}.json", f"chats/{OTHER}.json"} <= files.keys()
    found = [(name, spelling) for name, content in files.items() for spelling in spellings if spelling in content]
    assert found == []


async def test_a_token_copied_into_another_chats_file_does_not_open(tiny_opener: TinyOpener) -> None:
    await fill(tiny_opener)
    ours, theirs = (tiny_opener.folder / "chats" / f"{chat_id}.json" for chat_id in (CHAT, OTHER))
    document = json.loads(ours.read_text())
    document["link"]["1"]["sealed_token"] = json.loads(theirs.read_text())["link"]["1"]["sealed_token"]
    ours.write_text(json.dumps(document))
    store = await tiny_opener.open()
    with pytest.raises(ChatUnreadable):
        await store.chat(CHAT)
    assert [(o.chat_id, o.problem) for o in await store.overviews() if o.problem] == [
        (CHAT, f"its token does not open (it names the key {Vault(tiny_opener.keys).key_ids[0]})")
    ]
    assert [check.chat.id for check in await store.claim_checks(NOW.replace(year=2027), 10, NOW - NOW)] == [OTHER]


async def test_a_file_that_the_bots_user_may_not_read_is_named(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(tiny_opener)

    def refuse(data: DataFolder, name: str) -> bytes:
        raise PermissionError(13, "Permission denied", f"{data.root}/{name}")

    with monkeypatch.context() as patch:
        patch.setattr(DataFolder, "read", refuse)
        with pytest.raises(StartError, match=r"Permission denied.*must belong to the user"):
            await tiny_opener.open()
    assert (await (await tiny_opener.open()).chat(CHAT)).link is not None
