"""Contract of several alerts about the same subject: the newest replaces older ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Link, Trouble, Watch
from bot.domain.standings import Standing
from bot.ports import Store, Waiting
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    NOW,
    SECOND,
    Opener,
    claim_alert,
    claim_message,
    find,
    known_invoice,
    linked,
    new_alert,
    settled,
    with_alerts,
)

LATER = NOW + HOUR
MUCH_LATER = NOW + 2 * HOUR
NOTHING = Waiting(waiting=0, set_aside=0)
LONG_OUTAGE = Watch(NOW, failing_since=NOW, outage_told=True)


class ReplacementContract:
    """Alerts that newer ones replace, and dead letters that nobody needs any more."""

    # --- Newer alerts replace older ones ---

    async def test_a_new_alert_replaces_a_waiting_one_about_the_same_invoice(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        delivery = await claim_message(store, LATER)
        assert [alert.id for alert in delivery.alerts] == [f"{CHAT}/001", "newer"]

    async def test_an_unannounced_invoice_stays_new_and_keeps_its_threshold(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, of_kind(new_alert(link, 1, "older"), AlertKind.NEW))
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.CHANGED, threshold=None), now=LATER)
        _, alert = await claim_alert(store, LATER)
        assert (alert.id, alert.kind, alert.threshold) == ("newer", AlertKind.NEW, 7)

    @pytest.mark.parametrize("dead_letter", [False, True])
    async def test_an_invoice_that_may_have_been_announced_is_announced_again_with_a_mark_and_at_once(
        self, opener: Opener, *, dead_letter: bool
    ) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, of_kind(new_alert(link, 1, "older"), AlertKind.NEW))
        assert await store.defer_alerts((await claim_alert(store))[0], MUCH_LATER, uncertain=True)
        if dead_letter:
            assert await store.move_to_dead_letters((await claim_alert(store, MUCH_LATER))[0])
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.DUE, threshold=3), now=LATER)
        delivery = await claim_message(store, LATER if not dead_letter else MUCH_LATER)
        (alert,) = delivery.alerts
        assert (alert.id, alert.kind, alert.threshold) == ("newer", AlertKind.NEW, 3)
        assert (delivery.again, delivery.tries) == (True, 0)

    async def test_a_reminder_that_may_have_arrived_gives_way_to_a_later_one_which_is_no_repetition(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        assert await store.defer_alerts((await claim_alert(store))[0], MUCH_LATER, uncertain=True)
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.DUE, threshold=3), now=LATER)
        delivery = await claim_message(store, LATER)
        assert ([alert.id for alert in delivery.alerts], delivery.again) == (["newer"], False)

    async def test_a_change_after_a_reminder_that_may_have_arrived_keeps_its_urgency_and_is_marked(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        assert await store.defer_alerts((await claim_alert(store))[0], MUCH_LATER, uncertain=True)
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.CHANGED, threshold=None), now=LATER)
        delivery = await claim_message(store, LATER)
        (alert,) = delivery.alerts
        assert (alert.kind, alert.threshold, delivery.again) == (AlertKind.CHANGED, 7, True)

    async def test_what_may_have_arrived_in_one_message_comes_apart_where_there_is_news_of_a_part(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        assert await store.defer_alerts((await claim_message(store)).claim, MUCH_LATER, uncertain=True)
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.DUE, threshold=3), now=LATER)
        delivery = await claim_message(store, LATER)
        assert ([alert.id for alert in delivery.alerts], delivery.again) == (["newer"], False)
        await store.alerts_sent(delivery.claim, None, ())
        assert await store.claim_alerts(MUCH_LATER - SECOND, 10, LEASE) == []
        delivery = await claim_message(store, MUCH_LATER)
        assert ([alert.id for alert in delivery.alerts], delivery.again) == ([f"{CHAT}/001"], True)

    async def test_news_of_a_settled_invoice_replaces_its_waiting_reminder(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.SETTLED, threshold=None), now=LATER)
        _, alert = await claim_alert(store, LATER)
        assert (alert.kind, alert.threshold) == (AlertKind.SETTLED, None)

    async def test_a_new_alert_about_the_token_replaces_a_waiting_one(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, None)
        await find(store, about_account(link, AlertKind.PERMISSION_MISSING), now=LATER)
        _, alert = await claim_alert(store, LATER)
        assert alert.kind is AlertKind.PERMISSION_MISSING

    async def test_outage_token_and_digest_are_different_subjects(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, None, 1)
        kinds = (AlertKind.OUTAGE, AlertKind.DIGEST)
        await find(store, *(about_account(link, kind) for kind in kinds), now=LATER)
        delivery = await claim_message(store, LATER)
        assert [alert.kind for alert in delivery.alerts] == [AlertKind.TOKEN_REFUSED, AlertKind.DUE, *kinds]

    async def test_the_end_of_an_outage_is_not_told_if_its_beginning_was_not(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.OUTAGE), watch=LONG_OUTAGE)
        await find(store, about_account(link, AlertKind.OUTAGE_OVER), now=LATER)
        assert await store.waiting_alerts(CHAT) == NOTHING
        assert await store.claim_alerts(LATER, 10, LEASE) == []

    async def test_the_end_of_a_refusal_is_not_told_if_the_refusal_was_not(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.TOKEN_REFUSED), watch=Watch(NOW, Trouble.TOKEN_REFUSED))
        await find(store, about_account(link, AlertKind.TROUBLE_OVER), now=LATER)
        assert await store.waiting_alerts(CHAT) == NOTHING

    async def test_the_end_of_an_outage_is_not_told_if_its_beginning_is_a_dead_letter(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.OUTAGE), watch=LONG_OUTAGE)
        await make_dead_letters(store)
        await find(store, about_account(link, AlertKind.OUTAGE_OVER), now=LATER)
        assert await store.waiting_alerts(CHAT) == NOTHING

    async def test_the_end_of_an_outage_is_told_if_its_beginning_may_have_arrived(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.OUTAGE), watch=LONG_OUTAGE)
        claim, _ = await claim_alert(store)
        await find(store, about_account(link, AlertKind.OUTAGE_OVER), now=LATER)
        assert await store.alerts_sent(claim, None, ())
        _, alert = await claim_alert(store, LATER)
        assert alert.kind is AlertKind.OUTAGE_OVER

    async def test_an_alert_that_is_being_sent_is_not_replaced_before_its_end_is_known(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert (await store.waiting_alerts(CHAT)).waiting == 2
        assert await store.defer_alerts(claim, MUCH_LATER, uncertain=True)
        assert (await store.waiting_alerts(CHAT)).waiting == 1
        _, alert = await claim_alert(store, LATER)
        assert alert.id == "newer"

    async def test_an_outage_that_may_have_been_told_is_followed_by_its_end(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.OUTAGE), watch=LONG_OUTAGE)
        assert await store.defer_alerts((await claim_alert(store))[0], MUCH_LATER, uncertain=True)
        await find(store, about_account(link, AlertKind.OUTAGE_OVER), now=LATER)
        delivery = await claim_message(store, LATER)
        assert ([alert.kind for alert in delivery.alerts], delivery.again) == ([AlertKind.OUTAGE_OVER], False)

    async def test_a_failed_alert_is_replaced_by_one_found_while_it_was_being_sent(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, of_kind(new_alert(link, 1, "older"), AlertKind.NEW))
        claim, _ = await claim_alert(store)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert await store.alerts_failed(claim, LATER, uncertain=False, counts=False)
        delivery = await claim_message(store, LATER)
        assert [(alert.id, alert.kind) for alert in delivery.alerts] == [("newer", AlertKind.NEW)]

    async def test_replacing_an_alert_does_not_shorten_the_wait_of_its_chat(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        await store.alerts_failed(claim, MUCH_LATER, uncertain=False, counts=False)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert await store.claim_alerts(MUCH_LATER - SECOND, 10, LEASE) == []
        _, alert = await claim_alert(store, MUCH_LATER)
        assert alert.id == "newer"

    # --- Dead letters ---

    async def test_a_dead_letter_is_replaced_by_a_newer_alert_about_the_same_invoice(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await make_dead_letters(store)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=1, set_aside=0)
        _, alert = await claim_alert(store, LATER)
        assert alert.id == "newer"

    @pytest.mark.parametrize(
        "left", [{}, *({1: settled(1, standing)} for standing in Standing if standing is not Standing.OPEN)]
    )
    async def test_a_dead_letter_is_removed_once_its_invoice_is_no_longer_open(
        self, opener: Opener, left: dict[int, KnownInvoice]
    ) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        await make_dead_letters(store)
        await find(store, now=LATER, known={**left, 2: known_invoice(2)})
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=1)

    @pytest.mark.parametrize("watch", [Watch(LATER, Trouble.TOKEN_REFUSED), replace(LONG_OUTAGE, checked_at=LATER)])
    async def test_a_dead_letter_about_the_account_is_removed_when_the_trouble_ends(
        self, opener: Opener, watch: Watch
    ) -> None:
        store = await opener.open()
        await with_alerts(store, None)
        await make_dead_letters(store)
        await find(store, now=LATER, watch=watch)
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=1)
        await find(store, now=MUCH_LATER)
        assert await store.waiting_alerts(CHAT) == NOTHING

    async def test_a_dead_letter_is_removed_when_the_chat_is_linked_again(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await make_dead_letters(store)
        await linked(store)
        assert await store.waiting_alerts(CHAT) == NOTHING

    async def test_waiting_alerts_stay_when_their_subject_is_settled(self, opener: Opener) -> None:
        """The alert sender decides what becomes of them."""
        store = await opener.open()
        await with_alerts(store, 1, None)
        await find(store, now=LATER, known={1: settled(1)})
        delivery = await claim_message(store, LATER)
        assert len(delivery.alerts) == 2
        assert delivery.known == {1: settled(1)}


def about_account(link: Link, kind: AlertKind) -> Alert:
    return replace(new_alert(link, None, f"account/{kind}"), kind=kind)


def of_kind(alert: Alert, kind: AlertKind, threshold: int | None = 7) -> Alert:
    return replace(alert, kind=kind, threshold=threshold, due=date(2026, 4, 4))


async def make_dead_letters(store: Store) -> None:
    """Give up the next message."""
    assert await store.move_to_dead_letters((await claim_message(store)).claim)
