"""Many linked chats on an embedded store, as if they had been there for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from unittest.mock import patch

from benchmarks.provider import ZONE
from bot.domain.chats import Link, Place, Preferences, Token, Watch
from bot.domain.invoices import Invoice
from bot.domain.knowledge import take_as_known
from bot.domain.schedule import Schedule
from bot.ports import utc_now
from bot.store.backend import Transaction
from bot.store.rules.records import ChatRecord
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from tests.fakes import invoice

KNOWN = 5
"""Invoices of a chat, unless others are given."""
TOGETHER = 200
"""Chats that are written in one transaction."""


def in_an_hour(_: int) -> timedelta:
    return timedelta(hours=1)


async def fill(
    folder: Path,
    key: str,
    chats: int,
    invoices: Iterable[Invoice] = (),
    due_in: Callable[[int], timedelta] = in_an_hour,
    first: int = 1,
) -> None:
    """Link so many chats with ids from ``first`` on, with these invoices known and the next check due in so long.

    The store links the first one. The others are copies of what it has stored. Nobody waits for the disk.
    """
    invoices = invoices or [invoice(n, (utc_now() + timedelta(days=100)).date()) for n in range(1, 1 + KNOWN)]
    with patch("os.fsync"):
        store = open_store(folder, [key])
        if chats:
            await _link(store, first, list(invoices))
            copies = _copies(store, await _record(store, first), range(first, first + chats), due_in)
            while some := list(islice(copies, TOGETHER)):
                await store._backend.run(lambda t, some=some: t.put_chats(some))  # type: ignore[misc]
        await store.close()


def _token(number: int) -> Token:
    return Token(f"token-of-customer-{number}")


async def _link(store: Store, number: int, invoices: list[Invoice]) -> None:
    now, token = utc_now(), _token(number)
    link = Link(
        account=store.account_of("http://localhost", token),
        place=Place(number),
        token=token,
        linked_by=number,
        linked_at=now,
        next_check_at=now,
        watch=Watch(checked_at=now),
    )
    await store.link(link, take_as_known(invoices, Schedule(Preferences(), ZONE), now))


async def _record(store: Store, number: int) -> ChatRecord:
    async def read(t: Transaction) -> ChatRecord:
        (found,) = await t.find_chats([number])
        return found.load().record

    return await store._backend.run(read)


def _copies(
    store: Store, record: ChatRecord, numbers: Iterable[int], due_in: Callable[[int], timedelta]
) -> Iterator[ChatRecord]:
    """Yield the record as one of each chat: with a token and an account of its own."""
    assert record.link is not None
    for n, number in enumerate(numbers, start=1):
        token = _token(number)
        link = replace(
            record.link,
            account=store.account_of("http://localhost", token),
            place=Place(number),
            sealed_token=store._vault.seal_token(number, token),
            linked_by=number,
            next_check_at=utc_now() + due_in(n),
        )
        yield replace(record, id=number, link=link)
