"""Checks and messages that end together: each has its own claim, and its own failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from bot.domain.chats import Preferences
from bot.errors import ChatUnreadable
from bot.ports import Check
from bot.store.backend import Held, StoredChat
from bot.store.postgres.held_changes import HeldChanges
from bot.store.store import Store
from tests.store.examples import (
    LEASE,
    MINUTE,
    NOW,
    checked,
    knowledge,
    linked,
    message_about,
    with_alerts,
)
from tests.store.openers import PostgresOpener

NUMBERS = (1, 2, 3, 4, 5)


@pytest.fixture
async def store(postgres_opener: PostgresOpener) -> Store:
    return await postgres_opener.open()


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many changes each batch has."""
    sizes: list[int] = []
    make_all = HeldChanges._make_all

    async def noted(self: HeldChanges, cursor: Any, batch: Any) -> Any:
        sizes.append(len(batch))
        return await make_all(self, cursor, batch)

    monkeypatch.setattr(HeldChanges, "_make_all", noted)
    return sizes


async def claimed(store: Store) -> list[Check]:
    """Link the chats, and claim their checks."""
    for number in NUMBERS:
        await linked(store, number)
    checks = await store.claim_checks(NOW + MINUTE, 10, LEASE)
    return sorted(checks, key=lambda check: check.chat.id)


async def finish_all(store: Store, checks: Sequence[Check]) -> list[Any]:
    """Let all checks find a third invoice, at once."""
    return await asyncio.gather(
        *(store.finish_check(check.claim, checked(check, known=knowledge(1, 2, 3))) for check in checks),
        return_exceptions=True,
    )


async def who_knows(store: Store, count: int) -> list[int]:
    """Return the chats that know so many invoices."""
    return [number for number in NUMBERS if len(await store.known_invoices(number)) == count]  # type: ignore[arg-type]


async def test_checks_that_end_together_share_a_transaction(store: Store, batches: list[int]) -> None:
    checks = await claimed(store)
    assert await finish_all(store, checks) == [True] * 5
    assert batches == [5]
    assert await who_knows(store, 3) == [1, 2, 3, 4, 5]
    assert await store.claim_checks(NOW + 2 * MINUTE, 10, LEASE) == []


async def test_messages_that_end_together_share_a_transaction(store: Store, batches: list[int]) -> None:
    for number in NUMBERS:
        await with_alerts(store, 1, chat_id=number)
    batches.clear()
    deliveries = await store.claim_alerts(NOW + MINUTE, 10, LEASE)
    ends = [store.alerts_sent(delivery.claim, message_about(1), ()) for delivery in deliveries]
    assert await asyncio.gather(*ends) == [True] * 5
    assert batches == [5]
    assert [len(await store.sent_messages(delivery.chat.key)) for delivery in deliveries] == [1] * 5
    assert await store.claim_alerts(NOW + MINUTE + LEASE, 10, LEASE) == []


async def test_of_a_claim_that_was_lost_nothing_is_written_and_of_the_others_all(
    store: Store, postgres_opener: PostgresOpener, batches: list[int]
) -> None:
    checks = await claimed(store)
    other = await postgres_opener.open()
    await other.set_preferences(2, Preferences(), NOW)  # which voids the check under way
    await other.unlink(4)
    assert await finish_all(store, checks) == [True, False, True, False, True]
    assert batches == [5]
    assert await who_knows(store, 3) == [1, 3, 5]
    assert [check.chat.id for check in await store.claim_checks(NOW + MINUTE, 10, LEASE)] == [2]


async def test_what_others_have_changed_since_the_claims_stays(store: Store, postgres_opener: PostgresOpener) -> None:
    other, checks = await postgres_opener.open(), await claimed(store)
    second = checks[1].chat
    assert second.link is not None
    assert await other.set_reference(second.key, second.link.account, "K-1")
    assert await finish_all(store, checks) == [True] * 5
    assert [link and link.reference for link in [(await store.chat(n)).link for n in NUMBERS]] == [
        None, "K-1", None, None, None,
    ]  # fmt: skip

    await with_alerts(store, 1, chat_id=3)
    (delivery,) = await store.claim_alerts(NOW + MINUTE, 10, LEASE)
    assert await store.message_edited(delivery.claim, 70, ())
    await other.set_language(3, "de")
    assert await store.alerts_failed(delivery.claim, NOW + 2 * MINUTE, uncertain=False, counts=True)
    assert (await store.chat(3)).language == "de"


async def test_one_claim_that_ends_twice_at_once_ends_once(store: Store) -> None:
    first, *others = await claimed(store)
    assert await finish_all(store, [first, first, *others, first]) == [True, False, True, True, True, True, False]


