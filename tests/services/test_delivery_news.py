"""A chat that wants no news gets no message for what is new, has changed or is settled, unless it also reminds."""

from __future__ import annotations

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import CheckPlan
from tests.fakes import invoice, settled
from tests.services.world import BERLIN, DAY, DUE, MINUTE, World

NEW, DUE_SOON, SETTLED, DIGEST = AlertKind.NEW, AlertKind.DUE, AlertKind.SETTLED, AlertKind.DIGEST


@pytest.fixture
async def calm(world: World) -> World:
    await world.link()
    await world.prefer(news=False, before=(1,), after=())
    return world


async def test_new_changed_and_paid_invoices_come_without_a_message(calm: World) -> None:
    calm.account.put(invoice(7, DUE), invoice(8, DUE, is_open=False))
    await calm.live(DUE - 10 * DAY)
    calm.account.put(invoice(7, DUE, "9.00"))
    await calm.live(DUE - 9 * DAY)
    calm.account.put(settled(invoice(7, DUE, "9.00")))
    await calm.live(DUE - 8 * DAY)
    assert calm.told() == []
    assert (await calm.store.waiting_alerts(key_of(1))).waiting == 0


async def test_what_is_new_on_a_reminder_day_is_told_and_struck_out_in_silence_once_it_is_paid(calm: World) -> None:
    calm.account.put(invoice(7, DUE))
    await calm.live(DUE - DAY)
    assert calm.told() == [(NEW, 7, 1)]
    calm.account.put(settled(invoice(7, DUE)))
    await calm.live(DUE)
    assert calm.told() == [(NEW, 7, 1)]
    assert [numbers for _, numbers in calm.edits()] == [[7]]


async def test_a_last_day_is_announced_even_if_the_invoice_is_new_on_it(world: World) -> None:
    world.plan = CheckPlan(15 * MINUTE, BERLIN, calendar=ProviderCalendar(suspend_after=0))
    world.wire(lambda port: port)
    await world.link()
    await world.prefer(news=False, before=(), after=())
    world.account.put(invoice(7, DUE))
    await world.live(DUE)
    assert world.told() == [(NEW, 7, 0)]
    assert world.messenger.sent[0].alerts[0].is_warning


async def test_the_weekly_overview_and_what_makes_the_bot_blind_still_come(calm: World) -> None:
    await calm.prefer(digest=True)
    calm.account.put(invoice(7, DUE))
    await calm.live(DUE - 13 * DAY)
    monday = DUE - 7 * DAY
    calm.at(monday, 9, 1)
    await calm.check()
    await calm.deliver(3)
    assert calm.told() == [(DIGEST, None, None)]


async def test_news_that_waited_are_told_once_the_chat_wants_them(calm: World) -> None:
    calm.at(DUE - 10 * DAY, 23)
    calm.account.put(invoice(7, DUE))
    await calm.check()
    await calm.prefer(news=True)
    calm.at(DUE - 9 * DAY, 8, 5)
    await calm.deliver(3)
    assert calm.told() == [(NEW, 7, None)]
