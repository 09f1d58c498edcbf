"""Several numbers in one button: what comes out is what went in, and twelve of a provider's fit."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bot.domain.packed_numbers import packed, unpacked

numbers = st.lists(st.integers(1, 10**18), min_size=1, max_size=24, unique=True)


@given(numbers)
def test_numbers_come_back_in_ascending_order(given_ones: list[int]) -> None:
    assert unpacked(packed(given_ones)) == sorted(given_ones)


def test_twelve_numbers_of_six_digits_fit_into_a_button() -> None:
    assert len(packed(range(300_001, 420_001, 10_000))) <= 50


@pytest.mark.parametrize("forged", ["", ".", "1..2", "ä", "1.-2", "1 2"])
def test_a_text_that_was_never_ours_is_none(forged: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpacked(forged)
