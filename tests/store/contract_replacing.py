"""What a store promises of alerts about the same subject: the newest says how things stand, and old ones leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.domain.alerts import Alert, AlertKind, KnownInvoice, Standing
from bot.domain.chats import Link, Trouble, Watch
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
LATEST = NOW + 2 * HOUR
NOTHING = Waiting(waiting=0, set_aside=0)
LONG_OUTAGE = Watch(NOW, failing_since=NOW, outage_told=True)


class ReplacementContract:
    """Newer alerts in the place of older ones, and those set aside that nobody needs to see any more."""

    # --- Newer ones in the place of older ones ---

    async def test_a_new_alert_takes_the_place_of_a_waiting_one_about_the_same_invoice(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        delivery = await claim_message(store, LATER)
        assert [alert.id for alert in delivery.alerts] == [f"{CHAT}/001", "newer"]

    async def test_an_invoice_that_was_to_be_announced_stays_news_and_as_urgent_as_it_was(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, of_kind(new_alert(link, 1, "older"), AlertKind.NEW))
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.CHANGED, threshold=None), now=LATER)
        _, alert = await claim_alert(store, LATER)
        assert (alert.id, alert.kind, alert.threshold) == ("newer", AlertKind.NEW, 7)

    async def test_what_may_have_been_announced_is_not_announced_once_more(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, of_kind(new_alert(link, 1, "older"), AlertKind.NEW))
        assert await store.alerts_failed((await claim_alert(store))[0], NOW, uncertain=True, counts=True)
        assert await store.move_to_dead_letters((await claim_alert(store))[0])
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.DUE, threshold=3), now=LATER)
        _, alert = await claim_alert(store, LATER)
        assert (alert.id, alert.kind, alert.threshold) == ("newer", AlertKind.DUE, 3)

    async def test_what_is_settled_takes_the_place_of_all_that_was_to_be_said_of_it(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await find(store, of_kind(new_alert(link, 1, "newer"), AlertKind.SETTLED, threshold=None), now=LATER)
        _, alert = await claim_alert(store, LATER)
        assert (alert.kind, alert.threshold) == (AlertKind.SETTLED, None)

    async def test_a_new_alert_about_the_token_takes_the_place_of_a_waiting_one(self, opener: Opener) -> None:
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

    async def test_of_an_outage_that_nobody_heard_of_it_is_not_said_that_it_is_over(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.OUTAGE), watch=LONG_OUTAGE)
        await find(store, about_account(link, AlertKind.OUTAGE_OVER), now=LATER)
        assert await store.waiting_alerts(CHAT) == NOTHING
        assert await store.claim_alerts(LATER, 10, LEASE) == []

    async def test_nor_of_one_whose_alert_was_set_aside(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.OUTAGE), watch=LONG_OUTAGE)
        await set_aside(store)
        await find(store, about_account(link, AlertKind.OUTAGE_OVER), now=LATER)
        assert await store.waiting_alerts(CHAT) == NOTHING

    async def test_that_an_outage_is_over_is_said_where_the_outage_may_have_been_heard_of(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, about_account(link, AlertKind.OUTAGE), watch=LONG_OUTAGE)
        claim, _ = await claim_alert(store)
        await find(store, about_account(link, AlertKind.OUTAGE_OVER), now=LATER)
        assert await store.alerts_sent(claim, None, ())
        _, alert = await claim_alert(store, LATER)
        assert alert.kind is AlertKind.OUTAGE_OVER

    async def test_alerts_that_may_have_reached_the_person_are_not_replaced(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert (await store.waiting_alerts(CHAT)).waiting == 2
        assert await store.alerts_failed(claim, NOW, uncertain=True, counts=True)
        await find(store, new_alert(link, 1, "newest"), now=LATEST)
        first = await claim_message(store, LATEST)
        assert ([alert.id for alert in first.alerts], first.again) == ([f"{CHAT}/000"], True)
        await store.alerts_sent(first.claim, None, ())
        _, alert = await claim_alert(store, LATEST)
        assert alert.id == "newest"

    async def test_an_alert_that_waits_again_gives_way_to_a_newer_one_that_came_while_it_was_being_sent(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, of_kind(new_alert(link, 1, "older"), AlertKind.NEW))
        claim, _ = await claim_alert(store)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert await store.alerts_failed(claim, LATER, uncertain=False, counts=False)
        delivery = await claim_message(store, LATER)
        assert [(alert.id, alert.kind) for alert in delivery.alerts] == [("newer", AlertKind.NEW)]

    async def test_a_replaced_alert_does_not_shorten_the_wait_of_its_chat(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        await store.alerts_failed(claim, LATEST, uncertain=False, counts=False)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert await store.claim_alerts(LATEST - SECOND, 10, LEASE) == []
        _, alert = await claim_alert(store, LATEST)
        assert alert.id == "newer"

    # --- Those set aside ---

    async def test_an_alert_set_aside_gives_way_to_a_newer_one_about_the_same_invoice(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await set_aside(store)
        await find(store, new_alert(link, 1, "newer"), now=LATER)
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=1, set_aside=0)
        _, alert = await claim_alert(store, LATER)
        assert alert.id == "newer"

    @pytest.mark.parametrize(
        "left", [{}, *({1: settled(1, standing)} for standing in Standing if standing is not Standing.OPEN)]
    )
    async def test_an_alert_set_aside_leaves_once_its_invoice_is_not_open_any_more(
        self, opener: Opener, left: dict[int, KnownInvoice]
    ) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        await set_aside(store)
        await find(store, now=LATER, known={**left, 2: known_invoice(2)})
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=1)

    @pytest.mark.parametrize("watch", [Watch(LATER, Trouble.TOKEN_REFUSED), replace(LONG_OUTAGE, checked_at=LATER)])
    async def test_an_alert_set_aside_about_the_account_leaves_with_the_trouble(
        self, opener: Opener, watch: Watch
    ) -> None:
        store = await opener.open()
        await with_alerts(store, None)
        await set_aside(store)
        await find(store, now=LATER, watch=watch)
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=1)
        await find(store, now=LATEST)
        assert await store.waiting_alerts(CHAT) == NOTHING

    async def test_an_alert_set_aside_leaves_when_the_chat_is_linked_anew(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await set_aside(store)
        await linked(store)
        assert await store.waiting_alerts(CHAT) == NOTHING

    async def test_what_waits_does_not_leave_with_its_matter_as_the_courier_is_to_judge_it(
        self, opener: Opener
    ) -> None:
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


async def set_aside(store: Store) -> None:
    """Give up on what waits."""
    assert await store.move_to_dead_letters((await claim_message(store)).claim)
