"""Earlier messages are edited once their invoices are settled, whatever goes wrong, and no extra message is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.domain.alerts import MESSAGES_KEPT, AlertKind, SentMessage
from bot.domain.chat_keys import key_of
from bot.domain.chats import Silence
from bot.errors import (
    ChatClosed,
    ChatGone,
    ChatMigrated,
    ChatNotFound,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
    TextRefused,
)
from bot.ports import Delivery
from bot.services.delivery import AlertSender
from tests.fakes import invoice, settled
from tests.services.world import DAY, DUE, HOUR, MINUTE, SECOND, World, member

NEW, DUE_SOON, CHANGED, SETTLED = AlertKind.NEW, AlertKind.DUE, AlertKind.CHANGED, AlertKind.SETTLED
TOKEN = "token-of-1xx"


async def told_of(world: World, *numbers: int) -> int:
    """Tell new invoices in one message. Return its id."""
    await world.find(*numbers)
    await world.deliver()
    return world.messenger.sent[-1].id


async def settle(world: World, *numbers: int, status: str = "Paid") -> None:
    """Settle invoices elsewhere, and let a check find it."""
    world.provider.account(TOKEN).put(*(settled(invoice(number, DUE), status) for number in numbers))
    world.clock.move(HOUR)
    await world.check()


@pytest.mark.parametrize("status", ["Paid", "Cancelled", "Refunded", "Something else"])
async def test_what_is_settled_elsewhere_is_struck_out_where_it_was_told_and_said_once(
    world: World, status: str
) -> None:
    message = await told_of(world, 7)
    await settle(world, 7, status=status)
    await world.deliver(3)
    for _ in range(5):
        world.clock.move(HOUR)
        await world.check()
        await world.deliver(2)
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
    assert await world.remembered() == []


async def test_what_nobody_was_told_of_is_settled_without_a_word(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.put(settled(invoice(7, DUE)))
    await world.live(DUE)
    assert world.told() == []
    assert world.edits() == []


async def test_all_messages_that_speak_of_it_are_edited(world: World) -> None:
    first = await told_of(world, 7)
    world.noon(DUE - 7 * DAY)
    await world.check()
    await world.deliver()  # and no time to fold the first
    second = world.messenger.sent[-1].id
    await settle(world, 7)
    await world.deliver()
    assert world.edits() == [(first, [7]), (second, [7])]


async def test_a_message_of_several_is_edited_for_each_that_is_settled_until_none_is_left(world: World) -> None:
    message = await told_of(world, 1, 2)
    await settle(world, 1)
    await world.deliver()
    assert await world.remembered() == [(message, [2])]
    await settle(world, 2)
    await world.deliver()
    assert world.edits() == [(message, [1]), (message, [1, 2])]
    assert await world.remembered() == []
    assert world.told() == [(NEW, 1, None), (NEW, 2, None), (SETTLED, 1, None), (SETTLED, 2, None)]


async def test_several_that_are_settled_at_once_are_one_edit_and_one_message(world: World) -> None:
    message = await told_of(world, 1, 2)
    await settle(world, 1, 2)
    await world.deliver()
    assert world.edits() == [(message, [1, 2])]
    assert world.messages()[1:] == [[(SETTLED, 1, None), (SETTLED, 2, None)]]


async def test_what_is_gone_at_the_provider_is_struck_out_too(world: World) -> None:
    message = await told_of(world, 7)
    world.provider.account(TOKEN).invoices.clear()
    for _ in range(2):
        world.clock.move(HOUR)
        await world.check()
        await world.deliver()
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]


async def test_what_was_paid_in_this_chat_is_struck_out_and_not_said_again(world: World) -> None:
    message = await told_of(world, 7)
    await world.press((await world.ask(7)).id)
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(2)
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None)]
    assert (await world.store.waiting_alerts(key_of(1))).waiting == 0


async def test_what_was_paid_in_another_chat_of_the_account_is_said_here(world: World) -> None:
    for chat_id in (1, 2):
        await world.link(chat_id)
    world.account.put(invoice(7, DUE))
    await world.live(DUE - 9 * DAY)
    await world.press((await world.ask(7, chat_id=2)).id, chat_id=2)
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(2)
    assert world.told(1) == [(NEW, 7, None), (SETTLED, 7, None)]
    assert world.told(2) == [(NEW, 7, None)]
    assert len(world.edits()) == 2


async def test_a_payment_here_that_was_called_off_does_not_keep_the_word_back(world: World) -> None:
    await told_of(world, 7)
    question = await world.ask(7)
    await world.payments.cancel(question.id, question.place, member(question.user_id), 77)
    await settle(world, 7)
    await world.deliver()
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]


async def test_a_muted_invoice_that_is_settled_is_struck_out_and_not_said(world: World) -> None:
    message = await told_of(world, 7)
    await world.silence(7, Silence(muted=True))
    await settle(world, 7)
    await world.deliver(2)
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None)]


@pytest.mark.parametrize("error", [ChatClosed, ChatNotFound, TextRefused, SendRefused])
async def test_a_message_that_can_not_be_edited_for_a_while_is_struck_out_later(
    world: World, error: type[SendRefused]
) -> None:
    message = await told_of(world, 7)
    await world.silence(7, Silence(muted=True))
    await settle(world, 7)
    world.messenger.edit_troubles.extend([error("not now")] * 2)
    await world.deliver_for(HOUR, MINUTE)
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None)]


async def test_an_edit_that_is_always_refused_is_given_up_after_days(world: World) -> None:
    await told_of(world, 7)
    await world.silence(7, Silence(muted=True))
    await settle(world, 7)
    world.messenger.edit_troubles.extend([SendRefused("odd")] * 20)
    await world.deliver_for(6 * DAY, HOUR)
    assert len(world.messenger.edit_troubles) >= 11
    assert await world.remembered() == []


async def test_an_old_message_in_a_closed_topic_holds_up_nothing_new(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    world.messenger.edit_troubles.extend([ChatClosed("TOPIC_CLOSED")] * 9)
    await world.deliver(3)
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]


async def test_a_snoozed_invoice_that_is_settled_is_said(world: World) -> None:
    await told_of(world, 7)
    await world.silence(7, Silence(until=world.clock.now + 3 * DAY))
    await settle(world, 7)
    await world.deliver(2)
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]


async def test_an_invoice_that_opens_again_after_that_is_told_and_can_be_settled_again(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    await world.deliver()
    world.provider.account(TOKEN).put(invoice(7, DUE))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver()
    again = world.messenger.sent[-1].id
    await settle(world, 7)
    await world.deliver()
    assert [kind for kind, _, _ in world.told()] == [NEW, SETTLED, AlertKind.REOPENED, SETTLED]
    assert world.edits()[1:] == [(again, [7])]


async def test_an_invoice_that_opens_again_before_it_was_said_is_not_struck_out(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    world.provider.account(TOKEN).put(invoice(7, DUE))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver(2)
    assert world.edits() == []


# --- Edits that fail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [NotSent(), TelegramDown(), DeliveryUncertain(), FloodLimited(2)], ids=lambda error: type(error).__name__
)
async def test_an_edit_that_fails_is_made_again_and_the_message_comes_once_and_unmarked(
    world: World, error: MessengerError
) -> None:
    message = await told_of(world, 7)
    await settle(world, 7)
    world.messenger.edit_troubles.extend([error, error])
    await world.deliver_for(10 * MINUTE, 10 * SECOND)
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
    assert world.marks() == [False, False]


async def test_a_flood_limit_on_an_edit_is_waited_out_exactly(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    world.messenger.edit_troubles.append(FloodLimited(37))
    await world.deliver()
    world.clock.move(36.9 * SECOND)
    await world.deliver()
    assert world.edits() == []
    world.clock.move(0.1 * SECOND)
    await world.deliver()
    assert len(world.edits()) == 1


async def test_an_edit_that_is_refused_does_not_keep_the_word_back(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    world.messenger.edit_troubles.append(SendRefused("Bad Request: something new"))
    await world.deliver(3)
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
    assert await world.remembered() == []


async def test_a_bug_in_an_edit_holds_up_nothing_for_good(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    world.messenger.edit_troubles.extend([KeyError("a bug in a view")] * 100)
    await world.deliver_for(30 * MINUTE, MINUTE)
    world.clock.move(HOUR)
    await world.find(8)
    await world.deliver()
    assert (NEW, 8, None) in world.told()


async def test_a_word_that_is_uncertain_comes_again_marked_and_the_edit_is_not_made_again(world: World) -> None:
    message = await told_of(world, 7)
    await settle(world, 7)
    world.messenger.lost[1].append(DeliveryUncertain())
    await world.deliver_for(70 * SECOND, 10 * SECOND)
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None), (SETTLED, 7, None)]
    assert world.marks() == [False, False, True]
    assert world.edits() == [(message, [7])]


async def test_an_edit_in_a_chat_that_is_gone_rests_it_and_is_made_once_it_is_back(world: World) -> None:
    message = await told_of(world, 7)
    await settle(world, 7)
    world.messenger.edit_troubles.append(ChatGone("blocked"))
    await world.deliver(3)
    assert (await world.chat()).resting == "blocked"
    await world.store.wake(1, world.clock.now)
    await world.check()
    await world.deliver_for(2 * MINUTE)
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]


async def test_what_is_settled_after_a_group_has_moved_is_told_and_nothing_edited(world: World) -> None:
    await told_of(world, 7)
    world.messenger.troubles[1].append(ChatMigrated(-100))
    world.clock.move(HOUR)
    await world.find(8)
    await world.deliver(3)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver()
    assert world.edits() == []
    assert world.told(-100) == [(NEW, 8, None), (SETTLED, 7, None)]


async def test_a_group_that_moves_at_an_edit_is_told_at_its_new_place(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    world.messenger.edit_troubles.append(ChatMigrated(-100))
    await world.deliver(3)
    assert world.edits() == []
    assert world.told(-100) == [(SETTLED, 7, None)]


async def test_an_edit_that_never_ends_is_given_up_and_made_again(world: World) -> None:
    impatient = AlertSender(
        world.store, world.store, world.messenger, world.clock, world.plan, world.workers, send_within=0.01 * SECOND
    )
    message = await told_of(world, 7)
    await settle(world, 7)
    resolve = world.messenger.resolve

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    world.messenger.resolve = hang  # type: ignore[assignment]
    await impatient.tick()
    await world.workers.finish()
    world.messenger.resolve = resolve  # type: ignore[method-assign]
    await world.deliver_for(HOUR, MINUTE)
    assert world.edits() == [(message, [7])]


# --- What is remembered to be edited ---------------------------------------------------------------------------------


async def test_what_may_have_come_unseen_is_still_told_to_be_settled_though_nothing_can_be_edited(
    world: World,
) -> None:
    await world.find(7)
    world.messenger.lost[1].extend([DeliveryUncertain(), DeliveryUncertain()])
    await world.deliver()
    world.clock.move(HOUR)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE), "Cancelled"))
    await world.check()
    await world.deliver_for(HOUR, MINUTE)
    await world.live(DUE)
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
    assert world.edits() == []


async def test_the_oldest_messages_are_forgotten_beyond_what_is_kept(world: World) -> None:
    first = await told_of(world, 7)
    for number in range(MESSAGES_KEPT):
        world.clock.move(HOUR / 4)
        world.provider.account(TOKEN).put(replace(invoice(7, DUE, f"{20 + number}.00")))
        await world.check()
        await world.deliver()
    kept = [message for message, _ in await world.remembered()]
    assert len(kept) == MESSAGES_KEPT
    assert first not in kept


@pytest.mark.parametrize("token", [TOKEN, "a-new-token-of-1xx"])
async def test_after_linking_anew_old_messages_of_the_same_invoices_are_edited_once_they_are_settled(
    world: World, token: str
) -> None:
    message = await told_of(world, 7)
    world.provider.accounts[token] = world.provider.account(TOKEN)
    await world.link(token=token)
    assert await world.remembered() == [(message, [7])]
    await settle(world, 7)
    await world.deliver()
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]


async def test_what_an_older_message_says_too_is_told_where_linking_anew_has_shown_something_else(world: World) -> None:
    await told_of(world, 7)
    account = (await world.linked()).account
    await world.store.silence(key_of(1), account, {7: Silence(muted=True)}, world.clock.now)
    world.provider.account(TOKEN).put(invoice(7, DUE + 14 * DAY))
    world.clock.move(HOUR)
    await world.check()
    await world.link(token=TOKEN)
    await world.store.silence(key_of(1), account, {7: None}, world.clock.now)
    world.provider.account(TOKEN).put(invoice(7, DUE))
    world.clock.move(HOUR)
    await world.check()
    await world.deliver()
    assert world.told() == [(NEW, 7, None), (CHANGED, 7, None)]


async def test_what_was_settled_before_a_chat_was_linked_anew_is_struck_out_then(world: World) -> None:
    message = await told_of(world, 7)
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    await world.link(token=TOKEN)
    world.clock.move(HOUR)
    await world.check()
    await world.deliver()
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]


async def test_after_a_flood_in_between_the_edits_go_on_where_they_ended(world: World) -> None:
    messages = [await told_of(world, 7)]
    for days in (7, 3, 1):
        world.noon(DUE - days * DAY)
        await world.check()
        await world.deliver()
        messages.append(world.messenger.sent[-1].id)
    await settle(world, 7)
    world.messenger.edit_troubles.extend([None, None, FloodLimited(30)])
    await world.deliver()
    assert [number for number, _ in world.edits()] == messages[:2]
    await world.deliver_for(31 * SECOND)
    assert [number for number, _ in world.edits()] == messages
    assert world.told()[-1] == (SETTLED, 7, None)


async def test_slow_edits_are_given_up_before_the_lease_ends_and_nothing_is_sent_twice(world: World) -> None:
    await told_of(world, 7)
    await settle(world, 7)
    hasty = AlertSender(
        world.store, world.store, world.messenger, world.clock, world.plan, world.workers, send_within=0.02 * SECOND
    )
    resolve = world.messenger.resolve

    async def for_ever(message: SentMessage, delivery: Delivery) -> None:
        await asyncio.Event().wait()

    world.messenger.resolve = for_ever  # type: ignore[method-assign]
    await hasty.tick()
    await world.workers.finish()
    assert world.told() == [(NEW, 7, None)]
    world.messenger.resolve = resolve  # type: ignore[method-assign]
    await world.deliver_for(HOUR, MINUTE)
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
    assert world.marks() == [False, False]


async def test_of_many_messages_each_open_invoices_latest_one_is_remembered(world: World) -> None:
    first = await told_of(world, 7)
    for number in range(100, 101 + MESSAGES_KEPT):
        world.clock.move(HOUR)
        await told_of(world, number)
    await settle(world, 7)
    await world.deliver()
    assert world.edits() == [(first, [7])]
    assert world.told()[-1] == (SETTLED, 7, None)


async def test_an_edit_that_was_refused_in_the_night_is_made_in_the_morning(world: World) -> None:
    message = await told_of(world, 7)
    world.at(DUE - 10 * DAY, 23)
    world.messenger.edit_troubles.append(SendRefused("Bad Request: something new"))
    world.provider.account(TOKEN).put(settled(invoice(7, DUE)))
    await world.check()
    await world.deliver()
    assert world.edits() == []
    world.at(DUE - 9 * DAY, 8)
    await world.deliver()
    assert world.edits() == [(message, [7])]
    assert world.told() == [(NEW, 7, None), (SETTLED, 7, None)]
