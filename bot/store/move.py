"""Moving all data from one place to another, so that afterwards both hold the same, byte for byte.

A move compares before it writes: begun again after a crash, it goes on where it was. Sealed texts go over as they are,
so both places need the same keys. Pending items live for a day at most, and stay behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from bot.errors import ChatUnreadable, PaymentsUnreadable, StartError
from bot.invocation import call_of
from bot.store.backend import Backend, Transaction
from bot.store.rules.records import ChatRecord, PaymentRow
from bot.store.vault import Vault, try_keys

Advance = Callable[[int], None]

Key = int | str
"""What is moved at a time: a chat by its id, or the payments of an account."""

Piece = ChatRecord | list[PaymentRow]

MOVED_TOGETHER = 200
"""How many chats, or accounts, are read and written in one transaction."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a place holds: how many chats, how many payments, and a hash (SHA-256, hex) over all of it."""

    chats: int
    payments: int
    hash: str


async def check_not_moving(t: Transaction) -> None:
    """Raise :class:`StartError` while a move into this place is not finished."""
    if await t.is_moving():
        raise StartError(
            "A move of the data to this place has begun and was not finished: run it again, to its end, by "
            f"`{call_of('move')}`, with `to-folder` or `to-database` as before."
        )


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
    keys = await source.run(_keys)
    total = 3 * len(keys)  # copied, read there, read here
    await _copy(source, target, keys, lambda count: advance(count, total))
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
    for keys in _parts(await place.run(_keys)):
        for key, item in (await place.run(partial(_read, keys=keys))).items():
            digest.update(msgspec.json.encode((key, item)))
            chats += isinstance(item, ChatRecord)
            payments += 0 if isinstance(item, ChatRecord) else len(item)
        advance(len(keys))
    return Content(chats, payments, digest.hexdigest())


async def _takes_a_move(t: Transaction) -> bool:
    return await t.is_moving() or await t.sealed_secret() is None


async def _begin(t: Transaction, *, sealed: str) -> None:
    await t.set_moving(True)
    await t.put_sealed_secret(sealed)


async def _copy(source: Backend, target: Backend, keys: Sequence[Key], advance: Advance) -> None:
    wanted = set(keys)
    for stale in _parts([key for key in await target.run(_keys) if key not in wanted]):
        await target.run(partial(_write, items=dict.fromkeys(stale)))
    for some in _parts(keys):
        await target.run(partial(_write, items=await source.run(partial(_read, keys=some))))
        advance(len(some))


async def _keys(t: Transaction) -> list[Key]:
    return [*await t.chat_ids(), *await t.accounts()]


async def _read(t: Transaction, *, keys: Sequence[Key]) -> dict[Key, Piece]:
    chats = await t.find_chats([key for key in keys if isinstance(key, int)])
    try:
        items: dict[Key, Piece] = {found.id: found.load().record for found in chats}
        return items | {key: await t.payments_of(key) for key in keys if isinstance(key, str)}
    except (ChatUnreadable, PaymentsUnreadable) as error:
        raise StartError(f"Not everything can be read: {error.reason}") from error


async def _write(t: Transaction, *, items: Mapping[Key, Piece | None]) -> None:
    """Store the items that differ from what is there. None deletes."""
    there = await _read(t, keys=[key for key, item in items.items() if item is not None])
    changed = {key: item for key, item in items.items() if item is None or there.get(key) != item}
    for key, item in changed.items():
        if isinstance(key, str):
            await t.put_payments(key, item if isinstance(item, list) else [])
        elif item is None:
            await t.delete_chat(key)
    await t.put_chats([item for item in changed.values() if isinstance(item, ChatRecord)])


def _parts(keys: Sequence[Key]) -> list[Sequence[Key]]:
    return [keys[start : start + MOVED_TOGETHER] for start in range(0, len(keys), MOVED_TOGETHER)]
