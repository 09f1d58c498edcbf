"""Contract of links that replace other links."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from bot.domain.chats import Link, Member, Place
from bot.domain.invitations import Invitation
from bot.domain.payments import Outcome, State
from bot.errors import LinkInUse
from bot.ports import Store
from tests.store.examples import CHAT, MINUTE, NOW, OTHER, SECOND, Opener, linked, new_link, new_payment

BOB = Member(8, "Bob")


async def invited(store: Store, replaces: datetime | None = None, invitation_id: str = "invitation") -> str:
    invitation = Invitation(invitation_id, Place(CHAT), "Family", 7, NOW + 15 * MINUTE, replaces)
    await store.put_pending(invitation, NOW)
    return invitation_id


async def link_of(store: Store) -> Link | None:
    return (await store.chat(CHAT)).link


class LinkingContract:
    """Linking takes some time. The new link respects everything that has changed meanwhile."""

    async def test_an_invitation_is_used_up_with_the_link(self, opener: Opener) -> None:
        store = await opener.open()
        invitation, link = await invited(store), new_link(store)
        assert await store.link(link, {}, invitation)
        assert await store.pending(Invitation, invitation) is None
        assert not await store.link(replace(link, linked_at=NOW + SECOND), {}, invitation)
        assert await link_of(store) == link

    async def test_only_one_of_two_invitations_for_a_group_makes_the_link(self, opener: Opener) -> None:
        store = await opener.open()
        one = await invited(store)
        other = Invitation("other", Place(CHAT), "Family", 8, NOW + 15 * MINUTE)
        await store.put_pending(other, NOW)
        links = [(new_link(store), one), (new_link(store, linked_by=8, linked_at=NOW + SECOND), other.id)]
        done = await asyncio.gather(*(store.link(link, {}, invitation) for link, invitation in links))
        assert sorted(done) == [False, True]
        assert await link_of(store) == links[done.index(True)][0]

    async def test_an_invitation_replaces_neither_a_newer_link_nor_a_missing_one(self, opener: Opener) -> None:
        store = await opener.open()
        first = await linked(store)
        invitation = await invited(store, replaces=first.linked_at)
        second = replace(first, linked_at=NOW + MINUTE)
        await store.link(second, {})
        assert not await store.link(replace(first, linked_by=9), {}, invitation)
        assert await link_of(store) == second
        await store.unlink(CHAT)
        assert not await store.link(first, {}, await invited(store, replaces=second.linked_at))
        assert await link_of(store) is None

    async def test_stored_payers_stay_if_the_owner_stays(self, opener: Opener) -> None:
        store = await opener.open()
        old = await linked(store)
        await store.add_payer(CHAT, BOB)
        await store.link(replace(old, linked_at=NOW + SECOND), {})
        link = await link_of(store)
        assert link is not None
        assert link.payers == (BOB,)
        await store.remove_payer(CHAT, BOB.id)
        await store.link(replace(link, linked_at=NOW + MINUTE), {})
        assert await link_of(store) == replace(old, linked_at=NOW + MINUTE)
        await store.add_payer(CHAT, BOB)
        await store.link(replace(old, linked_by=9), {})
        assert await link_of(store) == replace(old, linked_by=9)

    @pytest.mark.parametrize("state", [State.QUEUED, State.CONFIRMED, State.SENT])
    async def test_no_other_account_is_linked_while_a_payment_is_under_way(self, opener: Opener, state: State) -> None:
        store = await opener.open()
        old = await linked(store)
        await store.add_payment(new_payment(account=old.account, state=state))
        another = new_link(store, token="token-of-another", linked_at=NOW + MINUTE)
        invitation = await invited(store, replaces=old.linked_at)
        for attempt in (store.link(another, {}), store.link(another, {}, invitation)):
            with pytest.raises(LinkInUse):
                await attempt
        assert await link_of(store) == old
        assert await store.link(replace(old, linked_at=NOW + MINUTE), {}, invitation)

    async def test_linking_another_account_deletes_payments_that_are_not_under_way(self, opener: Opener) -> None:
        store = await opener.open()
        old = await linked(store)
        end = new_payment("untold", old.account, state=State.ENDED, outcome=Outcome.DONE)
        elsewhere = new_payment("elsewhere", old.account, place=Place(OTHER))
        for payment in (new_payment("asked", old.account), end, replace(end, id="told", told=True), elsewhere):
            await store.add_payment(payment)
        another = new_link(store, token="token-of-another")
        await store.add_payment(new_payment("new", another.account))
        await store.link(another, {})
        assert [payment.id for payment in await store.payments_of_chat(CHAT)] == ["new"]
        assert await store.unsettled_payments() == [end]  # it will be told, and deleted afterwards
        assert await store.payment("elsewhere") == elsewhere
        assert not await store.advance_payment(new_payment("asked", old.account, state=State.CONFIRMED), State.ASKED)
