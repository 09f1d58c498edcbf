"""An invoice is found by its number, its sum, its month and any word of its text, and nothing else is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from babel.dates import format_date
from hypothesis import assume, given, strategies as st

from bot.domain.invoices import Invoice, Item
from bot.domain.search.conditions import Saying
from bot.domain.search.finding import find
from bot.domain.service_names import Service
from bot.services.searching import similar
from tests.domain.search.searching import TODAY, TRANSLATIONS, VOCABULARY, numbers, read, search
from tests.fakes import invoice, settled

WORDS = (
    "KVM", "Größe", "Groesse", "Übertragung", "straße", "STRASSE", "naïve", "café", "shop.example.org", "example.net",
    "web1", "web2", "SSD-Platte", "Betriebssystem", "Betriebssysteme", "Nextcloud", "müller.de", "mueller.de", "50GB",
    "Windows", "(Log-In", "ready)", "Verlängerung", "a_b", "Łódź", "Server", "Servers", "O'Neill", "x",
)  # fmt: skip
LETTERS = "abäöüßéÄÖ"


def worded(number: int, text: str, **facts: object) -> Invoice:
    """Return an invoice that says this."""
    title, _, rest = text.partition("\n")
    return replace(invoice(number), items=(Item("Hosting", title, rest, Decimal(1)),), **facts)  # type: ignore[arg-type]


ids = st.integers(1, 1989) | st.integers(2100, 10**12)
texts = st.lists(st.sampled_from(WORDS) | st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=6).map(
    " ".join
)
sums = st.decimals(Decimal("-99.99"), Decimal("2000.00"), places=2)


@st.composite
def accounts(draw: st.DrawFn) -> list[Invoice]:
    """Return some invoices with different numbers."""
    found = []
    for number in draw(st.lists(ids, unique=True, min_size=1, max_size=8)):
        issued = draw(st.dates(date(2022, 1, 1), date(2027, 12, 31)))
        total = draw(sums)
        made = worded(number, draw(texts), issued=issued, total=total, subtotal=total)
        found.append(settled(made) if draw(st.booleans()) or total < 0 else made)
    return found


# --- An oracle of its own: letter by letter, without regular expressions ---


def forms(word: str) -> set[str]:
    """Return a word without case and accents, its umlauts as one letter and as two."""
    one, two = "", ""
    for letter in unicodedata.normalize("NFC", word.lower()):
        bare = {"ß": "ss"}.get(letter) or "".join(
            part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part)
        )
        one += bare
        two += {"ä": "ae", "ö": "oe", "ü": "ue"}.get(letter, bare)
    return {one, two}


def words_of(one: Invoice) -> set[str]:
    """Return all runs of letters and digits in an invoice's texts."""
    text = "\n".join(part for item in one.items for part in (item.type, item.title, item.description))
    return {word for word in "".join(c if c.isalnum() or c == "_" else " " for c in text).split() if word}


def saying(account: Sequence[Invoice], word: str) -> list[int]:
    return [one.id for one in account if any(forms(word) & forms(other) for other in words_of(one))]


# --- Found by each of them, and nothing else ---


@given(accounts(), st.data())
def test_an_invoice_is_found_by_its_number_and_nothing_else_is(account: list[Invoice], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(account)).id
    for text in (f"{wanted}", f"#{wanted}", f"Rechnung {wanted}", f"invoice no. {wanted}"):
        assert numbers(account, text) == [wanted]


@given(accounts(), st.data())
def test_an_invoice_is_found_by_any_word_of_its_text_and_nothing_else_is(
    account: list[Invoice], data: st.DataObject
) -> None:
    word = data.draw(st.sampled_from(sorted(words_of(data.draw(st.sampled_from(account))))))
    spelling = data.draw(st.sampled_from([str.lower, str.upper, str.title, *(lambda _, f=f: f for f in forms(word))]))
    typed = spelling(word)
    assume([type(condition) for condition in read(typed)] == [Saying])  # "Mar" is a month
    assert numbers(account, typed) == saying(account, typed)


