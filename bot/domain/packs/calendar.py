"""Packs that come by themselves: of which period, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from bot.domain.chats import Link
from bot.domain.packs.choices import PackChoice, Rhythm
from bot.domain.packs.pack import Pack, pack_id
from bot.domain.schedule import Schedule
from bot.domain.search.periods import Span, Unit, relative
from bot.domain.waits import is_ahead

PACK_DAYS = (1, 3, 5, 10, 15, 20)
"""Days of a month on which packs come. Invoices of the month before may be late."""
MADE_UP_AT_MOST = 12
"""So many packs are made up for after the bot was away."""
UNITS = {Rhythm.MONTH: Unit.MONTH, Rhythm.QUARTER: Unit.QUARTER}


def sent_at(period: Span, schedule: Schedule) -> datetime:
    """Return when the pack of a period comes: in the month after it, at the reminder hour of the chosen day."""
    first = period.last + timedelta(days=1)
    return schedule.morning_of(first.replace(day=schedule.preferences.pack_day))


def due_periods(schedule: Schedule, linked_at: datetime, told: Sequence[date], now: datetime) -> list[Span]:
    """Return the periods whose pack is due and was not ordered yet, the oldest first.

    Those before the chat was linked, or before it wanted packs, are not. ``told`` are the last days of the periods
    whose pack was ordered. If a clock that was ahead says since when packs are wanted, only the latest one is due.
    """
    since = max(schedule.preferences.packs_since or linked_at, linked_at)
    backs = range(MADE_UP_AT_MOST, 0, -1)
    if is_ahead(since, now):
        since, backs = now - timedelta(days=1), range(1, 0, -1)
    periods = _periods(schedule, backs, now)
    return [each for each in periods if since < sent_at(each, schedule) <= now and each.last not in told]


def next_pack(schedule: Schedule, now: datetime) -> datetime | None:
    """Return when the next pack comes. None: never."""
    coming = (sent_at(period, schedule) for period in _periods(schedule, (1, 0), now))
    return next((at for at in coming if at > now), None)


def still_told(told: Sequence[date], new: Sequence[Span], schedule: Schedule, now: datetime) -> tuple[date, ...]:
    """Return which periods' packs were ordered, as it is kept. What a clock that was ahead has noted is left out."""
    today = now.astimezone(schedule.zone).date()
    past = [day for day in told if day <= today]
    return tuple([*past, *(period.last for period in new)][-2 * MADE_UP_AT_MOST :])


def ordered(periods: Sequence[Span], link: Link, now: datetime) -> tuple[Pack, ...]:
    """Return the packs of these periods, as they are ordered for an account."""
    choices = [PackChoice(period) for period in periods]
    return tuple(Pack(pack_id("by itself", each), each, now, link.place.topic_id) for each in choices)


def _periods(schedule: Schedule, backs: Iterable[int], now: datetime) -> list[Span]:
    """Return the periods that lie so far back, if packs are wanted at all."""
    unit = UNITS.get(schedule.preferences.packs)
    if unit is None:
        return []
    today = now.astimezone(schedule.zone).date()
    return [relative(unit, back, today) for back in backs]
