"""What a store promises of the queue of due checks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

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
    claim_message,
    find,
    knowledge,
    linked,
    message_about,
    new_alert,
    new_link,
    with_messages,
)


class CheckContract:
    """The queue of due checks."""

    async def test_a_check_is_claimed_when_it_is_due_and_not_before(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        assert await store.claim_checks(link.next_check_at - SECOND, 10, LEASE) == []
        check = await claim_check(store, link.next_check_at)
        assert check.chat == Chat(CHAT, link=link)
        assert check.known == knowledge(1, 2)

    async def test_a_check_is_claimed_once_while_its_lease_lasts(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        first = await claim_check(store, NOW + HOUR)
        assert await store.claim_checks(NOW + HOUR + LEASE - SECOND, 10, LEASE) == []
        second = await claim_check(store, NOW + HOUR + LEASE)
        assert second.claim != first.claim

    async def test_the_longest_due_come_first_and_no_more_than_asked_for(self, opener: Opener) -> None:
        store = await opener.open()
        for chat_id, minutes in ((1, 30), (2, 10), (3, 20)):
            await store.link(new_link(store, chat_id, next_check_at=NOW + minutes * MINUTE), {})
        now = NOW + HOUR
        assert [check.chat.id for check in await store.claim_checks(now, 2, LEASE)] == [2, 3]
        assert [check.chat.id for check in await store.claim_checks(now, 2, LEASE)] == [1]

    async def test_chats_without_a_link_are_never_checked(self, opener: Opener) -> None:
        store = await opener.open()
        await store.set_language(CHAT, "de")
        await store.await_token(OTHER, NOW)
        assert await store.claim_checks(NOW + HOUR, 10, LEASE) == []

    async def test_a_finished_check_saves_all_it_found_and_is_due_when_it_says(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        check = await claim_check(store)
        watch = Watch(NOW + MINUTE, Trouble.TOKEN_REFUSED)
        found = checked(check, new_alert(link, 3, "1"), known=knowledge(2, 3), watch=watch)
        assert await store.finish_check(check.claim, found)
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).link == replace(link, watch=watch, next_check_at=found.next_check_at)
        delivery = await claim_message(store)
        assert [alert.id for alert in delivery.alerts] == ["1"]
        assert (delivery.known, delivery.again) == (knowledge(2, 3), False)
        assert await store.claim_checks(found.next_check_at - SECOND, 10, LEASE) == []
        assert (await claim_check(store, found.next_check_at)).known == knowledge(2, 3)

    async def test_a_check_that_found_nothing_new_still_moves_its_times(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        found = checked(check)
        assert await store.finish_check(check.claim, found)
        link = (await store.chat(CHAT)).link
        assert link is not None
        assert (link.watch, link.next_check_at) == (found.watch, found.next_check_at)
        assert await store.claim_checks(found.next_check_at - SECOND, 10, LEASE) == []
        assert (await claim_check(store, found.next_check_at)).chat.link == link

    async def test_the_times_are_those_of_the_latest_check_whether_it_found_news_or_not(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        for minutes, known in ((20, knowledge(1, 2)), (40, knowledge(3)), (60, knowledge(3)), (80, knowledge(4))):
            now = NOW + minutes * MINUTE
            check = await claim_check(store, now)
            found = checked(check, now=now, known=known)
            assert await store.finish_check(check.claim, found)
            link = (await store.chat(CHAT)).link
            assert link is not None
            assert (link.watch, link.next_check_at) == (found.watch, found.next_check_at)

    async def test_knowledge_is_at_most_an_hour_older_after_a_crash_than_before(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        now = NOW
        for _ in range(10):
            now += 15 * MINUTE
            check = await claim_check(store, now)
            assert await store.finish_check(check.claim, checked(check, now=now))
        await opener.crash()
        link = (await (await opener.open()).chat(CHAT)).link
        assert link is not None
        assert now - link.watch.checked_at <= HOUR

    @pytest.mark.parametrize(
        "change",
        [
            {"trouble": Trouble.TOKEN_REFUSED},
            {"failing_since": NOW + MINUTE},
            {"failing_since": NOW, "outage_told": True},
            {"digest_told": date(2026, 3, 23)},
        ],
    )
    async def test_how_the_account_is_watched_outlives_a_crash_at_once(
        self, opener: Opener, change: dict[str, Any]
    ) -> None:
        store = await opener.open()
        link = await linked(store)
        watch = replace(link.watch, **change)
        await find(store, watch=watch)
        await opener.crash()
        assert (await claim_check(await opener.open(), NOW + HOUR)).chat.link == replace(
            link, watch=watch, next_check_at=NOW + 16 * MINUTE
        )

    async def test_a_check_comes_with_the_messages_that_stand_in_the_chat(self, opener: Opener) -> None:
        store = await opener.open()
        await with_messages(store, message_about(1), message_about(1, 2))
        assert list((await claim_check(store, NOW + HOUR)).sent) == [message_about(1), message_about(1, 2)]

    async def test_a_lost_claim_writes_nothing(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        lost = await claim_check(store)
        late = NOW + MINUTE + LEASE
        held = await claim_check(store, late)
        assert not await store.finish_check(lost.claim, checked(lost, new_alert(link, 1, "1"), known={}))
        assert not await store.postpone_check(lost.claim, NOW)
        assert await store.claim_alerts(late, 10, LEASE) == []
        assert await store.finish_check(held.claim, checked(held, now=late))
        assert (await claim_check(store, late + HOUR)).known == knowledge(1, 2)

    async def test_a_claim_can_be_used_once(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        assert await store.finish_check(check.claim, checked(check))
        assert not await store.finish_check(check.claim, checked(check))
        assert not await store.postpone_check(check.claim, NOW)

    async def test_a_lease_that_ran_out_but_was_not_taken_over_still_counts(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        late = NOW + HOUR
        assert await store.finish_check(check.claim, checked(check, now=late))
        assert await store.claim_checks(late, 10, LEASE) == []

    async def test_a_postponed_check_comes_when_it_was_put_off_to(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        assert await store.postpone_check(check.claim, NOW + HOUR)
        assert await store.claim_checks(NOW + HOUR - SECOND, 10, LEASE) == []
        assert (await claim_check(store, NOW + HOUR)).known == knowledge(1, 2)

    async def test_a_check_that_was_under_way_at_a_crash_is_done_again(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await claim_check(store)
        await opener.crash()
        assert (await claim_check(await opener.open(), NOW + MINUTE + LEASE)).chat.id == CHAT

    async def test_what_a_person_sets_while_a_check_is_under_way_stays(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        await store.set_language(CHAT, "de")
        assert await store.finish_check(check.claim, checked(check, known=knowledge(5)))
        assert (await store.chat(CHAT)).language == "de"

    async def test_many_claiming_at_once_get_each_chat_once(self, opener: Opener) -> None:
        store = await opener.open()
        for chat_id in range(1, 21):
            await store.link(new_link(store, chat_id), {})
        batches = await asyncio.gather(*(store.claim_checks(NOW + HOUR, 3, LEASE) for _ in range(10)))
        claimed = [check.chat.id for batch in batches for check in batch]
        assert sorted(claimed) == list(range(1, 21))
