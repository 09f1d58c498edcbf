"""What an operator has to know of a store: chats and payments that can't be read."""

from __future__ import annotations

from bot.domain.chat_keys import chat_id_of
from bot.errors import ChatUnreadable, PaymentsUnreadable
from bot.store.backend import FoundChat, Transaction
from bot.store.vault import SealBroken, Vault

READ_TOGETHER = 500
"""How many chats are read at once."""


async def what_is_unreadable(t: Transaction, vault: Vault) -> tuple[str, ...]:
    """Return each chat and account that can't be read, and why."""
    found = []
    ids = await t.chat_ids()
    for start in range(0, len(ids), READ_TOGETHER):
        chats = await t.find_chats(ids[start : start + READ_TOGETHER])
        found += [f"chat {chat_id_of(chat.id)}: {problem}" for chat in chats if (problem := problem_of(chat, vault))]
    for account in await t.accounts():
        try:
            await t.payments_of(account)
        except PaymentsUnreadable as error:
            found.append(f"payments of account {account[:8]}: {error.reason}")
    return tuple(found)


def problem_of(chat: FoundChat, vault: Vault) -> str | None:
    """Return why a chat or its token can't be read. None: they can."""
    try:
        record = chat.load().record
        if record.link is not None:
            vault.open_token(record.id, record.link.sealed_token)
    except ChatUnreadable as error:
        return error.reason
    except SealBroken as error:
        return error.reason
    return None
