"""The times of a chat's last and next check. Most checks change nothing else, and need not save the chat for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter

from bot.domain.chats import Watch
from bot.domain.credit import CreditWatch
from bot.domain.unchanged import Unchanged
from bot.domain.waits import LONGEST_CHECK_WAIT, Wait, wait_until
from bot.store.rules.records import PARTS, ChatRecord, LinkRow


def _all_but(kind: type, *names: str) -> Callable[[object], tuple[object, ...]]:
    """Return what gets the fields of such an object that tell it from others, all but these."""
    return attrgetter(*(each.name for each in fields(kind) if each.compare and each.name not in names))


_LASTING = _all_but(LinkRow, "watch", "next_check_at", "credit")
_WATCHED = _all_but(Watch, "checked_at")
"""What is compared to see that nothing but times has changed. Each check asks, and copies would be dear."""


@dataclass(frozen=True, slots=True)
class CheckTimes:
    """The times of a chat's last and next check that are newer than its record.

    ``credit`` says what the record says of it, at other times. ``saved_at`` is the ``checked_at`` of the record.
    """

    checked_at: datetime
    next_check_at: datetime
    next_check_set_at: datetime | None
    saved_at: datetime
    credit: CreditWatch | None = None

    @property
    def check_wait(self) -> Wait:
        """The wait for the next check."""
        return wait_until(self.next_check_at, self.next_check_set_at, LONGEST_CHECK_WAIT)


def with_times(record: ChatRecord, times: CheckTimes) -> ChatRecord:
    """Return a record with newer times."""
    if record.link is None:
        return record
    link = replace(
        record.link,
        watch=replace(record.link.watch, checked_at=times.checked_at),
        next_check_at=times.next_check_at,
        next_check_set_at=times.next_check_set_at,
        credit=times.credit or record.link.credit,
    )
    return replace(record, link=link)


def only_times(old: ChatRecord, new: ChatRecord) -> CheckTimes | None:
    """Return the new times if nothing else of the chat has changed."""
    if old.link is None or new.link is None or old.id != new.id or not new.link.credit.says_as(old.link.credit):
        return None
    if _LASTING(new.link) != _LASTING(old.link) or _WATCHED(new.link.watch) != _WATCHED(old.link.watch):
        return None
    if any(_differ(getattr(old, name), getattr(new, name)) for name in PARTS if name != "link"):
        return None
    return CheckTimes(
        new.link.watch.checked_at,
        new.link.next_check_at,
        new.link.next_check_set_at,
        old.link.watch.checked_at,
        new.link.credit,
    )


def _differ(old: object, new: object) -> bool:
    return new is not old and new != old  # what is known is long, and mostly the same object


def proven(before: Unchanged | None, seen: Unchanged | None, old: ChatRecord, new: ChatRecord) -> Unchanged | None:
    """Return what a check saw, as it is kept. Only if it changed nothing, it shows that the next one need not look.

    ``before`` is what the check before it saw, if nothing of the chat has changed since then: so nothing has changed
    while this check was under way.
    """
    if seen is None:
        return None
    is_same = before is not None and (before.answer, before.rules) == (seen.answer, seen.rules)
    shows_it = is_same and only_times(old, new) is not None
    return replace(seen, until=seen.until if shows_it else None)
