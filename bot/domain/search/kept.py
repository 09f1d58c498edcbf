"""A search that is kept for a while, so that the buttons of its result work on every page, also after a restart."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.domain.chats import Place
from bot.domain.waits import still_lasts

SEARCH_LIFETIME = timedelta(days=1)
ID_BYTES = 6
"""In url-safe base64 these are 8 characters. With a page and an invoice's number they fit into callback data."""


@dataclass(frozen=True, slots=True)
class SearchText:
    """What ``user_id`` looks for in a chat. ``text`` means its conditions, and ``asked_on`` was today for them."""

    id: str
    place: Place
    user_id: int
    expires_at: datetime
    text: str
    asked_on: date

    def holds(self, now: datetime) -> bool:
        """Return whether it can still be used."""
        return still_lasts(self.expires_at, now, SEARCH_LIFETIME)


def kept(place: Place, user_id: int, text: str, asked_on: date, now: datetime) -> SearchText:
    """Return a search to keep. The same one again has the same id: it takes no more room, and lasts longer."""
    facts = repr((place.chat_id, user_id, text, asked_on)).encode()
    digest = hashlib.blake2s(facts, digest_size=ID_BYTES).digest()
    return SearchText(urlsafe_b64encode(digest).decode(), place, user_id, now + SEARCH_LIFETIME, text, asked_on)
