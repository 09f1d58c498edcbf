"""Contract of checks before they are due: the check of one chat, and the checks of an account."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.chats import Chat, Trouble, Watch
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    SECOND,
    Opener,
    checked,
    claim_check,
    knowledge,
    linked,
    new_link,
)


class OnDemandCheckContract:
    """Checks that a person or an event asks for."""

    async def test_the_check_of_one_chat_can_be_claimed_before_it_is_due(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await linked(store, OTHER)
        check = await store.claim_check(CHAT, NOW, LEASE)
        assert check is not None
        assert (check.chat, check.known, list(check.sent)) == (Chat(CHAT, link=link), knowledge(1, 2), [])
        assert [other.chat.id for other in await store.claim_checks(NOW + MINUTE, 10, LEASE)] == [OTHER]
        assert await store.finish_check(check.claim, checked(check, now=NOW))
        assert await store.claim_checks(NOW + MINUTE, 10, LEASE) == []

    async def test_the_check_of_one_chat_is_claimed_once_while_its_lease_lasts(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        first = await store.claim_check(CHAT, NOW, LEASE)
        assert first is not None
        assert await store.claim_check(CHAT, NOW + LEASE - SECOND, LEASE) is None
        second = await store.claim_check(CHAT, NOW + LEASE, LEASE)
        assert second is not None
        assert not await store.finish_check(first.claim, checked(first))
        assert await store.postpone_check(second.claim, NOW + LEASE)
        assert await store.claim_check(CHAT, NOW + LEASE, LEASE) is not None

    async def test_an_unlinked_or_resting_chat_has_no_check(self, opener: Opener) -> None:
        store = await opener.open()
        assert await store.claim_check(CHAT, NOW, LEASE) is None
        await store.set_language(CHAT, "de")
        assert await store.claim_check(CHAT, NOW, LEASE) is None
        await linked(store)
        await store.rest(CHAT, "blocked")
        assert await store.claim_check(CHAT, NOW + HOUR, LEASE) is None
        await store.wake(CHAT, NOW + HOUR)
        assert await store.claim_check(CHAT, NOW + HOUR, LEASE) is not None

    async def test_hastening_affects_only_the_chats_of_the_account(self, opener: Opener) -> None:
        store = await opener.open()
        for chat_id, token in ((1, "secret-token-1"), (2, "secret-token-2"), (3, "secret-token-1")):
            await store.link(new_link(store, chat_id, token, next_check_at=NOW + HOUR), knowledge(chat_id))
        await store.rest(3, "blocked")
        await store.hasten_checks(new_link(store).account, NOW)
        check = await claim_check(store, NOW)
        assert (check.chat.id, check.known) == (1, knowledge(1))
        assert check.chat.link is not None
        assert check.chat.link.watch == Watch(NOW)

    async def test_hastening_never_delays_a_check(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.hasten_checks(link.account, NOW + HOUR)
        assert (await claim_check(store, link.next_check_at)).chat.id == CHAT

    async def test_a_check_under_way_does_not_undo_hastening(self, opener: Opener) -> None:
        """The check may have read the account before the event that hastened it."""
        store = await opener.open()
        link = await linked(store)
        check = await claim_check(store)
        await store.hasten_checks(link.account, NOW + 2 * MINUTE)
        await store.finish_check(check.claim, checked(check, now=NOW + 2 * MINUTE))
        assert (await claim_check(store, NOW + 2 * MINUTE)).chat.id == CHAT

    async def test_a_good_answer_ends_the_refusals_in_all_chats_of_the_account_and_of_no_other(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        doubted = Watch(NOW - HOUR, refused_since=NOW, refused_at=NOW)
        told = Watch(NOW - HOUR, Trouble.TOKEN_REFUSED, refused_since=NOW, refused_at=NOW)
        by_older_version = Watch(NOW - HOUR, Trouble.PERMISSION_MISSING)
        for chat_id, watch in enumerate((doubted, told, by_older_version), start=1):
            await store.link(new_link(store, chat_id, watch=watch, next_check_at=NOW + HOUR), {})
        await store.link(new_link(store, OTHER, "token-of-another", watch=told, next_check_at=NOW + HOUR), {})
        await store.end_refusal(new_link(store).account, NOW + MINUTE)
        links = [(await store.chat(chat_id)).link for chat_id in (1, 2, 3, OTHER)]
        assert [link.watch for link in links if link] == [*[Watch(NOW - HOUR)] * 3, told]
        assert [link.next_check_at for link in links if link] == [*[NOW + MINUTE] * 3, NOW + HOUR]
        await opener.crash()
        link = (await (await opener.open()).chat(1)).link
        assert link is not None
        assert link.watch == Watch(NOW - HOUR)

    async def test_where_there_is_no_refusal_a_good_answer_changes_nothing(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        check = await claim_check(store)
        await store.end_refusal(link.account, NOW)
        assert (await store.chat(CHAT)).link == link
        assert await store.finish_check(check.claim, checked(check))

    async def test_a_check_under_way_does_not_bring_an_ended_refusal_back(self, opener: Opener) -> None:
        store = await opener.open()
        refused = Watch(NOW, Trouble.TOKEN_REFUSED, refused_since=NOW, refused_at=NOW)
        link = new_link(store, watch=refused)
        await store.link(link, {})
        check = await claim_check(store)
        await store.end_refusal(link.account, NOW + MINUTE)
        assert not await store.finish_check(check.claim, replace(checked(check), watch=refused))
