"""The invoices of several accounts in one list: all are there, in order, each with its account."""

from __future__ import annotations

from datetime import date

from hypothesis import given, strategies as st

from bot.domain.invoices import Invoice, open_first
from bot.domain.together import together
from tests.fakes import invoice

DAYS = st.dates(date(2026, 1, 1), date(2026, 2, 1))
INVOICES = st.builds(
    lambda number, due, status: invoice(number, due, status=status),
    st.integers(1, 9), DAYS, st.sampled_from(["Unpaid", "Paid"]),
)  # fmt: skip


@given(st.lists(st.lists(INVOICES, max_size=5, unique_by=lambda one: one.id), max_size=4))
def test_all_invoices_are_listed_once_in_order_with_their_account(accounts: list[list[Invoice]]) -> None:
    owned = together(accounts)
    for place, invoices in enumerate(accounts):
        assert [one for where, one in owned if where == place] == open_first(invoices)
    assert [one.id for _, one in owned] == [one.id for one in open_first([one for each in accounts for one in each])]
