"""What is missing, and what a transfer has to say."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.domain.credit import Credit, Debt
from bot.domain.topping_up import Needed, Payee, TopUpSubject, as_reference, is_plain

DAY = date(2026, 12, 1)
DEBTS = [Debt(n, DAY + timedelta(days=n), Decimal(n)) for n in (1, 2, 3)]
SUBJECTS = st.one_of(st.just(TopUpSubject()), st.builds(TopUpSubject, st.integers(1, 10**18), st.booleans()))


@given(SUBJECTS)
def test_a_subject_in_callback_data_is_read_as_it_was_written_and_fits(subject: TopUpSubject) -> None:
    assert TopUpSubject.parse(str(subject)) == subject
    assert len(f"reference:none:{subject}".encode()) <= 64


@pytest.mark.parametrize("text", ["alles", "4711:later", "-1", "٣", "4711:earlier:earlier"])
def test_other_callback_data_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        TopUpSubject.parse(text)


def test_a_subject_chooses_one_invoice_or_with_the_earlier_ones_or_all() -> None:
    undated = Debt(9, None, Decimal(9))

    def chosen(subject: TopUpSubject) -> list[int]:
        return [debt.id for debt in subject.chosen([*DEBTS, undated])]

    assert chosen(TopUpSubject()) == [1, 2, 3, 9]
    assert chosen(TopUpSubject(2)) == [2]
    assert chosen(TopUpSubject(2, earlier=True)) == [1, 2]
    assert chosen(TopUpSubject(9, earlier=True)) == [1, 2, 3, 9]
    assert chosen(TopUpSubject(4)) == chosen(TopUpSubject(4, earlier=True)) == []


@pytest.mark.parametrize(
    ("credit", "debts", "amount"),
    [
        (Credit(Decimal("5.02")), DEBTS, Decimal("0.98")),
        (Credit(Decimal(6), "EUR"), DEBTS, Decimal(0)),
        (Credit(Decimal(6), "CHF"), DEBTS, Decimal(6)),
        (None, DEBTS, Decimal(6)),
        (None, [*DEBTS, Debt(4, DAY, None)], None),
        (Credit(Decimal(5)), [*DEBTS, Debt(4, DAY, None)], None),
        (None, [], Decimal(0)),
        (Credit(Decimal(5)), None, None),
    ],
)
def test_the_needed_amount_is_what_the_credit_lacks_or_else_the_whole_sum(
    credit: Credit | None, debts: list[Debt] | None, amount: Decimal | None
) -> None:
    needed = Needed(credit, None if debts is None else tuple(debts))
    assert needed.amount("EUR") == amount
    assert needed.is_whole_sum("EUR") == (amount == Decimal(6) or (amount is None and debts is not None))


def test_a_reference_is_put_on_one_line_and_has_signs_that_banks_carry() -> None:
    assert as_reference(" Kunde\n4711\t– Müller & Söhne ") == "Kunde 4711 – Müller & Söhne"
    for text in ("Kunde 4711", "RF18 5390 0754 7034", "Łódź-1/2: (a), +b?", "Über 100 %"):
        assert is_plain(as_reference(text)), text
    for text in ("", "  ", "Kunde 😀", "a\u200bb", "a\u202eb", "a\x00b"):
        assert not is_plain(as_reference(text)), text


def test_an_iban_is_written_in_groups() -> None:
    assert Payee("DE89370400440532013000", "x").written_iban == "DE89 3704 0044 0532 0130 00"
    assert Payee("NO9386011117947", "x").written_iban == "NO93 8601 1117 947"
