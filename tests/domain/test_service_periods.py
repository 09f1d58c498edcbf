"""The period of service in a text, and the one that follows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from time import process_time

import pytest
from hypothesis import given, strategies as st

from bot.domain.invoices import Item
from bot.domain.service_periods import Period, period_in, period_of, without_period

JUNE = date(2026, 6, 27)
DAY = timedelta(days=1)
DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
PERIODS = st.builds(lambda start, days: Period(start, start + days * DAY), DAYS, st.integers(1, 800))
ITEM = Item("Hosting", "KVM", "KVM\nRAM: 4GB", None)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 24), st.booleans())
def test_calendar_months_are_of_the_same_length_wherever_they_begin(start: date, months: int, exclusive: bool) -> None:
    to = start.month - 1 + months
    first = date(start.year + to // 12, to % 12 + 1, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    end = first.replace(day=min(start.day, last.day))
    assert Period(start, end if exclusive else end - timedelta(days=1)).length == ("months", months)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-06-27 - 2026-07-26", "2026/06/27 - 2026/07/26", "27.6.2026–26.7.2026", "27.06.2026 bis 26.07.2026"),
        *("27.06. - 26.07.2026", "27/06/2026 - 26/07/2026", "06/27/2026 - 07/26/2026", "27-06-2026 to 26-07-2026"),
        *("27. Juni 2026 - 26. Juli 2026", "27 Jun 2026 – 26 July 2026"),
    ],
)
def test_a_period_is_read_in_the_usual_spellings(text: str) -> None:
    assert period_in(f"KVM ({text})\nRAM: 4GB") == Period(JUNE, date(2026, 7, 26))


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("Server März 2026", Period(date(2026, 3, 1), date(2026, 3, 31))),
        ("Server feb. 2028", Period(date(2028, 2, 1), date(2028, 2, 29))),
        ("March 2026 (01.03.2026 - 31.03.2026)", Period(date(2026, 3, 1), date(2026, 3, 31))),
        ("01/03/2026 - 31/03/2026", Period(date(2026, 3, 1), date(2026, 3, 31))),
        ("05/03/2026 - 04/04/2026", Period(date(2026, 3, 5), date(2026, 4, 4))),
        ("01/02/2026 - 01/04/2026", Period(date(2026, 2, 1), date(2026, 4, 1))),
        ("02/01/2026 - 05/03/2026", None),
        ("March 2026 and May 2026", None),
        ("from 3 March 2026 on", None),
        ("Marchal 2026", None),
        ("31.02.2026 - 30.03.2026", None),
        ("26.07.2026 - 27.06.2026", None),
    ],
)
def test_a_period_is_read_only_where_it_is_clear(text: str, period: Period | None) -> None:
    assert period_in(text) == period


@given(st.text(max_size=60))
def test_no_text_stops_the_reading_of_a_period(text: str) -> None:
    period_in(text)
    period_in(f"({text} - {text})")


@pytest.mark.parametrize(
    ("title", "same"),
    [
        ("KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020)", "KVM Konfigurierbar (SSD)"),
        ("Hosting 2026-06-27 - 2026-07-26", "Hosting"),
        ("Domain - 1 Jahr(e)", "Domain - 1 Jahr(e)"),
        ("Hosting, 27 Jun 2026 - 26 Jul 2026", "Hosting"),
        ("Server März 2026", "Server"),
        ("(27.06.2020 - 26.07.2020)", ""),
    ],
)
def test_a_title_without_its_period_is_the_same_each_time(title: str, same: str) -> None:
    assert without_period(title) == same


@given(PERIODS, st.sampled_from(["%d.%m.%Y", "%Y-%m-%d"]), st.sampled_from([" - ", "–", " bis ", " to "]))
def test_what_was_written_is_read(period: Period, form: str, dash: str) -> None:
    text = f"KVM ({period.start:{form}}{dash}{period.end:{form}})\nRAM: 4GB"
    assert period_in(text) == period


@given(PERIODS)
def test_periods_follow_each_other_without_a_gap_and_are_as_long(period: Period) -> None:
    after = period.following
    assert after.start == period.next_start == period.last_day + DAY
    assert after.length == period.length or after.end - after.start == period.end - period.start
    assert after.following.start == after.next_start


@given(DAYS, st.integers(1, 24), st.booleans())
def test_after_a_year_of_months_the_day_of_the_month_is_the_same(start: date, count: int, exclusive: bool) -> None:
    month = start.month - 1 + count
    first = date(start.year + month // 12, month % 12 + 1, 1)
    next_start = first.replace(day=min(start.day, ((first + 31 * DAY).replace(day=1) - DAY).day))
    period = Period(start, next_start if exclusive else next_start - DAY)
    for _ in range(12):
        period = period.following
    assert (period.start.year, period.start.month) == (start.year + count, start.month)
    assert period.start.day == start.day or start.day > 28


def test_the_title_goes_before_the_description() -> None:
    titled = replace(ITEM, title="KVM (27.06.2026 - 26.07.2026)", description="(01.01.2026 - 31.12.2026)")
    assert period_of(titled) == Period(JUNE, date(2026, 7, 26))
    assert period_of(replace(titled, title="KVM")) == Period(date(2026, 1, 1), date(2026, 12, 31))
    assert period_of(ITEM) is None


@pytest.mark.parametrize("text", ["01.01.2026 - 31.12.9999", "31.02.2026 - 30.03.2026", "02.01.2026 - 01.01.2026"])
def test_what_can_be_no_period_is_none(text: str) -> None:
    assert period_in(text) is None


@pytest.mark.parametrize("text", ["- " * 10_000, "27.06.2026 " * 2000, "1." * 10_000, "1 May " * 3000, "2026-" * 4000])
def test_no_text_takes_long(text: str) -> None:
    begin = process_time()
    period_in(text)
    without_period(text)
    assert process_time() - begin < 1
