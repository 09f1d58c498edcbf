"""What a store promises of chats and their links."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.domain.alerts import KnownInvoice, Standing
from bot.domain.chats import Chat, Place, Preferences, Silence, Token, Trouble, Watch
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
    claim_check,
    claim_message,
    knowledge,
    known_invoice,
    linked,
    message_about,
    new_alert,
    new_link,
    with_alerts,
    with_messages,
)


class ChatContract:
    """Chats and their links."""

    async def test_a_chat_that_is_not_stored_is_an_empty_one(self, shelf: Shelf) -> None:
        store = await shelf.open()
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_a_link_comes_back_as_it_was_stored_even_after_a_crash(self, shelf: Shelf) -> None:
        store = await shelf.open()
        watch = Watch(NOW, Trouble.PERMISSION_MISSING, NOW - HOUR, outage_told=True, digest_told=date(2026, 3, 23))
        link = new_link(store, place=Place(CHAT, 99), watch=watch)
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
            2: replace(known_invoice(2), total=Decimal("12345678901234567890.01"), left=None, due=None),
        }
        await linked(store, known=known)
        found = (await claim_check(store)).known
        assert found == known
        assert [str(found[1].total), str(found[1].left)] == ["0.00", "1E+3"]

    async def test_all_that_the_person_was_told_comes_back(self, shelf: Shelf) -> None:
        store = await shelf.open()
        known = {
            number: KnownInvoice(
                id=number,
                standing=standing,
                due=date(2026, 4, 4),
                left=Decimal("6.95"),
                total=Decimal("7.95"),
                title="KVM",
                gross=Decimal("9.4605"),
                announced=True,
                told_gross=Decimal("9.46"),
                told_due=date(2026, 4, 3),
                told=-3,
                told_earlier=((date(2026, 3, 1), 7), (date(2026, 3, 2), -1)),
                woken=NOW,
                settled_told=True,
            )
            for number, standing in enumerate(Standing, start=1)
        }
        await linked(store, known=known)
        await shelf.crash()
        assert (await claim_check(await shelf.open())).known == known

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

    async def test_linking_ends_the_wait_and_the_rest(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.set_language(CHAT, "de")
        await store.note_telegram_language(CHAT, "en")
        await store.await_token(CHAT, NOW + MINUTE)
        await store.rest(CHAT, "blocked")
        link = await linked(store)
        assert await store.chat(CHAT) == Chat(CHAT, language="de", telegram_language="en", link=link)

    async def test_of_an_older_link_choices_are_left_and_what_was_said_of_the_same_invoices(self, shelf: Shelf) -> None:
        store = await shelf.open()
        old = await with_messages(store, message_about(1, 2))
        await store.set_language(CHAT, "de")
        await store.set_preferences(CHAT, Preferences(hour=7), NOW)
        assert await store.silence(CHAT, old.account, dict.fromkeys((1, 2), Silence(muted=True)), NOW)
        link = new_link(store, token="secret-token-2")
        await store.link(link, {1: known_invoice(1), 2: known_invoice(2, due=date(2030, 1, 1))})
        assert await store.chat(CHAT) == Chat(
            CHAT, language="de", preferences=Preferences(hour=7), link=link, silences={1: Silence(muted=True)}
        )
        assert [[s.resolved for s in m.shown] for m in await store.sent_messages(CHAT)] == [[False, True]]
        await store.link(new_link(store, token="secret-token-3"), knowledge(3))
        assert (await store.chat(CHAT)).silences == {}
        assert list(await store.sent_messages(CHAT)) == []

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
        check, delivery = await claim_check(store, NOW + HOUR), await claim_message(store)
        await store.link(new_link(store, token="secret-token-2"), knowledge(3))
        assert not await store.finish_check(check.claim, checked(check, new_alert(link, 1, "late")))
        assert not await store.alerts_sent(delivery.claim, None, ())
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
        check, delivery = await claim_check(store, NOW + HOUR), await claim_message(store)
        assert await store.unlink(CHAT)
        assert await store.chat(CHAT) == Chat(CHAT)
        assert not await store.finish_check(check.claim, checked(check))
        assert not await store.alerts_failed(delivery.claim, NOW, uncertain=True, counts=True)
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []
        assert list(await store.sent_messages(CHAT)) == []
        assert not await store.unlink(CHAT)

    async def test_unlinking_one_chat_leaves_another_of_the_same_account(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store, CHAT)
        link = await linked(store, OTHER)
        await store.unlink(CHAT)
        assert (await store.chat(OTHER)).link == link
