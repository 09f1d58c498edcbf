"""The vault seals what must not be stored in the clear: above all the customers' tokens.

A sealed text is ``1.KEYID.BASE64``: AES-256-GCM with a random 96-bit nonce in front of the ciphertext. Purpose and
owner are additional data, so a token that is copied into another chat's file doesn't open there. The key id is the
start of a hash of the key: it tells which key is missing, and nothing about the key.

Also sealed is the store's secret behind the account fingerprints. That it opens shows that the keys are the right ones.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.domain.chats import Token
from bot.errors import BotError, ChatUnreadable, StartError
from bot.store.backend import Transaction, Work

log = structlog.get_logger()

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_DIGITS = 8
URL_SAFE = str.maketrans("+/", "-_")
FORMAT = "1"
SEALED_FORM = re.compile(rf"{FORMAT}\.([0-9a-f]{{{KEY_ID_DIGITS}}})\.[^.]*\Z", re.ASCII)
HOW_TO_MAKE_A_KEY = "`openssl rand -base64 32` makes one"

SEALED_TOGETHER = 200
"""How many tokens one transaction seals anew."""

SEALED_FOR = ("fingerprint", "store")
PUT_IT_BACK = (
    "Put that key back into TOKEN_KEYS, behind the new one: the first key seals, all of them open. "
    "(With TOKEN_KEYS unset, the keys are those of the file token.key in the data folder.)"
)


@dataclass(eq=False)
class SealBroken(BotError):
    """A sealed text does not open: changed, cut off, copied from another owner, or sealed by a key we don't have."""

    key_id: str

    @property
    def reason(self) -> str:
        by = f"it names the key {self.key_id}" if self.key_id else "it names no key"
        return f"its token does not open ({by})"


def new_key() -> str:
    """Return a new random key as ``TOKEN_KEYS`` takes it: base64 of 32 bytes, url-safe or not."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


class Vault:
    """Seal with the first of ``keys``, and open with any of them. Raise :class:`StartError` for a malformed key."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise StartError(f"TOKEN_KEYS holds no key: {HOW_TO_MAKE_A_KEY}.")
        raw = [_decode_key(number, key) for number, key in enumerate(keys, start=1)]
        self.key_ids = tuple(_key_id(key) for key in raw)
        self._ciphers = {_key_id(key): AESGCM(key) for key in raw}

    def seal(self, purpose: str, owner: str, secret: str) -> str:
        """Seal a secret. Only the same purpose and owner open it."""
        key_id, nonce = self.key_ids[0], os.urandom(NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, secret.encode(), _context(purpose, owner))
        return f"{FORMAT}.{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, purpose: str, owner: str, sealed: str) -> str:
        """Return the secret. Raise :class:`SealBroken`."""
        key_id = key_id_of(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(key_id=key_id)
        try:
            content = _decode(sealed.rpartition(".")[2])
            return cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], _context(purpose, owner)).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(key_id=key_id) from error

    def sealed_by_first(self, sealed: str) -> bool:
        """Whether the first key sealed this, so that no other is needed to open it."""
        return key_id_of(sealed) == self.key_ids[0]

    def seal_token(self, chat_id: int, token: Token) -> str:
        """Seal a token for the chat that it links."""
        return self.seal("token", str(chat_id), token.reveal())

    def open_token(self, chat_id: int, sealed: str) -> Token:
        """Return the token of a chat. Raise :class:`SealBroken`."""
        return Token(self.open("token", str(chat_id), sealed))


def key_id_of(sealed: str) -> str:
    """Return the id of the key that sealed a text. Empty: it is no sealed text."""
    found = SEALED_FORM.match(sealed)
    return found[1] if found else ""


def account_fingerprint(secret: str, base_url: str, token: Token) -> str:
    """Return 64 hex digits (HMAC-SHA256) that tell accounts apart and give away neither base URL nor token."""
    message = f"{base_url.rstrip('/')}\n{token.reveal()}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def signature(secret: str, text: str) -> str:
    """Return 64 hex digits that only who knows the secret can make of a text. No account fingerprint is one of them."""
    return hmac.new(secret.encode(), f"signed\0{text}".encode(), hashlib.sha256).hexdigest()


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
        if key_id_of(sealed) in vault.key_ids:
            raise StartError(
                f"The secret in {place} does not open: its sealed part was changed. Put back a copy of it."
            ) from error
        raise StartError(
            f"The stored data were sealed with the key {key_id_of(sealed)}, which is not among the keys given "
            f"({', '.join(vault.key_ids)}). {PUT_IT_BACK}"
        ) from error
    unknown = {
        key: chats
        for key, chats in (await t.sealed_by_others(vault.key_ids[0])).items()
        if key and key not in vault.key_ids  # a token that names no key is damaged: no key is missing for it
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
    others = await run(lambda t: t.sealed_by_others(vault.key_ids[0]))
    chat_ids = sorted(chat_id for chats in others.values() for chat_id in chats)
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


async def _seal_tokens(t: Transaction, *, vault: Vault, chat_ids: Sequence[int]) -> int:
    """Seal the tokens of these chats. Log and leave a token that does not open. Return how many were sealed."""
    count = 0
    for found in await t.find_chats(chat_ids, lock=True):
        chat_id = found.id
        try:
            stored = found.load()
        except ChatUnreadable as error:
            log.warning("chat can't be read, so its token is not sealed anew", chat=chat_id, reason=error.reason)
            continue
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
        await t.save_chat(stored, replace(stored, record=new))
        count += 1
    return count


def _decode_key(number: int, key: str) -> bytes:
    try:
        raw = _decode(key.strip().translate(URL_SAFE))
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise StartError(f"Key number {number} of TOKEN_KEYS is not base64 of {KEY_BYTES} bytes: {HOW_TO_MAKE_A_KEY}.")
    return raw


def _decode(text: str) -> bytes:
    """Decode url-safe base64, but only in the one spelling that encoding gives. Raise :class:`ValueError`."""
    content = base64.urlsafe_b64decode(text)
    if base64.urlsafe_b64encode(content).decode() != text:
        raise ValueError("not canonical base64")
    return content


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"invoice-bot key id\n" + key).hexdigest()[:KEY_ID_DIGITS]


def _context(purpose: str, owner: str) -> bytes:
    return f"{purpose}\n{owner}".encode()
