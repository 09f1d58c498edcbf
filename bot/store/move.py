"""Moving all data from one store to another, so that afterwards both hold the same, byte for byte.

What a move writes, it compares first: begun again after a crash, it goes on where it was. Sealed texts go over as they
are, so both stores need the same keys. Invitations and selections, which live for minutes, stay behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from bot.errors import StartError
from bot.store.rules.records import ChatRecord, PaymentRow

T = TypeVar("T")

AT_ONCE = 200
"""How many chats, or accounts, are read and written together."""


class Archive(Protocol):
    """A stopped store, seen as a whole. ``name`` tells an operator which."""

    name: str

    async def is_running(self) -> bool:
        """Whether a bot works with it."""

    async def is_empty(self) -> bool: ...

    async def is_moving(self) -> bool:
        """Whether a move into it has begun and was not finished. No bot starts on it then."""

    async def set_moving(self, moving: bool) -> None: ...  # noqa: FBT001  # what is set

    async def sealed_secret(self) -> str | None: ...

    async def put_sealed_secret(self, sealed: str) -> None: ...

    async def chat_ids(self) -> list[int]:
        """In order."""

    async def chats(self, chat_ids: Sequence[int]) -> list[ChatRecord]:
        """Those of them that are stored, in order."""

    async def put_chats(self, records: Sequence[ChatRecord]) -> None: ...

    async def delete_chats(self, chat_ids: Sequence[int]) -> None: ...

    async def accounts(self) -> list[str]:
        """Those with payments, in order."""

    async def payments(self, accounts: Sequence[str]) -> dict[str, list[PaymentRow]]: ...

    async def put_payments(self, payments: Mapping[str, Sequence[PaymentRow]]) -> None:
        """In the place of what these accounts have; without payments an account goes."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a store holds: how many chats, how many payments, and a hash (SHA-256, hex) over all of it."""

    chats: int
    payments: int
    hash: str


async def move(source: Archive, target: Archive, advance: Callable[[int, int], None]) -> Content:
    """Make ``target`` hold what ``source`` holds, and verify that it does.

    ``advance`` is called with how many more pieces are done, and how many there are in all. Raises
    :class:`StartError` where a bot runs on either of them, ``target`` holds data of its own, or they differ at the end.
    """
    for archive in (source, target):
        if await archive.is_running():
            raise StartError(f"A bot is running on {archive.name}: stop it, wait a minute, and begin again.")
    if await source.is_moving():
        raise StartError(f"A move into {source.name} was not finished: there may be data missing in it.")
    if not (await target.is_moving() or await target.is_empty()):
        raise StartError(f"There are data in {target.name} already. Nothing was changed: move into an empty one.")
    sealed = await source.sealed_secret()
    if sealed is None:
        raise StartError(f"There is nothing in {source.name}.")
    await target.set_moving(True)
    await target.put_sealed_secret(sealed)
    chat_ids, accounts = await source.chat_ids(), await source.accounts()
    total = 3 * (len(chat_ids) + len(accounts))  # copied, read there, read here
    await _copy_chats(source, target, chat_ids, lambda count: advance(count, total))
    await _copy_payments(source, target, accounts, lambda count: advance(count, total))
    here, there = [await content_of(archive, lambda count: advance(count, total)) for archive in (source, target)]
    if here != there:
        raise StartError(f"{source.name} and {target.name} differ ({here}, {there}): run the move again.")
    if await source.is_running():
        raise StartError(
            f"A bot was started on {source.name} meanwhile, and what it has changed since may be missing in "
            f"{target.name}: stop it, wait a minute, and run the move again."
        )
    await target.set_moving(False)
    return there


async def content_of(archive: Archive, advance: Callable[[int], None] = lambda _: None) -> Content:
    """Count and hash everything, in order."""
    digest, chats, payments = hashlib.sha256(), 0, 0
    for ids in _batches(await archive.chat_ids()):
        for record in await archive.chats(ids):
            digest.update(msgspec.json.encode(record))
            chats += 1
        advance(len(ids))
    for accounts in _batches(await archive.accounts()):
        for account, rows in sorted((await archive.payments(accounts)).items()):
            digest.update(msgspec.json.encode((account, rows)))
            payments += len(rows)
        advance(len(accounts))
    return Content(chats, payments, digest.hexdigest())


async def _copy_chats(
    source: Archive, target: Archive, chat_ids: Sequence[int], advance: Callable[[int], None]
) -> None:
    stale = sorted(set(await target.chat_ids()) - set(chat_ids))
    for ids in _batches(stale):
        await target.delete_chats(ids)
    for ids in _batches(chat_ids):
        there = {record.id: record for record in await target.chats(ids)}
        await target.put_chats([record for record in await source.chats(ids) if there.get(record.id) != record])
        advance(len(ids))


async def _copy_payments(
    source: Archive, target: Archive, accounts: Sequence[str], advance: Callable[[int], None]
) -> None:
    stale = sorted(set(await target.accounts()) - set(accounts))
    await target.put_payments(dict.fromkeys(stale, ()))
    for some in _batches(accounts):
        there = await target.payments(some)
        rows = await source.payments(some)
        await target.put_payments({account: rows[account] for account in some if there.get(account) != rows[account]})
        advance(len(some))


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]