async def test_a_chat_that_cannot_be_read_is_no_matter_of_the_others(store: Store, database: str) -> None:
    checks = await claimed(store)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE chats SET chat = '7' WHERE id = 3")
    ends = await finish_all(store, checks)
    assert isinstance(ends.pop(2), ChatUnreadable)
    assert ends == [True] * 4
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT id FROM chats WHERE check_epoch IS NOT NULL").fetchall()
    assert rows == [(3,)]


def _raises(_: StoredChat) -> StoredChat:
    raise LookupError


def _cannot_be_encoded(stored: StoredChat) -> StoredChat:
    return replace(stored, record=replace(stored.record, chat=replace(stored.record.chat, language="\ud800")))


def _is_refused_by_the_database(stored: StoredChat) -> StoredChat:
    assert stored.record.link is not None
    return replace(stored, record=replace(stored.record, link=replace(stored.record.link, account="\0")))


@pytest.mark.parametrize("change", [_raises, _cannot_be_encoded, _is_refused_by_the_database])
async def test_a_change_that_fails_is_no_matter_of_the_others(
    store: Store, change: Callable[[StoredChat], StoredChat], batches: list[int]
) -> None:
    bad, *others = await claimed(store)
    with capture_logs():
        end, *ends = await asyncio.gather(
            store._backend.change_held(Held.CHECK, bad.claim, change),
            *(store.finish_check(check.claim, checked(check, known=knowledge(1, 2, 3))) for check in others),
            return_exceptions=True,
        )
    assert isinstance(end, Exception)
    assert ends == [True] * 4
    assert batches == [5]
    assert await who_knows(store, 3) == [2, 3, 4, 5]
    assert await store.finish_check(bad.claim, checked(bad))  # nothing of it was written


@asynccontextmanager
async def locked(database: str, number: int) -> AsyncIterator[None]:
    """Let somebody else lock a chat meanwhile."""
    async with await psycopg.AsyncConnection.connect(database) as connection:
        await connection.execute("SELECT FROM chats WHERE id = %s FOR UPDATE", [number])
        yield


async def test_only_the_chat_that_somebody_else_has_locked_is_waited_for(
    store: Store, database: str, batches: list[int]
) -> None:
    checks = await claimed(store)
    async with locked(database, 3):
        ends = [
            asyncio.create_task(store.finish_check(check.claim, checked(check, known=knowledge(1, 2, 3))))
            for check in checks
        ]
        done, waiting = await asyncio.wait(ends, timeout=1)
        assert {task.result() for task in done} == {True}
        assert waiting == {ends[2]}
        assert await who_knows(store, 3) == [1, 2, 4, 5]
        await store.set_language(1, "de")
    assert await ends[2]
    assert batches == [5]
    assert await who_knows(store, 3) == [1, 2, 3, 4, 5]


async def test_later_batches_do_not_wait_for_a_locked_chat(store: Store, database: str) -> None:
    first, second, third, *_ = await claimed(store)
    async with locked(database, 1):
        waiting = asyncio.create_task(store.finish_check(first.claim, checked(first)))
        for check in (second, third):
            assert await store.finish_check(check.claim, checked(check))
        assert not waiting.done()
    assert await waiting


async def test_a_claim_that_is_lost_while_its_chat_is_locked_is_refused(store: Store, database: str) -> None:
    first, second, *_ = await claimed(store)
    async with await psycopg.AsyncConnection.connect(database) as connection:
        await connection.execute("UPDATE chats SET check_epoch = NULL WHERE id = 1")
        ends = [asyncio.create_task(store.finish_check(check.claim, checked(check))) for check in (first, second)]
        assert await ends[1]
        await connection.commit()
        assert not await ends[0]


async def test_a_check_whose_caller_is_cancelled_ends_whole_and_so_do_the_others(
    store: Store, batches: list[int]
) -> None:
    checks = await claimed(store)
    ends = [
        asyncio.create_task(store.finish_check(check.claim, checked(check, known=knowledge(1, 2, 3))))
        for check in checks
    ]
    while not batches:  # noqa: ASYNC110  # until the first one has begun
        await asyncio.sleep(0)
    ends[0].cancel()
    assert await asyncio.gather(*ends[1:]) == [True] * 4
    assert ends[0].cancelled()
    assert await who_knows(store, 3) == [1, 2, 3, 4, 5]


async def test_closing_waits_for_what_has_gathered(store: Store, postgres_opener: PostgresOpener) -> None:
    checks = await claimed(store)
    ends = [asyncio.create_task(store.finish_check(check.claim, checked(check))) for check in checks]
    await asyncio.sleep(0)
    await store.close()
    assert [await end for end in ends] == [True] * 5
    other = await postgres_opener.open()
    assert await other.claim_checks(NOW + 2 * MINUTE, 10, LEASE) == []
