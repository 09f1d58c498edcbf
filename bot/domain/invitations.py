"""The way from a group into the private chat, where its token is given: a link that one person can use, once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.chats import Place

INVITATION_LIFETIME = timedelta(minutes=15)
INVITATION_NONCE_BYTES = 24
"""As url-safe base64 in :data:`INVITATION_NONCE_FORM`: nobody can guess it, and it is short enough for a deep link."""

INVITATION_NONCE_FORM = re.compile(r"[\w-]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Invitation:
    """``user_id`` may link the group ``title`` from the private chat; it was asked for at ``place``.

    ``id`` is a hash of the nonce in the link, so that nobody who reads the store can come that way. ``replaces`` tells
    which link the group had then: no other is replaced.
    """

    id: str
    place: Place
    title: str
    user_id: int
    expires_at: datetime
    replaces: datetime | None = None


def id_of(nonce: str) -> str:
    """The id of the invitation that a nonce belongs to: 64 hex digits."""
    return hashlib.sha256(nonce.encode()).hexdigest()
