"""Instants, time zones and preferences for tests that go by the clock. Many are in nights of a clock change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from bot.domain.chats import Preferences, QuietHours
from bot.domain.schedule import Schedule

BERLIN = ZoneInfo("Europe/Berlin")
CLOCK_CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "Australia/Lord_Howe": ["2026-04-04T15:00Z", "2026-10-03T15:30Z"],  # by half an hour
    "America/Sao_Paulo": ["2018-02-18T02:00Z", "2018-11-04T03:00Z"],  # at midnight
    "America/New_York": ["2026-03-08T07:00Z", "2026-11-01T06:00Z"],
    "Pacific/Apia": ["2011-12-30T10:00Z", "2012-03-31T14:00Z"],  # left a whole day out
}
NAMES = [*CLOCK_CHANGES, "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Honolulu", "UTC"]

ZONES = st.sampled_from(NAMES)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NIGHTS = st.builds(
    lambda change, off: change + off,
    st.sampled_from([datetime.fromisoformat(at) for changes in CLOCK_CHANGES.values() for at in changes]),
    st.timedeltas(timedelta(hours=-30), timedelta(hours=30)),
)
HOURS = st.integers(0, 23)
QUIET = st.none() | st.builds(QuietHours, HOURS, HOURS).filter(lambda quiet: quiet.start != quiet.end)
PREFERENCES = st.builds(
    Preferences,
    before=st.lists(st.integers(0, 30), max_size=5).map(tuple),
    after=st.lists(st.integers(1, 30), max_size=4).map(tuple),
    hour=HOURS,
    quiet=QUIET,
    zone=st.none() | ZONES,
)


def schedule(preferences: Preferences | None = None) -> Schedule:
    """Return the calendar of a chat with these preferences; the provider is in Berlin."""
    return Schedule(preferences or Preferences(), BERLIN)
