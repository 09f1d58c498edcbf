"""Suspension and deletion are announced, whatever was chosen, unless the person muted that very invoice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from holidays import country_holidays
from hypothesis import given, strategies as st

from bot.domain.alerts import Alert
from bot.domain.chats import NO_SILENCE, Preferences, QuietHours, Silence
from bot.domain.credit import Funds
from bot.domain.invoices import Invoice, Item
from bot.domain.provider_calendar import Phase, ProviderCalendar
from bot.domain.reminders import Decision, decide, next_look
from bot.domain.schedule import DAY, Schedule
from tests.domain.deciding import LINK
from tests.domain.moments import BERLIN, PREFERENCES
from tests.fakes import invoice

HOUR = timedelta(hours=1)
DUE = date(2026, 12, 27)
USUAL = ProviderCalendar(suspend_after=0, delete_after=6, no_grace=frozenset({"domain"}))
NO_REMINDERS = Preferences(before=(), after=())


def instant(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), BERLIN).astimezone(UTC)


def unpaid(types: Collection[str] = ("Hosting",)) -> Invoice:
    return replace(invoice(1, due=DUE), items=tuple(Item(kind, kind, "", Decimal(1)) for kind in types))


def live(
    preferences: Preferences,
    calendar: ProviderCalendar = USUAL,
    silence: Silence = NO_SILENCE,
    types: Collection[str] = ("Hosting",),
    days: int = 12,
    covered: Collection[int] = (),
) -> list[tuple[datetime, Alert]]:
    """Check an open invoice whenever there is something to tell. Return the alerts with their times."""
    schedule = Schedule(preferences, BERLIN, calendar=calendar)
    now, told = instant(DUE - 8 * DAY, 12), []
    read = [unpaid(types)]
    decision = Decision({}, ())
    while now < instant(DUE + days * DAY, 0):
        decision = decide(
            decision.known,
            read,
            link=LINK,
            silences={1: silence},
            shown=(),
            schedule=schedule,
            now=now,
            funds=Funds(covered),
        )
        told += [(now, alert) for alert in decision.alerts]
        look = next_look(decision.known, {1: silence}, schedule, now)
        now = min(look, now + 12 * HOUR) if look is not None and look > now else now + 12 * HOUR
    return told


def warnings(told: list[tuple[datetime, Alert]]) -> list[datetime]:
    return [at for at, alert in told if alert.is_warning]


def test_without_settings_nothing_is_announced_and_all_is_as_before() -> None:
    assert warnings(live(Preferences(), ProviderCalendar())) == []


def test_the_last_days_are_announced_at_the_reminder_hour_and_in_the_early_evening() -> None:
    assert warnings(live(NO_REMINDERS)) == [
        instant(DUE, 9),
        instant(DUE, 18),
        instant(DUE + 5 * DAY, 9),
        instant(DUE + 5 * DAY, 18),
        instant(DUE + 6 * DAY, 9),
    ]


def test_the_evening_comes_before_the_quiet_hours_begin() -> None:
    quiet = replace(NO_REMINDERS, quiet=QuietHours(17, 7))
    assert warnings(live(quiet))[:2] == [instant(DUE, 9), instant(DUE, 16)]


def test_what_has_no_grace_is_announced_once_as_it_is_lost_with_the_suspension() -> None:
    assert warnings(live(NO_REMINDERS, types=("Domain",))) == [instant(DUE, 9), instant(DUE, 18)]


def test_a_chat_reminded_late_in_the_day_hears_of_it_a_day_earlier() -> None:
    assert warnings(live(replace(NO_REMINDERS, hour=20)))[:2] == [instant(DUE - DAY, 20), instant(DUE, 18)]


def test_where_the_reminder_comes_shortly_before_the_evening_the_day_before_is_announced_too() -> None:
    told = warnings(live(replace(NO_REMINDERS, hour=16)))
    assert told[:2] == [instant(DUE - DAY, 16), instant(DUE, 16)]
    assert told[2:4] == [instant(DUE + 4 * DAY, 16), instant(DUE + 5 * DAY, 16)]


def test_where_quiet_hours_leave_no_evening_the_day_before_is_announced_too() -> None:
    quiet = replace(NO_REMINDERS, hour=9, quiet=QuietHours(10, 8))
    assert warnings(live(quiet))[:2] == [instant(DUE - DAY, 9), instant(DUE, 9)]


def test_days_after_the_due_date_count() -> None:
    calendar = ProviderCalendar(suspend_after=14)
    told = live(NO_REMINDERS, calendar, days=20)
    assert warnings(told) == [instant(DUE + 14 * DAY, 9), instant(DUE + 14 * DAY, 18)]


def test_a_snooze_holds_no_warning_back_and_a_mute_does() -> None:
    snoozed = live(Preferences(), silence=Silence(until=instant(DUE + 20 * DAY, 9)))
    assert len(warnings(snoozed)) == 5
    assert warnings(live(Preferences(), silence=Silence(muted=True))) == []


def test_an_announcement_in_the_afternoon_is_also_that_of_the_evening() -> None:
    schedule, read = Schedule(NO_REMINDERS, BERLIN, calendar=USUAL), [unpaid()]
    first = decide({}, read, link=LINK, silences={}, shown=(), schedule=schedule, now=instant(DUE, 16))
    assert [alert.is_warning for alert in first.alerts] == [True]
    again = decide(first.known, read, link=LINK, silences={}, shown=(), schedule=schedule, now=instant(DUE, 19))
    assert again.alerts == ()


@given(PREFERENCES, st.integers(0, 3), st.integers(1, 4))
def test_every_last_day_is_announced_in_time_whatever_was_chosen(
    preferences: Preferences, suspend: int, grace: int
) -> None:
    calendar = ProviderCalendar(suspend_after=suspend, delete_after=suspend + grace)
    told = warnings(live(preferences, calendar, days=8))
    for day in calendar.last_days(DUE, ["Hosting"]):
        assert len([at for at in told if instant(day, 18) - 2 * DAY <= at <= instant(day, 18)]) >= 2, day


@pytest.mark.parametrize(
    ("day", "phase"),
    [
        (-1, Phase.AHEAD),
        (0, Phase.LAST_DAY),
        (1, Phase.SUSPENDED),
        (4, Phase.SUSPENDED),
        (5, Phase.LAST_CHANCE),
        (6, Phase.LAST_HOURS),
        (7, Phase.DELETED),
    ],
)
def test_how_far_it_has_gone_goes_by_the_day(day: int, phase: Phase) -> None:
    follows = USUAL.consequences(DUE, ["Hosting", "hosting"])
    assert follows is not None
    assert follows.phase(DUE + day * DAY) is phase


def test_a_donation_has_no_service_that_could_be_suspended() -> None:
    assert USUAL.consequences(DUE, ["Donation"]) is None
    assert USUAL.consequences(DUE, ["Donation", "Hosting"]) == USUAL.consequences(DUE, ["Hosting", "Donation"])
    assert USUAL.consequences(DUE, ["Donation", "Hosting"]) is not None
    assert not [alert for _, alert in live(NO_REMINDERS, types=["Donation"]) if alert.is_warning]


def test_a_mixed_invoice_is_deleted_later_and_one_of_domains_alone_is_lost_at_once() -> None:
    mixed, lost = USUAL.consequences(DUE, ["Domain", "Hosting"]), USUAL.consequences(DUE, ["DOMAIN"])
    assert mixed is not None
    assert lost is not None
    assert (mixed.lost, mixed.deleted_on) == (False, DUE + 6 * DAY)
    assert (lost.lost, lost.deleted_on, lost.phase(DUE + DAY)) == (True, None, Phase.LOST)


# --- Transfers ---


@pytest.mark.parametrize(
    ("due", "days", "last"),
    [
        (date(2026, 12, 8), 3, date(2026, 12, 3)),
        (date(2026, 12, 6), 3, date(2026, 12, 1)),  # a Sunday: it has to be there on Friday
        (date(2026, 12, 9), 3, date(2026, 12, 4)),  # nothing leaves on a Sunday
        (date(2026, 12, 8), 1, date(2026, 12, 7)),
        (date(2027, 1, 4), 1, date(2027, 1, 1)),  # no holidays are set
    ],
)
def test_a_transfer_must_leave_so_many_banking_days_before(due: date, days: int, last: date) -> None:
    assert ProviderCalendar(transfer_days=days).last_transfer_day(due) == last


def test_holidays_are_no_banking_days() -> None:
    german = ProviderCalendar(transfer_days=3, is_banking_day=country_holidays("DE").is_working_day)
    assert german.last_transfer_day(date(2026, 12, 28)) == date(2026, 12, 22)
    assert ProviderCalendar(transfer_days=3).last_transfer_day(date(2026, 12, 28)) == date(2026, 12, 23)


def test_the_day_before_the_last_one_for_a_transfer_is_a_reminder_of_its_own() -> None:
    told = live(NO_REMINDERS, ProviderCalendar(transfer_days=3))
    assert [at for at, alert in told if alert.threshold is not None] == [instant(date(2026, 12, 21), 9)]
    unwanted = replace(NO_REMINDERS, transfer=False)
    assert live(unwanted, ProviderCalendar(transfer_days=3))[1:] == []


def test_where_the_credit_suffices_no_transfer_is_needed_but_other_reminders_come() -> None:
    usual = live(Preferences(), ProviderCalendar(transfer_days=3), covered=(1,))
    assert [alert.threshold for _, alert in usual] == [None, 7, 3, 1, 0, -1, -3, -7]
    assert [alert.threshold for _, alert in live(Preferences(), ProviderCalendar(transfer_days=3))][2] == 6
