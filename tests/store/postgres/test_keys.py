"""Keys of a database: a start checks them, and seals everything anew with a new first key."""

from __future__ import annotations

import psycopg
import pytest
from structlog.testing import capture_logs

from bot.domain.chats import Token
from bot.errors import StartError
from bot.store.postgres.opening import open_store
from bot.store.vault import Vault, new_key
from tests.store.examples import CHAT, NOW, OTHER, URL, claim_check, linked, with_alerts

OLD, NEW = new_key(), new_key()


async def fill(database: str) -> None:
    store = await open_store(database, [OLD])
    await linked(store)
    await linked(store, OTHER)
    await store.close()


def key_ids(database: str) -> set[str]:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT key_id FROM chats UNION SELECT split_part(link->>'sealed_token', '.', 2) FROM chats "
            "UNION SELECT split_part(fingerprint_secret, '.', 2) FROM store"
        ).fetchall()
    return {row[0] for row in rows}


async def test_no_token_is_stored_in_the_clear(database: str) -> None:
    await fill(database)
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT chats::text FROM chats UNION ALL SELECT store::text FROM store").fetchall()
    assert len(rows) == 3
    assert "secret-token" not in repr(rows)


async def test_a_missing_key_stops_the_start_with_an_explanation(database: str) -> None:
    await fill(database)
    with pytest.raises(StartError, match=f"sealed with the key {Vault([OLD]).key_ids[0]}"):
        await open_store(database, [NEW])


async def test_a_token_sealed_with_an_unknown_key_stops_the_start_with_an_explanation(database: str) -> None:
    await fill(database)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE chats SET key_id = 'abcd1234' WHERE id = %s", [CHAT])
    with pytest.raises(StartError, match="1 chats were sealed with keys that are not at hand"):
        await open_store(database, [OLD])


async def test_a_start_with_a_new_first_key_seals_everything_anew(database: str) -> None:
    await fill(database)
    with capture_logs() as logs:
        store = await open_store(database, [NEW, OLD])
    account = store.account_of(URL, Token("secret-token-1"))
    await store.close()
    assert [entry["count"] for entry in logs if entry["event"] == "sealed anew with the first key"] == [3]
    assert key_ids(database) == set(Vault([NEW]).key_ids)
    store = await open_store(database, [NEW])
    link = (await store.chat(CHAT)).link
    assert link is not None
    assert (link.token.reveal(), link.account) == ("secret-token-1", account)
    await store.close()


async def test_sealing_anew_leaves_leases_unchanged(database: str) -> None:
    store = await open_store(database, [OLD], clock=lambda: NOW)
    await with_alerts(store, 1)
    check = await store.claim_check(CHAT, NOW, NOW - NOW)
    assert check is not None
    await (await open_store(database, [NEW, OLD])).close()
    assert await store.postpone_check(check.claim, NOW)
    await store.close()


async def test_a_database_with_chats_but_without_its_secret_stops_the_start(database: str) -> None:
    await fill(database)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE store SET fingerprint_secret = NULL")
    with pytest.raises(StartError, match="is gone, but there are chats beside it"):
        await open_store(database, [OLD])


async def test_an_unreadable_chat_holds_up_no_other(database: str) -> None:
    store = await open_store(database, [OLD])
    await linked(store)
    await linked(store, OTHER)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE chats SET known = '[]' WHERE id = %s", [CHAT])
    with capture_logs() as logs:
        check = await claim_check(store)
    assert check.chat.id == OTHER
    assert [entry["event"] for entry in logs] == ["chat can't be read for its check"]
    await store.close()
