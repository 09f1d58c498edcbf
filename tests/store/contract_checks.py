"""Contract of the queue of due checks."""

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

    async def test_what_is_known_stays_where_a_check_learned_nothing(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        assert await store.finish_check(check.claim, checked(check, known={}, known_is_new=False))
        assert await store.known_invoices(CHAT) == knowledge(1, 2)

    async def test_a_check_is_claimed_once_while_its_lease_lasts(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        first = await claim_check(store, NOW + HOUR)
        assert await store.claim_checks(NOW + HOUR + LEASE - SECOND, 10, LEASE) == []
        second = await claim_check(store, NOW + HOUR + LEASE)
        assert second.claim != first.claim

    async def test_the_longest_overdue_checks_come_first_up_to_the_limit(self, opener: Opener) -> None:
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

    async def test_a_finished_check_saves_its_findings_and_its_next_time(self, opener: Opener) -> None:
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

    async def test_a_check_without_news_still_updates_its_times(self, opener: Opener) -> None:
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

    async def test_the_times_are_those_of_the_latest_check_with_or_without_news(self, opener: Opener) -> None:
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

    async def test_a_crash_loses_at_most_an_hour_of_check_times(self, opener: Opener) -> None:
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
    async def test_a_change_of_the_watch_survives_a_crash_at_once(self, opener: Opener, change: dict[str, Any]) -> None:
        store = await opener.open()
        link = await linked(store)
        watch = replace(link.watch, **change)
        await find(store, watch=watch)
        await opener.crash()
        assert (await claim_check(await opener.open(), NOW + HOUR)).chat.link == replace(
            link, watch=watch, next_check_at=NOW + 16 * MINUTE
        )

    async def test_a_check_comes_with_the_chats_sent_messages(self, opener: Opener) -> None:
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

    async def test_an_expired_lease_that_was_not_taken_over_is_still_valid(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        late = NOW + HOUR
        assert await store.finish_check(check.claim, checked(check, now=late))
        assert await store.claim_checks(late, 10, LEASE) == []

    async def test_a_postponed_check_comes_at_its_new_time(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        assert await store.postpone_check(check.claim, NOW + HOUR)
        assert await store.claim_checks(NOW + HOUR - SECOND, 10, LEASE) == []
        assert (await claim_check(store, NOW + HOUR)).known == knowledge(1, 2)

    async def test_a_check_interrupted_by_a_crash_is_repeated(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await claim_check(store)
        await opener.crash()
        assert (await claim_check(await opener.open(), NOW + MINUTE + LEASE)).chat.id == CHAT

    async def test_a_setting_changed_during_a_check_is_kept(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        await store.set_language(CHAT, "de")
        assert await store.finish_check(check.claim, checked(check, known=knowledge(5)))
        assert (await store.chat(CHAT)).language == "de"

    async def test_concurrent_claims_get_each_chat_once(self, opener: Opener) -> None:
        store = await opener.open()
        for chat_id in range(1, 21):
            await store.link(new_link(store, chat_id), {})
        batches = await asyncio.gather(*(store.claim_checks(NOW + HOUR, 3, LEASE) for _ in range(10)))
        claimed = [check.chat.id for batch in batches for check in batch]
        assert sorted(claimed) == list(range(1, 21))
