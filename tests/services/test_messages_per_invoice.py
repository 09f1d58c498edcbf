"""How many messages five invoices lead to, from issue to settled, with each choice of how much comes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.invoices import Invoice
from bot.domain.presets import Preset, with_preset
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import CheckPlan
from tests.fakes import invoice, settled
from tests.services.world import BERLIN, DAY, DUE, MINUTE, World

UNKNOWN = ProviderCalendar()
CALENDAR = ProviderCalendar(suspend_after=0, delete_after=6)
PAID_AFTER = (-2, 0, 1, -1, 4)
"""How many days after its due date each of the five is paid. They are issued seven days before it, three days apart."""


async def live(world: World, preset: Preset, calendar: ProviderCalendar, credit: str) -> None:
    """Let 23 days go by, with three checks a day."""
    world.plan = CheckPlan(15 * MINUTE, BERLIN, calendar=calendar, currency="EUR")
    world.wire(lambda port: port)
    world.account.shows_credit, world.account.balance = True, Decimal(credit)
    world.noon(DUE - 8 * DAY)
    await world.link()
    chosen = with_preset(world.plan.defaults, preset, world.plan.defaults, calendar)
    await world.store.set_preferences(1, chosen, world.clock.now)
    for day in range(23):
        today = DUE + (day - 7) * DAY
        world.account.put(*standing(today))
        for hour in (9, 13, 18):
            world.at(today, hour, 1)
            await world.check()
            await world.deliver(4)


def standing(today: date) -> list[Invoice]:
    """Return the invoices as they are on a day."""
    found = []
    for number, paid_after in enumerate(PAID_AFTER):
        due = DUE + 3 * number * DAY
        one = invoice(number + 1, due, "10.00")
        if due - 7 * DAY <= today:
            found.append(settled(one) if due + paid_after * DAY < today else one)
    return found


@pytest.mark.parametrize(
    ("preset", "calendar", "credit", "most"),
    [
        (Preset.ALL, UNKNOWN, "0", 17),
        (Preset.CALM, UNKNOWN, "0", 10),
        (Preset.LAST, UNKNOWN, "0", 7),
        (Preset.ALL, CALENDAR, "0", 20),
        (Preset.ALL, CALENDAR, "100", 17),
        (Preset.CALM, CALENDAR, "0", 9),
        (Preset.CALM, CALENDAR, "100", 9),
        (Preset.LAST, CALENDAR, "0", 6),
    ],
    ids=["all", "calm", "last", "all+warnings", "all+credit", "calm+warnings", "calm+credit", "last+warnings"],
)
async def test_five_invoices_in_23_days_lead_to_few_messages_and_no_last_day_is_missing(
    world: World, preset: Preset, calendar: ProviderCalendar, credit: str, most: int
) -> None:
    await live(world, preset, calendar, credit)
    assert len(world.messenger.sent) <= most
    told = world.told()
    for number, paid_after in enumerate(PAID_AFTER, start=1):
        if paid_after >= 0:
            twice = calendar.announces
            assert told.count((AlertKind.DUE, number, 0)) == (2 if twice else 1)
    shown = [number for _, numbers in await world.remembered() for number in numbers]
    assert sorted(shown) == sorted(set(shown))
