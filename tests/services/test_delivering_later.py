"""Alerts across crashes, and alerts that time has overtaken."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.domain.alerts import AlertKind
from bot.errors import (
    ChatGone,
    FloodLimited,
    NotSent,
    ProviderDown,
    TelegramDown,
    TokenRefused,
)
from bot.services.delivering import LEASE, is_pointless
from tests.fakes import Gate, invoice, settled
from tests.services.world import DAY, DUE, MINUTE, SECOND, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE
HOUR = timedelta(hours=1)

# --- Crashes ---------------------------------------------------------------------------------------------------------


async def test_a_crash_while_sending_leads_to_one_more_send_that_is_marked(world: World) -> None:
    await world.find(7)
    world.messenger.gate = gate = Gate()
    await world.courier.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.restart()
    world.messenger.gate = None
    await world.deliver(3)
    assert world.numbers() == [7]
    assert world.marks() == [True]


async def test_a_crash_between_finding_out_and_telling_loses_nothing(world: World) -> None:
    await world.find(1, 2)
    await world.restart()
    await world.deliver(5)
    assert world.numbers() == [1, 2]
    assert world.marks() == [False, False]


async def test_a_crash_between_being_refused_and_resting_loses_nothing(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = ChatGone("blocked")
    rest = world.store.rest

    async def crash(chat_id: int, reason: str) -> None:
        raise OSError("the disk is full")

    world.store.rest = crash  # type: ignore[method-assign]
    await world.deliver()
    world.store.rest = rest  # type: ignore[method-assign]
    await world.restart()
    world.messenger.always.clear()
    await world.deliver()
    assert world.numbers() == [7]


async def test_a_flood_limit_outlives_a_restart(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].append(FloodLimited(600))
    await world.deliver()
    await world.restart()
    world.clock.move(599 * SECOND)
    await world.deliver()
    assert world.numbers() == []
    world.clock.move(SECOND)
    await world.deliver()
    assert world.numbers() == [7]


async def test_a_send_whose_record_could_not_be_written_comes_again_marked(world: World) -> None:
    await world.find(7)
    alert_sent = world.store.alert_sent

    async def fails(claim: object) -> bool:
        raise OSError("the disk is full")

    world.store.alert_sent = fails  # type: ignore[method-assign]
    await world.deliver()
    world.store.alert_sent = alert_sent  # type: ignore[method-assign]
    world.clock.move(LEASE)
    await world.deliver()
    assert world.marks() == [False, True]


# --- What has no point any more --------------------------------------------------------------------------------------


async def test_an_alert_of_an_invoice_that_was_settled_meanwhile_is_dropped(world: World) -> None:
    await world.find(7)
    world.provider.account("token-of-1xx").put(settled(invoice(7, DUE)))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == []
    assert (await world.store.waiting_alerts(1)).waiting == 0


async def test_a_reminder_of_what_credit_came_to_cover_meanwhile_is_dropped(world: World) -> None:
    await world.find(7)
    await world.deliver()
    world.noon(DUE)
    await world.check()
    covered = invoice(7, DUE, total="0")
    world.provider.account("token-of-1xx").put(covered)
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == [(NEW, 7, None)]


async def test_an_alert_of_an_invoice_that_is_gone_meanwhile_is_dropped(world: World) -> None:
    await world.find(7)
    world.provider.account("token-of-1xx").invoices.clear()
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == []


async def test_a_reminder_of_a_due_date_that_moved_meanwhile_is_dropped(world: World) -> None:
    await world.find(7)
    await world.deliver()
    world.noon(DUE)
    await world.check()
    world.provider.account("token-of-1xx").put(invoice(7, DUE + 60 * DAY))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    assert world.told() == [(NEW, 7, None)]


async def test_alerts_of_an_account_that_the_chat_is_no_longer_linked_to_are_dropped(world: World) -> None:
    await world.find(7)
    await world.link(token="token-of-another")
    await world.deliver(3)
    assert world.told() == []


async def test_an_alert_has_no_point_for_a_chat_that_is_linked_otherwise_or_not_at_all(world: World) -> None:
    await world.find(7)
    await world.deliver()
    (delivery,) = world.messenger.sent
    chat, link = delivery.chat, await world.linked()
    assert not is_pointless(delivery)
    assert is_pointless(replace(delivery, chat=replace(chat, link=replace(link, account="another"))))
    assert is_pointless(replace(delivery, chat=replace(chat, link=None)))


async def test_an_alert_under_way_while_the_chat_is_unlinked_ends_quietly(world: World) -> None:
    await world.find(7)
    world.messenger.gate = gate = Gate()
    await world.courier.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.linking.unlink(await world.chat())
    gate.open()
    await world.workers.finish()
    await world.deliver(3)
    assert world.numbers() == [7]
    assert (await world.chat()).link is None


async def test_a_reminder_that_got_stuck_is_not_told_beside_the_newer_one(world: World) -> None:
    """Its send was left uncertain in an outage of days; both would say the same: how things stand now."""
    await world.find(7)
    await world.deliver()
    world.messenger.always[1] = TelegramDown()
    for days in (-7, -3, -1, 0):
        world.noon(DUE + days * DAY)
        await world.check()
        await world.deliver(3)
    world.messenger.always.clear()
    await world.deliver_for(HOUR, MINUTE)
    assert world.told() == [(NEW, 7, None), (DUE_SOON, 7, 0)]


async def test_the_alert_says_how_things_stand_when_it_is_sent(world: World) -> None:
    await world.find(7)
    world.provider.account("token-of-1xx").put(invoice(7, DUE + 3 * DAY, "9.99"))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(3)
    (delivery,) = world.messenger.sent
    assert delivery.known is not None
    assert (delivery.known.due, str(delivery.known.left)) == (DUE + 3 * DAY, "9.99")


async def test_an_alert_about_the_token_is_told_while_the_trouble_lasts(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = TokenRefused()
    await world.live(DUE)
    assert world.told() == [(AlertKind.TOKEN_REFUSED, None, None)]


async def test_an_outage_of_both_sides_loses_nothing(world: World) -> None:
    await world.find(7)
    await world.deliver()
    world.provider.errors["list_invoices"] = ProviderDown()
    world.messenger.always[1] = NotSent()
    world.noon(DUE + DAY)
    await world.check()
    await world.deliver_for(HOUR, MINUTE)
    world.messenger.always.clear()
    await world.deliver_for(2 * MINUTE)
    assert world.told() == [(NEW, 7, None), (OVERDUE, 7, -1)]
