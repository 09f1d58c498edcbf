"""Find chats under their present keys, within a transaction. A group gets another id once it becomes a supergroup."""

from __future__ import annotations

from bot.domain.chat_keys import chat_id_of, keys_of
from bot.errors import ChatUnreadable
from bot.store.backend import StoredChat, Transaction
from bot.store.reading import note_unreadable
from bot.store.rules.records import ChatRecord


async def present(t: Transaction, chat_id: int) -> tuple[int, StoredChat | None]:
    """Return a chat's present id, and what is stored there. The id is another one if the chat has moved.

    This never goes in a circle: what is stored under a new id replaces what was there, also a reference to another id.
    """
    found = await t.find_chats([chat_id])
    stored = found[0].load() if found else None
    if stored is None or stored.record.chat.moved_to is None:
        return chat_id, stored
    return await present(t, stored.record.chat.moved_to)


async def present_id(t: Transaction, chat_id: int) -> int:
    """Return a chat's present id. Where its first record can't be read, nobody knows of another one."""
    try:
        return (await present(t, chat_id))[0]
    except ChatUnreadable:
        return chat_id


async def record_of(t: Transaction, chat_id: int) -> ChatRecord:
    """Return what is stored of a chat, under its present id."""
    number, stored = await present(t, chat_id)
    return stored.record if stored else ChatRecord(number)


async def locked(t: Transaction, *chat_ids: int) -> dict[int, StoredChat]:
    """Return the stored ones among these chats, locked until the transaction ends."""
    return {found.id: found.load() for found in await t.find_chats(chat_ids, lock=True)}


async def accounts_of(
    t: Transaction, chat_id: int, said: set[int], *, lock: bool = False
) -> tuple[int, list[StoredChat], dict[int, ChatUnreadable]]:
    """Return a chat's present id, what is stored of its accounts, and by key why others can't be read."""
    stored, bad = list[StoredChat](), dict[int, ChatUnreadable]()
    for found in await t.find_chats(keys_of(chat_id), lock=lock):
        try:
            stored.append(found.load())
        except ChatUnreadable as error:
            note_unreadable("account can't be read", found.id, error, said)
            bad[found.id] = error
    moved_to = next((each.record.chat.moved_to for each in stored if each.record.chat.moved_to is not None), None)
    return (chat_id, stored, bad) if moved_to is None else await accounts_of(t, chat_id_of(moved_to), said, lock=lock)


async def lock(t: Transaction, key: int) -> StoredChat | None:
    """Return a chat under its present key, locked. None: it is not stored."""
    found = await t.find_chats([key], lock=True)
    stored = found[0].load() if found else None
    if stored is None or stored.record.chat.moved_to is None:
        return stored
    return await lock(t, stored.record.chat.moved_to)
