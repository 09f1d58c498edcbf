"""What a store promises of messages: which alerts go out together, and what is remembered of those that went out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.alerts import MESSAGES_KEPT, Alert, AlertKind
from bot.domain.chats import Link, Place, Preferences
from bot.domain.payments import Action, Outcome, Payment, State
from bot.ports import ALERTS_PER_MESSAGE, Store, Waiting
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    Shelf,
    claim_alert,
    claim_message,
    find,
    knowledge,
    linked,
    message_about,
    new_alert,
    new_payment,
    numbers_in,
    with_alerts,
    with_messages,
)

LATE = NOW + MINUTE + LEASE


def news_of_settled(link: Link, *numbers: int) -> list[Alert]:
    return [replace(new_alert(link, n, f"settled/{n}"), kind=AlertKind.SETTLED, threshold=None) for n in numbers]


class MessageContract:
    """Messages of several alerts, and those that are remembered."""

    # --- Which alerts go out together ---

    async def test_what_waits_goes_out_together_the_oldest_first(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1, None)
        await find(store, new_alert(link, 2, "later"), now=NOW + 2 * MINUTE)
        delivery = await claim_message(store, NOW + 2 * MINUTE)
        assert numbers_in(delivery) == [1, None, 2]
        assert await store.alerts_sent(delivery.claim, None, ())
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=0)

    async def test_no_more_than_the_limit_go_into_one_message(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, *range(1, 2 * ALERTS_PER_MESSAGE + 4))
        sizes = []
        seen: list[int | None] = []
        for _ in range(3):
            delivery = await claim_message(store)
            sizes.append(len(delivery.alerts))
            seen += numbers_in(delivery)
            assert await store.alerts_sent(delivery.claim, None, ())
        assert sizes == [ALERTS_PER_MESSAGE, ALERTS_PER_MESSAGE, 3]
        assert seen == list(range(1, 2 * ALERTS_PER_MESSAGE + 4))

    async def test_what_comes_while_a_message_is_being_sent_goes_into_the_next(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1, 2)
        first = await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        assert await store.claim_alerts(NOW + 2 * MINUTE, 10, LEASE) == []
        assert await store.alerts_sent(first.claim, None, ())
        assert numbers_in(await claim_message(store, NOW + 2 * MINUTE)) == [3]

    async def test_alerts_that_were_surely_not_sent_are_joined_by_newer_ones(self, shelf: Shelf) -> None:
        """After an outage, or quiet hours, there is one message of what has gathered."""
        store = await shelf.open()
        link = await with_alerts(store, 1, 2)
        delivery = await claim_message(store)
        assert await store.alerts_failed(delivery.claim, NOW + HOUR, uncertain=False, counts=False)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        delivery = await claim_message(store, NOW + HOUR)
        assert (numbers_in(delivery), delivery.again) == ([1, 2, 3], False)

    async def test_an_edit_is_noted_at_once_and_leaves_the_rest_of_the_delivery_in_hand(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_messages(store, message_about(1, message_id=70), message_about(1, 2, message_id=71))
        await find(store, *news_of_settled(link, 1), now=LATE)
        delivery = await claim_message(store, LATE)
        assert await store.message_edited(delivery.claim, 70, {1})
        assert await store.claim_alerts(LATE + MINUTE, 10, LEASE) == []
        noted = [[s.resolved for s in m.shown] for m in await store.sent_messages(CHAT)]
        assert noted == [[True], [False, False]]
        assert await store.alerts_failed(delivery.claim, LATE, uncertain=False, counts=False)
        assert not await store.message_edited(delivery.claim, 71, {1})
        assert await store.alerts_sent((await claim_message(store, LATE + MINUTE)).claim, None, {1})
        assert [m.message_id for m in await store.sent_messages(CHAT)] == [71]

    async def test_what_is_held_as_the_chat_is_quiet_comes_when_that_ends(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        assert await store.hold_alerts((await claim_message(store)).claim, NOW + HOUR)
        await shelf.crash()
        store = await shelf.open()
        assert await store.claim_alerts(NOW + HOUR - MINUTE, 10, LEASE) == []
        delivery = await claim_message(store, NOW + HOUR)
        assert (delivery.alerts[0].attempts, delivery.again) == (0, False)
        assert await store.alerts_sent(delivery.claim, None, ())
        assert not await store.hold_alerts(delivery.claim, NOW + 2 * HOUR)

    async def test_what_is_held_comes_sooner_once_something_is_settled(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        await store.hold_alerts((await claim_message(store)).claim, NOW + HOUR)
        await find(store, new_alert(link, 2, "2"), now=NOW + 2 * MINUTE)
        assert await store.claim_alerts(NOW + 3 * MINUTE, 10, LEASE) == []
        await find(store, *news_of_settled(link, 3), now=NOW + 20 * MINUTE)
        assert numbers_in(await claim_message(store, NOW + 20 * MINUTE)) == [1, 2, 3]

    async def test_what_is_held_comes_sooner_once_the_chat_chooses_other_preferences(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        await store.hold_alerts((await claim_message(store)).claim, NOW + HOUR)
        await store.set_preferences(CHAT, Preferences(quiet=None), NOW + 2 * MINUTE)
        assert numbers_in(await claim_message(store, NOW + 2 * MINUTE)) == [1]

    async def test_neither_frees_what_telegram_holds_off(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        claim = (await claim_message(store)).claim
        await store.alerts_failed(claim, NOW + HOUR, uncertain=False, counts=False)
        await find(store, *news_of_settled(link, 3), now=NOW + 20 * MINUTE)
        await store.set_preferences(CHAT, Preferences(quiet=None), NOW + 20 * MINUTE)
        assert await store.claim_alerts(NOW + 21 * MINUTE, 10, LEASE) == []

    async def test_refused_alerts_come_one_by_one_so_that_the_bad_one_spoils_no_other(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1, 2)
        delivery = await claim_message(store)
        assert await store.alerts_failed(delivery.claim, NOW, uncertain=False, counts=True)
        await find(store, new_alert(link, 3, "3"), new_alert(link, 4, "4"), now=NOW + 2 * MINUTE)
        seen = []
        for _ in range(3):
            delivery = await claim_message(store, NOW + 2 * MINUTE)
            seen.append([(alert.invoice_id, alert.attempts) for alert in delivery.alerts])
            assert await store.alerts_sent(delivery.claim, None, ())
        assert seen == [[(1, 1)], [(2, 1)], [(3, 0), (4, 0)]]

    async def test_a_message_of_uncertain_end_comes_again_as_it_was_and_nothing_joins_it(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1, 2)
        first = await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        assert await store.alerts_failed(first.claim, NOW, uncertain=True, counts=True)
        await shelf.crash()
        store = await shelf.open()
        again = await claim_message(store, NOW + 2 * MINUTE)
        assert (numbers_in(again), again.again) == ([1, 2], True)
        assert [alert.attempts for alert in again.alerts] == [1, 1]
        assert await store.alerts_sent(again.claim, None, ())
        other = await claim_message(store, NOW + 2 * MINUTE)
        assert (numbers_in(other), other.again) == ([3], False)

    async def test_a_message_that_a_crash_cut_off_comes_again_as_it_was(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1, 2)
        await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        await shelf.crash()
        store = await shelf.open()
        delivery = await claim_message(store, LATE)
        assert (numbers_in(delivery), delivery.again) == ([1, 2], True)
        await shelf.crash()
        store = await shelf.open()
        delivery = await claim_message(store, LATE + LEASE)
        assert (numbers_in(delivery), delivery.again) == ([1, 2], True)

    async def test_alerts_of_another_account_go_into_a_message_of_their_own(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        other = replace(link, account="b" * 64)
        alerts = [new_alert(link, 1, "1"), new_alert(other, 2, "2"), new_alert(link, 3, "3")]
        await find(store, *alerts)
        seen = []
        for _ in range(3):
            delivery = await claim_message(store)
            seen.append(numbers_in(delivery))
            assert delivery.known == (knowledge(1, 2) if delivery.alerts[0].account == link.account else {})
            assert await store.alerts_sent(delivery.claim, None, ())
        assert seen == [[1], [2], [3]]

    async def test_a_message_that_is_set_aside_takes_all_of_its_alerts_along_and_no_others(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1, 2)
        delivery = await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        assert await store.move_to_dead_letters(delivery.claim)
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=1, set_aside=2)
        assert numbers_in(await claim_message(store, NOW + 2 * MINUTE)) == [3]

    # --- What is remembered ---

    async def test_a_message_is_remembered_and_shown_with_the_next(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_messages(store, message_about(1, 2))
        await shelf.crash()
        store = await shelf.open()
        assert list(await store.sent_messages(CHAT)) == [message_about(1, 2)]
        await find(store, new_alert(link, 1, "later"), now=NOW + HOUR)
        assert list((await claim_message(store, NOW + HOUR)).sent) == [message_about(1, 2)]

    async def test_a_message_is_remembered_until_all_that_it_says_is_settled(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_messages(store, message_about(1, 2), message_about(2))
        for number, left in (
            (1, [message_about(1, 2).resolving({1}), message_about(2)]),
            (2, []),
        ):
            await find(store, *news_of_settled(link, number))
            claim, _ = await claim_alert(store)
            assert await store.alerts_sent(claim, None, {number})
            assert list(await store.sent_messages(CHAT)) == left

    async def test_a_message_about_nothing_that_is_open_is_not_remembered(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_messages(store, message_about())
        assert list(await store.sent_messages(CHAT)) == []

    async def test_the_news_that_an_invoice_is_open_again_is_not_settled_by_the_older_end(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_messages(store, message_about(1))
        await find(store, *news_of_settled(link, 1))
        claim, _ = await claim_alert(store)
        assert await store.alerts_sent(claim, message_about(1, message_id=72), {1})
        assert list(await store.sent_messages(CHAT)) == [message_about(1, message_id=72)]

    async def test_only_the_newest_messages_are_remembered(self, shelf: Shelf) -> None:
        store = await shelf.open()
        messages = [message_about(1, message_id=number) for number in range(MESSAGES_KEPT + 2)]
        await with_messages(store, *messages)
        assert list(await store.sent_messages(CHAT)) == messages[2:]

    async def test_a_report_under_a_lost_claim_remembers_and_settles_nothing(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_messages(store, message_about(1))
        await find(store, new_alert(link, 2, "later"))
        lost = await claim_message(store)
        await claim_message(store, LATE)
        assert not await store.alerts_sent(lost.claim, message_about(2, message_id=72), {1})
        assert list(await store.sent_messages(CHAT)) == [message_about(1)]

    # --- What was paid here ---

    async def test_a_settled_invoice_whose_payment_this_chat_began_is_told_as_paid_here(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        ends: list[dict[str, Any]] = [
            {"state": State.SENT},
            {"state": State.ENDED, "outcome": Outcome.DONE, "told": True},
            {"state": State.ENDED, "outcome": Outcome.REFUSED},
            {"state": State.ENDED, "outcome": Outcome.UNCLEAR},
            {"state": State.CONFIRMED},
            {},
        ]
        for number, end in enumerate(ends, start=1):
            await pay(store, new_payment(f"p{number}", link.account, invoice_id=number), **end)
        await find(store, *news_of_settled(link, *range(1, 8)))
        assert (await claim_message(store)).paid_here == {1, 2}

    async def test_what_another_chat_or_another_account_paid_was_not_paid_here(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        for payment in (
            new_payment("p1", link.account, invoice_id=1, place=Place(OTHER)),
            new_payment("p2", "b" * 64, invoice_id=2),
            new_payment("p3", link.account, invoice_id=3, action=Action.REMOVE_CREDIT),
            new_payment("p4", link.account, invoice_id=4, place=Place(CHAT, 99)),
        ):
            await pay(store, payment, state=State.SENT)
        await find(store, *news_of_settled(link, 1, 2, 3, 4))
        assert (await claim_message(store)).paid_here == {4}


async def pay(store: Store, payment: Payment, **end: Any) -> None:
    """Store a payment, and how far it has come."""
    await store.add_payment(payment)
    if end:
        assert await store.advance_payment(replace(payment, **end), State.ASKED)
