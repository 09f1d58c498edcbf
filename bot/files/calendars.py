"""Calendars, as RFC 5545 describes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot import __version__
from bot.ports import CalendarEvent

PRODUCT = f"-//Invoice bot//{__version__}//EN"

REFRESH = timedelta(hours=6)
"""How often a program that has subscribed is asked to look again."""


def write_calendar(name: str, events: Sequence[CalendarEvent]) -> bytes:
    """Write a calendar. The same events make the same bytes."""
    from icalendar import Alarm, Calendar, Event  # noqa: PLC0415  # takes long to load, and is seldom needed

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT6H")
    for each in events:
        event = Event()
        event.add("uid", each.uid)
        event.add("sequence", each.sequence)
        event.add("dtstamp", each.changed_at)
        event.add("last-modified", each.changed_at)
        event.add("dtstart", each.day)
        event.add("dtend", each.day + timedelta(days=1))
        event.add("summary", each.summary)
        event.add("status", "CANCELLED" if each.cancelled else "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        if each.description:
            event.add("description", each.description)
        if each.url:
            event.add("url", each.url)
        for at in () if each.cancelled else each.alarms:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", each.summary)
            alarm.add("trigger", at)
            event.add_component(alarm)
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
