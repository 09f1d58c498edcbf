"""A folder and a database written by an earlier version open without warnings and without loss."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from bot.ports import Store
from bot.store.tinydb import transaction
from bot.store.vault import new_key
from tests.store.cluster import Cluster
from tests.store.kept_reading import (
    KEPT,
    KEY,
    NOW,
    Message,
    claims_of_the_killed_bot,
    database_backend,
    documents_in,
    due_checks,
    due_messages,
    expected,
    files_in,
    folder_backend,
    give_back_check,
    hash_of,
    move_all,
    opened_database,
    opened_folder,
    read,
    report_as_sent,
    rows_in,
    seconds_to_wait,
    take_lease,
    without_new_fields,
)

MINUTE = timedelta(minutes=1)
CHATS, PAYMENTS = 16, 23
"""How many of them the kept files hold."""

ABANDONED = 4722
"""A chat that began to link and never continued. A start deletes it."""

EXPIRED = {"f3ba9e408e06fcfc2340e086d1f128bcce70651d0af663d7fbc9638daeff8712", "old"}
"""An invitation and a selection that have expired. They may be gone."""

RICH, UNCERTAIN, DEAD_LETTERS, TROUBLED, OUTAGE = 4711, 4714, 4715, 4718, 4727
HELD, TO_RETRY, RESTING = 4712, 4713, 7_100_200_300
"""Chats whose alerts are not due yet. The last chat rests, so its alerts are not due at all."""

SENDING, AGAIN = 4716, 4717
"""Chats whose message the killed bot was sending. In the database its claim on the first is still valid, and its claim
on the second has expired."""

GROUP, NEW_GROUP = -1_001_234_567_890, -1_009_876_543_210
"""A group, and the new id that ``pending.json`` gives it."""

POLLING_TOKEN, LAST_TOKEN = 11, 13
"""The fencing token of the lease that is still held, and the last one that was given out."""

MESSAGES = {
    GROUP: Message(GROUP, ("group/3",), again=False),
    RICH: Message(RICH, tuple(f"rich/{number}" for number in range(1, 8)), again=False, paid_here=(3,)),
    UNCERTAIN: Message(UNCERTAIN, ("uncertain/1", "uncertain/2"), again=True),
    DEAD_LETTERS: Message(DEAD_LETTERS, ("aside/3",), again=True),
    SENDING: Message(SENDING, ("sending/1", "sending/2"), again=True),
    AGAIN: Message(AGAIN, ("again/1", "again/2"), again=True),
    TROUBLED: Message(TROUBLED, ("troubled/1",), again=False),
    OUTAGE: Message(OUTAGE, ("outage/1",), again=False),
}
"""The messages that are to be sent once no claim is valid any more."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the kept folder, and return the copy."""
    return shutil.copytree(KEPT / "folder", tmp_path / "kept")


@pytest.fixture
def database(cluster: Cluster) -> str:
    """Make a database with the kept content, and return its URL."""
    url = cluster.make_database("kept")
    with psycopg.connect(url) as connection:
        connection.execute((KEPT / "database.sql").read_bytes())
    return url


@pytest.fixture
def _without_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that nothing is logged that needs an operator's attention."""
    with capture_logs() as logs:
        yield
    assert [entry for entry in logs if entry["log_level"] not in {"debug", "info"}] == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# --- Nothing is lost ---


@pytest.mark.usefixtures("_without_warnings")
async def test_the_folder_reads_as_it_did_in_the_older_version(folder: Path) -> None:
    async with opened_folder(folder) as store:
        assert await read(store) == expected()


@pytest.mark.usefixtures("_without_warnings")
async def test_the_folder_reads_the_same_row_by_row_as_its_large_files_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "HEAVY_BYTES", -1)
    async with opened_folder(folder) as store:
        assert await read(store) == expected()


@pytest.mark.usefixtures("_without_warnings")
async def test_the_database_reads_as_it_did_in_the_older_version(database: str) -> None:
    async with opened_database(database) as store:
        assert await read(store) == expected()