@given(accounts(), st.data())
def test_an_invoice_is_found_by_its_sum_and_nothing_else_is(account: list[Invoice], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(account)).display_amount
    expected = [one.id for one in account if wanted in {one.total, max(one.total, 0) if one.is_open else one.total}]
    for text in (TRANSLATIONS["de"].money(wanted), TRANSLATIONS["en"].money(wanted), f"{wanted:.2f}"):
        assert numbers(account, text) == expected


@given(accounts(), st.data())
def test_an_invoice_is_found_by_its_month_and_nothing_else_is(account: list[Invoice], data: st.DataObject) -> None:
    day = data.draw(st.sampled_from(account)).issued
    assert day is not None
    each_year = [one.id for one in account if one.issued and one.issued.month == day.month]
    that_year = [one.id for one in account if one.issued and f"{one.issued:%Y%m}" == f"{day:%Y%m}"]
    names = [format_date(day, "LLLL", locale=language) for language in ("en", "de")]
    for name in names:
        assert numbers(account, name) == each_year
    for text in (f"{day:%Y-%m}", f"{day:%m/%Y}", *(f"{name} {day.year}" for name in names)):
        assert numbers(account, text) == that_year
    assert numbers(account, f"{day.year}") == [one.id for one in account if one.issued and one.issued.year == day.year]


@given(accounts(), st.data())
def test_conditions_together_find_what_each_of_them_finds(account: list[Invoice], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(account))
    assert wanted.issued is not None
    texts = ["bezahlt" if wanted.is_paid else "open", format_date(wanted.issued, "LLLL", locale="de"), "über -100"]
    texts.append(data.draw(st.sampled_from([word for word in WORDS if saying([wanted], word)] or ["Hosting"])))
    chosen = data.draw(st.lists(st.sampled_from(texts), min_size=2, unique=True))
    each = [set(numbers(account, text)) for text in chosen]
    found = numbers(account, " ".join(chosen))
    assert set(found) == set.intersection(*each)
    assert wanted.id in found


@given(accounts(), st.data())
def test_a_word_with_a_typing_error_finds_what_it_was_meant_for(account: list[Invoice], data: st.DataObject) -> None:
    words = sorted({word for one in account for word in words_of(one) if len(word) >= 5 and word.isalpha()})
    assume(words)
    word = data.draw(st.sampled_from(words))
    at = data.draw(st.integers(0, len(word) - 2))
    typed = data.draw(
        st.sampled_from([word[:at] + word[at + 1 :], word[:at] + "q" + word[at:], word[:at] + "q" + word[at + 1 :]])
    )
    assume(len(typed) >= 5 and not any(forms(typed) & {f} for one in account for w in words_of(one) for f in forms(w)))
    found = search(account, typed)
    if not found.understood[0].meant:  # it stands within a longer word
        assert all(
            any(min(forms(typed), key=len) in f for w in words_of(one) for f in forms(w)) for one in found.invoices
        )
    else:
        assert set(saying(account, word)) <= {one.id for one in found.invoices}


# --- Where the exact thing is there, nothing similar is found ---


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Server", [1]),
        ("Servers", [2]),
        ("Serber", [1]),
        ("Serv", [1, 2]),
        ("erver", [1, 2]),
        ("web1", [3]),
        ("web3", []),
        ("exmaple.org", [5]),
        ("example.org", [5]),
        ("example", [5, 6]),
        ("shop.exampel.org", [5]),
        ("Maerz", [7]),
        ("Febuar", [8]),
        ("bezalt", [8]),
        ("Dommain", [5, 6]),
    ],
)
def test_an_exact_word_comes_before_a_similar_one(typed: str, expected: list[int]) -> None:
    account = [
        worded(1, "Server"),
        worded(2, "Servers"),
        worded(3, "web1"),
        worded(4, "web2"),
        worded(5, "Domain shop.example.org"),
        worded(6, "Domain example.net"),
        worded(7, "x", issued=date(2026, 3, 1)),
        settled(worded(8, "x", issued=date(2026, 2, 1))),
    ]
    account = [replace(one, issued=one.issued if one.id > 6 else date(2026, 6, 1)) for one in account]
    assert numbers(account, typed) == expected


def test_a_number_that_is_no_invoices_may_be_a_sum_or_a_word() -> None:
    account = [worded(1, "x", total=Decimal(49)), worded(2, "up to 200 MBit"), worded(49_000, "y")]
    assert numbers(account, "1") == [1]
    assert numbers(account, "49") == [1]
    assert numbers(account, "200") == [2]


