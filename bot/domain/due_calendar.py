"""What a calendar last said of each of its days, and how often that has changed.

Calendar programs know an entry by its UID, and take a newer one over an older by its sequence number. So a calendar
remembers what it said. Its revision grows with every change, and an entry's number is the revision at
which that last changed: it never falls, also where an entry goes and comes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

CANCELLED_KEPT = 50
"""How many days are remembered that a file once held, and that are no more."""


class DayKind(StrEnum):
    """What happens on a day."""

    TRANSFER = "transfer"
    DUE = "due"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class DayKey(NamedTuple):
    """Names a day of a calendar, whatever date it has by now."""

    invoice_id: int
    kind: DayKind


@dataclass(frozen=True, slots=True)
class Entry:
    """What a calendar last said of a day. ``mark`` is made of its words.

    ``filed``: a file that was sent held it. ``cancelled``: the day is no more; only later files need to say so.
    """

    invoice_id: int
    kind: DayKind
    day: date
    mark: str
    sequence: int
    changed_at: datetime
    filed: bool = False
    cancelled: bool = False

    @property
    def key(self) -> DayKey:
        return DayKey(self.invoice_id, self.kind)


@dataclass(frozen=True, slots=True)
class DueCalendar:
    """The calendar of an account in a chat. ``root`` is the part that its UIDs share.

    ``address_hash`` is made of the secret address under which it can be subscribed. Empty: there is none.
    """

    root: str
    revision: int = 0
    entries: tuple[Entry, ...] = ()
    with_sums: bool = False
    address_hash: str = ""

    def uid(self, entry: Entry) -> str:
        """Return the name by which calendar programs know an entry, for good."""
        return f"{entry.invoice_id}-{entry.kind}-{self.root}@invoice-bot"


def mark_of(words: Sequence[str]) -> str:
    """Return what tells whether an entry says something else than before."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def revised(
    calendar: DueCalendar, said: Mapping[DayKey, tuple[date, str]], now: datetime, *, filed: bool
) -> DueCalendar:
    """Return a calendar that says this of each day: its date and its mark. The same one, if nothing has changed.

    ``filed``: it is sent as a file, which nobody can take back.
    """
    before, number = {entry.key: entry for entry in calendar.entries}, calendar.revision + 1
    entries = [_entry(before.get(key), key, day, mark, number, now) for key, (day, mark) in said.items()]
    gone = [_cancelled(entry, number, now) for key, entry in before.items() if key not in said and entry.filed]
    gone = sorted(gone, key=lambda entry: entry.sequence)[-CANCELLED_KEPT:]
    entries = [replace(entry, filed=entry.filed or filed) for entry in entries] + gone
    if {*entries} == {*calendar.entries}:
        return calendar
    changed = any(entry.sequence == number for entry in entries)
    return replace(calendar, revision=number if changed else calendar.revision, entries=tuple(entries))


def _entry(before: Entry | None, key: DayKey, day: date, mark: str, number: int, now: datetime) -> Entry:
    if before is not None and not before.cancelled and (before.day, before.mark) == (day, mark):
        return before
    return Entry(*key, day, mark, number, now, filed=before is not None and before.filed)


def _cancelled(entry: Entry, number: int, now: datetime) -> Entry:
    return entry if entry.cancelled else replace(entry, cancelled=True, sequence=number, changed_at=now)
