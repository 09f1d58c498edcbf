"""Several documents that are sent one after the other, and how far that came."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.chats import Place
from bot.domain.waits import still_lasts

BATCH_LIFETIME = timedelta(days=1)
MAX_AT_ONCE = 100
"""More take so long that a ZIP is better."""
UNASKED = 10
"""So many are sent without asking before."""
ID_BYTES = 9


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """Documents of an account by invoice number, in the order in which they are sent.

    Only who sends it writes it, so that nothing is lost. ``sending`` is the one under way: after a crash nobody knows
    whether it arrived. The same goes for the ``unsure`` ones. ``message_id`` is the message that shows the progress.
    """

    id: str
    place: Place
    user_id: int
    expires_at: datetime
    account: str
    numbers: tuple[int, ...]
    came: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    unsure: tuple[int, ...] = ()
    sending: int | None = None
    message_id: int | None = None
    ended: bool = False

    @property
    def left(self) -> Sequence[int]:
        """What was not tried yet."""
        tried = {*self.came, *self.failed, *self.unsure}
        return [number for number in self.numbers if number not in tried and number != self.sending]

    @property
    def missing(self) -> Sequence[int]:
        """What surely did not come."""
        had = {*self.came, *self.unsure}
        return [number for number in self.numbers if number not in had]

    @property
    def not_had(self) -> Sequence[int]:
        """What did not come, or perhaps did not."""
        return [number for number in self.numbers if number not in self.came]

    def taken_up(self) -> DocumentBatch:
        """Return the batch as it goes on. What was under way may have arrived, so it is not sent once more unasked."""
        if self.sending is None:
            return self
        return replace(self, unsure=(*self.unsure, self.sending), sending=None)

    def holds(self, now: datetime) -> bool:
        """Return whether it can still be sent."""
        return still_lasts(self.expires_at, now, BATCH_LIFETIME)


@dataclass(frozen=True, slots=True)
class StoppedBatch:
    """Somebody has cancelled the batch with this id. Whoever sends it looks for this before each document."""

    id: str
    place: Place
    user_id: int
    expires_at: datetime


def batch_id(press: str) -> str:
    """Return the id of a press's batch. If the press comes again after a stop of the bot, it finds the same batch."""
    return urlsafe_b64encode(hashlib.blake2s(press.encode(), digest_size=ID_BYTES).digest()).decode()
