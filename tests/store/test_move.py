"""Moving all data from a folder into a database and back gives the same bytes, even after an interruption."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from bot.domain.chat_keys import key_of
from bot.domain.chats import Preferences, Silence
from bot.domain.payments import State
from bot.errors import StartError
from bot.store.backend import Backend, Work
from bot.store.move import content_of, move
from bot.store.postgres.backend import PostgresBackend
from bot.store.postgres.opening import open_database, open_store as open_postgres
from bot.store.store import Store
from bot.store.tinydb.backend import TinyBackend
from bot.store.tinydb.opening import open_folder, open_store
from bot.store.vault import Vault, new_key
from tests.store.examples import (
    CHAT,
    HOUR,
    MINUTE,
    NOW,
    OTHER,
    claim_message,
    message_about,
    new_payment,
    with_alerts,
    with_messages,
)

KEY = new_key()
VAULT = Vault([KEY])
T = TypeVar("T")
SEVERAL, MANY = 700, 10_000
"""More chats than one transaction moves, and as many as a bot may well have."""


def no_progress(count: int, total: int) -> None:
    assert 0 <= count <= total


def files(folder: Path) -> Mapping[str, bytes]:
    """Return the files of a folder, except for its lock."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


async def fill(folder: Path, many: int = 0) -> None:
    """Make a store with some of everything that it can hold, and ``many`` more chats."""
    store = open_store(folder, [KEY], lambda: NOW)
    await with_messages(store, message_about(1, 2))
    link = await with_alerts(store, 1, None, 2, chat_id=OTHER)
    await store.set_preferences(CHAT, Preferences(before=(5,), zone="Europe/Lisbon"), NOW)
    await store.silence(OTHER, link.account, {1: Silence(until=NOW + HOUR), 2: Silence(muted=True)}, NOW)
    delivery = await claim_message(store, NOW + HOUR)
    await store.alerts_failed(delivery.claim, NOW + 2 * HOUR, uncertain=True, counts=True)
    await store.set_language(99, "de \u0000 \U0001f600 „“")
    for number in range(3):
        await store.add_payment(new_payment(f"p{number}", link.account, invoice_id=number))
    await store.advance_payment(new_payment("p1", link.account, invoice_id=1, state=State.CONFIRMED), State.ASKED)
    for number in range(many):
        await with_alerts(store, 1, 2, chat_id=1_000_000 + number)
        if number % 10 == 0:
            await store.add_payment(new_payment(f"many{number}", f"{number:064x}"))
    await store.close()


@pytest.fixture
async def postgres(database: str) -> AsyncIterator[PostgresBackend]:
    async with open_database(database, 4, 10) as backend:
        yield backend


