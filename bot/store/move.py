"""Moving all data from one place to another, so that afterwards both hold the same, byte for byte.

A move compares before it writes: begun again after a crash, it goes on where it was. Sealed texts go over as they are,
so both places need the same keys. Invitations and selections live for minutes, and stay behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import msgspec

from bot.errors import StartError
from bot.store.backend import Backend, Transaction
from bot.store.rules.records import ChatRecord, PaymentRow
from bot.store.vault import Vault, try_keys

T = TypeVar("T")
Advance = Callable[[int], None]

MOVED_TOGETHER = 200
"""How many chats, or accounts, are read and written in one transaction."""

NOT_FINISHED = (
    "A move of the data to this place has begun and was not finished: run `python -m bot move` again, to its end."
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a place holds: how many chats, how many payments, and a hash (SHA-256, hex) over all of it."""

    chats: int
    payments: int
    hash: str


async def check_not_moving(t: Transaction) -> None:
    """Raise :class:`StartError` while a move into this place is not finished."""
    if await t.is_moving():
        raise StartError(NOT_FINISHED)


async def move(source: Backend, target: Backend, vault: Vault, advance: Callable[[int, int], None]) -> Content:
    """Make ``target`` hold what ``source`` holds, and verify that it does. No bot starts on a half-filled target.

    ``advance`` is called with how many more pieces are done, and how many there are in all. Raise :class:`StartError`
    where a bot runs on either of them, ``target`` holds data of its own, the keys are wrong, or both differ at the end.
    """
    for place in (source, target):
        if await place.is_running():
            raise StartError(f"A bot is running on {place.name}: stop it, wait a minute, and begin again.")
    if await source.run(lambda t: t.is_moving()):
        raise StartError(f"A move into {source.name} was not finished: there may be data missing in it.")
    if not await target.run(_takes_a_move):
        raise StartError(f"There are data in {target.name} already. Nothing was changed: move into an empty one.")
    sealed = await source.run(lambda t: t.sealed_secret())
    if sealed is None:
        raise StartError(f"There is nothing in {source.name}.")
    await source.run(lambda t: try_keys(t, vault, sealed, source.secret_place))
    await target.run(partial(_begin, sealed=sealed))
    chat_ids, accounts = await source.run(lambda t: t.chat_ids()), await source.run(lambda t: t.accounts())
    total = 3 * (len(chat_ids) + len(accounts))  # copied, read there, read here
    await _copy_chats(source, target, chat_ids, lambda count: advance(count, total))
    await _copy_payments(source, target, accounts, lambda count: advance(count, total))
    here, there = [await content_of(place, lambda count: advance(count, total)) for place in (source, target)]
    if here != there:
        raise StartError(f"{source.name} and {target.name} differ ({here}, {there}): run the move again.")
    if await source.is_running():
        raise StartError(
            f"A bot was started on {source.name} meanwhile, and what it has changed since may be missing in "
            f"{target.name}: stop it, wait a minute, and run the move again."
        )
    await target.run(lambda t: t.set_moving(False))
    return there


async def content_of(place: Backend, advance: Advance = lambda _: None) -> Content:
    """Count and hash everything, in order."""
    digest, chats, payments = hashlib.sha256(), 0, 0
    for ids in _parts(await place.run(lambda t: t.chat_ids())):
        for record in await place.run(partial(_chats, ids=ids)):
            digest.update(msgspec.json.encode(record))
            chats += 1
        advance(len(ids))
    for accounts in _parts(await place.run(lambda t: t.accounts())):
        for account, rows in (await place.run(partial(_payments, accounts=accounts))).items():
            digest.update(msgspec.json.encode((account, rows)))
            payments += len(rows)
        advance(len(accounts))
    return Content(chats, payments, digest.hexdigest())


async def _takes_a_move(t: Transaction) -> bool:
    return await t.is_moving() or await t.sealed_secret() is None


async def _begin(t: Transaction, *, sealed: str) -> None:
    await t.set_moving(True)
    await t.put_sealed_secret(sealed)


async def _copy_chats(source: Backend, target: Backend, chat_ids: Sequence[int], advance: Advance) -> None:
    stale = sorted(set(await target.run(lambda t: t.chat_ids())) - set(chat_ids))
    for ids in _parts(stale):
        await target.run(partial(_delete, ids=ids))
    for ids in _parts(chat_ids):
        records = await source.run(partial(_chats, ids=ids))
        await target.run(partial(_put_chats, records=records))
        advance(len(ids))


async def _copy_payments(source: Backend, target: Backend, accounts: Sequence[str], advance: Advance) -> None:
    stale = sorted(set(await target.run(lambda t: t.accounts())) - set(accounts))
    for some in _parts(stale):
        await target.run(partial(_put_payments, payments={account: [] for account in some}))
    for some in _parts(accounts):
        payments = await source.run(partial(_payments, accounts=some))
        await target.run(partial(_put_payments, payments=payments))
        advance(len(some))


async def _chats(t: Transaction, *, ids: Sequence[int]) -> list[ChatRecord]:
    return [found.load().record for found in await t.find_chats(ids)]


async def _payments(t: Transaction, *, accounts: Sequence[str]) -> dict[str, list[PaymentRow]]:
    return {account: await t.payments_of(account) for account in accounts}


async def _put_chats(t: Transaction, *, records: Sequence[ChatRecord]) -> None:
    there = {record.id: record for record in await _chats(t, ids=[record.id for record in records])}
    await t.put_chats([record for record in records if there.get(record.id) != record])


async def _put_payments(t: Transaction, *, payments: dict[str, list[PaymentRow]]) -> None:
    for account, rows in payments.items():
        if await t.payments_of(account) != rows:
            await t.put_payments(account, rows)


async def _delete(t: Transaction, *, ids: Sequence[int]) -> None:
    for chat_id in ids:
        await t.delete_chat(chat_id)


def _parts(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + MOVED_TOGETHER] for start in range(0, len(items), MOVED_TOGETHER)]
