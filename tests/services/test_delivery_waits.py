"""How long alerts wait: after an unknown outcome, before a closed chat, and after a refusal that nobody understands."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.chats import QuietHours
from bot.domain.deliveries import LONGEST_CLOSED_WAIT
from bot.domain.standings import Standing
from bot.errors import (
    ChatClosed,
    ChatNotFound,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    StoreAway,
    TelegramDown,
    TextRefused,
)
from bot.ports import Claim
from bot.services.delivery import MAX_SEND_TRIES, AlertSender
from tests.fakes import invoice, settled
from tests.services.world import BERLIN, DAY, DUE, HOUR, MINUTE, SECOND, World
from tests.store.backends import folder_of

UNKNOWN = [DeliveryUncertain(), TelegramDown()]
CLOSED = ChatClosed("Bad Request: not enough rights to send text messages to the chat")
NOT_FOUND = ChatNotFound("Bad Request: chat not found")
STRANGE = SendRefused("Bad Request: something new")


async def tried_at(world: World, span: timedelta) -> list[timedelta]:
    """Let time pass, from one due message to the next. Return when something was tried, counted from now on."""
    begun, tried = world.clock.now, []
    while world.clock.now <= begun + span:
        before = len(world.messenger.tries)
        await world.deliver()
        tried += [world.clock.now - begun] * (len(world.messenger.tries) - before)
        queue = folder_of(world.store).chats.messages
        due = queue._heap[0][0] if queue._heap else begun + span
        world.clock.set(max(due, world.clock.now + SECOND))
    world.clock.set(begun + span)
    return tried


def at(tried: list[timedelta], begun: datetime) -> list[str]:
    return [f"{(begun + after).astimezone(BERLIN):%a %H:%M}" for after in tried]


# --- Unknown outcomes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", UNKNOWN, ids=lambda error: type(error).__name__)
async def test_an_unknown_outcome_is_repeated_ever_more_rarely_and_then_once_a_day_at_the_reminder_hour(
    world: World, error: MessengerError
) -> None:
    world.noon(DUE - 14 * DAY)
    await world.find(7)
    begun = world.clock.now
    world.messenger.always[1] = error
    tried = await tried_at(world, 5 * DAY)
    assert at(tried, begun) == [
        "Mon 13:00", "Mon 13:01", "Mon 13:06", "Mon 13:31", "Mon 15:31",
        "Tue 09:00", "Wed 09:00", "Thu 09:00", "Fri 09:00", "Sat 09:00",
    ]  # fmt: skip
    left = await world.store.waiting_alerts(key_of(1))
    assert (left.waiting, left.set_aside) == (1, 0)
    world.messenger.always.clear()
    await tried_at(world, DAY)
    assert world.numbers() == [7]
    assert world.marks() == [True]


async def test_it_is_never_given_up_and_comes_once_there_is_a_definite_outcome(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = DeliveryUncertain()
    assert len(await tried_at(world, 30 * DAY)) == pytest.approx(34, abs=1)
    world.messenger.always.clear()
    world.provider.account("token-of-1xx").put(invoice(7, world.clock.now.date() + 30 * DAY))
    await tried_at(world, DAY)
    assert world.numbers() == [7]


async def test_a_repetition_follows_the_hour_and_the_quiet_hours_that_the_chat_has_chosen(world: World) -> None:
    world.at(DUE - 14 * DAY, 19)
    await world.find(7)
    await world.prefer(hour=18, quiet=QuietHours(20, 10))
    world.clock.move(-HOUR)
    begun = world.clock.now
    world.messenger.always[1] = DeliveryUncertain()
    tried = await tried_at(world, 2 * DAY)
    assert at(tried, begun)[4:] == ["Tue 10:00", "Tue 18:00", "Wed 18:00"]  # half past nine in the evening was quiet


async def test_a_repetition_says_how_things_stand_then_and_nothing_that_is_over(world: World) -> None:
    account = world.provider.account("token-of-1xx")
    await world.find(1, 2)
    world.messenger.always[1] = DeliveryUncertain()
    await world.deliver()
    world.messenger.always.clear()
    account.put(settled(account.invoices[1]), invoice(2, DUE, "99.00"))
    world.clock.move(15 * MINUTE)
    await world.check()
    await world.deliver(3)
    assert world.told() == [(AlertKind.NEW, 1, None), (AlertKind.NEW, 2, None)]
    assert world.marks() == [True, True]
    known = world.messenger.sent[-1].delivery.known
    assert (known[1].standing, known[2].left) == (Standing.PAID, Decimal("99.00"))


async def test_a_repetition_of_what_is_over_does_not_come(world: World) -> None:
    account = world.provider.account("token-of-1xx")
    await world.find(7)
    await world.deliver()
    world.messenger.always[1] = DeliveryUncertain()
    await world.live(DUE)
    world.messenger.always.clear()
    account.put(settled(account.invoices[7]))
    world.clock.move(15 * MINUTE)
    await world.check()
    await tried_at(world, 3 * DAY)
    assert [kind for kind, _, _ in world.told()] == [AlertKind.NEW, AlertKind.SETTLED]
    assert world.marks() == [False, False]


async def test_what_may_have_arrived_holds_up_no_other_alert(world: World) -> None:
    await world.find(1)
    world.messenger.troubles[1].extend([DeliveryUncertain()] * 5)
    await tried_at(world, 3 * HOUR)
    await world.find(2)
    await world.deliver()
    assert world.numbers() == [2]
    assert world.marks() == [False]
    await tried_at(world, DAY)
    assert world.numbers() == [2, 1]
    assert world.marks() == [False, True]


async def test_in_an_outage_that_telegram_notices_itself_a_repetition_waits_for_its_end_and_comes_soon_after(
    world: World,
) -> None:
    await world.find(7)
    world.messenger.troubles[1].append(TelegramDown())
    await world.deliver()
    world.messenger.always[1] = NotSent()  # it was asked for before the repetition, and did not answer
    await tried_at(world, HOUR)
    world.messenger.always.clear()
    assert (await tried_at(world, 2 * MINUTE))[0] <= MINUTE
    assert world.numbers() == [7]
    assert world.marks() == [True]


async def test_kills_during_repetitions_keep_their_distance(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = DeliveryUncertain()
    await world.deliver()  # to be repeated in a minute
    world.messenger.always.clear()
    for waits in (1, 5, 25, 120):
        world.clock.move(timedelta(minutes=waits) - SECOND)
        await world.deliver()
        assert world.messenger.sent == []
        world.clock.move(SECOND)
        assert len(await world.store.claim_alerts(world.clock.now, 1, MINUTE)) == 1
        await world.restart()
    world.clock.move(DAY)
    await world.deliver()
    assert world.marks() == [True]


async def test_a_lease_that_ran_out_during_a_repetition_holds_up_no_other_alert(world: World) -> None:
    await world.find(1)
    world.messenger.troubles[1].extend([DeliveryUncertain()] * 3)
    await tried_at(world, 30 * MINUTE)
    world.clock.move(MINUTE)
    assert len(await world.store.claim_alerts(world.clock.now, 1, MINUTE)) == 1  # and nothing more is heard of it
    await world.find(2)
    await world.deliver()
    assert world.numbers() == []
    world.clock.move(MINUTE)
    await world.deliver()
    assert world.numbers() == [2]
    assert await tried_at(world, 3 * HOUR) == [2 * HOUR - MINUTE]
    assert world.numbers() == [2, 1]


async def test_a_database_that_is_away_for_a_moment_makes_no_refusal_a_repetition(world: World) -> None:
    await world.find(7)
    failed, tries = world.store.alerts_failed, []

    async def is_away_at_first(claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        tries.append(retry_at)
        if len(tries) < 5:
            raise StoreAway
        return await failed(claim, retry_at, uncertain=uncertain, counts=counts)

    world.store.alerts_failed = is_away_at_first
    world.messenger.troubles[1].append(FloodLimited(5))
    await patient(world).tick()
    await world.workers.finish()
    await world.deliver_for(MINUTE)
    assert world.marks() == [False]


async def test_a_database_that_is_away_counts_against_no_alert(world: World) -> None:
    await world.find(7)
    await world.deliver()
    account = world.provider.account("token-of-1xx")
    account.put(settled(account.invoices[7]))
    world.clock.move(15 * MINUTE)
    await world.check()

    async def is_away(claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        raise StoreAway

    edited, world.store.message_edited = world.store.message_edited, is_away
    for _ in range(MAX_SEND_TRIES + 1):
        await patient(world).tick()
        await world.workers.finish()
        world.clock.move(HOUR)
    world.store.message_edited = edited
    await world.deliver_for(DAY, HOUR)
    assert world.told()[-1][0] is AlertKind.SETTLED


def patient(world: World) -> AlertSender:
    """Return an alert sender whose waits move the clock."""

    async def wait(seconds: float) -> None:
        world.clock.move(timedelta(seconds=seconds))

    outside = (world.messenger, world.clock, world.plan, world.workers)
    return AlertSender(world.store, world.store, *outside, sleep=wait)


# --- Closed chats ----------------------------------------------------------------------------------------------------


async def test_before_a_closed_chat_all_alerts_wait_ever_more_slowly_and_come_unmarked(world: World) -> None:
    await world.find(1)
    world.messenger.always[1] = CLOSED
    tried = await tried_at(world, 8 * HOUR)
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits == sorted(waits)
    assert waits[0] == MINUTE
    assert waits[-1] == LONGEST_CLOSED_WAIT
    assert len(tried) < 25
    await world.find(2)
    world.messenger.always.clear()
    await tried_at(world, HOUR)
    assert world.messages() == [[(AlertKind.NEW, 1, None), (AlertKind.NEW, 2, None)]]
    assert world.marks() == [False]
    assert (await world.chat()).closure is None


async def test_a_closed_chat_is_tried_for_days(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = CLOSED
    await tried_at(world, 3 * DAY)
    chat, left = await world.chat(), await world.store.waiting_alerts(key_of(1))
    assert chat.resting is None
    assert (left.waiting, left.set_aside) == (1, 0)


async def test_a_sign_that_a_chat_is_open_wakes_its_alerts_at_once(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = CLOSED
    await tried_at(world, 8 * HOUR)
    world.messenger.always.clear()
    assert await world.store.wake(1, world.clock.now)
    await world.deliver()
    assert world.numbers() == [7]
    assert not await world.store.wake(1, world.clock.now)


async def test_a_sign_that_a_chat_is_open_ends_neither_a_flood_limit_nor_quiet_hours(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].extend([CLOSED, FloodLimited(600)])
    await world.deliver()
    world.clock.move(MINUTE)
    await world.deliver()
    await world.store.wake(1, world.clock.now)
    world.clock.move(599 * SECOND)
    await world.deliver()
    assert world.numbers() == []
    world.clock.move(SECOND)
    await world.deliver()
    assert world.numbers() == [7]


async def test_a_chat_that_is_not_found_rests_only_after_a_day_of_it(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = NOT_FOUND
    await tried_at(world, DAY - MINUTE)
    assert (await world.chat()).resting is None
    await tried_at(world, 2 * HOUR)
    assert (await world.chat()).resting == NOT_FOUND.reason
    world.messenger.always.clear()
    await world.store.wake(1, world.clock.now)
    await world.check()
    await world.deliver()
    assert world.numbers() == [7]
    assert world.marks() == [False]


async def test_a_chat_that_was_found_in_between_does_not_rest(world: World) -> None:
    await world.find(7)
    world.messenger.always[1] = NOT_FOUND
    await tried_at(world, 20 * HOUR)
    world.messenger.troubles[1].append(CLOSED)  # Telegram knows it
    await tried_at(world, 20 * HOUR)
    assert (await world.chat()).resting is None


async def test_a_chat_that_gets_a_new_id_is_not_closed_there(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].append(CLOSED)
    await world.deliver()
    await world.store.move_chat(1, -1001)
    await world.deliver()
    assert world.numbers(-1001) == [7]


# --- Refusals for an unknown reason ----------------------------------------------------------------------------------


async def test_a_refusal_that_nobody_understands_is_never_given_up_and_holds_up_no_other(world: World) -> None:
    await world.find(1)
    world.messenger.troubles[1].extend([STRANGE] * 8)
    begun = world.clock.now
    tried = await tried_at(world, 3 * DAY)
    assert at(tried, begun)[:7] == [
        "Mon 13:00", "Mon 13:01", "Mon 13:06", "Mon 13:31", "Mon 15:31", "Tue 09:00", "Wed 09:00",
    ]  # fmt: skip
    left = await world.store.waiting_alerts(key_of(1))
    assert (left.waiting, left.set_aside) == (1, 0)
    await world.prefer(quiet=None)
    world.messenger.troubles[1].clear()
    await world.find(2)
    await world.deliver()
    assert world.numbers() == [2]
    await world.deliver()  # that one got through: the other may, too
    assert world.numbers() == [2, 1]
    assert world.marks() == [False, False]


async def test_alerts_of_a_message_that_was_refused_for_an_unknown_reason_come_one_by_one(world: World) -> None:
    await world.find(1, 2)
    world.messenger.troubles[1].append(STRANGE)
    await world.deliver_for(2 * MINUTE)
    assert world.messages() == [[(AlertKind.NEW, 1, None)], [(AlertKind.NEW, 2, None)]]


async def test_a_sign_that_a_chat_is_open_wakes_what_was_refused_for_an_unknown_reason(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].extend([STRANGE] * 5)
    await tried_at(world, 3 * HOUR)
    assert await world.store.wake(1, world.clock.now)
    await world.deliver()
    assert world.numbers() == [7]


async def test_a_refusal_that_nobody_understands_uses_up_no_try_of_the_text(world: World) -> None:
    await world.find(7)
    world.messenger.troubles[1].extend([STRANGE] * MAX_SEND_TRIES)
    await tried_at(world, DAY)
    world.messenger.troubles[1].extend([TextRefused("Bad Request: hiccup")])
    await tried_at(world, DAY)
    assert world.numbers() == [7]


async def test_what_may_have_arrived_is_not_woken_by_a_message(world: World) -> None:
    await world.find(1)
    world.messenger.troubles[1].extend([DeliveryUncertain()] * 5)
    await tried_at(world, 3 * HOUR)
    await world.store.wake(1, world.clock.now)
    await world.find(2)
    await world.deliver(3)
    assert world.numbers() == [2]
    assert time(9) == world.plan.schedule(await world.chat()).next_morning(world.clock.now).astimezone(BERLIN).time()
