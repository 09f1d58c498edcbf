"""A share of what ``make outcome`` measures: the statements hold, with the same people and faults in both rhythms."""

from __future__ import annotations

import pytest

from tests.outcome.customers import Kind
from tests.outcome.run import PER_WORLD, both, replay, run

MONTHS = 3


@pytest.mark.parametrize("number", [1, 3])
def test_nobody_loses_a_service_without_two_warnings_and_credit_that_is_there_is_told(number: int) -> None:
    found = run(number, people=PER_WORLD, months=MONTHS, with_bot=True)
    assert not found.broken, "\n".join([replay(number, MONTHS), *found.broken[:5]])
    assert found.checked["losses"] > 0
    assert found.checked["wishes"] > 0


def test_without_settings_nothing_is_claimed_and_the_same_people_lose_more() -> None:
    now, before = both(1, len(Kind), MONTHS)
    assert not before.broken
    assert now.customers == before.customers
    assert set(now.customers) == set(Kind)
    assert now.losses.total() < before.losses.total()
