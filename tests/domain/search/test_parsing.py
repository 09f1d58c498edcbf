"""What people type, and how it is understood, in both languages at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.domain.queries import ItemKind
from bot.domain.search.conditions import Being, Costing, Dated, Numbered, OfKind, Saying, StandingWord
from bot.domain.search.parsing import text_of
from bot.domain.search.periods import EachYear, Span
from tests.domain.search.searching import read


@pytest.mark.parametrize(
    ("text", "number"),
    [("4711", 4711), ("#4711", 4711), (" Nr. 4711 ", 4711), ("Rechnung 4711?", 4711), ("2025", 2025)],
)
def test_a_whole_number_is_a_number(text: str, number: int) -> None:
    (condition,) = read(text)
    assert isinstance(condition, Numbered)
    assert condition.number == number


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("49,90", "49.90", "49.90"),
        ("49.90 €", "49.90", "49.90"),
        ("49,9€", "49.90", "49.90"),
        ("€49.90", "49.90", "49.90"),
        ("49 EUR", "49", "49"),
        ("1.234,56 €", "1234.56", "1234.56"),
        ("€1,234.56", "1234.56", "1234.56"),
        ("1.234", "1234", "1234"),
        ("−7,95 €", "-7.95", "-7.95"),
        ("10-20", "10", "20"),
        ("20 – 10 €", "10", "20"),
        ("9,99-19,99", "9.99", "19.99"),
    ],
)
def test_sums_are_read_however_they_are_written(text: str, low: str, high: str) -> None:
    (condition,) = read(text)
    assert isinstance(condition, Costing)
    assert (condition.low, condition.high, condition.with_ends) == (Decimal(low), Decimal(high), True)


@pytest.mark.parametrize(
    ("text", "low", "high", "with_ends"),
    [
        (">20", 20, None, False),
        ("> 20 €", 20, None, False),
        ("über 20", 20, None, False),
        ("more than 20", 20, None, False),
        (">=20", 20, None, True),
        ("ab 20", 20, None, True),
        ("<20", None, 20, False),
        ("unter 20 €", None, 20, False),
        ("under €20", None, 20, False),
        ("≤20", None, 20, True),
        ("bis zu 20", None, 20, True),
    ],
)
def test_comparisons_are_read_in_signs_and_in_words(
    text: str, low: int | None, high: int | None, with_ends: bool
) -> None:
    (condition,) = read(text)
    assert isinstance(condition, Costing)
    assert (condition.low, condition.high, condition.with_ends) == (low, high, with_ends)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-03", (2026, 3, 1), (2026, 3, 31)),
        ("03/2026", (2026, 3, 1), (2026, 3, 31)),
        ("3.2026", (2026, 3, 1), (2026, 3, 31)),
        ("2024-02", (2024, 2, 1), (2024, 2, 29)),
        ("2026-12", (2026, 12, 1), (2026, 12, 31)),
        ("2024-2025", (2024, 1, 1), (2025, 12, 31)),
        ("Q1 2026", (2026, 1, 1), (2026, 3, 31)),
        ("2026-Q4", (2026, 10, 1), (2026, 12, 31)),
        ("27.12.2025", (2025, 12, 27), (2025, 12, 27)),
        ("27.12.25", (2025, 12, 27), (2025, 12, 27)),
        ("2025-12-27", (2025, 12, 27), (2025, 12, 27)),
        ("last month", (2026, 10, 1), (2026, 10, 31)),
        ("letzten Monat", (2026, 10, 1), (2026, 10, 31)),
        ("LETZTER MONAT", (2026, 10, 1), (2026, 10, 31)),
        ("this month", (2026, 11, 1), (2026, 11, 30)),
        ("in diesem Monat", (2026, 11, 1), (2026, 11, 30)),
        ("this year", (2026, 1, 1), (2026, 12, 31)),
        ("letztes Jahr", (2025, 1, 1), (2025, 12, 31)),
        ("last quarter", (2026, 7, 1), (2026, 9, 30)),
        ("dieses Quartal", (2026, 10, 1), (2026, 12, 31)),
        ("this week", (2026, 11, 23), (2026, 11, 29)),
        ("letzte Woche", (2026, 11, 16), (2026, 11, 22)),
        ("gestern", (2026, 11, 28), (2026, 11, 28)),
    ],
)
def test_periods_are_read_as_days(text: str, first: tuple[int, int, int], last: tuple[int, int, int]) -> None:
    (condition,) = read(text)
    assert isinstance(condition, Dated)
    assert condition.period == Span(date(*first), date(*last))


@pytest.mark.parametrize(
    ("text", "period"),
    [
        *((name, EachYear(3, 3)) for name in ("März", "MÄRZ", "maerz", "marz", "March", "mar", "im März")),
        *((name, EachYear(12, 12)) for name in ("Dezember", "Dez.", "december", "Dec")),
        *((name, EachYear(5, 5)) for name in ("Mai", "may")),
        *((name, EachYear(4, 6)) for name in ("Q2", "q 2", "2. Quartal", "2nd quarter")),
        ("27.12.", EachYear(12, 12, 27)),
    ],
)
def test_a_month_alone_is_that_of_every_year(text: str, period: EachYear) -> None:
    (condition,) = read(text)
    assert isinstance(condition, Dated)
    assert condition.period == period


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        *((word, StandingWord.OPEN) for word in ("offen", "unbezahlt", "open", "UNPAID", "offene Rechnungen")),
        *((word, StandingWord.PAID) for word in ("bezahlt", "paid", "paid invoices")),
        *((word, StandingWord.OVERDUE) for word in ("überfällig", "ueberfaellig", "uberfallig", "overdue")),
        ("storniert", StandingWord.CANCELLED),
    ],
)
def test_words_for_how_an_invoice_stands(text: str, standing: StandingWord) -> None:
    (condition,) = read(text)
    assert isinstance(condition, Being)
    assert condition.standing is standing


def test_several_conditions_stand_beside_each_other() -> None:
    assert read("domain 2025 bezahlt") == (
        OfKind("domain", ItemKind.DOMAIN),
        Numbered("2025", 2025),
        Being("bezahlt", StandingWord.PAID),
    )
    assert read("Hosting,März;über 20 €") == (
        OfKind("Hosting", ItemKind.HOSTING),
        Dated("März", EachYear(3, 3)),
        Costing("über 20 €", Decimal(20), None, with_ends=False),
    )


@pytest.mark.parametrize("text", ["shop.example.org", "KVM", "50GB", "31.02.2026", "9" * 30, "über", "für", "c++"])
def test_what_has_no_other_meaning_is_a_word(text: str) -> None:
    assert read(text) == (Saying(text, text),)


def test_signs_around_a_word_are_not_part_of_it_and_signs_alone_are_nothing() -> None:
    assert read("„(SSD)“, …!") == (Saying("SSD", "SSD"),)
    assert read("… ?! --") == ()


def test_words_that_mean_nothing_count_only_alone() -> None:
    assert read("zeige alle Rechnungen vom März") == (Dated("März", EachYear(3, 3)),)
    assert read("alle Rechnungen") == (Saying("alle", "alle"), Saying("Rechnungen", "Rechnungen"))


TYPED = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            ["2025", "4711", "März", "last", "month", "letzten", "Monat", "Q1", "quarter", "1", "2.", "über", "20", "€",
             "10-20", "-", ">", "49,90", "27.12.", "offen", "domain", "shop.org", "von", "mehr", "als", ",", "EUR"]
        )
    ).map(" ".join),
)  # fmt: skip


@given(TYPED)
def test_any_text_can_be_read_and_kept_without_a_change(text: str) -> None:
    conditions = read(text)
    assert read(text_of(conditions)) == conditions


@given(TYPED, st.data())
def test_a_condition_that_is_taken_away_changes_no_other(text: str, data: st.DataObject) -> None:
    conditions = read(text)
    gone = data.draw(st.integers(0, len(conditions)))
    rest = conditions[:gone] + conditions[gone + 1 :]
    assert read(text_of(rest)) == rest
