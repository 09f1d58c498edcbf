"""What becomes of an alert, by what Telegram answers, or if it doesn't."""

from __future__ import annotations

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.errors import (
    ChatGone,
    ChatMigrated,
    FloodLimited,
    NotSent,
    TextRefused,
)
from bot.services.delivery import DELIVERY_LEASE, MAX_SEND_TRIES, SEND_WITHIN, AlertSender
from tests.fakes import Gate, invoice
from tests.services.world import DAY, DUE, HOUR, MINUTE, SECOND, World

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE


async def test_a_chat_that_is_gone_rests_keeps_its_data_and_hears_all_once_it_is_back(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = ChatGone("Forbidden: bot was blocked by the user")
    await world.deliver(5)
    chat = await world.chat()
    assert chat.resting == "Forbidden: bot was blocked by the user"
    assert chat.link is not None
    assert len(world.messenger.tries) == 1
    await world.deliver_for(HOUR, MINUTE)
    assert len(world.messenger.tries) == 1
    world.messenger.always.clear()
    await world.restart()
    await world.store.wake(1, world.clock.now)
    await world.deliver_for(29 * SECOND)
    assert world.numbers() == []  # its check comes first
    await world.deliver_for(SECOND)
    assert world.numbers() == [7]
    assert world.marks() == [False]


async def test_a_group_that_became_a_supergroup_takes_everything_along(world: World) -> None:
    await world.find(1, 2)
    world.messenger.troubles[1].append(ChatMigrated(-100))
    await world.deliver(5)
    assert world.numbers(-100) == [1, 2]
    assert (await world.linked(-100)).place.chat_id == -100
    assert (await world.chat(1)).id == -100  # buttons of older messages name the old id
    world.clock.move(HOUR)
    world.provider.account("token-of-1xx").put(invoice(3, DUE))
    await world.check()
    await world.deliver()
    assert world.numbers(-100) == [1, 2, 3]


async def test_a_flood_limit_is_waited_out_exactly_and_costs_no_try(world: World) -> None:
    await world.find(7)
    for _ in range(MAX_SEND_TRIES + 2):
        world.messenger.troubles[1].append(FloodLimited(37))
    for tried in range(1, MAX_SEND_TRIES + 3):
        await world.deliver()
        assert len(world.messenger.tries) == tried
        world.clock.move(36.9 * SECOND)
        await world.deliver()
        assert len(world.messenger.tries) == tried
        world.clock.move(0.1 * SECOND)
    await world.deliver()
    assert world.numbers() == [7]
    assert world.marks() == [False]


async def test_a_flood_limit_of_one_chat_holds_up_no_other(world: World) -> None:
    await world.find(7, chat_id=1)
    await world.find(7, chat_id=2)
    world.messenger.always[1] = FloodLimited(3600)
    await world.deliver(3)
    assert world.numbers(1) == []
    assert world.numbers(2) == [7]


async def test_what_was_surely_not_sent_is_tried_for_days_and_comes_unmarked(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = NotSent()
    await world.deliver_for(2 * DAY, 20 * MINUTE)
    assert len(world.messenger.tries) > MAX_SEND_TRIES
    world.messenger.always.clear()
    await world.deliver_for(10 * MINUTE, MINUTE)
    assert world.numbers() == [7]
    assert world.marks() == [False]


async def test_after_a_short_break_of_the_connection_the_next_try_comes_within_seconds(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].append(NotSent())
    await world.deliver_for(4 * SECOND)
    assert world.numbers() == [7]


async def test_after_a_long_break_of_the_connection_the_next_try_comes_within_a_minute(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = NotSent()
    await world.deliver_for(DAY, 30 * MINUTE)
    world.messenger.always.clear()
    await world.deliver_for(MINUTE)
    assert world.numbers() == [7]


async def test_a_break_of_the_connection_is_not_hammered_at(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = NotSent()
    await world.deliver_for(10 * MINUTE)
    assert len(world.messenger.tries) < 30


@pytest.mark.parametrize("error", [TextRefused("Bad Request: message is too long"), ValueError("a bug in a view")])
async def test_a_text_that_telegram_refuses_is_set_aside_after_its_tries_and_the_next_goes_on(
    world: World, error: Exception
) -> None:
    await world.find(1, 2)
    world.messenger.troubles[1].extend([error] * MAX_SEND_TRIES)
    await world.deliver_for(6 * MINUTE)
    assert world.numbers() == [2]
    assert len(world.messenger.tries) == MAX_SEND_TRIES + 1
    left = await world.store.waiting_alerts(key_of(1))
    assert (left.waiting, left.set_aside) == (0, 1)
    assert (await world.chat()).resting is None


async def test_a_text_that_telegram_refuses_is_tried_again_after_longer_and_longer_waits(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = TextRefused("Bad Request: message is too long")
    tried = []
    for second in range(400):
        before = len(world.messenger.tries)
        await world.deliver()
        tried += [second] * (len(world.messenger.tries) - before)
        world.clock.move(SECOND)
    assert tried == [0, 2, 12, 62, 312]


async def test_a_long_outage_uses_up_no_try_of_what_is_refused_once_afterwards(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = NotSent()
    await world.deliver_for(2 * HOUR, 3 * MINUTE)
    world.messenger.always.clear()
    world.messenger.troubles[1].append(TextRefused("Bad Request: hiccup"))
    await world.deliver_for(20 * MINUTE, 20 * SECOND)
    assert world.numbers() == [7]


async def test_a_send_that_never_ends_counts_as_uncertain_before_its_lease_is_over(world: World) -> None:
    assert SEND_WITHIN < DELIVERY_LEASE
    impatient = AlertSender(
        world.store, world.store, world.messenger, world.clock, world.plan, world.workers, send_within=0.01 * SECOND
    )
    await world.find(7)
    world.messenger.held_chats[1] = Gate()
    await impatient.tick()
    await world.workers.finish()
    assert world.workers.free == 50
    world.messenger.held_chats.clear()
    await world.deliver_for(70 * SECOND)
    assert world.numbers() == [7]
    assert world.marks() == [True]
