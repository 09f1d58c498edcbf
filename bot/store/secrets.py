"""What is sealed in a store: the secret behind the account fingerprints, and the tokens.

That the secret opens shows that the keys are the right ones.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from bot.errors import StartError
from bot.store.backend import Transaction, Work
from bot.store.vault import SealBroken, Vault, key_id_of

log = structlog.get_logger()

SEALED_TOGETHER = 200
"""How many tokens one transaction seals anew."""

SEALED_FOR = ("fingerprint", "store")
PUT_IT_BACK = (
    "Put that key back into TOKEN_KEYS, behind the new one: the first key seals, all of them open. "
    "(With TOKEN_KEYS unset, the keys are those of the file token.key in the data folder.)"
)


async def open_secret(t: Transaction, vault: Vault, place: str) -> str:
    """Return the secret. The first start makes it. ``place`` tells an operator where it is kept.

    Raise :class:`StartError` where the keys are not those of the stored data, or the secret of stored data is gone.
    """
    sealed = await t.sealed_secret()
    if sealed is not None:
        return await try_keys(t, vault, sealed, place)
    if await t.chat_ids() or await t.accounts():
        raise StartError(
            f"The secret in {place} is gone, but there are chats beside it. Without it the accounts can't be told "
            "apart: put back a copy of it. Nothing was changed."
        )
    secret = secrets.token_urlsafe(32)
    await t.put_sealed_secret(vault.seal(*SEALED_FOR, secret))
    return secret


async def try_keys(t: Transaction, vault: Vault, sealed: str, place: str) -> str:
    """Return the opened secret. Raise :class:`StartError` where the keys are not those of the stored data."""
    try:
        secret = vault.open(*SEALED_FOR, sealed)
    except SealBroken as error:
        if vault.knows(sealed):
            raise StartError(
                f"The secret in {place} does not open: its sealed part was changed. Put back a copy of it."
            ) from error
        raise StartError(
            f"The stored data were sealed with the key {key_id_of(sealed)}, which is not among the keys given "
            f"({', '.join(vault.key_ids)}). {PUT_IT_BACK}"
        ) from error
    unknown = {
        key: chats for key, chats in (await t.sealed_by_others(vault.key_ids[0])).items() if key not in vault.key_ids
    }
    if unknown:
        raise StartError(
            f"The tokens of {sum(map(len, unknown.values()))} chats were sealed with keys that are not at hand "
            f"({', '.join(sorted(unknown))}). {PUT_IT_BACK}"
        )
    return secret


async def seal_anew(run: Callable[[Work[Any]], Awaitable[Any]], vault: Vault) -> None:
    """Seal with the first key what an older one sealed. ``run`` runs a transaction.

    Whatever a crash leaves opens with one of the keys, and the next start does the rest. Several processes may do this
    at once.
    """
    count = await run(partial(_seal_secret, vault=vault))
    chat_ids = await run(partial(_to_seal, vault=vault))
    for start in range(0, len(chat_ids), SEALED_TOGETHER):
        count += await run(partial(_seal_tokens, vault=vault, chat_ids=chat_ids[start : start + SEALED_TOGETHER]))
    if count:
        log.info("sealed anew with the first key", key=vault.key_ids[0], count=count)


async def _seal_secret(t: Transaction, *, vault: Vault) -> int:
    sealed = await t.sealed_secret()
    if sealed is None or vault.sealed_by_first(sealed):
        return 0
    await t.put_sealed_secret(vault.seal(*SEALED_FOR, vault.open(*SEALED_FOR, sealed)))
    return 1


async def _to_seal(t: Transaction, *, vault: Vault) -> list[int]:
    """Return the chats whose token an older key has sealed."""
    return sorted(chat_id for chats in (await t.sealed_by_others(vault.key_ids[0])).values() for chat_id in chats)


async def _seal_tokens(t: Transaction, *, vault: Vault, chat_ids: Sequence[int]) -> int:
    """Seal the tokens of these chats. Log and leave a token that does not open. Return how many were sealed."""
    count = 0
    for found in await t.find_chats(chat_ids, lock=True):
        stored, chat_id = found.load(), found.id
        link = stored.record.link
        if link is None or vault.sealed_by_first(link.sealed_token):
            continue
        try:
            token = vault.open_token(chat_id, link.sealed_token)
        except SealBroken:
            key_id = key_id_of(link.sealed_token)
            log.warning("token does not open, so it still needs its key", chat=chat_id, key=key_id)
            continue
        new = replace(stored.record, link=replace(link, sealed_token=vault.seal_token(chat_id, token)))
        await t.save_chat(stored, new, check=stored.check, message=stored.message)
        count += 1
    return count
