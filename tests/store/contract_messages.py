"""Contract of messages: which alerts are sent together, and which sent messages are remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.alerts import MESSAGES_KEPT, Alert, AlertKind
from bot.domain.chats import Closure, Link, Place, Preferences
from bot.domain.payments import Action, Outcome, Payment, State
from bot.domain.standings import Standing
from bot.ports import ALERTS_PER_MESSAGE, Store, Waiting
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
    linked,
    message_about,
    new_alert,
    new_payment,
    settled,
    with_alerts,
    with_messages,
)

LATE = NOW + MINUTE + LEASE


def news_of_settled(link: Link, *numbers: int) -> list[Alert]:
    return [replace(new_alert(link, n, f"settled/{n}"), kind=AlertKind.SETTLED, threshold=None) for n in numbers]


class MessageContract:
    """Messages with several alerts, and sent messages."""

    # --- Announcements that nobody got ---

    async def test_an_announcement_that_came_too_late_is_taken_back_and_a_check_under_way_is_refused(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await linked(store)
        gone = {n: replace(k, standing=Standing.GONE, announced=True) for n, k in knowledge(1, 2).items()}
        new = [replace(new_alert(link, n, f"new/{n}"), kind=AlertKind.NEW, threshold=None) for n in (1, 2)]
        await find(store, *new, known={**gone, 2: replace(gone[2], standing=Standing.PAID)})
        delivery = await claim_message(store)
        check = await claim_check(store, NOW + HOUR)
        assert await store.alerts_sent(delivery.claim, None, ())
        known = await store.known_invoices(CHAT)
        assert (known[1].announced, known[2].announced) == (False, True)
        assert not await store.finish_check(check.claim, checked(check))
        assert await store.claim_check(CHAT, NOW + HOUR, LEASE) is not None

    async def test_that_it_is_open_again_is_still_to_be_said_if_it_was_closed_before_that(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        gone = {1: replace(knowledge(1)[1], standing=Standing.GONE, announced=True)}
        again = replace(new_alert(link, 1, "again"), kind=AlertKind.REOPENED, threshold=None)
        await find(store, again, known=gone)
        assert await store.alerts_sent((await claim_message(store)).claim, None, ())
        known = await store.known_invoices(CHAT)
        assert (known[1].announced, known[1].settled_told) == (True, True)

    async def test_a_reminder_that_was_dropped_because_its_invoice_was_gone_was_not_told(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        reminder = new_alert(link, 1, "due")
        known = replace(knowledge(1)[1], standing=Standing.GONE, due=reminder.due, told=reminder.threshold)
        await find(store, reminder, known={1: known})
        assert await store.alerts_sent((await claim_message(store)).claim, None, ())
        assert (await store.known_invoices(CHAT))[1].told is None

    async def test_a_reminder_that_another_due_date_replaced_was_not_told(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        reminder = new_alert(link, 1, "due")
        assert reminder.due is not None
        assert reminder.threshold is not None
        await find(store, reminder)
        later = reminder.due + timedelta(days=20)
        known = replace(knowledge(1)[1], due=later, told_earlier=((reminder.due, reminder.threshold),))
        change = replace(reminder, id="due+", kind=AlertKind.CHANGED, threshold=None, due=later)
        await find(store, change, known={1: known}, now=NOW + HOUR)
        assert (await store.known_invoices(CHAT))[1].told_earlier == ()

    # --- Which alerts are sent together ---

    async def test_waiting_alerts_go_out_together_oldest_first(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, None)
        await find(store, new_alert(link, 2, "later"), now=NOW + 2 * MINUTE)
        delivery = await claim_message(store, NOW + 2 * MINUTE)
        assert invoices_in(delivery) == [1, None, 2]
        assert await store.alerts_sent(delivery.claim, None, ())
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=0)

    async def test_a_message_holds_no_more_alerts_than_the_limit(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, *range(1, 2 * ALERTS_PER_MESSAGE + 4))
        sizes = []
        seen: list[int | None] = []
        for _ in range(3):
            delivery = await claim_message(store)
            sizes.append(len(delivery.alerts))
            seen += invoices_in(delivery)
            assert await store.alerts_sent(delivery.claim, None, ())
        assert sizes == [ALERTS_PER_MESSAGE, ALERTS_PER_MESSAGE, 3]
        assert seen == list(range(1, 2 * ALERTS_PER_MESSAGE + 4))

    async def test_an_alert_found_while_a_message_is_being_sent_goes_into_the_next(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        first = await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        assert await store.claim_alerts(NOW + 2 * MINUTE, 10, LEASE) == []
        assert await store.alerts_sent(first.claim, None, ())
        assert invoices_in(await claim_message(store, NOW + 2 * MINUTE)) == [3]

    async def test_alerts_that_were_surely_not_sent_are_joined_by_newer_ones(self, opener: Opener) -> None:
        """So one message holds everything that has gathered during an outage or quiet hours."""
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        delivery = await claim_message(store)
        assert await store.alerts_failed(delivery.claim, NOW + HOUR, uncertain=False, counts=False)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        delivery = await claim_message(store, NOW + HOUR)
        assert (invoices_in(delivery), delivery.again) == ([1, 2, 3], False)

    async def test_an_edit_is_noted_at_once_and_the_claim_stays_valid(self, opener: Opener) -> None:
        store = await opener.open()
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

    async def test_alerts_held_for_quiet_hours_come_when_those_end(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        assert await store.hold_alerts((await claim_message(store)).claim, NOW + HOUR)
        await opener.crash()
        store = await opener.open()
        assert await store.claim_alerts(NOW + HOUR - MINUTE, 10, LEASE) == []
        delivery = await claim_message(store, NOW + HOUR)
        assert (delivery.alerts[0].attempts, delivery.again) == (0, False)
        assert await store.alerts_sent(delivery.claim, None, ())
        assert not await store.hold_alerts(delivery.claim, NOW + 2 * HOUR)

    async def test_held_alerts_come_sooner_once_something_is_settled(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await store.hold_alerts((await claim_message(store)).claim, NOW + HOUR)
        await find(store, new_alert(link, 2, "2"), now=NOW + 2 * MINUTE)
        assert await store.claim_alerts(NOW + 3 * MINUTE, 10, LEASE) == []
        await find(store, *news_of_settled(link, 3), now=NOW + 20 * MINUTE)
        assert invoices_in(await claim_message(store, NOW + 20 * MINUTE)) == [1, 2, 3]

    async def test_held_alerts_come_sooner_once_the_chat_changes_its_preferences(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.hold_alerts((await claim_message(store)).claim, NOW + HOUR)
        await store.set_preferences(CHAT, Preferences(quiet=None), NOW + 2 * MINUTE)
        assert invoices_in(await claim_message(store, NOW + 2 * MINUTE)) == [1]

    async def test_neither_news_nor_preferences_end_a_wait_that_telegram_asked_for(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        claim = (await claim_message(store)).claim
        await store.alerts_failed(claim, NOW + HOUR, uncertain=False, counts=False)
        await find(store, *news_of_settled(link, 3), now=NOW + 20 * MINUTE)
        await store.set_preferences(CHAT, Preferences(quiet=None), NOW + 20 * MINUTE)
        assert await store.claim_alerts(NOW + 21 * MINUTE, 10, LEASE) == []

    async def test_refused_alerts_come_one_by_one_so_that_the_bad_one_spoils_no_other(self, opener: Opener) -> None:
        store = await opener.open()
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

    async def test_a_message_with_an_uncertain_outcome_comes_again_unchanged(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        first = await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        assert await store.alerts_failed(first.claim, NOW, uncertain=True, counts=True)
        await opener.crash()
        store = await opener.open()
        again = await claim_message(store, NOW + 2 * MINUTE)
        assert (invoices_in(again), again.again) == ([1, 2], True)
        assert [alert.attempts for alert in again.alerts] == [1, 1]
        assert await store.alerts_sent(again.claim, None, ())
        other = await claim_message(store, NOW + 2 * MINUTE)
        assert (invoices_in(other), other.again) == ([3], False)

    async def test_a_deferred_message_waits_by_itself_and_comes_again_as_it_was(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        delivery = await claim_message(store)
        assert await store.defer_alerts(delivery.claim, LATE + HOUR, uncertain=True)
        assert not await store.defer_alerts(delivery.claim, LATE, uncertain=True)
        await find(store, new_alert(link, 3, "later"), now=LATE)
        await opener.crash()
        store = await opener.open()
        other = await claim_message(store, LATE)
        assert (invoices_in(other), other.again) == ([3], False)
        assert await store.alerts_sent(other.claim, None, ())
        assert await store.claim_alerts(LATE + HOUR - SECOND, 10, LEASE) == []
        again = await claim_message(store, LATE + HOUR)
        assert (invoices_in(again), again.again, again.tries) == ([1, 2], True, 1)
        assert await store.defer_alerts(again.claim, LATE + 2 * HOUR)
        assert (await claim_message(store, LATE + 2 * HOUR)).tries == 1

    async def test_a_message_refused_for_an_unknown_reason_comes_in_parts_and_holds_up_no_other(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        closure = Closure("Bad Request: odd", LATE, LATE)
        assert await store.defer_alerts((await claim_message(store)).claim, LATE + HOUR, closure=closure)
        assert (await store.chat(CHAT)).closure == closure
        await find(store, new_alert(link, 3, "later"), now=LATE)
        seen = []
        for _ in range(3):  # the first one that gets through shows that the others may, too
            delivery = await claim_message(store, LATE)
            seen.append((invoices_in(delivery), delivery.again))
            assert await store.alerts_sent(delivery.claim, None, ())
        assert seen == [([3], False), ([1], False), ([2], False)]
        assert (await store.chat(CHAT)).closure is None

    async def test_the_alerts_of_a_closed_chat_wait_together(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        closure = Closure("no rights", NOW, LATE + HOUR)
        assert await store.close_chat((await claim_message(store)).claim, closure)
        await find(store, new_alert(link, 2, "later"), now=LATE)
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).closure == closure
        assert await store.claim_alerts(LATE + HOUR - SECOND, 10, LEASE) == []
        delivery = await claim_message(store, LATE + HOUR)
        assert (invoices_in(delivery), delivery.again, delivery.tries) == ([1, 2], False, 0)
        assert await store.alerts_sent(delivery.claim, None, ())
        assert (await store.chat(CHAT)).closure is None

    async def test_a_message_interrupted_by_a_crash_comes_again_unchanged(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        await opener.crash()
        store = await opener.open()
        delivery = await claim_message(store, LATE)
        assert (invoices_in(delivery), delivery.again, delivery.tries) == ([1, 2], True, 1)
        await opener.crash()
        store = await opener.open()
        delivery = await claim_message(store, LATE + LEASE)
        assert (invoices_in(delivery), delivery.again, delivery.tries) == ([1, 2], True, 2)
        await opener.crash()
        store = await opener.open()
        delivery = await claim_message(store, LATE + 2 * LEASE)
        assert invoices_in(delivery) == [3]  # crashes repeat the others no faster than unknown outcomes do
        assert await store.alerts_sent(delivery.claim, None, ())
        assert await store.claim_alerts(LATE + LEASE + 24 * MINUTE, 10, LEASE) == []
        delivery = await claim_message(store, LATE + LEASE + 25 * MINUTE)
        assert (invoices_in(delivery), delivery.again, delivery.tries) == ([1, 2], True, 3)

    async def test_alerts_of_another_account_go_into_a_message_of_their_own(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        other = replace(link, account="b" * 64)
        alerts = [new_alert(link, 1, "1"), new_alert(other, 2, "2"), new_alert(link, 3, "3")]
        await find(store, *alerts)
        seen = []
        for _ in range(3):
            delivery = await claim_message(store)
            seen.append(invoices_in(delivery))
            assert delivery.known == (knowledge(1, 2) if delivery.alerts[0].account == link.account else {})
            assert await store.alerts_sent(delivery.claim, None, ())
        assert seen == [[1], [2], [3]]

    async def test_all_alerts_of_a_refused_message_and_no_others_become_dead_letters(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        delivery = await claim_message(store)
        await find(store, new_alert(link, 3, "later"), now=NOW + 2 * MINUTE)
        assert await store.move_to_dead_letters(delivery.claim)
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=1, set_aside=2)
        assert invoices_in(await claim_message(store, NOW + 2 * MINUTE)) == [3]

    # --- Sent messages ---

    async def test_a_sent_message_is_remembered_and_comes_with_the_next_delivery(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_messages(store, message_about(1, 2))
        await opener.crash()
        store = await opener.open()
        assert list(await store.sent_messages(CHAT)) == [message_about(1, 2)]
        await find(store, new_alert(link, 1, "later"), now=NOW + HOUR)
        assert list((await claim_message(store, NOW + HOUR)).sent) == [message_about(1, 2)]

    async def test_a_sent_message_is_remembered_until_all_its_invoices_are_settled(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_messages(store, message_about(1, 2), message_about(2))
        for number, left in (
            (1, [message_about(1, 2).resolving({1}), message_about(2)]),
            (2, []),
        ):
            await find(store, *news_of_settled(link, number))
            claim, _ = await claim_alert(store)
            assert await store.alerts_sent(claim, None, {number})
            assert list(await store.sent_messages(CHAT)) == left

    async def test_a_message_without_open_invoices_is_not_remembered(self, opener: Opener) -> None:
        store = await opener.open()
        await with_messages(store, message_about())
        assert list(await store.sent_messages(CHAT)) == []

    async def test_a_message_about_a_reopened_invoice_is_not_resolved_by_the_older_settlement(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await with_messages(store, message_about(1))
        await find(store, *news_of_settled(link, 1))
        claim, _ = await claim_alert(store)
        assert await store.alerts_sent(claim, message_about(1, message_id=72), {1})
        assert list(await store.sent_messages(CHAT)) == [message_about(1, message_id=72)]

    async def test_only_the_newest_messages_are_remembered(self, opener: Opener) -> None:
        store = await opener.open()
        messages = [message_about(1, message_id=number) for number in range(MESSAGES_KEPT + 2)]
        await with_messages(store, *messages)
        assert list(await store.sent_messages(CHAT)) == messages[2:]

    async def test_a_report_under_a_lost_claim_changes_no_sent_messages(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_messages(store, message_about(1))
        await find(store, new_alert(link, 2, "later"))
        lost = await claim_message(store)
        await claim_message(store, LATE)
        assert not await store.alerts_sent(lost.claim, message_about(2, message_id=72), {1})
        assert list(await store.sent_messages(CHAT)) == [message_about(1)]

    # --- What was paid here ---

    async def test_a_settled_invoice_that_this_chat_paid_counts_as_paid_here(self, opener: Opener) -> None:
        store = await opener.open()
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

    async def test_what_a_chat_of_the_account_may_have_paid_counts_as_paid_by_the_bot(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        ends: list[dict[str, Any]] = [
            {"state": State.SENT},
            {"state": State.ENDED, "outcome": Outcome.PARTLY, "told": True},
            {"state": State.ENDED, "outcome": Outcome.UNCLEAR},
            {"state": State.ENDED, "outcome": Outcome.REFUSED},
            {},
        ]
        for number, end in enumerate(ends, start=1):
            await pay(store, new_payment(f"p{number}", link.account, invoice_id=number, place=Place(OTHER)), **end)
        await pay(store, new_payment("p6", link.account, invoice_id=6, action=Action.REMOVE_CREDIT), state=State.SENT)
        known = {n: replace(settled(n), paid_with_credit=n != 1) for n in range(1, 8)}
        alerts = [*news_of_settled(link, *range(1, 7)), replace(new_alert(link, 7, "new"), kind=AlertKind.NEW)]
        await find(store, *alerts, known=known)
        assert (await claim_message(store)).paid_by_bot == {2, 3}

    async def test_payments_of_another_chat_or_account_do_not_count_as_paid_here(self, opener: Opener) -> None:
        store = await opener.open()
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
    """Store a payment, and advance it to ``end``, if any."""
    await store.add_payment(payment)
    if end:
        assert await store.advance_payment(replace(payment, **end), State.ASKED)
