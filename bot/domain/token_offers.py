"""What is kept of tokens for a while: one that waits for a yes, and the pause after wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.chats import Place
from bot.domain.waits import still_lasts

# --- A token that waits for a yes ---

OFFER_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OfferedToken:
    """A token that ``user_id`` sent at ``place`` and is asked about. It is kept sealed, and only until then.

    If it is used, it may replace the link that was made at ``replaces``, and no other. It is for the chat itself, or
    for the group of the invitation ``invitation_id``. ``message_id`` is the message that asks about it.
    """

    id: str
    place: Place
    user_id: int
    expires_at: datetime
    replaces: datetime | None
    invitation_id: str = ""
    sealed_token: str = ""
    message_id: int | None = None

    def holds(self, now: datetime) -> bool:
        """Return whether the question about it is still open."""
        return still_lasts(self.expires_at, now, OFFER_LIFETIME)


# --- Wrong tokens ---

FREE_TRIES = 3
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))
"""How long a person waits after the third wrong token, the fourth, and so on."""

FORGIVEN_AFTER = timedelta(days=1)
"""So long after the last wrong token, a person begins anew."""


@dataclass(frozen=True, slots=True)
class TokenPause:
    """How many tokens of a person's the provider has refused, and when it refused the last one."""

    id: str
    place: Place
    user_id: int
    expires_at: datetime
    refused: int
    since: datetime

    def left(self, now: datetime) -> timedelta:
        """Return how long to wait before the next try. A clock that was ahead makes nobody wait."""
        if self.refused < FREE_TRIES or self.is_over(now):
            return timedelta(0)
        pause = PAUSES[min(self.refused - FREE_TRIES, len(PAUSES) - 1)]
        return max(timedelta(0), min(pause, self.since + pause - now))

    def is_over(self, now: datetime) -> bool:
        """Return whether the person begins anew."""
        return not still_lasts(self.expires_at, now, FORGIVEN_AFTER)


def pause_id(user_id: int) -> str:
    """Return the id of a person's pause."""
    return str(user_id)


def longer_pause(before: TokenPause | None, user_id: int, now: datetime) -> TokenPause:
    """Count one more refused token."""
    refused = before.refused if before is not None and not before.is_over(now) else 0
    return TokenPause(pause_id(user_id), Place(user_id), user_id, now + FORGIVEN_AFTER, refused + 1, now)
