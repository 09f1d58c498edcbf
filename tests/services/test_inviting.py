"""A group is linked from the private chat while other things happen in the group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.domain.chat_keys import key_of
from bot.domain.chats import Member, Place, Token
from bot.domain.invitations import Invitation, id_of
from bot.errors import InvitationVoid, LinkInUse
from bot.services.linking import Inviting
from tests.fakes import Gate
from tests.services.world import ADA, BOB, MESSAGE, OPEN, SECOND, TOKEN, World, member

GROUP = key_of(-5)
NEW = "new-token-of-ada"


@pytest.fixture
async def inviting(world: World) -> Inviting:
    """Link the group to Ada's account, with one open invoice. She has got a new token since."""
    world.account.put(OPEN)
    world.provider.account(NEW)
    await world.link(GROUP)
    world.clock.move(SECOND)
    return Inviting(world.store, world.linking, world.clock)


async def accepting(world: World, inviting: Inviting, meanwhile: Callable[[], Coroutine[Any, Any, Any]]) -> Invitation:
    """Let Ada give the group her new token. Something else happens before the provider has answered."""
    nonce = await inviting.invite(await world.chat(GROUP), Place(GROUP), "Family", member(ADA))
    invitation = await inviting.open(nonce, await world.chat(), member(ADA))
    world.provider.gates[NEW] = gate = Gate()
    agreed = (await world.linked(GROUP)).linked_at
    accept = asyncio.create_task(inviting.accept(invitation, await world.chat(), member(ADA), Token(NEW), agreed))
    await asyncio.wait_for(gate.reached.wait(), 5)
    world.clock.move(SECOND)
    await meanwhile()
    gate.open()
    await accept
    return invitation


async def test_a_link_that_was_made_meanwhile_is_not_overwritten(world: World, inviting: Inviting) -> None:
    with pytest.raises(InvitationVoid):
        await accepting(world, inviting, lambda: world.link(GROUP, "token-of-bob-12", BOB))
    assert (await world.linked(GROUP)).linked_by == BOB


async def test_a_link_that_was_taken_away_meanwhile_does_not_come_back(world: World, inviting: Inviting) -> None:
    with pytest.raises(InvitationVoid):
        await accepting(world, inviting, lambda: world.store.unlink(GROUP))
    assert (await world.chat(GROUP)).link is None


async def test_a_payer_who_was_removed_meanwhile_does_not_come_back(world: World, inviting: Inviting) -> None:
    await world.store.add_payer(GROUP, member(BOB))
    carla = Member(13, "Carla")
    await world.store.add_payer(GROUP, carla)
    await accepting(world, inviting, lambda: world.store.remove_payer(GROUP, BOB))
    assert (await world.linked(GROUP)).token == Token(NEW)
    assert (await world.linked(GROUP)).payers == (carla,)


async def test_a_payment_that_was_confirmed_meanwhile_keeps_its_link(world: World, inviting: Inviting) -> None:
    payment = await world.ask(chat_id=GROUP)

    async def confirm() -> None:
        await world.payments.confirm(payment.id, Place(GROUP), member(ADA), MESSAGE, await world.chat(GROUP))

    with pytest.raises(LinkInUse):
        await accepting(world, inviting, confirm)
    assert (await world.linked(GROUP)).token == Token(TOKEN)


async def test_a_way_is_taken_once_however_often_a_token_comes_at_once(world: World, inviting: Inviting) -> None:
    nonce = await inviting.invite(await world.chat(GROUP), Place(GROUP), "Family", member(ADA))
    invitation = await inviting.open(nonce, await world.chat(), member(ADA))
    private, agreed = await world.chat(), (await world.linked(GROUP)).linked_at
    tries = (inviting.accept(invitation, private, member(ADA), Token(NEW), agreed) for _ in range(2))
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(end) for end in ends if isinstance(end, Exception)] == [InvitationVoid]
    assert await world.store.pending(Invitation, id_of(nonce)) is None
