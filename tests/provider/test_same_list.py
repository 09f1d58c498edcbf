"""A list whose bytes are those of the last time is not read again, and one whose bytes differ is read whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from unittest.mock import patch

import pytest

from bot.domain.chats import Token
from bot.domain.invoices import Listing
from bot.domain.unchanged import ListAnswer
from bot.errors import ProviderError, TokenRefused
from bot.provider import list_reading, schema
from bot.sandbox.provider.faults import Fault
from tests.provider.world import QUICK_RETRIES, World


async def answer_of(world: World) -> ListAnswer:
    answer = (await world.client.list_invoices(world.token, "en")).answer
    assert answer is not None
    return answer


async def again(world: World, last: ListAnswer) -> Listing | None:
    world.sandbox.requests.clear()
    return await world.client.list_if_changed(world.token, "en", last)


async def test_the_same_list_is_neither_decoded_nor_returned(world: World) -> None:
    last = await answer_of(world)
    with patch.object(schema, "read_page", side_effect=AssertionError("decoded")):
        assert await again(world, last) is None
    assert len(world.sandbox.requests) == 1


async def test_a_list_with_something_new_is_returned_as_if_it_had_been_asked_for(world: World) -> None:
    last = await answer_of(world)
    world.sandbox.create_invoice(world.account, Decimal(5))
    changed = await again(world, last)
    assert len(world.sandbox.requests) == 1
    assert changed == await world.client.list_invoices(world.token, "en")
    assert changed is not None
    assert changed.answer not in {None, last}


async def test_all_pages_count_together_and_none_is_asked_for_twice(world: World) -> None:
    invoices = [world.sandbox.create_invoice(world.account, Decimal(5)) for _ in range(3)]
    world.sandbox.faults.switch_on(Fault.PAGED)
    last = await answer_of(world)
    assert len(last.hashes) == 3
    assert await again(world, last) is None
    assert len(world.sandbox.requests) == 3
    world.sandbox.settle(invoices[0])  # on any of them
    changed = await again(world, last)
    assert changed is not None
    assert changed.is_whole
    assert len(changed.invoices) == 5
    assert len(world.sandbox.requests) == 3


async def test_a_list_that_has_become_shorter_is_read_to_its_end(world: World) -> None:
    for _ in range(3):
        world.sandbox.create_invoice(world.account, Decimal(5))
    world.sandbox.faults.switch_on(Fault.PAGED)
    last = await answer_of(world)
    world.sandbox.faults.switch_off()
    changed = await again(world, last)
    assert changed is not None
    assert changed.is_whole
    assert len(changed.invoices) == 5


async def test_a_page_that_fails_leaves_what_was_read_before_and_the_place(world: World) -> None:
    for _ in range(3):
        world.sandbox.create_invoice(world.account, Decimal(5))
    world.sandbox.faults.switch_on(Fault.PAGED)
    last = await answer_of(world)
    world.sandbox.faults.switch_off()
    world.sandbox.faults.switch_on(Fault.LATER_PAGES_BROKEN)
    part = await again(world, last)
    assert part is not None
    assert (len(part.invoices), part.rest, part.answer) == (2, "page=2", None)


async def test_pages_that_take_too_long_leave_what_was_read_before(world: World) -> None:
    for _ in range(3):
        world.sandbox.create_invoice(world.account, Decimal(5))
    world.sandbox.faults.switch_on(Fault.PAGED)
    last = await answer_of(world)
    world.sandbox.faults.switch_off()
    world.sandbox.faults.switch_on(Fault.HANG_AFTER)
    world.sandbox.faults.switch_on(Fault.PAGED, times=2)
    async with world.other_client(replace(QUICK_RETRIES, deadline=0.3)) as client:
        part = await client.list_if_changed(world.token, "en", last)
    assert part is not None
    assert (len(part.invoices), part.rest) == (4, "page=3")


async def test_a_refusal_is_one_also_where_the_last_answer_was_good(world: World) -> None:
    last = await answer_of(world)
    with pytest.raises(TokenRefused):
        await world.client.list_if_changed(Token("another-token"), "en", last)


@pytest.mark.parametrize(
    "fault", [Fault.DOWN, Fault.HTML_INSTEAD, Fault.CUT_JSON, Fault.REFUSED_IN_DATA, Fault.WRONG_TYPE]
)
async def test_an_outage_is_never_the_same_list(world: World, fault: Fault) -> None:
    last = await answer_of(world)
    world.sandbox.faults.switch_on(fault)
    with pytest.raises(ProviderError):
        await again(world, last)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda world: world.sandbox.faults.switch_on(Fault.COUNTS_MORE),
        lambda world: world.sandbox.faults.switch_on(Fault.LATER_PAGES_BROKEN),
    ],
    ids=["that lacks some", "read in part"],
)
async def test_nothing_is_remembered_of_a_list(world: World, spoil: Callable[[World], None]) -> None:
    for _ in range(3):
        world.sandbox.create_invoice(world.account, Decimal(5))
    spoil(world)
    assert (await world.client.list_invoices(world.token, "en")).answer is None


@pytest.mark.parametrize("limit", ["REMEMBERED_BYTES", "REMEMBERED_PAGES"])
async def test_nothing_is_remembered_of_a_very_long_list(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    for _ in range(3):
        world.sandbox.create_invoice(world.account, Decimal(5))
    world.sandbox.faults.switch_on(Fault.PAGED)
    monkeypatch.setattr(list_reading, limit, 2)
    listing = await world.client.list_invoices(world.token, "en")
    assert listing.is_whole
    assert listing.answer is None


async def test_a_body_that_is_too_long_to_be_remembered_is_not_even_hashed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = await answer_of(world)
    monkeypatch.setattr(list_reading, "REMEMBERED_BYTES", 2)
    with patch.object(list_reading, "_hash", side_effect=AssertionError("hashed")):
        changed = await again(world, last)
    assert changed is not None
    assert changed.is_whole
    assert len(world.sandbox.requests) == 1
