"""Contract of operator commands: list and forget chats, and list, retry or drop alerts."""

from __future__ import annotations

import pytest

from bot.domain.alerts import AlertState
from bot.domain.payments import Outcome, State
from bot.errors import LinkInUse
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    Opener,
    claim_alert,
    claim_message,
    find,
    invoices_in,
    linked,
    new_alert,
    new_payment,
    with_alerts,
)


class OperatorContract:
    """Overviews of chats, and the outbox."""

    async def test_overviews_show_the_state_of_all_chats(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        await store.set_language(OTHER, "de")
        await store.rest(CHAT, "blocked")
        other, chat = await store.overviews()
        assert (other.chat_id, other.account, other.checked_at) == (OTHER, None, None)
        assert (chat.chat_id, chat.account, chat.resting) == (CHAT, link.account, "blocked")
        assert (chat.waiting, chat.set_aside) == (2, 0)
        assert "secret-token-1" not in repr([other, chat])

    async def test_an_overview_shows_one_chat_by_its_id(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        assert [await store.overview(CHAT)] == list(await store.overviews())
        assert await store.overview(OTHER) is None

    async def test_forgetting_a_chat_deletes_its_journal_and_leaves_the_others(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.add_payment(new_payment(state=State.ENDED, outcome=Outcome.DONE, told=True))
        await linked(store, OTHER)
        assert await store.forget(CHAT)
        assert not await store.forget(CHAT)
        assert [chat.chat_id for chat in await store.overviews()] == [OTHER]
        assert await store.payments_of_chat(CHAT) == []

    async def test_a_chat_with_a_payment_under_way_is_not_forgotten(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.add_payment(new_payment())
        await store.advance_payment(new_payment(state=State.CONFIRMED), State.ASKED)
        with pytest.raises(LinkInUse):
            await store.forget(CHAT)
        assert (await store.chat(CHAT)).link is not None

    async def test_alerts_are_listed_with_their_state(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        assert [alert.alert.state for alert in await store.alerts()] == [AlertState.WAITING] * 2
        delivery = await claim_message(store)
        await store.alerts_failed(delivery.claim, NOW + HOUR, uncertain=True, counts=True)
        alerts = await store.alerts()
        assert [(a.chat_id, a.alert.invoice_id, a.again, a.not_before) for a in alerts] == [
            (CHAT, 1, True, NOW + HOUR),
            (CHAT, 2, True, NOW + HOUR),
        ]

    async def test_a_dead_letter_can_be_sent_again(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, alert = await claim_alert(store)
        assert await store.move_to_dead_letters(claim)
        assert await store.claim_alerts(NOW + MINUTE, 10, LEASE) == []
        assert await store.retry_alerts([alert.id, "unknown"]) == 1
        again = await claim_message(store)
        assert invoices_in(again) == [1]
        assert again.alerts[0].attempts == 0

    async def test_a_dead_letter_that_may_have_arrived_is_sent_again_alone(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        claim, uncertain = await claim_alert(store)
        assert await store.alerts_failed(claim, NOW, uncertain=True, counts=True)
        assert await store.move_to_dead_letters((await claim_message(store)).claim)
        await find(store, new_alert(link, 2, "later"))
        assert await store.retry_alerts([uncertain.id]) == 1
        first = await claim_message(store)
        assert (invoices_in(first), first.again) == ([1], True)
        assert await store.alerts_sent(first.claim, None, ())
        second = await claim_message(store)
        assert (invoices_in(second), second.again) == ([2], False)

    async def test_an_alert_that_waits_for_its_next_try_can_be_sent_at_once(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, alert = await claim_alert(store)
        assert await store.alerts_failed(claim, NOW + HOUR, uncertain=False, counts=True)
        assert await store.retry_alerts([alert.id]) == 1
        assert (await claim_message(store)).alerts[0].id == alert.id

    async def test_dropping_an_alert_leaves_the_others(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        await with_alerts(store, 3, chat_id=OTHER)
        first = next(a.alert for a in await store.alerts() if a.alert.invoice_id == 1)
        assert await store.drop_alerts([first.id]) == 1
        assert [a.alert.invoice_id for a in await store.alerts()] == [3, 2]

    async def test_an_alert_being_sent_is_neither_retried_nor_dropped(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, alert = await claim_alert(store)
        assert await store.retry_alerts([alert.id]) == 0
        assert await store.drop_alerts([alert.id]) == 0
        assert await store.alerts_sent(claim, None, ())

    async def test_dropping_an_unknown_alert_leaves_the_chat_linked(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        assert await store.drop_alerts(["unknown"]) == 0
        assert (await store.chat(CHAT)).link == link
