"""Relevance: alerts about things that have changed before it is their turn."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.domain.alerts import AlertKind, SentMessage, as_shown
from bot.domain.chat_keys import key_of
from bot.domain.chats import Silence, Trouble
from bot.domain.deliveries import is_relevant, is_told_elsewhere, message_to_edit, uncertain_message
from bot.domain.standings import Standing
from bot.errors import NotSent, PermissionMissing, ProviderDown, ProviderError, TelegramDown, TokenRefused
from bot.ports import Delivery
from tests.fakes import Gate, invoice, settled
from tests.services.world import DAY, DUE, HOUR, MINUTE, START, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE
CHANGED, SETTLED = AlertKind.CHANGED, AlertKind.SETTLED
TOKEN = "token-of-1xx"


async def found(world: World) -> None:
    """Find a new invoice. An hour later the next check follows."""
    await world.find(7)
    world.clock.move(HOUR)


async def reminded(world: World) -> None:
    """Tell a new invoice. On its due date a reminder waits to be delivered."""
    await world.find(7)
    await world.deliver()
    world.noon(DUE)
    await world.check()
    world.clock.move(HOUR)


async def look(world: World) -> None:
    await world.check()
    await world.deliver(3)
    assert (await world.store.waiting_alerts(key_of(1))).waiting == 0


# --- Invoices that stand otherwise by now ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Cancelled", "Refunded", "Draft"])
async def test_a_new_invoice_that_was_withdrawn_before_it_was_told_is_never_mentioned(
    world: World, status: str
) -> None:
    await found(world)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE), status))
    await look(world)
    assert world.told() == []


async def test_a_new_invoice_that_was_paid_before_it_was_told_is_told_as_it_is(world: World) -> None:
    await found(world)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    await look(world)
    assert world.told() == [(NEW, 7, None)]
    assert world.messenger.sent[0].delivery.known[7].standing is Standing.PAID
    assert await world.remembered() == []


async def test_a_new_invoice_that_is_gone_before_it_was_told_is_never_mentioned(world: World) -> None:
    await found(world)
    world.provider.account(TOKEN).invoices.clear()
    for _ in range(2):
        world.clock.move(HOUR)
        await world.check()
    await world.deliver(2)
    assert world.told() == []


async def test_a_reminder_of_what_credit_came_to_cover_meanwhile_is_dropped(world: World) -> None:
    await reminded(world)
    one = invoice(7, DUE)
    world.provider.account(TOKEN).put(replace(one, credit=one.total))
    await look(world)
    assert world.told() == [(NEW, 7, None)]


async def test_a_reminder_of_a_due_date_that_moved_meanwhile_becomes_the_news_that_it_moved(world: World) -> None:
    await reminded(world)
    world.provider.account(TOKEN).put(invoice(7, DUE + 60 * DAY))
    await look(world)
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, None)]


async def test_a_reminder_of_what_was_paid_meanwhile_is_dropped_and_the_earlier_message_says_so(world: World) -> None:
    await reminded(world)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    await look(world)
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
    assert world.edits() == [(world.messenger.sent[0].id, [7])]


async def test_a_reminder_that_was_snoozed_while_it_waited_comes_when_the_snooze_ends(world: World) -> None:
    await reminded(world)
    await world.silence(7, Silence(until=world.clock.now + 3 * HOUR))
    await look(world)
    assert world.told() == [(NEW, 7, None)]
    world.clock.move(3 * HOUR)
    await look(world)
    assert world.told() == [(NEW, 7, None), (DUE_SOON, 7, None)]


async def test_a_change_that_was_taken_back_before_it_was_told_is_dropped(world: World) -> None:
    await world.find(7)
    await world.deliver()
    world.clock.move(HOUR)
    world.provider.account(TOKEN).put(invoice(7, DUE, "9.99"))
    await world.check()
    world.clock.move(HOUR)
    world.provider.account(TOKEN).put(invoice(7, DUE))
    await look(world)
    assert world.told() == [(NEW, 7, None)]


async def test_a_change_that_counts_as_a_reminder_is_told_though_credit_covers_the_sum_by_then(world: World) -> None:
    await world.find(7)
    await world.deliver()
    world.noon(DUE - 7 * DAY)
    moved = invoice(7, DUE - DAY)
    world.provider.account(TOKEN).put(moved)
    await world.check()
    world.provider.account(TOKEN).put(replace(moved, credit=moved.total))
    await look(world)
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, 7)]


async def test_the_alert_says_how_things_stand_when_it_is_sent(world: World) -> None:
    await found(world)
    world.provider.account(TOKEN).put(invoice(7, DUE + 3 * DAY, "9.99"))
    await look(world)
    assert world.told() == [(NEW, 7, None)]  # still new, not a change of what nobody has heard of
    known = world.messenger.sent[0].delivery.known[7]
    assert (known.due, str(known.left)) == (DUE + 3 * DAY, "9.99")


async def test_a_reminder_that_got_stuck_is_not_told_beside_the_newer_one(world: World) -> None:
    """An outage of days left its send uncertain. Both would say the same: how things stand now."""
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


async def test_a_reminder_that_got_stuck_says_nothing_once_its_due_date_has_moved(world: World) -> None:
    await reminded(world)
    world.messenger.troubles[1].append(TelegramDown())
    await world.deliver()
    world.provider.account(TOKEN).put(invoice(7, DUE + 60 * DAY))
    world.clock.move(HOUR)
    await look(world)
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, None)]
    assert world.marks() == [False, False]


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


# --- Links that are others by now ------------------------------------------------------------------------------------


async def test_alerts_of_an_account_that_the_chat_is_no_longer_linked_to_are_dropped(world: World) -> None:
    await world.find(7)
    await world.link(token="token-of-another")
    await world.deliver(3)
    assert world.told() == []


async def delivery_of(world: World) -> Delivery:
    await world.find(7)
    await world.deliver()
    return world.messenger.sent[0].delivery


async def test_an_alert_has_no_point_for_a_chat_that_is_linked_otherwise_or_not_at_all(world: World) -> None:
    delivery = await delivery_of(world)
    (alert,), chat, link = delivery.alerts, delivery.chat, await world.linked()
    other = replace(delivery, chat=replace(chat, link=replace(link, account="another")))
    assert is_relevant(alert, delivery, START)
    assert not is_relevant(alert, other, START)
    assert not is_relevant(alert, replace(delivery, chat=replace(chat, link=None)), START)


async def test_an_alert_under_way_while_the_chat_is_unlinked_ends_quietly(world: World) -> None:
    await world.find(7)
    world.messenger.gate = gate = Gate()
    await world.alert_sender.tick()
    await asyncio.wait_for(gate.reached.wait(), 5)
    await world.linking.unlink(await world.chat())
    gate.open()
    await world.workers.finish()
    await world.deliver(3)
    assert world.numbers() == [7]
    assert (await world.chat()).link is None


# --- Alerts about the account ----------------------------------------------------------------------------------------


async def test_an_alert_about_the_token_is_told_while_the_trouble_lasts(world: World) -> None:
    await world.link()
    await world.refuse(TokenRefused(), DUE)
    await world.deliver(2)
    assert world.told() == [(AlertKind.TOKEN_REFUSED, None, None)]


@pytest.mark.parametrize("error", [TokenRefused(), PermissionMissing("x")], ids=lambda error: type(error).__name__)
async def test_a_trouble_that_ended_before_it_was_told_is_never_mentioned(world: World, error: ProviderError) -> None:
    await world.link()
    await world.refuse(error, DUE)
    del world.provider.errors["list_invoices"]
    await world.checker.check_now(await world.chat())
    await world.deliver(3)
    assert world.told() == []


async def test_an_outage_that_ended_before_it_was_told_is_never_mentioned(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    for days in (-3, -2):
        world.noon(DUE + days * DAY)
        await world.check()
    del world.provider.errors["list_invoices"]
    world.clock.move(HOUR)
    await look(world)
    assert world.told() == []


async def test_an_outage_that_a_refused_token_turned_out_to_be_is_told_as_that_alone(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    for days in (-3, -2):
        world.noon(DUE + days * DAY)
        await world.check()
    await world.refuse(TokenRefused(), DUE)
    await look(world)
    assert world.told() == [(AlertKind.TOKEN_REFUSED, None, None)]


async def test_a_digest_has_no_point_once_nothing_is_open(world: World) -> None:
    delivery = await delivery_of(world)
    digest = replace(delivery.alerts[0], kind=AlertKind.DIGEST, invoice_id=None)
    paid = {7: replace(delivery.known[7], standing=Standing.PAID)}
    assert is_relevant(digest, delivery, START)
    assert not is_relevant(digest, replace(delivery, known=paid), START)


async def test_trouble_is_told_of_for_as_long_as_it_lasts_whichever_it_is(world: World) -> None:
    delivery = await delivery_of(world)
    alert = replace(delivery.alerts[0], kind=AlertKind.TOKEN_REFUSED, invoice_id=None)
    link = await world.linked()
    for trouble, told in ((Trouble.TOKEN_REFUSED, True), (None, False)):
        watched = replace(link, watch=replace(link.watch, trouble=trouble))
        assert is_relevant(alert, replace(delivery, chat=replace(delivery.chat, link=watched)), START) is told


# --- What the person knows already, and what is remembered -----------------------------------------------------------


async def test_a_settled_invoice_is_not_told_if_it_was_paid_here_or_muted(world: World) -> None:
    delivery = await delivery_of(world)
    ended = replace(delivery.alerts[0], kind=SETTLED)
    muted = replace(delivery.chat, silences={7: Silence(muted=True)})
    assert not is_told_elsewhere(ended, delivery)
    assert is_told_elsewhere(ended, replace(delivery, paid_here=frozenset({7})))
    assert is_told_elsewhere(ended, replace(delivery, chat=muted))
    assert not is_told_elsewhere(replace(ended, kind=NEW), replace(delivery, paid_here=frozenset({7})))


async def test_only_what_a_message_says_of_open_invoices_is_remembered(world: World) -> None:
    delivery = await delivery_of(world)
    (alert,), known = delivery.alerts, delivery.known[7]
    both = replace(delivery, known={7: known, 8: replace(known, id=8, standing=Standing.PAID)})
    alerts = (alert, replace(alert, invoice_id=8), replace(alert, invoice_id=None, kind=AlertKind.OUTAGE))
    assert message_to_edit(alerts, both, 5, START, {}) == SentMessage(alert.place, 5, START, (as_shown(known, NEW),))
    assert message_to_edit(alerts[1:], both, 5, START, {}) is None


async def test_what_may_have_been_seen_is_remembered_without_a_message_id(world: World) -> None:
    delivery = await delivery_of(world)
    trace = SentMessage(delivery.alerts[0].place, None, START, (as_shown(delivery.known[7], NEW),))
    assert uncertain_message(delivery, START) is None
    assert uncertain_message(replace(delivery, again=True), START) == trace
