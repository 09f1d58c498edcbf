"""What a store promises of what people choose about their reminders: preferences, and silences of single invoices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chats import Chat, Loudness, Preferences, QuietHours, Silence
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    SECOND,
    Shelf,
    checked,
    claim_alert,
    claim_check,
    find,
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


class PreferenceContract:
    """Preferences and silences."""

    # --- Preferences ---

    @pytest.mark.parametrize("preferences", [CHOSEN, Preferences(quiet=None), Preferences()])
    async def test_preferences_come_back_as_they_were_chosen(self, shelf: Shelf, preferences: Preferences) -> None:
        store = await shelf.open()
        await store.set_preferences(CHAT, preferences, NOW)
        await shelf.crash()
        store = await shelf.open()
        assert await store.chat(CHAT) == Chat(CHAT, preferences=preferences)
        await store.set_preferences(CHAT, None, NOW)
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_other_preferences_make_the_next_check_due(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        await store.set_preferences(CHAT, CHOSEN, NOW)
        assert (await claim_check(store, NOW)).chat == Chat(
            CHAT, preferences=CHOSEN, link=(await store.chat(CHAT)).link
        )
        await store.link(link, {})
        await store.set_preferences(CHAT, None, NOW)
        assert (await claim_check(store, NOW)).chat.preferences is None

    async def test_preferences_put_no_check_off(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        await store.set_preferences(CHAT, CHOSEN, NOW + HOUR)
        assert (await claim_check(store, link.next_check_at)).chat.id == CHAT

    async def test_a_check_that_went_by_other_preferences_is_void(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        check = await claim_check(store)
        await store.set_preferences(CHAT, CHOSEN, NOW + 2 * MINUTE)
        assert not await store.finish_check(check.claim, checked(check, known=knowledge(7)))
        assert (await claim_check(store, NOW + 2 * MINUTE)).known == knowledge(1, 2)

    async def test_a_resting_chat_rests_whatever_it_prefers(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        await store.rest(CHAT, "blocked")
        await store.set_preferences(CHAT, CHOSEN, NOW)
        assert await store.claim_checks(NOW + HOUR, 10, LEASE) == []

    # --- Silences ---

    async def test_silences_come_back_as_they_were_given(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        assert await store.silence(CHAT, link.account, {1: SNOOZED, 2: MUTED}, NOW)
        await shelf.crash()
        store = await shelf.open()
        assert (await store.chat(CHAT)).silences == {1: SNOOZED, 2: MUTED}
        assert (await claim_check(store, NOW + HOUR)).chat.silences == {1: SNOOZED, 2: MUTED}

    async def test_a_silence_replaces_an_older_one_and_leaves_others(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: SNOOZED, 2: SNOOZED}, NOW)
        assert await store.silence(CHAT, link.account, {1: MUTED}, NOW)
        assert (await store.chat(CHAT)).silences == {1: MUTED, 2: SNOOZED}

    async def test_a_silence_that_is_lifted_is_gone_and_the_check_due(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: MUTED, 2: MUTED}, NOW)
        assert await store.silence(CHAT, link.account, {1: None}, NOW)
        assert (await claim_check(store, NOW)).chat.silences == {2: MUTED}

    async def test_the_check_is_due_when_the_first_silence_ends(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        await find(store, next_check_at=NOW + 24 * HOUR)
        silences = {1: Silence(NOW + 3 * HOUR), 2: Silence(NOW + 2 * HOUR), 3: MUTED}
        assert await store.silence(CHAT, link.account, silences, NOW)
        assert await store.claim_checks(NOW + 2 * HOUR - SECOND, 10, LEASE) == []
        assert (await claim_check(store, NOW + 2 * HOUR)).chat.silences == silences

    async def test_muting_leaves_the_check_where_it_is(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        assert await store.silence(CHAT, link.account, {1: MUTED}, NOW)
        assert await store.claim_checks(link.next_check_at - SECOND, 10, LEASE) == []
        assert (await claim_check(store, link.next_check_at)).chat.id == CHAT

    async def test_a_check_that_knew_nothing_of_a_silence_is_void(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        check = await claim_check(store)
        assert await store.silence(CHAT, link.account, {1: MUTED}, NOW + 2 * MINUTE)
        assert not await store.finish_check(check.claim, checked(check, known={}))
        assert (await claim_check(store, NOW + 2 * MINUTE)).chat.silences == {1: MUTED}

    async def test_nothing_is_silenced_under_another_link_or_none(self, shelf: Shelf) -> None:
        store = await shelf.open()
        assert not await store.silence(CHAT, "a" * 64, {1: MUTED}, NOW)
        assert await store.chat(CHAT) == Chat(CHAT)
        link = await linked(store)
        assert not await store.silence(CHAT, "a" * 64, {1: MUTED}, NOW)
        assert not await store.silence(OTHER, link.account, {1: MUTED}, NOW)
        assert (await store.chat(CHAT)).silences == {}
        assert await store.claim_checks(NOW, 10, LEASE) == []

    async def test_silences_go_with_their_invoices_when_those_are_settled_or_not_known_any_more(
        self, shelf: Shelf
    ) -> None:
        store = await shelf.open()
        link = await linked(store, known=knowledge(1, 2, 3))
        await store.silence(CHAT, link.account, {1: MUTED, 2: SNOOZED, 3: MUTED}, NOW)
        await find(store, known={1: settled(1), 3: known_invoice(3)})
        assert (await store.chat(CHAT)).silences == {3: MUTED}

    async def test_the_silence_of_a_settled_invoice_stays_until_what_is_to_be_said_of_it_was_said(
        self, shelf: Shelf
    ) -> None:
        """Whoever muted an invoice does not want to hear how it ended either."""
        store = await shelf.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: MUTED}, NOW)
        await find(store, replace(new_alert(link, 1, "1"), kind=AlertKind.SETTLED), known={1: settled(1)})
        claim, _ = await claim_alert(store)
        await find(store, known={1: settled(1)}, now=NOW + 2 * MINUTE)
        assert (await store.chat(CHAT)).silences == {1: MUTED}
        assert await store.alerts_sent(claim, None, {1})
        await find(store, known={1: settled(1)}, now=NOW + 3 * MINUTE)
        assert (await store.chat(CHAT)).silences == {}

    async def test_a_silence_of_what_is_not_known_goes_also_where_a_check_finds_nothing_new(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: MUTED, 99: MUTED}, NOW)
        await find(store)
        assert (await store.chat(CHAT)).silences == {1: MUTED}

    async def test_a_snooze_goes_once_the_person_was_reminded_after_its_end(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: SNOOZED, 2: SNOOZED}, NOW)
        known = {1: known_invoice(1, woken=SNOOZED.until), 2: known_invoice(2, woken=NOW)}
        await find(store, now=NOW + HOUR, known=known)
        assert (await store.chat(CHAT)).silences == {2: SNOOZED}

    # --- The messages that stand in the chat ---

    async def test_the_messages_of_a_chat_are_its_own_the_oldest_first(self, shelf: Shelf) -> None:
        store = await shelf.open()
        assert list(await store.sent_messages(CHAT)) == []
        await with_messages(store, message_about(1), message_about(2, message_id=None))
        await shelf.crash()
        store = await shelf.open()
        assert list(await store.sent_messages(CHAT)) == [message_about(1), message_about(2, message_id=None)]
        assert list(await store.sent_messages(OTHER)) == []
