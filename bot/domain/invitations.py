"""Invitations from a group into the private chat, where its token is given. One person can use each, once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from bot.domain.chats import LinkFacts, Place
from bot.domain.waits import LONGEST_TOKEN_WAIT, still_lasts

INVITATION_LIFETIME = LONGEST_TOKEN_WAIT
INVITATION_NONCE_BYTES = 24
"""In url-safe base64 (:data:`INVITATION_NONCE_FORM`) nobody can guess it, and it is short enough for a deep link."""

INVITATION_NONCE_FORM = re.compile(r"[\w-]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Invitation:
    """``user_id`` may link the group ``title`` from the private chat. They asked for it at ``place``.

    ``id`` is a hash of the nonce in the link, so the store's content opens no way in. ``replaces`` is when the group's
    link of that time was made: no other link is replaced.
    """

    id: str
    place: Place
    title: str
    user_id: int
    expires_at: datetime
    replaces: datetime | None = None

    def still_holds(self, now: datetime) -> bool:
        """Return whether it can still be used."""
        return still_lasts(self.expires_at, now, INVITATION_LIFETIME)

    def fits(self, link: LinkFacts | None) -> bool:
        """Return whether the group's link is still the one that the invitation is to replace."""
        return self.replaces == (link.linked_at if link else None)


def id_of(nonce: str) -> str:
    """Return the id of a nonce's invitation: 64 hex digits."""
    return hashlib.sha256(nonce.encode()).hexdigest()
