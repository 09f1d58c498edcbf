"""Contract of preferences, and of silences of single invoices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.domain.alerts import Alert, AlertKind
from bot.domain.chats import Chat, Link, Loudness, Preferences, QuietHours, Silence
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
    claim_alert,
    claim_check,
    claim_message,
    find,
    invoices_in,
    knowledge,
    known_invoice,
    linked,
    message_about,
    new_alert,
    settled,
    with_messages,
)

CHOSEN = Preferences(
    before=(14, 2),
    after=(),
    hour=0,
    quiet=QuietHours(23, 5),
    zone="America/New_York",
    loudness=Loudness.NONE,
    digest=True,
    pdf_after_payment=True,
)
MUTED = Silence(muted=True)
SNOOZED = Silence(NOW + HOUR)
TOLD = date(2026, 4, 1)


def change_of(link: Link, number: int) -> Alert:
    return replace(new_alert(link, number, f"change-{number}"), kind=AlertKind.CHANGED, threshold=None, due=None)


class PreferenceContract:
    """Preferences and silences."""

    # --- Preferences ---

    @pytest.mark.parametrize("preferences", [CHOSEN, Preferences(quiet=None), Preferences()])
    async def test_preferences_come_back_as_they_were_chosen(self, opener: Opener, preferences: Preferences) -> None:
        store = await opener.open()
        await store.set_preferences(CHAT, preferences, NOW)
        await opener.crash()
        store = await opener.open()
        assert await store.chat(CHAT) == Chat(CHAT, preferences=preferences)
        await store.set_preferences(CHAT, None, NOW)
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_other_preferences_make_the_next_check_due(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.set_preferences(CHAT, CHOSEN, NOW)
        assert (await claim_check(store, NOW)).chat == Chat(
            CHAT, preferences=CHOSEN, link=(await store.chat(CHAT)).link
        )
        await store.link(link, {})
        await store.set_preferences(CHAT, None, NOW)
        assert (await claim_check(store, NOW)).chat.preferences is None

    async def test_preferences_never_delay_a_check(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.set_preferences(CHAT, CHOSEN, NOW + HOUR)
        assert (await claim_check(store, link.next_check_at)).chat.id == CHAT

    async def test_a_check_under_old_preferences_is_void(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        await store.set_preferences(CHAT, CHOSEN, NOW + 2 * MINUTE)
        assert not await store.finish_check(check.claim, checked(check, known=knowledge(7)))
        assert (await claim_check(store, NOW + 2 * MINUTE)).known == knowledge(1, 2)

    async def test_a_resting_chat_rests_whatever_it_prefers(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.rest(CHAT, "blocked")
        await store.set_preferences(CHAT, CHOSEN, NOW)
        assert await store.claim_checks(NOW + HOUR, 10, LEASE) == []

    # --- Silences ---

    async def test_silences_come_back_as_they_were_set(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        assert await store.silence(CHAT, link.account, {1: SNOOZED, 2: MUTED}, NOW)
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).silences == {1: SNOOZED, 2: MUTED}
        assert (await claim_check(store, NOW + HOUR)).chat.silences == {1: SNOOZED, 2: MUTED}

    async def test_a_silence_replaces_an_older_one_and_leaves_others(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: SNOOZED, 2: SNOOZED}, NOW)
        assert await store.silence(CHAT, link.account, {1: MUTED}, NOW)
        assert (await store.chat(CHAT)).silences == {1: MUTED, 2: SNOOZED}

    async def test_lifting_a_silence_removes_it_and_makes_the_check_due(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: MUTED, 2: MUTED}, NOW)
        assert await store.silence(CHAT, link.account, {1: None}, NOW)
        assert (await claim_check(store, NOW)).chat.silences == {2: MUTED}

    async def test_the_check_is_due_when_the_first_silence_ends(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, next_check_at=NOW + 24 * HOUR)
        silences = {1: Silence(NOW + 3 * HOUR), 2: Silence(NOW + 2 * HOUR), 3: MUTED}
        assert await store.silence(CHAT, link.account, silences, NOW)
        assert await store.claim_checks(NOW + 2 * HOUR - SECOND, 10, LEASE) == []
        assert (await claim_check(store, NOW + 2 * HOUR)).chat.silences == silences

    async def test_muting_does_not_move_the_check(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        assert await store.silence(CHAT, link.account, {1: MUTED}, NOW)
        assert await store.claim_checks(link.next_check_at - SECOND, 10, LEASE) == []
        assert (await claim_check(store, link.next_check_at)).chat.id == CHAT

    async def test_a_check_that_began_before_a_silence_is_void(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        check = await claim_check(store)
        assert await store.silence(CHAT, link.account, {1: MUTED}, NOW + 2 * MINUTE)
        assert not await store.finish_check(check.claim, checked(check, known={}))
        assert (await claim_check(store, NOW + 2 * MINUTE)).chat.silences == {1: MUTED}

    async def test_a_change_nobody_was_told_of_is_found_again_after_a_snooze(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        knew = {number: replace(known_invoice(number), told_due=TOLD) for number in (1, 2)}
        changes = [replace(change_of(link, number), told_due=TOLD) for number in knew]
        told = {number: replace(known, told_due=known.due) for number, known in knew.items()}
        await find(store, *changes, known=told)
        assert await store.silence(CHAT, link.account, {1: SNOOZED}, NOW)
        assert await store.known_invoices(CHAT) == {1: knew[1], 2: told[2]}
        assert (await claim_alert(store))[1].invoice_id == 2

    async def test_a_change_that_may_have_arrived_or_that_warns_still_waits_in_a_snooze(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        warning = replace(change_of(link, 2), is_warning=True)
        await find(store, change_of(link, 1), warning, known=knowledge(1, 2))
        await claim_message(store)
        assert await store.silence(CHAT, link.account, {1: SNOOZED, 2: SNOOZED}, NOW)
        assert await store.known_invoices(CHAT) == knowledge(1, 2)
        await opener.crash()
        store = await opener.open()
        assert invoices_in(await claim_message(store, NOW + HOUR)) == [1, 2]

    async def test_nothing_is_silenced_under_another_link_or_without_one(self, opener: Opener) -> None:
        store = await opener.open()
        assert not await store.silence(CHAT, "a" * 64, {1: MUTED}, NOW)
        assert await store.chat(CHAT) == Chat(CHAT)
        link = await linked(store)
        assert not await store.silence(CHAT, "a" * 64, {1: MUTED}, NOW)
        assert not await store.silence(OTHER, link.account, {1: MUTED}, NOW)
        assert (await store.chat(CHAT)).silences == {}
        assert await store.claim_checks(NOW, 10, LEASE) == []

    async def test_silences_of_settled_or_forgotten_invoices_are_removed(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store, known=knowledge(1, 2, 3))
        await store.silence(CHAT, link.account, {1: MUTED, 2: SNOOZED, 3: MUTED}, NOW)
        await find(store, known={1: settled(1), 3: known_invoice(3)})
        assert (await store.chat(CHAT)).silences == {3: MUTED}

    async def test_the_silence_of_a_settled_invoice_stays_until_its_last_alert_is_gone(self, opener: Opener) -> None:
        """A person who muted an invoice does not want to hear how it ended either."""
        store = await opener.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: MUTED}, NOW)
        await find(store, replace(new_alert(link, 1, "1"), kind=AlertKind.SETTLED), known={1: settled(1)})
        claim, _ = await claim_alert(store)
        await find(store, known={1: settled(1)}, now=NOW + 2 * MINUTE)
        assert (await store.chat(CHAT)).silences == {1: MUTED}
        assert await store.alerts_sent(claim, None, {1})
        await find(store, known={1: settled(1)}, now=NOW + 3 * MINUTE)
        assert (await store.chat(CHAT)).silences == {}

    async def test_even_a_check_without_news_removes_silences_of_unknown_invoices(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: MUTED, 99: MUTED}, NOW)
        await find(store)
        assert (await store.chat(CHAT)).silences == {1: MUTED}

    async def test_a_snooze_is_removed_after_the_reminder_that_follows_it(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: SNOOZED, 2: SNOOZED}, NOW)
        known = {1: known_invoice(1, woken=SNOOZED.until), 2: known_invoice(2, woken=NOW)}
        await find(store, now=NOW + HOUR, known=known)
        assert (await store.chat(CHAT)).silences == {2: SNOOZED}

    # --- Sent messages ---

    async def test_sent_messages_are_the_chats_own_oldest_first(self, opener: Opener) -> None:
        store = await opener.open()
        assert list(await store.sent_messages(CHAT)) == []
        await with_messages(store, message_about(1), message_about(2, message_id=None))
        await opener.crash()
        store = await opener.open()
        assert list(await store.sent_messages(CHAT)) == [message_about(1), message_about(2, message_id=None)]
        assert list(await store.sent_messages(OTHER)) == []