@pytest.mark.timeout(240)  # the larger one writes 40,000 files
@pytest.mark.parametrize("many", [0, MANY])
async def test_a_move_there_and_back_gives_the_same_bytes(tmp_path: Path, postgres: PostgresBackend, many: int) -> None:
    await fill(tmp_path / "old", many)
    with open_folder(tmp_path / "old", VAULT) as old, open_folder(tmp_path / "new", VAULT) as new:
        moved = await move(old, postgres, VAULT, no_progress)
        back = await move(postgres, new, VAULT, no_progress)
        assert moved == back == await content_of(old)
    assert (moved.chats, moved.payments) == (3 + many, 3 + many // 10)
    assert files(tmp_path / "new") == files(tmp_path / "old")


async def test_a_bot_continues_in_the_new_place_where_it_stopped_in_the_old(
    tmp_path: Path, postgres: PostgresBackend, database: str
) -> None:
    await fill(tmp_path / "old")
    with open_folder(tmp_path / "old", VAULT) as old:
        await move(old, postgres, VAULT, no_progress)
    before, after = open_store(tmp_path / "old", [KEY]), await open_postgres(database, [KEY])
    for chat_id in (CHAT, OTHER, 99):
        assert await before.chat(chat_id) == await after.chat(chat_id)
        assert await before.waiting_alerts(key_of(chat_id)) == await after.waiting_alerts(key_of(chat_id))
    assert await before.unsettled_payments() == await after.unsettled_payments()
    first, second = [await store.claim_alerts(NOW + 3 * HOUR, 9, MINUTE) for store in (before, after)]
    assert [(one.alerts, one.known, one.again) for one in first] == [(a.alerts, a.known, a.again) for a in second]
    first_checks, second_checks = [await store.claim_checks(NOW + HOUR, 9, MINUTE) for store in (before, after)]
    assert {check.chat.id for check in first_checks} == {check.chat.id for check in second_checks} == {CHAT, OTHER}
    await before.close()
    await after.close()


class Interrupted(Exception):
    pass


class BreakingFolder(TinyBackend):
    """A folder that can no longer be read after some transactions."""

    left = 7  # enough to move the first chats, but not all

    async def run(self, work: Work[T]) -> T:
        self.left -= 1
        if not self.left:
            raise Interrupted
        return await super().run(work)


async def test_an_interrupted_move_continues_when_started_again(
    tmp_path: Path, postgres: PostgresBackend, database: str
) -> None:
    await fill(tmp_path / "old", SEVERAL)
    with pytest.raises(Interrupted):
        await move(BreakingFolder(tmp_path / "old", VAULT.key_ids[0]), postgres, VAULT, no_progress)
    assert await postgres.run(lambda t: t.is_moving())
    with pytest.raises(StartError, match="was not finished"):
        await open_postgres(database, [KEY])
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE chats SET account = 'not written again' WHERE id = %s", [1_000_000])
    with open_folder(tmp_path / "old", VAULT) as old:
        assert await move(old, postgres, VAULT, no_progress) == await content_of(old)
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT id FROM chats WHERE account = 'not written again'").fetchall()
    assert rows == [(1_000_000,)]


async def test_no_bot_starts_on_a_folder_with_an_unfinished_move(tmp_path: Path, postgres: PostgresBackend) -> None:
    await fill(tmp_path / "old")
    with open_folder(tmp_path / "new", VAULT) as new:
        await new.run(lambda t: t.put_sealed_secret("1.x.y"))
        await new.run(lambda t: t.set_moving(True))
    with pytest.raises(StartError, match="was not finished"):
        open_store(tmp_path / "new", [KEY])


async def assert_refused(source: Backend, target: Backend, why: str, vault: Vault = VAULT) -> None:
    with pytest.raises(StartError, match=why):
        await move(source, target, vault, no_progress)


async def test_nothing_is_moved_while_a_bot_runs(tmp_path: Path, postgres: PostgresBackend, database: str) -> None:
    await fill(tmp_path / "old")
    with open_folder(tmp_path / "old", VAULT) as old:
        bot = await open_postgres(database, [KEY])
        await assert_refused(old, postgres, "A bot is running on the database")
        await assert_refused(postgres, old, "A bot is running on the database")
        await bot.close()
        with pytest.raises(StartError, match="Another process is using"), open_folder(tmp_path / "old", VAULT):
            pass


async def test_a_bot_started_during_the_move_is_noticed_at_the_end(
    tmp_path: Path, postgres: PostgresBackend, database: str
) -> None:
    await fill(tmp_path / "old")
    started: list[Store] = []

    class StartsABot(PostgresBackend):
        async def run(self, work: Work[T]) -> T:
            result = await super().run(work)
            if not started:
                started.append(await open_postgres(database, [KEY]))
            return result

    with open_folder(tmp_path / "old", VAULT) as old, open_folder(tmp_path / "new", VAULT) as new:
        await move(old, postgres, VAULT, no_progress)
        await assert_refused(StartsABot(postgres.connections), new, "A bot was started on the database meanwhile")
        await started[0].close()
        assert await move(postgres, new, VAULT, no_progress) == await content_of(old)


async def test_nothing_is_moved_over_other_data(tmp_path: Path, postgres: PostgresBackend, database: str) -> None:
    await fill(tmp_path / "old")
    await (await open_postgres(database, [KEY])).close()
    with open_folder(tmp_path / "old", VAULT) as old:
        before = await content_of(postgres)
        await assert_refused(old, postgres, "data in the database already")
        assert await content_of(postgres) == before


async def test_nothing_is_moved_with_the_wrong_key(tmp_path: Path, postgres: PostgresBackend) -> None:
    await fill(tmp_path / "old")
    wrong = Vault([new_key()])
    with open_folder(tmp_path / "old", wrong) as old:
        await assert_refused(old, postgres, "which is not among the keys given", wrong)
    assert await postgres.run(lambda t: t.sealed_secret()) is None


async def test_an_empty_place_has_nothing_to_move(tmp_path: Path, postgres: PostgresBackend) -> None:
    with open_folder(tmp_path / "old", VAULT) as old:
        await assert_refused(old, postgres, "There is nothing in")
