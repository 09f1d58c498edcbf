"""Outages of the database: calls meanwhile, claims from before, and starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.domain.payments import State
from bot.errors import StartError, StoreAway
from bot.store.backend import Held, StoredChat
from bot.store.postgres.connections import Cursor
from bot.store.postgres.opening import REFUSED, open_store
from bot.store.postgres.schema import migrate
from bot.store.postgres.transaction import PostgresTransaction
from bot.store.rules import alerts
from bot.store.store import Store
from bot.store.vault import new_key
from tests.store.backends import database_of
from tests.store.cluster import Cluster, temporary_cluster
from tests.store.examples import CHAT, LEASE, MINUTE, NOW, checked, claim_check, linked, new_payment, with_alerts

KEY = new_key()


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """Start a cluster that tests may stop without disturbing others."""
    with temporary_cluster() as cluster:
        yield cluster


@pytest.fixture
def url(own_cluster: Cluster) -> str:
    url = own_cluster.make_database("away")
    migrate(url)
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await open_store(url, [KEY], timeout=2, clock=lambda: NOW)
    yield store
    await store.close()


async def wait_until_back(store: Store, within: float = 20) -> None:
    end = time.monotonic() + within
    while True:
        try:
            await store.chat(CHAT)
            return
        except StoreAway:
            assert time.monotonic() < end, "the store did not come back"
            await asyncio.sleep(0.1)


async def test_while_the_database_is_away_every_call_says_so_and_afterwards_all_works(
    store: Store, own_cluster: Cluster
) -> None:
    link = await linked(store)
    own_cluster.stop()
    with capture_logs() as logs:
        try:
            for _ in range(3):
                with pytest.raises(StoreAway):
                    await store.chat(CHAT)
                with pytest.raises(StoreAway):
                    await store.claim_checks(NOW + MINUTE, 10, LEASE)
        finally:
            own_cluster.start()
        await wait_until_back(store)
    assert (await store.chat(CHAT)).link == link
    assert [entry["event"] for entry in logs] == ["database is away", "database is back"]


async def test_once_an_outage_is_known_calls_fail_without_waiting(store: Store, own_cluster: Cluster) -> None:
    own_cluster.stop()
    try:
        with pytest.raises(StoreAway):
            await store.chat(CHAT)
        began = time.monotonic()
        with pytest.raises(StoreAway):
            await store.set_language(CHAT, "de")
        assert time.monotonic() - began < 0.5
    finally:
        own_cluster.start()
    await wait_until_back(store)


async def test_a_claim_is_still_valid_after_a_short_outage(store: Store, own_cluster: Cluster) -> None:
    await linked(store)
    check = await claim_check(store)
    own_cluster.stop()
    own_cluster.start()
    await wait_until_back(store)
    assert await store.finish_check(check.claim, checked(check))
    assert await store.claim_checks(NOW + MINUTE, 10, LEASE) == []


async def test_checks_that_end_while_the_database_goes_away_fail_together_and_nothing_of_them_is_written(
    store: Store, own_cluster: Cluster
) -> None:
    for number in (1, 2, 3):
        await linked(store, number)
    checks = await store.claim_checks(NOW + MINUTE, 10, LEASE)

    def stops_it(stored: StoredChat) -> StoredChat:
        own_cluster.stop()
        return replace(stored, check=None)

    try:
        ends = await asyncio.gather(
            *(store.finish_check(check.claim, checked(check)) for check in checks[:2]),
            store._backend.change_held(Held.CHECK, checks[2].claim, stops_it),
            return_exceptions=True,
        )
        assert [type(end) for end in ends] == [StoreAway] * 3
    finally:
        own_cluster.start()
    await wait_until_back(store)
    assert await asyncio.gather(*(store.finish_check(check.claim, checked(check)) for check in checks)) == [True] * 3


async def test_an_idle_pool_does_not_notice_a_restart(store: Store, own_cluster: Cluster) -> None:
    link = await linked(store)
    await asyncio.gather(*(store.chat(CHAT) for _ in range(20)))
    own_cluster.stop()
    own_cluster.start()
    with capture_logs() as logs:
        assert (await store.chat(CHAT)).link == link
    assert not logs


async def test_committed_changes_survive_a_crash_of_the_database(store: Store, own_cluster: Cluster) -> None:
    await with_alerts(store, 1, 2)
    await store.add_payment(new_payment())
    own_cluster.stop()
    own_cluster.start()
    await wait_until_back(store)
    assert (await store.waiting_alerts(CHAT)).waiting == 2
    payment = await store.payment("p1")
    assert payment is not None
    assert payment.state is State.ASKED


async def test_a_start_waits_for_the_database_and_says_so_once(url: str, own_cluster: Cluster) -> None:
    own_cluster.stop()
    with capture_logs() as logs:
        opening = asyncio.create_task(open_store(url, [KEY]))
        await asyncio.sleep(1.5)
        assert not opening.done()
        own_cluster.start()
        store = await opening
    await store.close()
    events = [entry["event"] for entry in logs]
    assert events[0] == "waiting for the database"
    assert events[-1] == "database is there"


async def test_a_slow_statement_is_given_up_and_no_other_call_is_refused(store: Store) -> None:
    slow = asyncio.create_task(database_of(store).run(lambda cursor: cursor.execute("SELECT pg_sleep(30)")))
    while not slow.done():
        await store.chat(CHAT)
        await asyncio.sleep(0.05)
    with pytest.raises(StoreAway):
        await slow
    await store.chat(CHAT)


@pytest.mark.parametrize(("busy", "naps"), [(2, 30), (1, 3)], ids=["a full pool", "one long transaction"])
async def test_under_load_only_calls_that_get_no_connection_are_refused(url: str, busy: int, naps: int) -> None:
    async def work(cursor: Cursor) -> None:
        for _ in range(naps):  # short statements, together longer than the timeout
            await cursor.execute("SELECT pg_sleep(0.9)")

    store = await open_store(url, [KEY], connections=2, timeout=1)
    with capture_logs() as logs:
        at_work = [asyncio.create_task(database_of(store).run(work)) for _ in range(busy)]
        await asyncio.sleep(0.1)
        waits = asyncio.create_task(store.chat(CHAT))
        await asyncio.gather(*at_work, waits, return_exceptions=True)
        await store.chat(CHAT)
    assert isinstance(waits.exception(), StoreAway) == (busy == 2)
    assert all(isinstance(task.exception(), StoreAway) for task in at_work)
    assert [entry["event"] for entry in logs] == []
    await store.close()


async def test_a_caller_waits_for_a_connection_no_longer_than_the_outage_lasts(url: str, own_cluster: Cluster) -> None:
    store = await open_store(url, [KEY], timeout=30)
    try:
        await asyncio.gather(*(store.chat(CHAT) for _ in range(20)))
        own_cluster.stop()
        waiting = [asyncio.create_task(store.chat(CHAT)) for _ in range(20)]
        await asyncio.sleep(3)
        own_cluster.start()
        async with asyncio.timeout(4):
            await asyncio.gather(*waiting, return_exceptions=True)
        await wait_until_back(store, within=4)
    finally:
        await store.close()


async def test_a_connection_that_breaks_during_a_claim_makes_no_chat_unreadable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_alerts(store, 1)

    async def breaks(t: PostgresTransaction, _: str) -> None:
        await t.cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(alerts, "account_to_read", lambda record, batch: "account")
    monkeypatch.setattr(PostgresTransaction, "payments_of", breaks)
    with capture_logs() as logs, pytest.raises(StoreAway):
        await store.claim_alerts(NOW + MINUTE, 10, LEASE)
    assert "chat can't be read for its alert" not in [entry["event"] for entry in logs]
    monkeypatch.undo()
    await wait_until_back(store)
    assert len(await store.claim_alerts(NOW + MINUTE, 10, LEASE)) == 1


@pytest.mark.parametrize(("what", "wrong"), [("//bot@", "//nobody:secret@"), ("/away", "/nowhere")])
async def test_a_start_does_not_wait_for_a_database_that_refuses_the_bot(url: str, what: str, wrong: str) -> None:
    with pytest.raises(
        StartError, match=r"does not let the bot in .*Correct the user, the password or the name"
    ) as refused:
        await open_store(url.replace(what, wrong), [KEY])
    assert "secret" not in str(refused.value)


def test_a_wrong_password_is_no_outage_but_a_starting_server_is() -> None:
    said = ['FATAL:  password authentication failed for user "bot"', "fe_sendauth: no password supplied"]
    assert all(REFUSED.search(f'connection to server at "::1" failed: {words}') for words in said)
    assert not REFUSED.search('connection to server at "::1" failed: FATAL:  the database system is starting up')


async def test_a_start_without_keys_is_refused_with_an_explanation(url: str) -> None:
    with pytest.raises(StartError, match="TOKEN_KEYS must be set"):
        await open_store(url, [])


async def test_an_unusable_url_stops_the_start_with_an_explanation() -> None:
    with pytest.raises(StartError, match="DATABASE_URL can't be used"):
        await open_store("postgresql://bot@/bot?unheard=of", [KEY])


async def test_a_closed_store_does_not_reconnect(url: str) -> None:
    store = await open_store(url, [KEY])
    await store.close()
    with capture_logs() as logs, pytest.raises(StoreAway):
        await store.chat(CHAT)
    assert not logs
