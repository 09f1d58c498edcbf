"""What to tell of the account itself: refusals, outages, what can't be read, and the weekly overview."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.alerts import AlertKind
from bot.domain.chats import Trouble, Watch
from bot.domain.schedule import ASK_AGAIN_AFTER, Schedule
from bot.domain.waits import is_ahead

LONG_OUTAGE = timedelta(days=1)
"""How long the provider may be away before the chat is told. Reminders are sent nevertheless."""


def watch_reading(
    before: Watch,
    now: datetime,
    *,
    good: bool,
    trouble: Trouble | None,
    partial: bool = False,
    unreadable: int = 0,
    doubt: timedelta = ASK_AGAIN_AFTER[0],
) -> tuple[Watch, list[AlertKind]]:
    """Return the account's new watch and what to tell of it. Each outage and each trouble is told once, and its end.

    In a good reading, unreadable invoices are told when their number has grown. If it is ``partial``, and the whole
    list was not read for long, that is told like an outage. A ``trouble`` is told if it is met again after ``doubt``,
    and no good reading came in between. A failed reading (neither ``good`` nor a ``trouble``) does not end one.
    """
    if good:
        over = [AlertKind.OUTAGE_OVER] if before.outage_told and not partial else []
        over += [AlertKind.TROUBLE_OVER] if before.trouble is not None else []
        broken = [AlertKind.UNREADABLE] if unreadable > before.unreadable_told else []
        after = Watch(checked_at=now, digest_told=before.digest_told, unreadable_told=unreadable)
        if not partial:
            return after, over + broken
        whole_at = min(before.whole_at or before.checked_at, now)
        long = now - whole_at >= LONG_OUTAGE and not before.outage_told and not over
        after = replace(after, whole_at=whole_at, outage_told=before.outage_told or long)
        return after, over + ([AlertKind.OUTAGE] if long else []) + broken
    if trouble is not None:
        since = _began(before.refused_since, before, now)
        refused = replace(before, refused_since=since, refused_at=now)
        if before.trouble is None and now - since < doubt:
            return refused, []
        news = [] if trouble is before.trouble else [AlertKind(trouble.value)]
        return replace(refused, trouble=trouble, failing_since=None, outage_told=False), news
    if before.trouble is not None:
        return before, []
    since = _began(before.failing_since, before, now)
    long = now - since >= LONG_OUTAGE and not before.outage_told
    after = replace(before, failing_since=since, outage_told=before.outage_told or long)
    return after, [AlertKind.OUTAGE] if long else []


def _began(noted: datetime | None, before: Watch, now: datetime) -> datetime:
    """Return since when something fails: after the last good reading, not ahead, whatever a wrong clock has noted."""
    since = min(noted or now, now)
    return since if is_ahead(before.checked_at, now) else max(since, min(before.checked_at, now))


def trusted(before: Watch) -> Watch:
    """Return the watch after a good answer outside of the checks: the token works."""
    return replace(before, trouble=None, refused_since=None, refused_at=None, said="")


def watch_week(before: Watch, schedule: Schedule, now: datetime, *, any_open: bool) -> tuple[Watch, list[AlertKind]]:
    """Return the new watch, and the week's digest if it is due: first on the Monday after it was chosen."""
    if not schedule.preferences.digest:
        return replace(before, digest_told=None), []
    week = schedule.week(now)
    due = any_open and before.digest_told is not None and before.digest_told < week
    return replace(before, digest_told=week), [AlertKind.DIGEST] if due else []