def test_a_year_finds_its_invoices_and_the_one_with_that_number() -> None:
    account = [
        invoice(2025),
        replace(invoice(7), issued=date(2025, 5, 1)),
        replace(invoice(8), issued=date(2024, 5, 1)),
    ]
    assert numbers(account, "2025") == [2025, 7]
    assert numbers(account, "#2025") == [2025]
    assert numbers(account, "2024 2025") == [2025, 7, 8]


def test_euros_alone_find_those_with_cents_only_if_there_is_none_without() -> None:
    account = [replace(invoice(1), total=Decimal("49.90")), replace(invoice(2), total=Decimal("50.00"))]
    assert numbers(account, "49 €") == [1]
    assert numbers(account, "50 €") == [2]


def test_an_open_invoice_with_credit_is_found_by_its_sum_and_by_what_is_left() -> None:
    account = [replace(invoice(1, total="20"), credit=Decimal(5)), invoice(2, total="17")]
    assert (numbers(account, "20,00"), numbers(account, "15,00"), numbers(account, ">16")) == ([1], [1], [1, 2])


def test_how_an_invoice_stands() -> None:
    account = [
        invoice(1, date(2026, 12, 24)),
        invoice(2, date(2026, 11, 28)),
        settled(invoice(3)),
        settled(invoice(4), "Cancelled"),
    ]
    assert numbers(account, "unbezahlt") == [1, 2]
    assert numbers(account, "überfällig") == [2]
    assert numbers(account, "paid") == [3]
    assert numbers(account, "storniert") == [4]
    assert numbers(account, "offen bezahlt") == [1, 2, 3]


def test_types_match_items_and_their_words_in_both_languages() -> None:
    gift = replace(invoice(2), items=(Item("Donation", "Thanks", "", Decimal(5)),))
    account = [invoice(1), gift, worded(3, "Spende für Kiel")]
    assert numbers(account, "Donation") == [2]
    assert numbers(account, "Spende") == [2, 3]
    assert numbers(account, "hosting") == [1, 3]


# --- Nothing fits ---


def test_what_is_near_is_offered_and_how_much_each_condition_costs() -> None:
    account = [replace(invoice(number), total=Decimal(number), issued=date(2026, number, 1)) for number in range(1, 11)]
    alone = search(account, "7,40 €")
    assert alone.invoices == ()
    assert [one.id for one in alone.nearest] == [7, 8, 6]
    together = search(account, "3,00 € Oktober")
    assert together.without == (1, 1)
    assert {one.id for one in together.nearest} == {3, 10}


def test_a_word_that_is_nowhere_is_answered_with_words_that_are_near() -> None:
    account = [worded(1, "Nextcloud"), worded(2, "Windows")]
    found = search(account, "Netzkloud")
    assert (found.invoices, [one.id for one in found.nearest]) == ((), [1])
    assert search(account, "Überraschung").nearest == ()


def test_an_empty_account_and_an_empty_search_do_no_harm() -> None:
    assert search([], "März 4711 foo").invoices == ()
    assert numbers([invoice(1)], "…") == [1]
    assert TODAY.year == 2026


@given(st.lists(st.sampled_from([None, 1, 2, 3]), min_size=1, max_size=8))
def test_a_name_that_a_person_gave_finds_all_invoices_of_that_service_and_no_other(services: list[int | None]) -> None:
    invoices = [
        replace(
            worded(number, "KVM Server"), items=(Item("Hosting", "KVM Server", "", Decimal(1), relates_to=service),)
        )
        for number, service in enumerate(services, 1)
    ]
    names = {Service("hosting", 1): "Mein Lädchen", Service("hosting", 3): "Spielwiese"}
    for text, meant in (("lädchen", 1), ("LAEDCHEN", 1), ("mein", 1), ("spielweise", 3)):
        found = find(invoices, read(text), VOCABULARY, similar, TODAY, lambda due: due < TODAY, names)
        assert [one.id for one in found.invoices] == [n for n, service in enumerate(services, 1) if service == meant]
    assert search(invoices, "lädchen").invoices == ()
