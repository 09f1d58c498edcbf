"""Contract of the first look that suffices where a check would find nothing new."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from bot.domain.answers import Awaited, Question
from bot.domain.chat_keys import key_of
from bot.domain.chats import Member, Preferences, Silence, Watch
from bot.domain.credit import Credit, CreditWatch
from bot.domain.documents import SentDocument
from bot.domain.live_messages import LiveMessage
from bot.domain.service_names import Service
from bot.domain.unchanged import ListAnswer, Unchanged
from bot.ports import Check, Glance, Store
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    Opener,
    checked,
    claim_message,
    knowledge,
    linked,
    message_about,
    new_alert,
)

KEY = key_of(CHAT)
RULES = "rules"
CREDIT = CreditWatch(Credit(Decimal(5), "EUR"), NOW, read_at=NOW)
SEEN = Unchanged(ListAnswer((b"0123456789abcdef",), ()), NOW + 10 * HOUR, NOW + 20 * HOUR, CREDIT, True, RULES)
QUARTER = 15 * MINUTE

Change = Callable[[Store, str], Awaitable[object]]


async def claim(store: Store, now: datetime, rules: str = RULES) -> Check | Glance:
    (due,) = await store.claim_checks(now, 10, LEASE, rules)
    return due


async def check(store: Store, now: datetime, seen: Unchanged | None = SEEN, rules: str = RULES) -> None:
    """Check a chat in full, and find nothing but ``seen``."""
    due = await claim(store, now, rules)
    whole = due if isinstance(due, Check) else await store.whole_check(due.claim)
    assert whole is not None
    found = checked(whole, now=now, unchanged=seen, credit=replace(CREDIT, asked_at=now, read_at=now))
    assert await store.finish_check(whole.claim, found)


async def at_rest(opener: Opener) -> Store:
    """Return a store with a chat that was checked at ``NOW + HOUR`` and a quarter before, and found unchanged."""
    store = await opener.open()
    await linked(store)
    for n in range(3):
        await check(store, NOW + HOUR + (n - 2) * QUARTER)
    return store


async def sends(store: Store, account: str) -> None:
    """Let a message go out."""
    now = NOW + HOUR + MINUTE
    whole = await store.claim_check(KEY, now, LEASE)
    assert whole is not None
    assert whole.chat.link is not None
    assert whole.chat.link.account == account
    assert await store.finish_check(whole.claim, checked(whole, new_alert(whole.chat.link, 1, "1"), now=now))
    delivery = await claim_message(store, now)
    assert await store.alerts_sent(delivery.claim, message_about(1), ())


CHANGES: dict[str, Change] = {
    "set_language": lambda store, _: store.set_language(CHAT, "de"),
    "note_telegram_language": lambda store, _: store.note_telegram_language(CHAT, "de"),
    "await_token": lambda store, _: store.await_token(CHAT, NOW + 2 * HOUR),
    "await_answer": lambda store, a: store.await_answer(KEY, a, Awaited(Question.REFERENCE, NOW + 2 * HOUR, "")),
    "set_reference": lambda store, a: store.set_reference(KEY, a, "4711"),
    "name_account": lambda store, a: store.name_account(KEY, a, "Home"),
    "set_preferences": lambda store, _: store.set_preferences(CHAT, Preferences(before=(5,)), NOW + HOUR),
    "silence": lambda store, a: store.silence(KEY, a, {1: Silence(muted=True)}, NOW + HOUR),
    "note_credit": lambda store, a: store.note_credit(KEY, a, CreditWatch(Credit(Decimal(7)), NOW)),
    "wish_for_credit": lambda store, a: store.wish_for_credit(KEY, a, 1, NOW + HOUR),
    "set_live_message": lambda store, _: store.set_live_message(KEY, None, LiveMessage(7, None, "show:1", "x")),
    "add_payer": lambda store, _: store.add_payer(KEY, Member(9, "Bo")),
    "hasten_checks": lambda store, a: store.hasten_checks(a, NOW + HOUR),
    "name_service": lambda store, a: store.name_service(KEY, a, Service("hosting", 1), "Shop"),
    "keep_document": lambda store, a: store.keep_document(KEY, a, SentDocument(1, "mark", "file")),
    "rest and wake": lambda store, _: rest_and_wake(store),
    "sends": sends,
}


async def rest_and_wake(store: Store) -> None:
    await store.rest(CHAT, "blocked")
    await store.wake(CHAT, NOW + HOUR)


class GlanceContract:
    """What a check saw is kept as long as nothing else of the chat changes."""

    async def test_after_two_checks_that_saw_the_same_and_changed_nothing_a_glance_suffices(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await linked(store)
        await check(store, NOW + HOUR - QUARTER)  # the credit is news
        await check(store, NOW + HOUR)
        await check(store, NOW + HOUR + QUARTER)
        glance = await claim(store, NOW + 2 * HOUR)
        assert isinstance(glance, Glance)
        assert glance.key == KEY
        assert (glance.access.chat_id, glance.access.token, glance.access.language) == (CHAT, link.token, "en")
        assert glance.unchanged == SEEN
        assert glance.due == NOW + HOUR + 2 * QUARTER

    async def test_one_check_alone_shows_nothing(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await check(store, NOW + HOUR)
        assert isinstance(await claim(store, NOW + 2 * HOUR), Check)

    async def test_an_answer_that_differs_from_the_last_one_shows_nothing(self, opener: Opener) -> None:
        store = await at_rest(opener)
        other = replace(SEEN, answer=ListAnswer((b"fedcba9876543210",), ()))
        await check(store, NOW + 2 * HOUR, other)
        assert isinstance(await claim(store, NOW + 3 * HOUR), Check)

    async def test_a_check_that_notes_something_shows_nothing(self, opener: Opener) -> None:
        store = await at_rest(opener)
        due = await claim(store, NOW + 2 * HOUR)
        assert isinstance(due, Glance)
        whole = await store.whole_check(due.claim)
        assert whole is not None
        news = checked(whole, now=NOW + 2 * HOUR, unchanged=SEEN, known=knowledge(1, 2, 3), credit=CREDIT)
        assert await store.finish_check(due.claim, news)
        assert isinstance(await claim(store, NOW + 3 * HOUR), Check)

    async def test_a_check_that_saw_nothing_to_go_by_shows_nothing(self, opener: Opener) -> None:
        store = await at_rest(opener)
        await check(store, NOW + 2 * HOUR, None)
        assert isinstance(await claim(store, NOW + 3 * HOUR), Check)

    @pytest.mark.parametrize("change", CHANGES)
    async def test_any_change_of_the_chat_ends_it(self, opener: Opener, change: str) -> None:
        store = await at_rest(opener)
        link = (await store.chat(KEY)).link
        assert link is not None
        await CHANGES[change](store, link.account)
        assert isinstance(await claim(store, NOW + 2 * HOUR), Check)

    @pytest.mark.parametrize("change", [name for name in CHANGES if name != "sends"])  # that needs the check itself
    async def test_a_change_during_a_glance_lets_it_end_in_a_check(self, opener: Opener, change: str) -> None:
        store = await at_rest(opener)
        link = (await store.chat(KEY)).link
        assert link is not None
        now = NOW + HOUR + QUARTER
        glance = await claim(store, now)
        assert isinstance(glance, Glance)
        await CHANGES[change](store, link.account)
        assert not await store.end_glance(glance.claim, now, now + QUARTER, SEEN)

    @pytest.mark.parametrize("change", CHANGES)
    async def test_a_change_between_two_checks_puts_it_off(self, opener: Opener, change: str) -> None:
        store = await opener.open()
        link = await linked(store)
        await check(store, NOW + HOUR)
        await CHANGES[change](store, link.account)
        await check(store, NOW + 2 * HOUR)
        assert isinstance(await claim(store, NOW + 3 * HOUR), Check)

    @pytest.mark.parametrize(
        ("now", "rules"),
        [(NOW + 10 * HOUR, RULES), (NOW + 2 * HOUR, "others")],
        ids=["later than it says", "under other settings"],
    )
    async def test_it_does_not_suffice(self, opener: Opener, now: datetime, rules: str) -> None:
        store = await at_rest(opener)
        assert isinstance(await claim(store, now, rules), Check)

    async def test_it_does_not_suffice_before_it_was_seen_by_a_clock_that_was_put_back(self, opener: Opener) -> None:
        store = await at_rest(opener)
        due = await store.claim_checks(NOW + HOUR - MINUTE, 10, LEASE, RULES)
        assert [each for each in due if isinstance(each, Glance)] == []

    async def test_whoever_names_no_rules_gets_whole_checks(self, opener: Opener) -> None:
        store = await at_rest(opener)
        (due,) = await store.claim_checks(NOW + 2 * HOUR, 10, LEASE)
        assert due.known == knowledge(1, 2)

    async def test_its_end_notes_the_times_and_the_credit_and_nothing_else(self, opener: Opener) -> None:
        store = await at_rest(opener)
        before = await store.chat(KEY)
        now = NOW + 2 * HOUR
        glance = await claim(store, now)
        later = replace(CREDIT, asked_at=now, read_at=now)
        assert await store.end_glance(glance.claim, now, now + QUARTER, replace(SEEN, credit=later))
        link = (after := await store.chat(KEY)).link
        assert link is not None
        assert before.link is not None
        assert link == replace(
            before.link,
            watch=Watch(checked_at=now),
            next_check_at=now + QUARTER,
            credit=later,
        )
        assert replace(after, link=None) == replace(before, link=None)
        assert await store.known_invoices(KEY) == knowledge(1, 2)
        assert await store.claim_checks(now + QUARTER - MINUTE, 10, LEASE, RULES) == []
        again = await claim(store, now + QUARTER)
        assert isinstance(again, Glance)
        assert again.unchanged == replace(SEEN, credit=later)
        assert again.due == now + QUARTER

    async def test_times_that_a_glance_has_noted_survive_a_change_of_the_chat(self, opener: Opener) -> None:
        store = await at_rest(opener)
        now = NOW + 2 * HOUR
        glance = await claim(store, now)
        assert await store.end_glance(glance.claim, now, now + QUARTER, SEEN)
        await store.set_language(CHAT, "de")
        link = (await store.chat(KEY)).link
        assert link is not None
        assert (link.watch.checked_at, link.next_check_at) == (now, now + QUARTER)
        assert isinstance(await claim(store, now + QUARTER), Check)

    async def test_a_lost_claim_ends_nothing(self, opener: Opener) -> None:
        store = await at_rest(opener)
        stale = await claim(store, NOW + 2 * HOUR)
        taken = await claim(store, NOW + 2 * HOUR + LEASE)
        now = NOW + 2 * HOUR + LEASE
        assert not await store.end_glance(stale.claim, now, now + QUARTER, SEEN)
        assert await store.whole_check(stale.claim) is None
        assert await store.end_glance(taken.claim, now, now + QUARTER, SEEN)
        assert not await store.end_glance(taken.claim, now, now + QUARTER, SEEN)

    async def test_a_glance_can_be_given_back(self, opener: Opener) -> None:
        store = await at_rest(opener)
        glance = await claim(store, NOW + 2 * HOUR)
        assert await store.postpone_check(glance.claim, NOW + 3 * HOUR)
        assert isinstance(await claim(store, NOW + 3 * HOUR), Check)

    async def test_several_are_claimed_in_their_order_with_whole_checks_between(self, opener: Opener) -> None:
        store = await at_rest(opener)
        await linked(store, OTHER)
        due = await store.claim_checks(NOW + 3 * HOUR, 10, LEASE, RULES)
        assert [type(each) for each in due] == [Check, Glance]

    async def test_a_new_link_starts_anew(self, opener: Opener) -> None:
        store = await at_rest(opener)
        await linked(store)
        assert isinstance(await claim(store, NOW + 2 * HOUR), Check)
