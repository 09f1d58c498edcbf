"""A pack that was ordered, and how far it has come."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.packs.choices import PackChoice
from bot.domain.waits import still_lasts

PACKS_AT_MOST = 5
"""Of an account at a time, apart from those that come by themselves."""
PACK_LEASE = timedelta(minutes=1)
"""Whoever makes a pack renews it all the time. Another process goes on with it once it has ended."""
LONGEST_PACK_WAIT = timedelta(hours=6)
RETRY_WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), LONGEST_PACK_WAIT)
PATIENCE = 3
"""How often a pack that somebody waits for is tried again. One that comes by itself is never given up, and what
Telegram does not take at present counts against none."""
OUTAGE_WAIT = timedelta(minutes=5)
"""After Telegram could not be reached. Each further try reads the documents of a part again."""
ID_BYTES = 9


@dataclass(frozen=True, slots=True)
class Missing:
    """An invoice whose document could not be had, and why, in the reader's words."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Sending:
    """A file that is being sent: its name, and the invoices in it. After a crash nobody knows whether it arrived."""

    name: str
    numbers: tuple[int, ...] = ()
    is_part: bool = True


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack on its way. It is kept with the account's link until its end was told.

    ``user_id`` is who ordered it; 0: it comes by itself. ``packed`` are the invoices whose part was sent, ``missing``
    those that could not be had. ``parts`` and ``tables`` count the files that are done with. Those that ``unsure``
    names may have arrived; the tables in ``refused`` did not. ``telling``: its end is being told. ``message_id`` shows
    the progress. ``tries`` counts what went wrong since the last part.

    Whoever makes it holds it under a ``fencing_token`` until ``leased_until``. It rests until ``not_before``.
    """

    id: str
    choice: PackChoice
    ordered_at: datetime
    topic_id: int | None = None
    user_id: int = 0
    message_id: int | None = None
    packed: tuple[int, ...] = ()
    missing: tuple[Missing, ...] = ()
    parts: int = 0
    tables: int = 0
    unsure: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    sending: Sending | None = None
    telling: bool = False
    tries: int = 0
    stopped: bool = False
    fencing_token: int = 0
    leased_until: datetime | None = None
    not_before: datetime | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether somebody has ordered it."""
        return self.user_id != 0

    @property
    def done(self) -> frozenset[int]:
        """The invoices that need no more work."""
        return frozenset((*self.packed, *(each.number for each in self.missing)))

    @property
    def due_at(self) -> datetime:
        """When it can be claimed."""
        return max(filter(None, (self.ordered_at, self.leased_until, self.not_before)))

    def is_due(self, now: datetime) -> bool:
        """Return whether it can be claimed. A time that lies too far ahead was set by a wrong clock."""
        leased = self.leased_until is not None and still_lasts(self.leased_until, now, PACK_LEASE)
        return not leased and (self.not_before is None or not still_lasts(self.not_before, now, LONGEST_PACK_WAIT))

    def claimed(self, until: datetime) -> Pack:
        """Return it as a process takes it up. What was being sent may have arrived, so it is not sent once more.

        A person who gets a file twice has to compare them, so they are asked; ``unsure`` leads to that question.
        """
        taken = replace(self, fencing_token=self.fencing_token + 1, leased_until=until, not_before=None)
        return taken.noted(may_be_missing=True) if taken.sending is not None else taken

    def noted(self, *, may_be_missing: bool = False) -> Pack:
        """Return it after a file was sent, or after nobody knows whether it arrived."""
        if self.sending is None:
            return self
        unsure = (*self.unsure, self.sending.name) if may_be_missing else self.unsure
        is_part = self.sending.is_part
        return replace(
            self,
            packed=(*self.packed, *self.sending.numbers),
            parts=self.parts + is_part,
            tables=self.tables + (not is_part),
            unsure=unsure,
            sending=None,
            tries=0,
        )

    def later(self, now: datetime, at_least: timedelta = timedelta(0)) -> Pack:
        """Return it given back, to be tried again after a while."""
        wait = max(RETRY_WAITS[min(self.tries, len(RETRY_WAITS) - 1)], min(at_least, LONGEST_PACK_WAIT))
        return replace(self, tries=self.tries + 1, leased_until=None, not_before=now + wait)

    @property
    def is_last_try(self) -> bool:
        """Whether what can't be had now is given up."""
        return self.is_awaited and self.tries >= PATIENCE

    @property
    def is_given_up(self) -> bool:
        """Whether it is tried no more."""
        return self.is_awaited and self.tries > PATIENCE


def pack_id(*what: object) -> str:
    """Return the id of an order. The same order, come again after a crash, has the same."""
    text = " ".join(map(str, what))
    return urlsafe_b64encode(hashlib.blake2s(text.encode(), digest_size=ID_BYTES).digest()).decode()
