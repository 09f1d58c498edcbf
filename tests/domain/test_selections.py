"""Choosing several: only offered invoices are chosen, and the sum is theirs."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given, strategies as st

from bot.domain.chats import Place
from bot.domain.selections import Offer, Selection

NUMBERS = st.lists(st.integers(1, 12), min_size=1, max_size=10, unique=True)


def selection(numbers: list[int]) -> Selection:
    offers = tuple(Offer(number, Decimal(number) / 4, None, "") for number in numbers)
    return Selection("s", Place(1), "a", 7, datetime(2026, 1, 1, tzinfo=UTC), offers)


@given(NUMBERS, st.lists(st.tuples(st.none() | st.integers(1, 15), st.booleans()), max_size=30))
def test_ticking_chooses_offered_invoices_in_their_order_and_the_sum_goes_along(
    numbers: list[int], ticks: list[tuple[int | None, bool]]
) -> None:
    chosen, expected = selection(numbers), set[int]()
    for tick, wanted in ticks:
        ids = set(numbers) if tick is None else {tick}
        chosen = chosen.with_choice(ids, chosen=wanted)
        expected = expected | (ids & set(numbers)) if wanted else expected - ids
        assert chosen.with_choice(ids, chosen=wanted) == chosen
        assert chosen.chosen == tuple(number for number in numbers if number in expected)
        assert chosen.sum == sum(Decimal(number) / 4 for number in expected)


def test_the_sum_of_nothing_is_zero() -> None:
    assert selection([1, 2]).sum == Decimal(0)
