"""Packs: parts by month, what goes wrong in the middle, cancelling, and going on after a stop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.chats import Place
from bot.domain.packs.choices import PackChoice
from bot.domain.packs.pack import OUTAGE_WAIT, PACK_LEASE, PACKS_AT_MOST, PATIENCE, Pack
from bot.domain.search.periods import Span
from bot.errors import (
    BotError,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotFound,
    NotSent,
    ProviderDown,
    QuestionOver,
    RateLimited,
    SendRefused,
    TooManyPacks,
)
from bot.ports import Sleep
from bot.services.packs import Packs, PackSender
from tests.fakes import Gate, invoice
from tests.packs import FakePackMessenger, tools
from tests.services.world import ADA, MINUTE, World

YEAR = PackChoice(Span(date(2026, 1, 1), date(2026, 12, 31)))
DAYS = {1: date(2026, 1, 5), 2: date(2026, 1, 6), 3: date(2026, 2, 1), 4: date(2026, 3, 1)}
ROOM_FOR_TWO = 2400
"""Bytes: each of the small documents takes about a kilobyte with what the directory needs."""


class Sending:
    """The packs of a world, with a messenger that records them."""

    def __init__(self, world: World, part_limit: int = ROOM_FOR_TWO) -> None:
        self.world = world
        self.messenger = FakePackMessenger()
        self.part_limit = part_limit
        self.open()

    def open(self, sleep: Sleep = asyncio.sleep) -> None:
        world = self.world
        made_with = tools(world.provider, world.store, self.messenger, world.clock, self.part_limit)
        made_with = replace(made_with, sleep=sleep)
        self.sender = PackSender(world.store, world.store, made_with, world.plan, world.workers)
        self.packs = Packs(world.store, self.sender, world.clock)

    async def order(self, choice: PackChoice = YEAR, press: str = "press") -> Pack:
        chat = await self.world.chat()
        pack = self.packs.ordered(chat, Place(chat.id), ADA, choice, press)
        await self.packs.order(chat, pack)
        return pack

    async def finish(self) -> None:
        await self.sender.tick()
        await self.world.workers.finish()

    async def restart(self) -> None:
        await self.world.restart()
        self.world.clock.move(PACK_LEASE)
        self.open()

    @property
    def parts(self) -> list[list[int]]:
        """The numbers of the invoices in each ZIP that came."""
        zips = [each for each in self.messenger.sent if each.name.endswith(".zip")]
        return [[int(n.split(" - ")[1]) for n in each.content if n.endswith(".pdf")] for each in zips]

    @property
    def end(self) -> Pack:
        [told] = self.messenger.told
        return told.pack


@pytest.fixture
async def sending(world: World) -> Sending:
    world.account.put(*(replace(invoice(n, is_open=False), issued=day) for n, day in DAYS.items()))
    await world.link()
    return Sending(world)


async def test_parts_are_cut_at_months_and_a_table_comes_beside_them(sending: Sending) -> None:
    await sending.order()
    await sending.finish()
    assert sending.parts == [[1, 2], [3, 4]]
    assert [each.name for each in sending.messenger.sent] == [
        "Invoices 2026 part 1.zip", "Invoices 2026 part 2.zip", "Invoices 2026.xlsx",
    ]  # fmt: skip
    assert all(each.size <= ROOM_FOR_TWO + 40_000 for each in sending.messenger.sent)
    assert sending.end.missing == ()


async def test_after_a_stop_it_goes_on_with_the_next_part(sending: Sending) -> None:
    gate = sending.world.provider.gates["pdf"] = Gate()
    gate.open()
    sending.messenger.errors = [None, NotSent()]
    await sending.order()
    await sending.finish()
    assert sending.parts == [[1, 2]]
    await sending.restart()
    asked = len(sending.world.provider.calls_of("pdf"))
    sending.world.clock.move(OUTAGE_WAIT)
    await sending.finish()
    assert sending.parts == [[1, 2], [3, 4]]
    assert sending.world.provider.calls_of("pdf")[asked:] == [3, 4]


async def test_a_stop_in_a_download_gives_the_pack_back_at_once(sending: Sending) -> None:
    gate = sending.world.provider.gates["pdf"] = Gate()
    await sending.order()
    await gate.reached.wait()
    await sending.world.restart()
    gate.open()
    sending.open()
    await sending.finish()
    assert sending.parts == [[1, 2], [3, 4]]


async def test_a_part_that_may_have_arrived_is_named_and_not_sent_again(sending: Sending) -> None:
    sending.messenger.errors = [DeliveryUncertain()]
    await sending.order()
    await sending.finish()
    assert sending.parts == [[3, 4]]
    assert sending.end.unsure == ("Invoices 2026 part 1.zip",)


async def test_a_part_that_is_refused_is_missing(sending: Sending) -> None:
    sending.messenger.errors = [SendRefused("too strange")]
    await sending.order()
    await sending.finish()
    assert sending.parts == [[3, 4]]
    assert [each.number for each in sending.end.missing] == [1, 2]


async def test_a_table_that_is_refused_is_named_and_not_tried_again(sending: Sending) -> None:
    sending.messenger.errors = [None, None, SendRefused("too strange")]
    await sending.order()
    await sending.finish()
    assert sending.parts == [[1, 2], [3, 4]]
    assert (sending.end.tables, sending.end.refused) == (1, ("Invoices 2026.xlsx",))


async def test_what_can_not_be_had_is_listed_in_the_part_that_comes_next(sending: Sending) -> None:
    sending.world.provider.errors["pdf", 2] = NotFound("")
    sending.world.provider.errors["pdf", 4] = ProviderDown()
    await sending.order()
    await sending.finish()
    assert sending.parts == [[1, 3]]
    assert sending.messenger.sent[0].content[-1] == "Missing.txt"
    assert [each.number for each in sending.end.missing] == [2, 4]


async def test_while_the_provider_is_down_it_waits_and_then_what_there_is_comes(sending: Sending) -> None:
    for number in (2, 3, 4):
        sending.world.provider.errors["pdf", number] = ProviderDown()
    await sending.order()
    for _ in range(PATIENCE):
        await sending.finish()
        assert sending.messenger.sent == []
        sending.world.clock.move(timedelta(hours=1))
    await sending.finish()
    assert sending.parts == [[1]]
    assert [each.number for each in sending.end.missing] == [2, 3, 4]


async def test_where_the_provider_wants_a_pause_it_is_made_and_nothing_is_fetched_twice(sending: Sending) -> None:
    errors, pauses = sending.world.provider.errors, list[float]()
    errors["pdf", 2] = RateLimited(retry_after=40)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        errors.clear()

    sending.open(sleep)
    await sending.order()
    await sending.finish()
    assert pauses == [40]
    assert sending.parts == [[1, 2], [3, 4]]
    assert sending.world.provider.calls_of("pdf") == [1, 2, 2, 3, 4]


@pytest.mark.parametrize(
    ("error", "is_marked"), [(NotSent(), False), (FloodLimited(2), False), (DeliveryUncertain(), True)]
)
async def test_an_end_is_told_again_in_full_and_marked_only_if_it_may_have_arrived(
    sending: Sending, error: MessengerError, is_marked: bool
) -> None:
    sending.messenger.end_errors = [error]
    await sending.order(replace(YEAR, table_only=True))
    await sending.finish()
    sending.world.clock.move(OUTAGE_WAIT)
    await sending.finish()
    [told] = sending.messenger.told
    assert (told.again, told.end.count > 0) == (is_marked, True)
    assert len(sending.messenger.sent) == told.pack.tables


@pytest.mark.parametrize("error", [FloodLimited(2), NotSent()])
@pytest.mark.parametrize("where", ["errors", "end_errors"])
async def test_what_telegram_does_not_take_at_present_waits_however_often_that_is(
    sending: Sending, where: str, error: MessengerError
) -> None:
    await sending.order()
    for _ in range(3 * PATIENCE):
        setattr(sending.messenger, where, [error])
        await sending.finish()
        sending.world.clock.move(MINUTE * 60)
    assert sending.messenger.told == []
    await sending.finish()
    assert sending.parts == [[1, 2], [3, 4]]
    assert sending.end.refused == sending.end.unsure == ()


async def test_it_waits_just_as_long_as_telegram_asks(sending: Sending) -> None:
    sending.messenger.end_errors = [FloodLimited(2)]
    await sending.order()
    await sending.finish()
    assert sending.messenger.told == []
    sending.world.clock.move(timedelta(seconds=2))
    await sending.finish()
    assert sending.end.parts == 2


async def test_what_goes_wrong_here_again_and_again_is_told_in_the_end(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("bot.services.packs.file_names", broken)
    await sending.order()
    for _ in range(PATIENCE + 1):
        await sending.finish()
        sending.world.clock.move(MINUTE * 60)
    [told] = sending.messenger.told
    assert type(told.end.why) is BotError
    link = (await sending.world.chat()).link
    assert link is not None
    assert link.packs == ()


async def test_cancelled_in_a_download_nothing_more_comes(sending: Sending) -> None:
    gate = sending.world.provider.gates["pdf"] = Gate()
    pack = await sending.order()
    await gate.reached.wait()
    await sending.packs.stop(await sending.world.chat(), pack.id)
    await sending.world.workers.finish()
    assert sending.messenger.sent == []
    assert sending.end.stopped
    with pytest.raises(QuestionOver):
        await sending.packs.stop(await sending.world.chat(), pack.id)


async def test_unlinked_meanwhile_nothing_more_comes(sending: Sending) -> None:
    gate = sending.world.provider.gates["pdf"] = Gate()
    await sending.order()
    await gate.reached.wait()
    await sending.world.store.unlink((await sending.world.chat()).id)
    gate.open()
    await sending.world.workers.finish()
    assert (sending.messenger.sent, sending.messenger.told) == ([], [])


async def test_the_same_press_orders_one_pack_and_nobody_orders_without_end(sending: Sending) -> None:
    gate = sending.world.provider.gates["list_invoices"] = Gate()
    await asyncio.gather(sending.order(), sending.order())
    for number in range(PACKS_AT_MOST - 1):
        await sending.order(press=f"press {number}")
    with pytest.raises(TooManyPacks):
        await sending.order(press="one more")
    gate.open()
    for _ in range(PACKS_AT_MOST):
        await sending.finish()
    assert len(sending.messenger.told) == PACKS_AT_MOST


async def test_a_period_without_invoices_has_no_file(sending: Sending) -> None:
    await sending.order(PackChoice(Span(date(2020, 1, 1), date(2020, 12, 31))))
    await sending.finish()
    assert sending.messenger.sent == []
    assert sending.messenger.told[0].end.count == 0
