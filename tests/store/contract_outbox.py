"""Contract of the outbox: alerts that are to be sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.domain.alerts import AlertState
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    SECOND,
    Opener,
    claim_alert,
    claim_message,
    find,
    invoices_in,
    known_invoice,
    new_alert,
    with_alerts,
)


class OutboxContract:
    """Alerts that are to be sent, are being sent, or failed."""

    async def test_messages_of_a_chat_come_one_at_a_time_oldest_first(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        for number in (1, 2, 3):
            claim, alert = await claim_alert(store)
            assert alert.invoice_id == number
            await find(store, new_alert(link, number + 1, f"behind/{number}"))
            assert await store.claim_alerts(NOW + 2 * MINUTE, 10, LEASE) == []
            assert await store.alerts_sent(claim, None, ())

    async def test_chats_do_not_wait_for_each_other(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1, chat_id=CHAT)
        await with_alerts(store, 1, chat_id=OTHER)
        first = await store.claim_alerts(NOW + MINUTE, 1, LEASE)
        second = await store.claim_alerts(NOW + MINUTE, 10, LEASE)
        assert len(first) == len(second) == 1
        assert {first[0].chat.id, second[0].chat.id} == {CHAT, OTHER}

    async def test_a_delivery_shows_the_invoices_as_they_are_known_now(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        moved = {1: known_invoice(1, due=date(2026, 5, 1)), 2: known_invoice(2)}
        await find(store, now=NOW + HOUR, known=moved)
        delivery = await claim_message(store, NOW + HOUR)
        assert delivery.known == moved
        assert delivery.chat.link is not None
        assert delivery.chat.link.token == link.token
        assert delivery.alerts == (replace(new_alert(link, 1, f"{CHAT}/000"), state=AlertState.SENDING),)
        assert (list(delivery.sent), delivery.paid_here, delivery.again) == ([], frozenset(), False)

    async def test_an_alert_about_a_forgotten_invoice_comes_without_the_invoice(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await find(store, known={})
        delivery = await claim_message(store, NOW + HOUR)
        assert (invoices_in(delivery), delivery.known) == ([1], {})

    async def test_a_sent_alert_never_comes_again(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        delivery = await claim_message(store)
        assert await store.alerts_sent(delivery.claim, None, ())
        assert not await store.alerts_sent(delivery.claim, None, ())
        await opener.crash()
        assert await (await opener.open()).claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []

    async def test_an_alert_being_sent_at_a_crash_comes_again_marked(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        assert not (await claim_message(store)).again
        await opener.crash()
        store = await opener.open()
        delivery = await claim_message(store, NOW + MINUTE + LEASE)
        assert delivery.again
        assert await store.alerts_sent(delivery.claim, None, ())

    async def test_an_alert_with_an_expired_lease_comes_again_and_the_old_claim_is_lost(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        lost = await claim_message(store)
        assert await store.claim_alerts(NOW + MINUTE + LEASE - SECOND, 10, LEASE) == []
        held = await claim_message(store, NOW + MINUTE + LEASE)
        assert held.again
        assert not await store.alerts_sent(lost.claim, None, ())
        assert not await store.alerts_failed(lost.claim, NOW, uncertain=False, counts=True)
        assert not await store.move_to_dead_letters(lost.claim)
        assert await store.alerts_sent(held.claim, None, ())

    async def test_a_failed_alert_waits_and_holds_up_the_next_of_its_chat(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        delivery = await claim_message(store)
        assert await store.alerts_failed(delivery.claim, NOW + HOUR, uncertain=False, counts=True)
        await opener.crash()
        store = await opener.open()
        assert await store.claim_alerts(NOW + HOUR - SECOND, 10, LEASE) == []
        delivery = await claim_message(store, NOW + HOUR)
        (alert,) = delivery.alerts
        assert (alert.invoice_id, alert.attempts, delivery.again) == (1, 1, False)

    async def test_only_failures_that_count_add_to_the_attempts(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        for counts in (True, False, True):
            delivery = await claim_message(store)
            assert await store.alerts_failed(delivery.claim, NOW, uncertain=False, counts=counts)
        _, alert = await claim_alert(store)
        assert alert.attempts == 2

    async def test_an_alert_with_an_uncertain_outcome_comes_again_and_stays_marked(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        delivery = await claim_message(store)
        assert await store.alerts_failed(delivery.claim, NOW, uncertain=True, counts=True)
        delivery = await claim_message(store)
        assert delivery.again
        assert await store.alerts_failed(delivery.claim, NOW, uncertain=False, counts=False)
        await opener.crash()
        assert (await claim_message(await opener.open())).again

    async def test_a_dead_letter_is_counted_and_does_not_hold_up_the_next(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        delivery = await claim_message(store)
        await find(store, new_alert(link, 2, "behind"))
        assert await store.move_to_dead_letters(delivery.claim)
        assert not await store.move_to_dead_letters(delivery.claim)
        await opener.crash()
        store = await opener.open()
        waiting = await store.waiting_alerts(CHAT)
        assert (waiting.waiting, waiting.set_aside) == (1, 1)
        delivery = await claim_message(store)
        assert invoices_in(delivery) == [2]
        assert await store.alerts_sent(delivery.claim, None, ())
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []

    async def test_an_alert_being_sent_still_counts_as_waiting(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        await claim_message(store)
        assert (await store.waiting_alerts(CHAT)).waiting == 2
        assert (await store.waiting_alerts(OTHER)).waiting == 0

    async def test_waking_a_chat_releases_no_alert_that_is_being_sent(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        delivery = await claim_message(store)
        await store.rest(CHAT, "blocked")
        await store.wake(CHAT, NOW + MINUTE)
        assert await store.claim_alerts(NOW + 3 * MINUTE, 10, LEASE) == []
        assert await store.alerts_sent(delivery.claim, None, ())