def with_new_fields(was: Any, now: Any) -> Any:
    """Return what was stored, with the fields that it has got since."""
    match was, now:
        case dict(), dict():
            return now | {name: with_new_fields(value, now.get(name)) for name, value in was.items()}
        case list(), list() if len(was) == len(now):
            return [with_new_fields(*each) for each in zip(was, now, strict=True)]
    return was


@pytest.mark.usefixtures("_without_warnings")
async def test_opening_and_reading_the_folder_deletes_expired_data_and_changes_nothing_else(folder: Path) -> None:
    before = files_in(folder)
    async with opened_folder(folder) as store:
        await read(store)
    after = files_in(folder)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {f"chats/{ABANDONED}.json", "desk.json"}
    assert f"chats/{ABANDONED}.json" not in after
    kept, left = json.loads(before["desk.json"]), json.loads(after["desk.json"])
    assert kept.keys() == left.keys()
    for kind, items in kept.items():
        lasting = [item for item in items.values() if item["id"] not in EXPIRED]
        now = list(left[kind].values())
        assert [with_new_fields(*each) for each in zip(lasting, now, strict=True)] == now
        assert len(left[kind]) < len(items)
    async with opened_folder(folder) as store:
        await read(store)
    assert files_in(folder) == after


@pytest.mark.usefixtures("_without_warnings")
async def test_opening_and_reading_the_database_deletes_expired_data_and_changes_nothing_else(database: str) -> None:
    before = rows_in(database)
    async with opened_database(database) as store:
        await read(store)
    after = rows_in(database)
    expired = {
        "chats": {str(ABANDONED)},
        "leases": {"long-ended"},
        "budgets": {"provider"},
        "replicas": {"replica-1"},
    }
    for table, gone in expired.items():
        assert gone <= before[table].keys()
        before[table] = {key: row for key, row in before[table].items() if key not in gone}
    for rows in (before["papers"], after["papers"]):
        for key in [key for key in rows if key.split()[-1] in EXPIRED]:
            del rows[key]
    assert after == before


async def test_folder_and_database_hold_the_same_data_before_and_after_a_move(
    folder: Path, database: str, cluster: Cluster, tmp_path: Path
) -> None:
    new_url = cluster.make_database("moved")
    async with (
        folder_backend(folder) as old_folder,
        database_backend(database) as old_database,
        folder_backend(tmp_path / "new") as new_folder,
        database_backend(new_url) as new_database,
    ):
        content = await hash_of(old_folder)
        assert (content.chats, content.payments) == (CHATS, PAYMENTS)
        assert await hash_of(old_database) == content
        assert await move_all(old_folder, new_database) == content
        assert await move_all(old_database, new_folder) == content
    old_files, new_files = documents_in(folder), documents_in(tmp_path / "new")
    del old_files["desk.json"]  # pending items are not moved
    assert without_new_fields(new_files, old_files) == old_files  # the order of the fields may differ


async def test_a_new_first_key_seals_the_folder_anew_without_loss(folder: Path) -> None:
    key = new_key()
    for keys in [(key, KEY), (key,)]:
        async with opened_folder(folder, *keys) as store:
            assert await read(store) == expected()


async def test_a_new_first_key_seals_the_database_anew_without_loss(database: str) -> None:
    key = new_key()
    for keys in [(key, KEY), (key,)]:
        async with opened_database(database, *keys) as store:
            assert await read(store) == expected()


@pytest.mark.usefixtures("_without_warnings")
async def test_a_change_interrupted_by_a_crash_of_the_older_version_is_completed(folder: Path) -> None:
    """It was killed while it gave a group its new id: the journal holds the whole change, the files nothing of it."""
    shutil.copy(KEPT / "pending.json", folder)
    async with opened_folder(folder) as store:
        found = await read(store)
    assert not (folder / "pending.json").exists()
    before = expected()
    moved = {str(GROUP): str(NEW_GROUP)}
    assert found["tokens"] == {moved.get(chat, chat): token for chat, token in before["tokens"].items()}
    assert found["chats"].keys() == {moved.get(chat, chat) for chat in before["chats"]}
    old, new = before["chats"][str(GROUP)], found["chats"][str(NEW_GROUP)]
    same = ("known", "payments", "waiting")
    assert [without_new_fields(new[name], old[name]) for name in same] == [old[name] for name in same]
    assert {payment["place"]["chat_id"] for payment in new["everything"]["payments"]} == {NEW_GROUP}
    for chat in before["chats"].keys() - moved.keys():
        assert found["chats"][chat] == before["chats"][chat]


