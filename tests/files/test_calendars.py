"""Calendar files, opened by another library than the one that writes them, and compared with RFC 5545."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import vobject
from hypothesis import given, strategies as st

from bot.files.calendars import write_calendar
from bot.ports import CalendarEvent

CHANGED = datetime(2026, 11, 29, 10, 30, tzinfo=UTC)
EVENT = CalendarEvent(
    uid="4711-due-0123@invoice-bot",
    day=date(2026, 12, 4),
    summary="🧾 Rechnung 4711 ist fällig",
    sequence=3,
    changed_at=CHANGED,
    description="KVM; Größe 4 GB, 2 Kerne\nZu zahlen: 7,95 €",
    alarms=(timedelta(hours=-15), timedelta(hours=9)),
    url="https://t.me/bot?start=inv_4711",
)
WORDS = st.text(st.characters(exclude_categories=["C"]), max_size=120)


def opened(*events: CalendarEvent, name: str = "Rechnungen") -> Any:
    return vobject.readOne(write_calendar(name, events).decode())


def test_another_library_reads_what_was_meant() -> None:
    calendar = opened(EVENT)
    (event,) = calendar.vevent_list
    assert (event.uid.value, event.sequence.value, event.status.value) == (EVENT.uid, "3", "CONFIRMED")
    assert (event.dtstart.value, event.dtend.value) == (date(2026, 12, 4), date(2026, 12, 5))
    assert (event.summary.value, event.description.value) == (EVENT.summary, EVENT.description)
    assert event.dtstamp.value == event.last_modified.value == CHANGED
    assert [alarm.trigger.value for alarm in event.valarm_list] == [timedelta(hours=-15), timedelta(hours=9)]
    assert {alarm.action.value for alarm in event.valarm_list} == {"DISPLAY"}
    assert (event.url.value, event.transp.value) == (EVENT.url, "TRANSPARENT")
    assert (calendar.version.value, calendar.method.value) == ("2.0", "PUBLISH")


def test_what_is_cancelled_says_so_and_does_not_ring() -> None:
    (event,) = opened(
        CalendarEvent("1", EVENT.day, "Gone", 4, CHANGED, alarms=EVENT.alarms, cancelled=True)
    ).vevent_list
    assert event.status.value == "CANCELLED"
    assert not hasattr(event, "valarm")


def test_an_empty_calendar_can_be_opened() -> None:
    assert opened().contents.get("vevent", []) == []


@given(WORDS, WORDS, st.lists(st.integers(-1000, 1000).map(lambda hours: timedelta(hours=hours)), max_size=3))
def test_lines_are_folded_and_ended_as_the_standard_says(
    summary: str, description: str, alarms: list[timedelta]
) -> None:
    event = CalendarEvent("1", EVENT.day, summary, 1, CHANGED, description, tuple(alarms))
    content = write_calendar("Rechnungen", [event])
    lines = content.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    for line in lines:
        line.decode()  # no letter is cut in two
    unfolded = re.sub(rb"\r\n[ \t]", b"", content).decode().split("\r\n")[:-1]
    assert all(re.fullmatch(r"[A-Z-]+(;[A-Z-]+=[^:;]+)*:.*", line, re.DOTALL) for line in unfolded)
    (read,) = opened(event).vevent_list
    assert read.summary.value == summary


def test_the_same_events_make_the_same_bytes() -> None:
    assert write_calendar("Invoices", [EVENT]) == write_calendar("Invoices", [EVENT])
