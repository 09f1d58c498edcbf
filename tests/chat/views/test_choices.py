"""What a command without an invoice number offers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.chat.screens import DATA_LIMIT
from bot.chat.texts import Texts
from bot.chat.views.invoice_choice import INVOICE_CHOICES, INVOICES_OFFERED, invoice_choice
from bot.domain.invoices import Invoice, Item, Listing
from tests.chat.samples import CANCELLED_SERVER, DE, EN, NASTY, NOW, PAID_DOMAIN, buttons, invoice, labels, paid, seen

WITH_CREDIT = invoice(2, credit=Decimal("1.00"))
COVERED = invoice(3, credit=Decimal("7.95"))
UNCLEAR = invoice(4, total=Decimal("5.00"), credit=Decimal("1.00"))
NEWEST = {word: [f"{word}:{number}" for number in (3, 2, 1, 212032, 130348)] for word in ("show", "pdf")}
NEWEST["pdf"].append("some")


def offered(command: str, *invoices: Invoice) -> list[str]:
    return [button.data for button in buttons(invoice_choice(EN, command, Listing(invoices), NOW))]


def says(command: str, *invoices: Invoice, unreadable: int = 0, t: Texts = EN) -> str:
    return seen(invoice_choice(t, command, Listing(invoices, unreadable), NOW))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("invoice", NEWEST["show"]),
        ("pdf", NEWEST["pdf"]),
        ("pay", ["tick:1", "tick:2", "close", "tick:all"]),
        ("removecredit", ["removecredit:2", "removecredit:3"]),
    ],
)
def test_each_command_offers_what_it_can_be_about_in_its_order(command: str, expected: list[str]) -> None:
    assert offered(command, invoice(1), WITH_CREDIT, COVERED, PAID_DOMAIN, CANCELLED_SERVER) == expected


def test_the_questions_are_short() -> None:
    questions = {command: says(command, WITH_CREDIT) for command in INVOICE_CHOICES}
    assert questions == {
        "invoice": "Which invoice would you like to see?",
        "pdf": "Which invoice would you like as a PDF?",
        "pay": "Which invoice would you like to pay?",
        "removecredit": "Which invoice do you want to take credit back from?",
    }
    assert says("pay", WITH_CREDIT, t=DE) == "Welche Rechnung möchtest du bezahlen?"
    assert says("pay", WITH_CREDIT, invoice(1)) == "Which invoices would you like to pay?"


def test_a_button_tells_the_sum_that_the_command_is_about() -> None:
    assert labels(invoice_choice(EN, "pay", Listing((WITH_CREDIT,)), NOW)) == ["🟡 2 · €6.95 · Server 2"]
    assert labels(invoice_choice(EN, "removecredit", Listing((WITH_CREDIT,)), NOW)) == ["🟡 2 · €1.00 · Server 2"]
    overdue = invoice(5, due=date(2026, 11, 20), items=())
    assert labels(invoice_choice(EN, "pdf", Listing((overdue, paid(6))), NOW)) == [
        "✅ 6 · €7.95 · Server 6",
        "🔴 5 · €7.95",
        "☑ Choose several",
    ]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("invoice", "There are no invoices in your account."),
        ("pdf", "There are no invoices in your account."),
        ("pay", "Nothing to pay."),
        ("removecredit", "There is no credit on your open invoices that you could take back."),
    ],
)
def test_where_there_is_nothing_to_choose_it_says_so(command: str, sentence: str) -> None:
    assert says(command) == sentence
    assert offered(command) == []


def test_paid_and_covered_invoices_are_not_to_be_paid() -> None:
    assert says("pay", COVERED, PAID_DOMAIN) == "Nothing to pay."


def test_an_invoice_whose_remainder_is_unclear_is_offered_so_that_its_button_can_say_why_it_can_not_be_paid() -> None:
    assert offered("pay", UNCLEAR) == ["pay:4"]


@pytest.mark.parametrize("command", INVOICE_CHOICES)
def test_while_some_could_not_be_read_it_does_not_say_that_there_is_nothing(command: str) -> None:
    assert says(command, unreadable=1) == "⚠️ 1 invoice could not be read and is missing here."
    assert says(command, WITH_CREDIT, unreadable=1).endswith("\n⚠️ 1 invoice could not be read and is missing here.")


def test_of_many_the_newest_are_offered_and_the_list_of_all() -> None:
    few, many = (
        [invoice(number) for number in range(1, count + 1)] for count in (INVOICES_OFFERED, INVOICES_OFFERED + 1)
    )
    assert offered("pdf", *few) == [*(f"pdf:{number}" for number in range(8, 0, -1)), "some"]
    assert offered("pdf", *many) == [
        *(f"pdf:{number}" for number in range(9, 1, -1)),
        *("more:pdf:0", "more:pdf:1", "some", "list:all.any.0.0"),
    ]


def test_the_next_ones_come_by_a_button_both_ways_and_end_at_the_last() -> None:
    many = Listing(tuple(invoice(number) for number in range(1, INVOICES_OFFERED * 2 + 2)))
    shown = [buttons(invoice_choice(EN, "invoice", many, NOW, number)) for number in range(4)]
    numbers = [[button.data for button in each if button.data.startswith("show:")] for each in shown]
    assert [*numbers[0], *numbers[1], *numbers[2]] == [f"show:{number}" for number in range(17, 0, -1)]
    turns = [[(b.label, b.data) for b in each if b.data.startswith("more:")] for each in shown]
    assert turns[1] == [("◀", "more:invoice:0"), ("2 / 3", "more:invoice:1"), ("▶", "more:invoice:2")]
    assert [label for label, _ in turns[0]] == ["1 / 3", "▶"]
    assert [label for label, _ in turns[2]] == ["◀", "3 / 3"]
    assert shown[3] == shown[2]


def test_several_can_be_chosen_where_more_than_one_can_be_paid() -> None:
    assert offered("pay", invoice(1), WITH_CREDIT, UNCLEAR) == ["tick:1", "tick:2", "pay:4", "close", "tick:all"]
    late = invoice(5, due=date(2026, 11, 20))
    assert labels(invoice_choice(EN, "pay", Listing((late, WITH_CREDIT)), NOW))[:2] == [
        "☐ 🔴 5 · €7.95 · Server 5",
        "☐ 2 · €6.95 · Server 2",
    ]
    assert offered("pay", WITH_CREDIT, UNCLEAR) == ["pay:2", "pay:4"]
    assert not any(data.startswith("tick") for data in offered("removecredit", WITH_CREDIT, COVERED))


def test_where_more_can_be_paid_than_at_once_there_is_no_button_for_all_of_them() -> None:
    many = [invoice(number) for number in range(1, 12)]
    assert offered("pay", *many)[6:] == ["more:pay:0", "more:pay:1", "close", "list:all.any.0.0"]
    assert offered("pay", *many[1:])[-1] == "tick:all"


@given(st.sampled_from(sorted(INVOICE_CHOICES)), st.text(max_size=300), st.integers(1, 10**18 - 1))
def test_buttons_keep_telegrams_limits_whatever_is_in_an_invoice(command: str, title: str, number: int) -> None:
    shown = invoice(number, items=(Item("Hosting", title, title, None),), credit=Decimal(1), total=Decimal(10**12))
    for button in buttons(invoice_choice(DE, command, Listing((shown,)), NOW)):
        assert len(button.data.encode()) <= DATA_LIMIT
        assert 0 < len(button.label) <= 100
        assert "\n" not in button.label


def test_a_title_is_shown_as_it_was_written() -> None:
    shown = invoice(1, items=(Item("Hosting", NASTY, NASTY, None),))
    assert labels(invoice_choice(EN, "pdf", Listing((shown,)), NOW)) == [f"🟡 1 · €7.95 · {NASTY}"]