# --- Work continues ---


@pytest.mark.usefixtures("_without_warnings")
async def test_in_the_folder_nothing_is_claimed_and_messages_that_may_have_arrived_come_again(folder: Path) -> None:
    async with opened_folder(folder) as store:
        assert await due_checks(store, NOW) == [AGAIN, UNCERTAIN, GROUP, RICH, SENDING]
        assert await due_messages(store, NOW) == list(MESSAGES.values())
        await _check_later_messages(store)


@pytest.mark.usefixtures("_without_warnings")
async def test_in_the_database_the_killed_bots_work_comes_when_its_claims_end(database: str) -> None:
    async with opened_database(database) as store:
        assert await due_checks(store, NOW) == [AGAIN, GROUP, UNCERTAIN, RICH]
        assert await due_messages(store, NOW) == [message for message in MESSAGES.values() if message.chat != SENDING]
        assert await due_checks(store, NOW + 2 * MINUTE) == [OUTAGE]
        assert await due_messages(store, NOW + 2 * MINUTE) == []
        assert await due_checks(store, NOW + 3 * MINUTE) == [SENDING]
        assert await due_messages(store, NOW + 3 * MINUTE) == [MESSAGES[SENDING]]
        await _check_later_messages(store)


@pytest.mark.usefixtures("_without_warnings")
async def test_in_the_database_a_bot_of_the_older_version_can_still_report_on_its_claims(database: str) -> None:
    check, message = claims_of_the_killed_bot(database, SENDING)
    async with opened_database(database) as store:
        assert await report_as_sent(store, message)
        assert await give_back_check(store, check)
        assert SENDING in await due_checks(store, NOW)
        assert Message(SENDING, ("sending/3",), again=False) in await due_messages(store, NOW)
        assert not await report_as_sent(store, message)


async def test_in_the_database_a_claim_that_was_taken_over_is_refused(database: str) -> None:
    check, _ = claims_of_the_killed_bot(database, UNCERTAIN)
    _, message = claims_of_the_killed_bot(database, AGAIN)
    async with opened_database(database) as store:
        await due_checks(store, NOW)
        await due_messages(store, NOW)
        assert not await give_back_check(store, check)
        assert not await report_as_sent(store, message)


async def test_in_the_database_leases_stay_with_their_holders_and_no_fencing_token_is_used_twice(database: str) -> None:
    async with opened_database(database) as store:
        assert await take_lease(store, "polling", "another") is None
        assert await take_lease(store, "polling", "replica-1") == POLLING_TOKEN
        token = await take_lease(store, "ended", "another")
        assert token is not None
        assert token > LAST_TOKEN


async def test_in_the_database_token_buckets_keep_their_level(database: str) -> None:
    async with opened_database(database) as store:
        assert await seconds_to_wait(store, "telegram") == 8 * 60
        assert await seconds_to_wait(store, "provider") == 0


async def _check_later_messages(store: Store) -> None:
    """Check that held and failed messages come at their times, unmarked, and that a resting chat gets nothing."""
    for chat, after, ids in ((TO_RETRY, 30 * MINUTE, ("retry/1",)), (HELD, 60 * MINUTE, ("held/1", "held/2"))):
        early = await due_messages(store, NOW + after - MINUTE)
        assert chat not in {message.chat for message in early}
        late = await due_messages(store, NOW + after)
        assert Message(chat, ids, again=False) in late
        assert RESTING not in {message.chat for message in early + late}
