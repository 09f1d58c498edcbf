"""What readings say of the account itself: its token is refused, the provider is away, a week has passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.alerts import AlertKind
from bot.domain.chats import Trouble, Watch
from bot.domain.schedule import Schedule

LONG_OUTAGE = timedelta(days=1)
"""How long the provider may be away before the chat is told. Reminders come all the same."""


def watch_reading(
    before: Watch, now: datetime, *, good: bool, trouble: Trouble | None, unreadable: int = 0
) -> tuple[Watch, list[AlertKind]]:
    """Return how the account is watched from now on, and what to tell of it. Each is told once.

    Invoices of a good reading that are ``unreadable`` are told when their number has grown. A failed reading (neither
    ``good`` nor a ``trouble``) does not end a trouble.
    """
    if good:
        over = [AlertKind.OUTAGE_OVER] if before.outage_told else []
        broken = [AlertKind.UNREADABLE] if unreadable > before.unreadable_told else []
        return Watch(checked_at=now, digest_told=before.digest_told, unreadable_told=unreadable), over + broken
    if trouble is not None:
        news = [] if trouble is before.trouble else [AlertKind(trouble.value)]
        return replace(before, trouble=trouble, failing_since=None, outage_told=False), news
    if before.trouble is not None:
        return before, []
    since = before.failing_since or now
    long = now - since >= LONG_OUTAGE and not before.outage_told
    after = replace(before, failing_since=since, outage_told=before.outage_told or long)
    return after, [AlertKind.OUTAGE] if long else []


def watch_week(before: Watch, schedule: Schedule, now: datetime, *, any_open: bool) -> tuple[Watch, list[AlertKind]]:
    """Return the watch, and the week's digest if it is due. The first one comes on the Monday after it was chosen."""
    if not schedule.preferences.digest:
        return replace(before, digest_told=None), []
    week = schedule.week(now)
    due = any_open and before.digest_told is not None and before.digest_told < week
    return replace(before, digest_told=week), [AlertKind.DIGEST] if due else []
