"""The vault seals what must not be stored in the clear: above all the customers' tokens.

A sealed text is ``1.KEYID.BASE64``: AES-256-GCM with a random 96-bit nonce in front of the ciphertext. Purpose and
owner are additional data, so a token that is copied into another chat's file doesn't open there. The key id is the
start of a hash of the key: it tells which key is missing, and nothing about the key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.domain.chats import Token
from bot.errors import BotError, StartError

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_DIGITS = 8
FORMAT = "1"
HOW_TO_MAKE_A_KEY = 'python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())" makes one'


@dataclass(eq=False)
class SealBroken(BotError):
    """A sealed text does not open: changed, cut off, copied from another owner, or sealed by a key we don't have."""

    key_id: str


def new_key() -> str:
    """Return a new random key as ``TOKEN_KEYS`` takes it: url-safe base64 of 32 bytes."""
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

    def knows(self, sealed: str) -> bool:
        """Whether the key that sealed this is at hand."""
        return key_id_of(sealed) in self._ciphers

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
    parts = sealed.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == FORMAT else ""  # noqa: PLR2004


def account_fingerprint(secret: str, base_url: str, token: Token) -> str:
    """Return 64 hex digits (HMAC-SHA256) that tell accounts apart and give away neither base URL nor token."""
    message = f"{base_url.rstrip('/')}\n{token.reveal()}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def _decode_key(number: int, key: str) -> bytes:
    try:
        raw = _decode(key.strip())
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise StartError(
            f"Key number {number} of TOKEN_KEYS is not url-safe base64 of {KEY_BYTES} bytes: {HOW_TO_MAKE_A_KEY}."
        )
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
