"""What a store promises of chats and their links."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.domain.chats import Chat, Place, Token, Trouble
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    URL,
    Shelf,
    checked,
    claim_alert,
    claim_check,
    knowledge,
    known_invoice,
    linked,
    new_alert,
    new_link,
    with_alerts,
)


class ChatContract:
    """Chats and their links."""

    async def test_a_chat_that_is_not_stored_is_an_empty_one(self, shelf: Shelf) -> None:
        store = await shelf.open()
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_a_link_comes_back_as_it_was_stored_even_after_a_crash(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = new_link(store, place=Place(CHAT, 99), trouble=Trouble.PERMISSION_MISSING)
        await store.link(link, knowledge(1, 2))
        assert (await store.chat(CHAT)).link == link
        await shelf.crash()
        store = await shelf.open()
        assert (await store.chat(CHAT)).link == link
        assert (await claim_check(store)).known == knowledge(1, 2)

    async def test_money_and_dates_come_back_exactly(self, shelf: Shelf) -> None:
        store = await shelf.open()
        known = {
            1: replace(known_invoice(1), total=Decimal("0.00"), left=Decimal("1E+3"), due=date(2020, 2, 29), told=-14),
            2: replace(known_invoice(2), total=Decimal("12345678901234567890.01"), left=None, due=None, gone=True),
        }
        await linked(store, known=known)
        found = (await claim_check(store)).known
        assert found == known
        assert [str(found[1].total), str(found[1].left)] == ["0.00", "1E+3"]

    async def test_a_chosen_language_is_kept_for_a_chat_that_is_not_linked(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.set_language(CHAT, "de")
        await shelf.crash()
        store = await shelf.open()
        assert await store.chat(CHAT) == Chat(CHAT, language="de")
        await store.set_language(CHAT, None)
        assert (await store.chat(CHAT)).language is None

    async def test_telegrams_language_is_noted_for_stored_chats_only(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.note_telegram_language(CHAT, "de")
        assert await store.chat(CHAT) == Chat(CHAT)
        await linked(store)
        await store.note_telegram_language(CHAT, "de")
        assert (await store.chat(CHAT)).telegram_language == "de"

    async def test_waiting_for_a_token_outlives_a_crash_and_can_be_ended(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.await_token(CHAT, NOW + 10 * MINUTE)
        await shelf.crash()
        store = await shelf.open()
        assert (await store.chat(CHAT)).awaiting_token_until == NOW + 10 * MINUTE
        await store.await_token(CHAT, None)
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_linking_ends_the_wait_and_the_rest_and_keeps_the_languages(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.set_language(CHAT, "de")
        await store.note_telegram_language(CHAT, "en")
        await store.await_token(CHAT, NOW + MINUTE)
        await store.rest(CHAT, "blocked")
        link = await linked(store)
        assert await store.chat(CHAT) == Chat(CHAT, language="de", telegram_language="en", link=link)

    async def test_a_new_link_takes_the_place_of_the_old_one_with_its_knowledge_and_alerts(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2)
        link = new_link(store, token="secret-token-2")
        await store.link(link, knowledge(3))
        assert (await store.chat(CHAT)).link == link
        assert await store.claim_alerts(NOW + HOUR, 10, LEASE) == []
        assert (await store.waiting_alerts(CHAT)).waiting == 0
        assert (await claim_check(store)).known == knowledge(3)

    async def test_linking_anew_voids_what_is_under_way_for_the_old_link(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_alert(store)
        await store.link(new_link(store, token="secret-token-2"), knowledge(3))
        assert not await store.finish_check(check.claim, checked(check, new_alert(link, 1, "late")))
        assert not await store.alert_sent(delivery.claim)
        assert (await claim_check(store)).known == knowledge(3)

    async def test_the_same_token_has_the_same_account_in_every_chat_and_after_a_crash(self, shelf: Shelf) -> None:
        store = await shelf.open()
        account = store.account_of(URL, Token("secret-token-1"))
        assert store.account_of(URL + "/", Token("secret-token-1")) == account
        assert store.account_of(URL, Token("secret-token-2")) != account
        assert store.account_of("https://other.example", Token("secret-token-1")) != account
        assert "secret-token-1" not in account
        await shelf.crash()
        assert (await shelf.open()).account_of(URL, Token("secret-token-1")) == account

    async def test_unlinking_forgets_the_chat_with_all_its_work(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_alert(store)
        assert await store.unlink(CHAT)
        assert await store.chat(CHAT) == Chat(CHAT)
        assert not await store.finish_check(check.claim, checked(check))
        assert not await store.alert_failed(delivery.claim, NOW, uncertain=True, counts=True)
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []
        assert not await store.unlink(CHAT)

    async def test_unlinking_one_chat_leaves_another_of_the_same_account(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store, CHAT)
        link = await linked(store, OTHER)
        await store.unlink(CHAT)
        assert (await store.chat(OTHER)).link == link
