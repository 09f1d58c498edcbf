"""Contract of several accounts in one chat: each is stored by itself, and what is chosen for the chat holds for all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bot.domain.chat_keys import ACCOUNTS_AT_MOST, chat_id_of, key_of, slot_of
from bot.domain.chats import Member, Preferences, Silence, Token
from bot.domain.invitations import Invitation
from bot.domain.payments import State
from bot.errors import LinkInUse, TooManyAccounts
from bot.ports import Store
from tests.store.examples import CHAT, LEASE, MINUTE, NOW, OTHER, Opener, linked, new_link, new_payment

SECOND = key_of(CHAT, 1)


async def two_linked(store: Store, *, owner: int = 7) -> None:
    """Link a chat to two accounts."""
    await linked(store)
    await store.link(new_link(store, token="token-two", linked_by=owner), {}, slot=None)


async def slots(store: Store, chat_id: int = CHAT) -> list[int]:
    return [chat.slot for chat in await store.accounts(chat_id) if chat.link is not None]


@pytest.mark.parametrize("chat_id", [1, -1, CHAT, OTHER, -1_002_000_000_000, 2**52 - 1, -(2**52) + 1])
def test_a_key_tells_its_chat_and_its_account_and_fits_into_64_bits(chat_id: int) -> None:
    for slot in range(ACCOUNTS_AT_MOST):
        key = key_of(chat_id, slot)
        assert (chat_id_of(key), slot_of(key)) == (chat_id, slot)
        assert abs(key) < 2**63
    assert key_of(chat_id) == chat_id


class AccountContract:
    """A chat with several accounts."""

    async def test_an_added_account_leaves_the_first_as_it_is(self, opener: Opener) -> None:
        store = await opener.open()
        await two_linked(store)
        await opener.crash()
        store = await opener.open()
        first, second = await store.accounts(CHAT)
        assert first.link is not None
        assert second.link is not None
        assert (first.key, second.key, second.id) == (CHAT, SECOND, CHAT)
        assert second.link.token == Token("token-two")
        assert first.link.account != second.link.account
        assert first.link.among_others
        assert second.link.among_others
        assert await store.linked_among([CHAT, OTHER]) == {CHAT}

    async def test_each_account_has_checks_and_silences_of_its_own(self, opener: Opener) -> None:
        store = await opener.open()
        await two_linked(store)
        _, second = await store.accounts(CHAT)
        assert second.link is not None
        assert await store.silence(SECOND, second.link.account, {1: Silence(muted=True)}, NOW)
        assert not await store.silence(CHAT, second.link.account, {1: Silence(muted=True)}, NOW)
        assert [dict(chat.silences) for chat in await store.accounts(CHAT)] == [{}, {1: Silence(muted=True)}]
        later = NOW.replace(year=NOW.year + 1)
        claimed = await store.claim_checks(later, 10, LEASE)
        assert {check.chat.key for check in claimed} == {CHAT, SECOND}
        assert {check.chat.id for check in claimed} == {CHAT}

    async def test_what_is_chosen_for_the_chat_holds_for_all_its_accounts(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.set_language(CHAT, "de")
        await store.link(new_link(store, token="token-two"), {}, slot=None)
        await store.set_preferences(CHAT, Preferences(hour=8), NOW)
        await store.rest(CHAT, "blocked")
        chats = await store.accounts(CHAT)
        assert [(chat.language, chat.preferences, chat.resting) for chat in chats] == 2 * [
            ("de", Preferences(hour=8), "blocked")
        ]
        assert await store.wake(CHAT, NOW)
        assert [chat.resting for chat in await store.accounts(CHAT)] == [None, None]

    async def test_payers_are_those_of_the_owner(self, opener: Opener) -> None:
        store = await opener.open()
        bob = Member(8, "Bob")
        await linked(store)
        await store.add_payer(CHAT, bob)
        first = (await store.chat(CHAT)).link
        assert first is not None
        await store.link(new_link(store, token="token-two", linked_by=first.linked_by), {}, slot=None)
        await store.link(new_link(store, token="token-three", linked_by=99), {}, slot=None)
        payers = [chat.link.payers for chat in await store.accounts(CHAT) if chat.link is not None]
        assert payers == [(bob,), (bob,), ()]
        await store.remove_payer(SECOND, 8)
        payers = [chat.link.payers for chat in await store.accounts(CHAT) if chat.link is not None]
        assert payers == [(), (), ()]

    @pytest.mark.parametrize("slot", [0, 1])
    async def test_a_removed_account_goes_with_all_that_belongs_to_it(self, opener: Opener, slot: int) -> None:
        store = await opener.open()
        await two_linked(store)
        await store.set_language(CHAT, "de")
        chats = await store.accounts(CHAT)
        gone, stays = chats[slot], chats[1 - slot]
        assert gone.link is not None
        assert stays.link is not None
        for link in (gone.link, stays.link):
            await store.add_payment(new_payment(f"of-{link.account[:6]}", account=link.account))
        assert not await store.remove_account(gone.key, stays.link.account)
        assert await store.remove_account(gone.key, gone.link.account)
        (left,) = await store.accounts(CHAT)
        assert (left.key, left.language) == (stays.key, "de")
        assert left.link is not None
        assert not left.link.among_others
        assert [payment.account for payment in await store.payments_of_chat(CHAT)] == [stays.link.account]
        assert await store.linked_among([CHAT]) == {CHAT}
        assert await store.unlink(CHAT)
        assert await slots(store) == []
        assert await store.overviews() == []

    async def test_the_slot_of_a_removed_account_is_taken_again_and_there_is_an_end(self, opener: Opener) -> None:
        store = await opener.open()
        for number in range(ACCOUNTS_AT_MOST):
            await store.link(new_link(store, token=f"token-{number}"), {}, slot=None)
        with pytest.raises(TooManyAccounts):
            await store.link(new_link(store, token="one-more"), {}, slot=None)
        third = (await store.accounts(CHAT))[2]
        assert third.link is not None
        assert await store.remove_account(third.key, third.link.account)
        await store.link(new_link(store, token="one-more"), {}, slot=None)
        assert await slots(store) == list(range(ACCOUNTS_AT_MOST))

    async def test_a_payment_under_way_holds_only_its_own_account(self, opener: Opener) -> None:
        store = await opener.open()
        await two_linked(store)
        first, second = await store.accounts(CHAT)
        assert second.link is not None
        assert first.link is not None
        payment = new_payment(account=second.link.account)
        await store.add_payment(payment)
        assert await store.advance_payment(replace(payment, state=State.CONFIRMED), State.ASKED)
        with pytest.raises(LinkInUse):
            await store.link(new_link(store, token="token-four"), {}, slot=1)
        assert await store.link(new_link(store, token="token-four"), {}, slot=0)

    async def test_all_accounts_move_with_the_chat(self, opener: Opener) -> None:
        store = await opener.open()
        await two_linked(store)
        await store.name_account(SECOND, (await store.accounts(CHAT))[1].link.account, "company")  # type: ignore[union-attr]
        await store.move_chat(CHAT, OTHER)
        for chat_id in (CHAT, OTHER):
            chats = await store.accounts(chat_id)
            assert [(chat.id, chat.slot) for chat in chats] == [(OTHER, 0), (OTHER, 1)]
            assert [chat.link.place.chat_id for chat in chats if chat.link is not None] == [OTHER, OTHER]
            assert [chat.link.name for chat in chats if chat.link is not None] == ["", "company"]
            assert [chat.link.token for chat in chats if chat.link is not None][1] == Token("token-two")
        assert await store.forget(CHAT)
        assert await slots(store, OTHER) == []

    async def test_a_chat_without_its_first_account_moves_too(self, opener: Opener) -> None:
        store = await opener.open()
        await two_linked(store)
        first = (await store.accounts(CHAT))[0]
        assert first.link is not None
        await store.remove_account(CHAT, first.link.account)
        await store.move_chat(CHAT, OTHER)
        assert [(chat.id, chat.slot) for chat in await store.accounts(CHAT)] == [(OTHER, 1)]

    async def test_the_export_holds_every_account_and_no_token(self, opener: Opener) -> None:
        store = await opener.open()
        await two_linked(store)
        everything = await store.everything_of(CHAT)
        assert [account["link"]["account"] for account in (everything, *everything["further_accounts"])] == [
            chat.link.account for chat in await store.accounts(CHAT) if chat.link is not None
        ]
        assert "token-two" not in str(everything)
        assert "sealed" not in str(everything)

    async def test_an_invitation_adds_an_account_to_a_group(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        first = (await store.chat(CHAT)).link
        assert first is not None

        async def invite(number: int, replaces: datetime | None) -> str:
            invitation = Invitation(f"i{number}", first.place, "Friends", 7, NOW + 15 * MINUTE, replaces)
            await store.put_pending(invitation, NOW)
            return invitation.id

        late = await invite(1, None)
        assert not await store.link(new_link(store, token="token-two"), {}, late, slot=None)
        good = await invite(2, first.linked_at)
        assert await store.link(new_link(store, token="token-two"), {}, good, slot=None)
        assert await slots(store) == [0, 1]
