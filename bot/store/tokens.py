"""The sealed tokens of all chats, at the start: whether their keys are at hand, and a change of keys."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from bot.errors import StartError
from bot.store.database import chat_file
from bot.store.rules.records import ONLY, ChatRecord
from bot.store.secrets import PUT_IT_BACK
from bot.store.tinydb.files import DataFolder
from bot.store.tinydb.storage import Transaction
from bot.store.vault import SealBroken, Vault, key_id_of

log = structlog.get_logger()


def check_tokens(records: Iterable[ChatRecord], vault: Vault) -> None:
    """Raise :class:`StartError` where a token was sealed with a key that is not at hand."""
    unknown = [
        key_id_of(record.link.sealed_token)
        for record in records
        if record.link and not vault.knows(record.link.sealed_token)
    ]
    if unknown:
        raise StartError(
            f"The tokens of {len(unknown)} chats were sealed with keys that are not at hand "
            f"({', '.join(sorted(set(unknown)))}). {PUT_IT_BACK}"
        )


def seal_tokens_anew(records: Iterable[ChatRecord], folder: DataFolder, vault: Vault) -> int:
    """Seal with the first key what an older one sealed; how many that were.

    Each is a write of its own: whatever a crash leaves opens with one of the keys, and the next start does the rest.
    A token that does not open is logged and left as it is.
    """
    count = 0
    for record in records:
        sealed = record.link.sealed_token if record.link else None
        if sealed is None or vault.sealed_by_first(sealed):
            continue
        try:
            token = vault.open_token(record.id, sealed)
        except SealBroken:
            log.warning("token does not open, so it still needs its key", chat=record.id, key=key_id_of(sealed))
            continue
        transaction = Transaction(folder)
        link = transaction.open(chat_file(record.id)).table("link")
        link.update({"sealed_token": vault.seal_token(record.id, token)}, doc_ids=[ONLY])
        transaction.commit()
        count += 1
    return count
