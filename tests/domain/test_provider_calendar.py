"""The provider's calendar, where the operator has set only a part of it."""

from __future__ import annotations

from datetime import date

import pytest

from bot.domain.provider_calendar import Consequences, Phase, ProviderCalendar, Service

DUE = date(2026, 12, 1)


def test_a_provider_that_only_deletes_suspends_on_no_day() -> None:
    calendar = ProviderCalendar(delete_after=6)
    follows = Consequences(Service.SERVER, None, date(2026, 12, 7), lost=False)
    assert calendar.consequences(DUE, ["Hosting"]) == follows
    assert calendar.last_days(DUE, ["Hosting"]) == (date(2026, 12, 6),)


@pytest.mark.parametrize(
    ("day", "phase"),
    [(1, Phase.AHEAD), (5, Phase.AHEAD), (6, Phase.LAST_CHANCE), (7, Phase.LAST_HOURS), (8, Phase.DELETED)],
)
def test_its_last_day_is_the_one_before_the_deletion(day: int, phase: Phase) -> None:
    follows = ProviderCalendar(delete_after=6).consequences(DUE, ["Hosting"])
    assert follows is not None
    assert follows.phase(date(2026, 12, day)) is phase


def test_if_banks_never_work_the_due_date_itself_counts() -> None:
    calendar = ProviderCalendar(transfer_days=2, is_banking_day=lambda _: False)
    assert calendar.last_transfer_day(DUE) == date(2026, 11, 29)
