"""The pinned message of a chat: one, edited in place once something has changed, made anew if it is gone."""

from __future__ import annotations

import pytest

from bot.domain.board import CHECK_SHOWN_EVERY
from bot.domain.chat_keys import key_of
from bot.domain.chats import Silence
from bot.domain.live_messages import Board
from bot.errors import ChatClosed, DeliveryUncertain, MessengerError, NotSent, SendRefused, TelegramDown, TextRefused
from tests.fakes import invoice, settled
from tests.services.world import DAY, DUE, HOUR, MINUTE, SECOND, World


@pytest.fixture
async def pinned(world: World) -> World:
    """A chat that wants one, on an account with an open invoice."""
    world.account.put(invoice(7, DUE))
    world.at(DUE - 10 * DAY, 12)
    await world.link()
    await world.prefer(pinned=True)
    return world


async def live_on(world: World, hours: int = 0, minutes: int = 15) -> None:
    world.clock.move(hours * HOUR + minutes * MINUTE)
    await world.check()
    await world.deliver(3)


async def board_of(world: World, chat_id: int = 1) -> Board | None:
    return (await world.chat(chat_id)).board


async def test_nobody_has_one_who_does_not_ask_for_it(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.live(DUE - 10 * DAY)
    assert world.messenger.boards == {}
    assert await board_of(world) is None


async def test_it_is_sent_and_pinned_once_and_survives_restarts(pinned: World) -> None:
    await live_on(pinned)
    (number,) = pinned.messenger.boards
    assert pinned.messenger.pinned == [number]
    await pinned.restart()
    await live_on(pinned)
    assert list(pinned.messenger.boards) == [number]
    assert pinned.messenger.board_edits == []
    assert (await pinned.store.waiting_alerts(key_of(1))).waiting == 0


async def test_it_is_edited_when_an_invoice_changes_and_otherwise_every_few_hours(pinned: World) -> None:
    await live_on(pinned)
    pinned.account.put(invoice(7, DUE, "9.00"))
    await live_on(pinned)
    assert len(pinned.messenger.board_edits) == 1
    pinned.account.put(settled(invoice(7, DUE, "9.00")))
    await live_on(pinned)
    assert len(pinned.messenger.board_edits) == 2
    for _ in range(4 * 6):
        await live_on(pinned)
    assert len(pinned.messenger.board_edits) == 2 + 6 * HOUR // CHECK_SHOWN_EVERY


async def test_a_new_day_changes_it_also_in_the_quiet_hours(pinned: World) -> None:
    await live_on(pinned)
    pinned.at(DUE - 10 * DAY, 23, 50)
    await live_on(pinned, minutes=1)
    edits = len(pinned.messenger.board_edits)
    await live_on(pinned, minutes=15)
    assert len(pinned.messenger.board_edits) == edits + 1


async def test_one_that_is_gone_is_made_anew_but_not_in_the_quiet_hours(pinned: World) -> None:
    await live_on(pinned)
    pinned.messenger.boards.clear()
    pinned.at(DUE - 10 * DAY, 23)
    pinned.account.put(invoice(7, DUE, "9.00"))
    await pinned.check()
    await pinned.deliver(3)
    assert pinned.messenger.boards == {}
    pinned.at(DUE - 9 * DAY, 8, 1)
    await pinned.check()
    await pinned.deliver(3)
    (number,) = pinned.messenger.boards
    assert pinned.messenger.pinned[-1] == number


async def test_who_unpins_it_keeps_it_unpinned(pinned: World) -> None:
    await live_on(pinned)
    pinned.messenger.pinned.clear()
    pinned.account.put(invoice(7, DUE, "9.00"))
    await live_on(pinned)
    assert len(pinned.messenger.board_edits) == 1
    assert pinned.messenger.pinned == []


async def test_without_the_right_to_pin_it_stands_there_and_is_pinned_once_the_right_is_there(pinned: World) -> None:
    pinned.messenger.may_pin = False
    await live_on(pinned)
    board = await board_of(pinned)
    assert board is not None
    assert board.is_pinned is False
    assert [edit.is_pinned for edit in pinned.messenger.board_edits] == [False]  # which says so
    pinned.messenger.may_pin = True
    pinned.account.put(invoice(7, DUE, "9.00"))
    await live_on(pinned)
    assert pinned.messenger.pinned == [board.message_id]
    assert [edit.is_pinned for edit in pinned.messenger.board_edits] == [False, True]


async def test_it_goes_when_it_is_switched_off(pinned: World) -> None:
    await live_on(pinned)
    await pinned.prefer(pinned=False)
    await live_on(pinned)
    assert pinned.messenger.boards == {}
    assert await board_of(pinned) is None
    await live_on(pinned, hours=24)
    assert pinned.messenger.boards == {}


@pytest.mark.parametrize(
    "error", [NotSent(), TelegramDown(), DeliveryUncertain()], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize("step", ["edit", "pin"])
async def test_a_failure_costs_nothing_and_is_made_good(pinned: World, error: MessengerError, step: str) -> None:
    if step == "pin":
        pinned.messenger.pin_troubles.extend([error, error])
    await live_on(pinned)
    pinned.account.put(invoice(7, DUE, "9.00"))
    if step == "edit":
        pinned.messenger.edit_troubles.extend([error, error])
    pinned.account.put(invoice(8, DUE))
    await live_on(pinned)
    assert pinned.numbers().count(8) == 1
    await pinned.deliver_for(10 * MINUTE, 10 * SECOND)
    assert len(pinned.messenger.boards) == 1
    assert set(pinned.messenger.pinned) == set(pinned.messenger.boards)
    board = await board_of(pinned)
    assert board is not None
    assert board.state
    assert pinned.marks() == [False] * len(pinned.messenger.sent)


async def test_in_a_chat_that_is_closed_for_a_while_it_is_brought_up_to_date_later(pinned: World) -> None:
    await live_on(pinned)
    edits = len(pinned.messenger.board_edits)
    pinned.messenger.edit_troubles.extend([ChatClosed("not enough rights")] * 2)
    pinned.account.put(invoice(7, DUE, "9.00"))
    await live_on(pinned)
    assert len(pinned.messenger.board_edits) == edits
    await pinned.deliver_for(HOUR, MINUTE)
    assert len(pinned.messenger.board_edits) == edits + 1
    assert len(pinned.messenger.boards) == 1


@pytest.mark.parametrize("refusal", [SendRefused, TextRefused])
async def test_a_refused_edit_is_tried_again_only_when_there_is_more_to_say(
    pinned: World, refusal: type[SendRefused]
) -> None:
    await live_on(pinned)
    pinned.messenger.edit_troubles.extend([refusal("odd")] * 9)
    pinned.account.put(invoice(7, DUE, "9.00"))
    for _ in range(3):
        await live_on(pinned)
    assert len(pinned.messenger.edit_troubles) == 8 - (CHECK_SHOWN_EVERY < HOUR)
    assert (await pinned.chat()).closure is None


async def test_one_that_may_have_come_is_sent_again_rarely(pinned: World) -> None:
    pinned.messenger.lost[1].append(DeliveryUncertain())
    await live_on(pinned)
    assert len(pinned.messenger.boards) == 1
    await pinned.deliver_for(2 * MINUTE, 10 * SECOND)
    assert len(pinned.messenger.boards) == 2
    await live_on(pinned)
    assert len(pinned.messenger.boards) == 2


async def test_after_a_group_has_moved_there_is_a_new_one(pinned: World) -> None:
    await live_on(pinned)
    await pinned.store.move_chat(1, -100)
    await live_on(pinned, hours=4)
    board = await board_of(pinned, -100)
    assert board is not None
    assert len(pinned.messenger.boards) == 2
    await live_on(pinned)
    assert len(pinned.messenger.boards) == 2


async def test_a_new_link_keeps_it_and_a_mute_changes_nothing_in_it(pinned: World) -> None:
    await live_on(pinned)
    await pinned.link()
    await live_on(pinned)
    await pinned.silence(7, Silence(muted=True))
    await live_on(pinned)
    assert len(pinned.messenger.boards) == 1


async def test_two_processes_make_one(pinned: World) -> None:
    await pinned.check()
    for _ in range(2):
        await pinned.alert_sender.tick()
    await pinned.workers.finish()
    await pinned.deliver(3)
    assert len(pinned.messenger.boards) == 1
