"""What a store promises of chats that rest or move."""

from __future__ import annotations

from bot.domain.chats import Chat, Place
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    Shelf,
    checked,
    claim_alert,
    claim_check,
    knowledge,
    known_invoice,
    linked,
    new_link,
    new_payment,
    with_alerts,
)


class RestAndMoveContract:
    """Chats that rest, and chats that get a new id."""

    async def test_a_resting_chat_is_neither_checked_nor_alerted_and_keeps_its_data(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        await store.rest(CHAT, "Forbidden: bot was blocked by the user")
        await shelf.crash()
        store = await shelf.open()
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []
        chat = await store.chat(CHAT)
        assert chat.resting == "Forbidden: bot was blocked by the user"
        assert chat.link is not None
        assert chat.link.token == link.token
        assert (await store.waiting_alerts(CHAT)).waiting == 1

    async def test_a_woken_chat_is_checked_at_once_and_gets_its_alerts(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        await store.rest(CHAT, "blocked")
        assert await store.wake(CHAT, NOW + 2 * MINUTE)
        assert (await store.chat(CHAT)).resting is None
        assert (await claim_check(store, NOW + 2 * MINUTE)).chat.id == CHAT
        assert (await claim_alert(store, NOW + 2 * MINUTE)).alert.invoice_id == 1

    async def test_only_a_resting_chat_can_be_woken(self, shelf: Shelf) -> None:
        store = await shelf.open()
        assert not await store.wake(CHAT, NOW)
        await linked(store)
        assert not await store.wake(CHAT, NOW)
        assert await store.claim_checks(NOW, 10, LEASE) == []

    async def test_what_is_under_way_when_a_chat_goes_to_rest_can_still_be_reported(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_alert(store, NOW + HOUR)
        await store.rest(CHAT, "blocked")
        assert await store.alert_failed(delivery.claim, NOW + HOUR, uncertain=False, counts=False)
        assert await store.finish_check(check.claim, checked(check, now=NOW + HOUR))
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        await store.wake(CHAT, NOW + 2 * HOUR)
        assert not (await claim_alert(store, NOW + 2 * HOUR)).again

    async def test_a_moved_chat_takes_all_that_belongs_to_it(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        await store.set_language(CHAT, "de")
        await store.add_payment(new_payment(account=link.account))
        await store.move_chat(CHAT, OTHER)
        await shelf.crash()
        store = await shelf.open()
        assert await store.chat(CHAT) == Chat(CHAT)
        chat = await store.chat(OTHER)
        assert chat.language == "de"
        assert chat.link is not None
        assert (chat.link.place, chat.link.token, chat.link.account) == (Place(OTHER), link.token, link.account)
        delivery = await claim_alert(store, NOW + HOUR)
        assert delivery.alert.place == Place(OTHER)
        assert delivery.known == known_invoice(1)
        check = await claim_check(store, NOW + HOUR)
        assert (check.chat.id, check.known) == (OTHER, knowledge(1))
        payment = await store.payment("p1")
        assert payment is not None
        assert payment.place == Place(OTHER, 12)

    async def test_an_alert_that_is_being_sent_while_its_chat_moves_can_be_reported(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2)
        delivery = await claim_alert(store)
        await store.move_chat(CHAT, OTHER)
        assert await store.claim_alerts(NOW + 2 * MINUTE, 10, LEASE) == []
        assert await store.alert_sent(delivery.claim)
        assert (await claim_alert(store, NOW + 2 * MINUTE)).alert.invoice_id == 2

    async def test_moving_twice_is_moving_once(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        await store.move_chat(CHAT, OTHER)
        before = await store.chat(OTHER)
        await store.move_chat(CHAT, OTHER)
        await store.move_chat(OTHER, OTHER)
        assert await store.chat(OTHER) == before

    async def test_a_linked_chat_under_the_new_id_stays_as_it_is(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        link = new_link(store, OTHER, "secret-token-2")
        await store.link(link, knowledge(9))
        await store.move_chat(CHAT, OTHER)
        assert (await store.chat(OTHER)).link == link
        assert await store.chat(CHAT) == Chat(CHAT)
        assert await store.claim_alerts(NOW + HOUR, 10, LEASE) == []
        assert (await claim_check(store, NOW + HOUR)).known == knowledge(9)

    async def test_an_unlinked_chat_under_the_new_id_gets_the_link_and_keeps_its_language(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        await store.set_language(OTHER, "de")
        await store.move_chat(CHAT, OTHER)
        chat = await store.chat(OTHER)
        assert chat.language == "de"
        assert chat.link is not None
        assert chat.link.token == link.token
        assert (await claim_alert(store, NOW + HOUR)).alert.place == Place(OTHER)
