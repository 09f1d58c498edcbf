"""When a person should be reminded of a due date. It is derived from the promises, independently of the bot's rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.chats import Preferences
from tests.simulation.history import Span

DAY = timedelta(days=1)
PROVIDER = ZoneInfo("Europe/Berlin")


def zone_of(preferences: Preferences) -> ZoneInfo:
    return PROVIDER if preferences.zone is None else ZoneInfo(preferences.zone)


def hour_of(chosen: Preferences) -> int:
    """Return the hour of reminders: the chosen one, or the hour before quiet hours that cover the whole evening."""
    quiet = chosen.quiet
    if quiet is not None and quiet.start > quiet.end and chosen.hour >= quiet.start:
        return quiet.start - 1
    return chosen.hour


def wall(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """Return when a zone's local time is a full hour of a day, or has skipped it."""
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def over_at(due: date) -> datetime:
    """Return when a due date is over. It is a day in the provider's zone."""
    return wall(due + DAY, 0, PROVIDER)


def reminder_times(due: date, chosen: Preferences, until: datetime, *, banking_days: bool) -> list[datetime]:
    """Return all instants up to ``until`` at which a reminder of an open invoice is due."""
    zone = zone_of(chosen)
    before = set(chosen.before)
    if before and banking_days:
        early = next(days for days in range(4) if (due - days * DAY).weekday() < 5)
        before |= {early} if early else set()
    found = [wall(due - days * DAY, hour_of(chosen), zone) for days in before]
    late = list(chosen.after)
    while late and due + late[-1] * DAY <= until.date() + DAY:
        late.append(max(late) + 7)
    found += [max(wall(due + days * DAY, hour_of(chosen), zone), over_at(due)) for days in late]
    return sorted(at for at in found if at <= until)


def next_try(number: int, at: datetime, chosen: Preferences) -> datetime:
    """Return when a message is sent once more after so many earlier tries, and one more ``at`` this time.

    That is after 1, 5 and 25 minutes and 2 hours, then once a day at the reminder hour.
    """
    waits = [timedelta(minutes=minutes) for minutes in (1, 5, 25, 120)]
    if number < len(waits):
        return at + waits[number]
    zone = zone_of(chosen)
    today = at.astimezone(zone).date()
    return next(hour for days in (0, 1) if (hour := wall(today + days * DAY, hour_of(chosen), zone)) > at)


def mondays(chosen: Preferences, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the instants of the weekly digest."""
    zone = zone_of(chosen)
    day = start.astimezone(zone).date()
    while True:
        at = wall(day, hour_of(chosen), zone)
        if at > end:
            return
        if day.weekday() == 0 and at >= start:
            yield at
        day += DAY


def is_quiet(chosen: Preferences, at: datetime) -> bool:
    """Return whether it is one of the chat's quiet hours."""
    if chosen.quiet is None:
        return False
    start, end, hour = chosen.quiet.start, chosen.quiet.end, at.astimezone(zone_of(chosen)).hour
    return start <= hour < end if start < end else not end <= hour < start


def quiet_times(chosen: Preferences, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield the quiet hours that begin between two instants or include the first, each until its own end.

    A message that waits for that end is not sent earlier if the person chooses other hours meanwhile.
    """
    if chosen.quiet is None:
        return
    zone = zone_of(chosen)
    day = start.astimezone(zone).date() - DAY
    while True:
        begin = wall(day, chosen.quiet.start, zone)
        if begin >= end:
            return
        last = day if chosen.quiet.start < chosen.quiet.end else day + DAY
        until = wall(last, chosen.quiet.end, zone)
        if until > start and begin < until:
            yield max(begin, start), until
        day += DAY
