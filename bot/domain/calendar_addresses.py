"""Secret addresses of calendars: ``ACCOUNT-RANDOM-SIGNATURE``.

The signature is checked before anything is looked up. So a guess costs no look at the store, takes as long as any
other, and tells nobody which chats there are. Of an address, the store keeps a hash only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.chat_keys import ChatKey

SIGNATURE_LENGTH = 32
"""Hexadecimal digits: 128 bits."""

_FORM = re.compile(
    rf"(?P<signed>(?P<key>-?\d{{1,19}})-[A-Za-z0-9_]{{22,64}})-(?P<signature>[0-9a-f]{{{SIGNATURE_LENGTH}}})"
)

Sign = Callable[[str], str]
"""Return a text's keyed fingerprint, which nobody else can make."""


@dataclass(frozen=True, slots=True)
class CalendarAddress:
    """An address that this bot has made, at some time. ``text`` is all of it."""

    key: ChatKey
    text: str

    @property
    def hash(self) -> str:
        """What is stored of it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def opens(self, address_hash: str) -> bool:
        """Return whether this is the address whose hash is stored. An older one opens nothing."""
        return hmac.compare_digest(self.hash, address_hash)


def new_address(key: ChatKey, random: str, sign: Sign) -> CalendarAddress:
    """Return a new address. ``random`` is what nobody can guess: at least 22 letters, digits or ``_``."""
    signed = f"{key}-{random}"
    return CalendarAddress(key, f"{signed}-{sign(signed)[:SIGNATURE_LENGTH]}")


def read_address(text: str, sign: Sign) -> CalendarAddress | None:
    """Return the address. None: this bot has not made it."""
    found = _FORM.fullmatch(text)
    signed = found["signed"] if found else ""
    given = found["signature"] if found else ""
    expected = sign(signed)[:SIGNATURE_LENGTH]
    if not hmac.compare_digest(given, expected) or found is None:
        return None
    return CalendarAddress(ChatKey(int(found["key"])), text)
