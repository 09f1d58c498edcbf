"""What a store promises of the alerts on their way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.domain.alerts import AlertKind, AlertState
from bot.domain.chats import Trouble
from bot.ports import Waiting
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
    known_invoice,
    linked,
    new_alert,
    with_alerts,
)


class OutboxContract:
    """The alerts on their way out."""

    async def test_alerts_of_a_chat_come_one_after_the_other_the_oldest_first(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2, 3)
        seen = []
        for _ in range(3):
            delivery = await claim_alert(store)
            assert await store.claim_alerts(NOW + 2 * MINUTE, 10, LEASE) == []
            seen.append(delivery.alert.invoice_id)
            assert await store.alert_sent(delivery.claim)
        assert seen == [1, 2, 3]
        assert await store.claim_alerts(NOW + HOUR, 10, LEASE) == []

    async def test_chats_do_not_wait_for_each_other(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, chat_id=CHAT)
        await with_alerts(store, 1, chat_id=OTHER)
        first = await store.claim_alerts(NOW + MINUTE, 1, LEASE)
        second = await store.claim_alerts(NOW + MINUTE, 10, LEASE)
        assert len(first) == len(second) == 1
        assert {first[0].chat.id, second[0].chat.id} == {CHAT, OTHER}

    async def test_a_delivery_shows_the_invoice_as_it_is_known_now(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        check = await claim_check(store, NOW + HOUR)
        moved = {1: known_invoice(1, due=date(2026, 5, 1))}
        assert await store.finish_check(check.claim, checked(check, now=NOW + HOUR, known=moved))
        delivery = await claim_alert(store, NOW + HOUR)
        assert delivery.known == moved[1]
        assert delivery.chat.link is not None
        assert delivery.chat.link.token == link.token
        assert delivery.alert == replace(new_alert(link, 1, f"{CHAT}/000"), state=AlertState.SENDING)

    async def test_an_alert_about_the_account_has_no_invoice(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, None)
        assert (await claim_alert(store)).known is None

    async def test_an_alert_about_an_invoice_that_is_not_known_any_more_has_none(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        check = await claim_check(store, NOW + HOUR)
        await store.finish_check(check.claim, checked(check, known={}))
        assert (await claim_alert(store, NOW + HOUR)).known is None

    async def test_a_sent_alert_never_comes_again(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        delivery = await claim_alert(store)
        assert await store.alert_sent(delivery.claim)
        assert not await store.alert_sent(delivery.claim)
        await shelf.crash()
        assert await (await shelf.open()).claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []

    async def test_an_alert_that_a_crash_left_as_being_sent_comes_again_and_says_so(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        assert not (await claim_alert(store)).again
        await shelf.crash()
        store = await shelf.open()
        delivery = await claim_alert(store, NOW + MINUTE + LEASE)
        assert delivery.again
        assert await store.alert_sent(delivery.claim)

    async def test_an_alert_whose_lease_ran_out_comes_again_and_the_old_claim_is_lost(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        lost = await claim_alert(store)
        assert await store.claim_alerts(NOW + MINUTE + LEASE - SECOND, 10, LEASE) == []
        held = await claim_alert(store, NOW + MINUTE + LEASE)
        assert held.again
        assert not await store.alert_sent(lost.claim)
        assert not await store.alert_failed(lost.claim, NOW, uncertain=False, counts=True)
        assert not await store.set_alert_aside(lost.claim)
        assert await store.alert_sent(held.claim)

    async def test_a_failed_alert_waits_and_holds_up_the_next_of_its_chat(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2)
        delivery = await claim_alert(store)
        assert await store.alert_failed(delivery.claim, NOW + HOUR, uncertain=False, counts=True)
        await shelf.crash()
        store = await shelf.open()
        assert await store.claim_alerts(NOW + HOUR - SECOND, 10, LEASE) == []
        delivery = await claim_alert(store, NOW + HOUR)
        assert (delivery.alert.invoice_id, delivery.alert.attempts, delivery.again) == (1, 1, False)

    async def test_only_failures_that_count_add_to_the_attempts(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        for counts in (True, False, True):
            delivery = await claim_alert(store)
            assert await store.alert_failed(delivery.claim, NOW, uncertain=False, counts=counts)
        assert (await claim_alert(store)).alert.attempts == 2

    async def test_an_alert_of_uncertain_end_comes_again_and_stays_marked(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        delivery = await claim_alert(store)
        assert await store.alert_failed(delivery.claim, NOW, uncertain=True, counts=True)
        delivery = await claim_alert(store)
        assert delivery.again
        assert await store.alert_failed(delivery.claim, NOW, uncertain=False, counts=False)
        await shelf.crash()
        assert (await claim_alert(await shelf.open())).again

    async def test_an_alert_set_aside_is_seen_and_does_not_hold_up_the_next(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2)
        delivery = await claim_alert(store)
        assert await store.set_alert_aside(delivery.claim)
        await shelf.crash()
        store = await shelf.open()
        waiting = await store.waiting_alerts(CHAT)
        assert (waiting.waiting, waiting.set_aside) == (1, 1)
        delivery = await claim_alert(store)
        assert delivery.alert.invoice_id == 2
        assert await store.alert_sent(delivery.claim)
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []

    async def test_an_alert_set_aside_gives_way_to_a_newer_one_about_the_same_invoice(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        await store.set_alert_aside((await claim_alert(store)).claim)
        check = await claim_check(store, NOW + HOUR)
        await store.finish_check(check.claim, checked(check, new_alert(link, 1, "newer"), now=NOW + HOUR))
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=1, set_aside=0)
        assert (await claim_alert(store, NOW + HOUR)).alert.id == "newer"

    @pytest.mark.parametrize("change", [{"is_open": False}, {"gone": True}])
    async def test_an_alert_set_aside_leaves_once_its_invoice_is_closed_or_gone(
        self, shelf: Shelf, change: dict[str, bool]
    ) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2)
        await store.set_alert_aside((await claim_alert(store)).claim)
        await store.set_alert_aside((await claim_alert(store)).claim)
        check = await claim_check(store, NOW + HOUR)
        known = {1: replace(known_invoice(1), **change), 2: known_invoice(2)}  # type: ignore[arg-type]  # two flags
        await store.finish_check(check.claim, checked(check, now=NOW + HOUR, known=known))
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=1)

    async def test_an_alert_set_aside_about_the_account_leaves_with_the_trouble(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, None)
        await store.set_alert_aside((await claim_alert(store)).claim)
        for now, trouble, left in ((NOW + HOUR, Trouble.TOKEN_REFUSED, 1), (NOW + 2 * HOUR, None, 0)):
            check = await claim_check(store, now)
            await store.finish_check(check.claim, checked(check, now=now, trouble=trouble))
            assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=left)

    async def test_an_alert_set_aside_leaves_when_the_chat_is_linked_anew(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        await store.set_alert_aside((await claim_alert(store)).claim)
        await linked(store)
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=0)

    async def test_alerts_that_wait_are_counted_also_while_one_is_sent(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2)
        await claim_alert(store)
        assert (await store.waiting_alerts(CHAT)).waiting == 2
        assert (await store.waiting_alerts(OTHER)).waiting == 0

    async def test_a_new_alert_takes_the_place_of_a_waiting_one_about_the_same_invoice(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1, 2)
        check = await claim_check(store, NOW + HOUR)
        assert await store.finish_check(check.claim, checked(check, new_alert(link, 1, "newer"), now=NOW + HOUR))
        seen = []
        for _ in range(2):
            delivery = await claim_alert(store, NOW + HOUR)
            seen.append(delivery.alert.id)
            await store.alert_sent(delivery.claim)
        assert seen == [f"{CHAT}/001", "newer"]
        assert await store.claim_alerts(NOW + 2 * HOUR, 10, LEASE) == []

    async def test_a_new_alert_about_the_account_takes_the_place_of_a_waiting_one(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, None)
        check = await claim_check(store, NOW + HOUR)
        newer = replace(new_alert(link, None, "newer"), kind=AlertKind.PERMISSION_MISSING)
        await store.finish_check(check.claim, checked(check, newer, now=NOW + HOUR))
        assert (await store.waiting_alerts(CHAT)).waiting == 1
        assert (await claim_alert(store, NOW + HOUR)).alert.kind is AlertKind.PERMISSION_MISSING

    async def test_alerts_that_may_have_reached_the_person_are_not_replaced(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        delivery = await claim_alert(store)
        check = await claim_check(store, NOW + HOUR)
        await store.finish_check(check.claim, checked(check, new_alert(link, 1, "newer"), now=NOW + HOUR))
        assert (await store.waiting_alerts(CHAT)).waiting == 2
        assert await store.alert_failed(delivery.claim, NOW, uncertain=True, counts=True)
        check = await claim_check(store, NOW + 2 * HOUR)
        await store.finish_check(check.claim, checked(check, new_alert(link, 1, "newest"), now=NOW + 2 * HOUR))
        first = await claim_alert(store, NOW + 2 * HOUR)
        assert (first.alert.id, first.again) == (f"{CHAT}/000", True)
        await store.alert_sent(first.claim)
        assert (await claim_alert(store, NOW + 2 * HOUR)).alert.id == "newest"

    async def test_a_replaced_alert_does_not_shorten_the_wait_of_its_chat(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        delivery = await claim_alert(store)
        await store.alert_failed(delivery.claim, NOW + 2 * HOUR, uncertain=False, counts=False)
        check = await claim_check(store, NOW + HOUR)
        await store.finish_check(check.claim, checked(check, new_alert(link, 1, "newer"), now=NOW + HOUR))
        assert await store.claim_alerts(NOW + 2 * HOUR - SECOND, 10, LEASE) == []
        assert (await claim_alert(store, NOW + 2 * HOUR)).alert.id == "newer"

    async def test_waking_a_chat_does_not_give_out_an_alert_that_is_being_sent(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        delivery = await claim_alert(store)
        await store.rest(CHAT, "blocked")
        await store.wake(CHAT, NOW + MINUTE)
        assert await store.claim_alerts(NOW + 2 * MINUTE, 10, LEASE) == []
        assert await store.alert_sent(delivery.claim)
