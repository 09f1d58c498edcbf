"""Packs: what is chosen, what documents are called, where parts end, and when packs come by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.chat.search_words import vocabulary_of
from bot.chat.texts import load_translations
from bot.domain.chats import Preferences
from bot.domain.invoices import Invoice
from bot.domain.packs.calendar import due_periods, next_pack, sent_at, still_told
from bot.domain.packs.choices import PackChoice, Rhythm, choice_in, chosen, read_choice
from bot.domain.packs.names import USUAL_NAME, NamePart, NameStyle, file_names, with_part
from bot.domain.packs.parts import Held, cut, fits_alone
from bot.domain.queries import ItemKind
from bot.domain.schedule import Schedule
from bot.domain.search.parsing import conditions_in
from bot.domain.search.periods import Span
from bot.files.names import MAX_NAME_BYTES, safe_name
from tests.domain.moments import BERLIN, PREFERENCES
from tests.fakes import invoice

TODAY = date(2026, 11, 29)
VOCABULARY = vocabulary_of(load_translations("EUR", ZoneInfo("Europe/Berlin")))
MONTHS = st.dates(date(2020, 1, 1), date(2026, 12, 31)).map(lambda day: day.replace(day=1))
LIMIT = 10_000
SIZES = st.integers(0, LIMIT - 1024)


# --- Choices ---


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("Q3 2025", date(2025, 7, 1), date(2025, 9, 30)),
        ("03.2026-05.2026", date(2026, 3, 1), date(2026, 5, 31)),
        ("2026-03 - 2026-05", date(2026, 3, 1), date(2026, 5, 31)),
        ("05.2026–03.2026", date(2026, 3, 1), date(2026, 5, 31)),
        ("01.03.2026-15.04.2026", date(2026, 3, 1), date(2026, 4, 15)),
        ("March 2026", date(2026, 3, 1), date(2026, 3, 31)),
        ("März 2026", date(2026, 3, 1), date(2026, 3, 31)),
        ("December", date(2025, 12, 1), date(2025, 12, 31)),
        ("Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("last month", date(2026, 10, 1), date(2026, 10, 31)),
        ("2024-2025", date(2024, 1, 1), date(2025, 12, 31)),
    ],
)
def test_a_typed_period_is_understood(text: str, first: date, last: date) -> None:
    choice = choice_in(conditions_in(text, VOCABULARY, TODAY), TODAY, PackChoice())
    assert choice == PackChoice(Span(first, last))


def test_a_type_can_stand_beside_it_and_what_is_left_open_stays() -> None:
    before = PackChoice(None, ItemKind.HOSTING, table_only=True)
    both = choice_in(conditions_in("2025 domain", VOCABULARY, TODAY), TODAY, before)
    assert both == PackChoice(Span(date(2025, 1, 1), date(2025, 12, 31)), ItemKind.DOMAIN, table_only=True)
    only = choice_in(conditions_in("2025", VOCABULARY, TODAY), TODAY, before)
    assert only is not None
    assert only.kind is ItemKind.HOSTING


@pytest.mark.parametrize(
    "text", ["", "whenever", "paid 2025", "2024 2025", "4711", ">20", "Q3 2025 Q4 2025", "31.02.2026"]
)
def test_anything_else_is_no_choice(text: str) -> None:
    assert choice_in(conditions_in(text, VOCABULARY, TODAY), TODAY, PackChoice()) is None


@given(
    st.none() | st.builds(Span, st.dates(date(1990, 1, 1)), st.dates(date(1990, 1, 1))),
    st.sampled_from(ItemKind),
    st.booleans(),
)
def test_a_choice_comes_back_from_a_button_as_it_was(period: Span | None, kind: ItemKind, only: bool) -> None:
    choice = PackChoice(period, kind, only)
    assert read_choice(str(choice)) == choice
    assert len(f"packperiod@7:{choice}".encode()) <= 64


@pytest.mark.parametrize("text", ["", "all", "all.any", "all.any.zip", "2025.any.pack", "20250101-20251331.any.pack"])
def test_what_no_button_of_ours_says_is_no_choice(text: str) -> None:
    assert read_choice(text) is None


def test_invoices_come_by_month_then_by_number_and_those_without_a_date_only_without_a_period() -> None:
    days = {1: date(2026, 2, 1), 2: date(2026, 1, 31), 3: date(2026, 1, 1), 4: None}
    listed = [replace(invoice(number), issued=day) for number, day in days.items()]
    assert [one.id for one in chosen(listed, PackChoice())] == [4, 2, 3, 1]
    assert [one.id for one in chosen(listed, PackChoice(Span(date(2026, 1, 1), date(2026, 12, 31))))] == [2, 3, 1]


# --- Names ---


def style(*parts: NamePart) -> NameStyle:
    return NameStyle(parts, "EUR", decimal_comma=True, title_of=lambda one: one.items[0].title)


def titled(number: int, title: str) -> Invoice:
    one = invoice(number, total="7.95")
    return replace(one, items=(replace(one.items[0], title=title),))


def test_a_name_says_what_its_pattern_asks_for_with_its_umlauts() -> None:
    one = titled(4711, "Müllers Größe: Äpfel/Öl")
    assert file_names([one], style(*USUAL_NAME), safe_name) == {
        4711: "2026-01-01 - 4711 - Müllers Größe_ Äpfel_Öl - 7,95 EUR.pdf"
    }


@given(
    st.lists(st.text(max_size=80), min_size=1, max_size=8),
    st.lists(st.sampled_from(NamePart), unique=True).map(tuple),
)
def test_names_are_safe_short_and_all_different(titles: list[str], parts: tuple[NamePart, ...]) -> None:
    invoices = [titled(number, title) for number, title in enumerate(titles, start=1)]
    names = file_names(invoices, style(*parts), safe_name).values()
    assert len({name.casefold() for name in names}) == len(titles)
    for name in names:
        assert name.endswith(".pdf")
        assert len(name.encode()) <= MAX_NAME_BYTES
        assert not set(name) & set('/\\:*?"<>|\n\r\t\0')
        assert name == name.strip()
        assert not name.startswith(".")


def test_the_parts_of_a_name_stand_in_the_order_of_tapping_and_one_stays() -> None:
    assert with_part((NamePart.DATE,), NamePart.SUM, on=True) == (NamePart.DATE, NamePart.SUM)
    assert with_part((NamePart.DATE, NamePart.SUM), NamePart.DATE, on=False) == (NamePart.SUM,)
    assert with_part((NamePart.SUM,), NamePart.SUM, on=False) == (NamePart.SUM,)


# --- Parts ---


def parts_of(documents: list[Held]) -> list[list[Held]]:
    parts, waiting = [], list[Held]()
    for new in documents:
        while count := cut(waiting, new, LIMIT):
            parts.append(waiting[:count])
            waiting = waiting[count:]
        waiting.append(new)
    return [*parts, waiting]


@given(st.lists(st.tuples(MONTHS, SIZES), min_size=1, max_size=40))
def test_parts_hold_everything_once_in_order_and_fit(documents: list[tuple[date, int]]) -> None:
    held = [Held(number, month, size) for number, (month, size) in enumerate(sorted(documents))]
    parts = parts_of(held)
    assert [each for part in parts for each in part] == held
    assert all(parts)
    assert all(sum(each.room for each in part) <= LIMIT for part in parts)


@given(st.lists(st.tuples(MONTHS, st.integers(0, 1500)), min_size=1, max_size=40))
def test_a_month_that_fits_into_a_part_is_never_torn(documents: list[tuple[date, int]]) -> None:
    held = [Held(number, month, size) for number, (month, size) in enumerate(sorted(documents))]
    parts = parts_of(held)
    for month in {each.month for each in held}:
        if sum(each.room for each in held if each.month == month) <= LIMIT:
            assert sum(any(each.month == month for each in part) for part in parts) == 1


def test_a_document_that_fits_into_no_part_is_known_before() -> None:
    assert fits_alone(LIMIT - 1024, LIMIT)
    assert not fits_alone(LIMIT - 1023, LIMIT)


# --- By themselves ---


def monthly(since: datetime, rhythm: Rhythm = Rhythm.MONTH, day: int = 3) -> Schedule:
    return Schedule(Preferences(packs=rhythm, pack_day=day, packs_since=since), BERLIN)


@given(
    PREFERENCES,
    st.sampled_from([Rhythm.MONTH, Rhythm.QUARTER]),
    st.sampled_from([1, 3, 20]),
    st.lists(st.timedeltas(timedelta(hours=1), timedelta(days=45)), min_size=1, max_size=20),
)
def test_each_period_comes_once_however_seldom_one_looks(
    preferences: Preferences, rhythm: Rhythm, day: int, looks: list[timedelta]
) -> None:
    begin = now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    schedule = Schedule(replace(preferences, packs=rhythm, pack_day=day, packs_since=begin), BERLIN)
    told, came = tuple[date, ...](), list[Span]()
    for wait in looks:
        now += wait
        periods = due_periods(schedule, begin, told, now)
        told = still_told(told, periods, schedule, now)
        came += periods
    expected = [each for each in came if begin < sent_at(each, schedule) <= now]
    assert came == sorted(set(expected), key=lambda span: span.first)
    coming = next_pack(schedule, now)
    assert coming is not None
    assert coming > now
    assert due_periods(schedule, begin, told, coming - timedelta(seconds=1)) == []
    assert len(due_periods(schedule, begin, told, coming)) == 1


def test_it_comes_at_the_reminder_hour_of_the_chosen_day() -> None:
    since = datetime(2026, 10, 10, tzinfo=UTC)
    schedule = monthly(since)
    at = datetime(2026, 11, 3, 9, tzinfo=BERLIN)
    assert due_periods(schedule, since, (), at - timedelta(seconds=1)) == []
    assert due_periods(schedule, since, (), at) == [Span(date(2026, 10, 1), date(2026, 10, 31))]
    assert next_pack(schedule, at - timedelta(seconds=1)) == at


def test_nothing_comes_of_what_was_before_the_wish_or_the_link() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    assert due_periods(monthly(now - timedelta(days=1)), now - timedelta(days=200), (), now) == []
    assert due_periods(monthly(now - timedelta(days=200)), now - timedelta(days=1), (), now) == []
    assert due_periods(monthly(now - timedelta(days=200), Rhythm.OFF), now - timedelta(days=200), (), now) == []
    assert next_pack(monthly(now, Rhythm.OFF), now) is None


def test_a_clock_that_was_ahead_takes_no_pack_away() -> None:
    now = datetime(2026, 11, 3, 12, tzinfo=UTC)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    october = Span(date(2026, 10, 1), date(2026, 10, 31))
    schedule = monthly(since)
    told = (date(2026, 9, 30), date(2027, 5, 31))
    assert october in due_periods(schedule, since, told, now)
    assert still_told(told, [october], schedule, now) == (date(2026, 9, 30), date(2026, 10, 31))
    assert due_periods(monthly(datetime(2030, 1, 1, tzinfo=UTC)), since, (), now) == [october]


def test_sums_are_written_as_the_language_does() -> None:
    one = titled(1, "x")
    comma, point = style(NamePart.SUM), replace(style(NamePart.SUM), decimal_comma=False)
    assert file_names([one], comma, safe_name) == {1: "7,95 EUR.pdf"}
    assert file_names([replace(one, total=Decimal(-5))], point, safe_name) == {1: "-5.00 EUR.pdf"}
