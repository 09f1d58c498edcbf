"""Sealed secrets in the database: whether the keys are the right ones, and a change of keys."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial

import structlog

from bot.errors import StartError
from bot.store.postgres.connections import Connections, Cursor
from bot.store.postgres.rows import lock_chats, save_chat
from bot.store.secrets import SEALED_FOR
from bot.store.vault import SealBroken, Vault, key_id_of

log = structlog.get_logger()

AT_ONCE = 500
"""How many tokens one transaction seals anew."""

PUT_IT_BACK = "Put that key back into TOKEN_KEYS, behind the new one: the first key seals, all of them open."


async def open_secret(cursor: Cursor, vault: Vault) -> str:
    """The secret behind the account fingerprints; the first start makes it.

    Raises :class:`StartError` where the keys are not those of the stored data.
    """
    sealed = await sealed_secret(cursor)
    return await _make_secret(cursor, vault) if sealed is None else await try_keys(cursor, vault, sealed)


async def try_keys(cursor: Cursor, vault: Vault, sealed: str) -> str:
    """The secret, opened. Raises :class:`StartError` where the keys are not those of the stored data."""
    try:
        secret = vault.open(*SEALED_FOR, sealed)
    except SealBroken as error:
        if vault.knows(sealed):
            raise StartError("The secret in the database's table `store` was changed: put a copy back.") from error
        raise StartError(
            f"The data in the database were sealed with the key {key_id_of(sealed)}, which is not among the keys given "
            f"({', '.join(vault.key_ids)}). {PUT_IT_BACK}"
        ) from error
    await _check_tokens(cursor, vault)
    return secret


async def seal_anew(connections: Connections, vault: Vault) -> int:
    """Seal with the first key what an older one sealed, and give how many that were.

    A token that does not open is logged and left as it is. Several processes may do this at once.
    """
    count = await connections.run(lambda cursor: _seal_secret(cursor, vault))
    after: int | None = -(2**63)
    while after is not None:
        sealed, after = await connections.run(partial(_seal_tokens, vault=vault, after=after))
        count += sealed
    return count


async def _make_secret(cursor: Cursor, vault: Vault) -> str:
    await cursor.execute("SELECT EXISTS (SELECT FROM chats), EXISTS (SELECT FROM payments)")
    if any(await cursor.fetchone() or ()):
        raise StartError(
            "The secret in the database's table `store` is gone, but there are chats beside it. Without it the "
            "accounts can't be told apart: put back a copy of it. Nothing was changed."
        )
    secret = secrets.token_urlsafe(32)
    await put_sealed_secret(cursor, vault.seal(*SEALED_FOR, secret))
    return secret


async def sealed_secret(cursor: Cursor, *, lock: bool = True) -> str | None:
    """The secret as it is stored, locked until the transaction ends; None before the first start."""
    await cursor.execute(f"SELECT fingerprint_secret FROM store {'FOR UPDATE' if lock else ''}")
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def put_sealed_secret(cursor: Cursor, sealed: str) -> None:
    """Store the sealed secret."""
    await cursor.execute(
        "INSERT INTO store (fingerprint_secret) VALUES (%s) "
        "ON CONFLICT (only_row) DO UPDATE SET fingerprint_secret = excluded.fingerprint_secret",
        [sealed],
    )


async def _check_tokens(cursor: Cursor, vault: Vault) -> None:
    await cursor.execute("SELECT key_id, count(*) FROM chats WHERE key_id IS NOT NULL GROUP BY key_id")
    unknown = {key_id: count for key_id, count in await cursor.fetchall() if key_id not in vault.key_ids}
    if unknown:
        raise StartError(
            f"The tokens of {sum(unknown.values())} chats were sealed with keys that are not at hand "
            f"({', '.join(sorted(unknown))}). {PUT_IT_BACK}"
        )


async def _seal_secret(cursor: Cursor, vault: Vault) -> int:
    sealed = await sealed_secret(cursor)
    if sealed is None or vault.sealed_by_first(sealed):
        return 0
    await put_sealed_secret(cursor, vault.seal(*SEALED_FOR, vault.open(*SEALED_FOR, sealed)))
    return 1


async def _seal_tokens(cursor: Cursor, *, vault: Vault, after: int) -> tuple[int, int | None]:
    """Seal the tokens of the next chats whose id is larger than ``after``. Gives how many, and the last chat's id."""
    await cursor.execute(
        "SELECT id FROM chats WHERE key_id <> %s AND id > %s ORDER BY id LIMIT %s", [vault.key_ids[0], after, AT_ONCE]
    )
    numbers = [number for (number,) in await cursor.fetchall()]
    count = 0
    for stored in (await lock_chats(cursor, *numbers)).values():
        link = stored.record.link
        if link is None or vault.sealed_by_first(link.sealed_token):
            continue
        try:
            token = vault.open_token(stored.record.id, link.sealed_token)
        except SealBroken:
            key_id = key_id_of(link.sealed_token)
            log.warning("token does not open, so it still needs its key", chat=stored.record.id, key=key_id)
            continue
        link = replace(link, sealed_token=vault.seal_token(stored.record.id, token))
        new = replace(stored.record, link=link)
        await save_chat(cursor, stored, new, check=stored.check, message=stored.message)
        count += 1
    return count, numbers[-1] if numbers else None
