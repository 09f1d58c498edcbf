"""Contract of messages that give way to newer ones: what is left to edit is stored with the newer message."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.alerts import AlertKind, SentMessage
from bot.domain.deliveries import Delivery
from bot.ports import Store, Waiting
from tests.store.examples import (
    CHAT,
    LEASE,
    MINUTE,
    NOW,
    Opener,
    claim_alert,
    claim_message,
    find,
    linked,
    message_about,
    new_alert,
)

LATE = NOW + MINUTE + LEASE


def alone(*numbers: int, message_id: int | None = 70) -> SentMessage:
    return replace(message_about(*numbers, message_id=message_id), tells_only_shown=True)


async def told(store: Store, *messages: SentMessage) -> None:
    """Let these messages come one after the other, with nothing edited in between."""
    link = await linked(store)
    await find(store, *(new_alert(link, 100 + n, f"a/{n}") for n in range(len(messages))))
    for message in messages:
        delivery = await claim_message(store)
        assert await store.alerts_failed(delivery.claim, NOW, uncertain=False, counts=True)  # so they come one by one
        claim, _ = await claim_alert(store)
        assert await store.alerts_sent(claim, message, ())


async def to_fold(store: Store) -> Delivery:
    delivery = await claim_message(store, LATE)
    assert [alert.kind for alert in delivery.alerts] == [AlertKind.FOLD]
    return delivery


class FoldingContract:
    """Older messages about an invoice, once a newer one shows it."""

    async def test_a_newer_message_leaves_the_older_to_be_folded_also_after_a_crash(self, opener: Opener) -> None:
        store = await opener.open()
        await told(store, alone(1, message_id=70), alone(1, 2, message_id=71))
        assert await store.waiting_alerts(CHAT) == Waiting(waiting=0, set_aside=0)
        await opener.crash()
        store = await opener.open()
        delivery = await to_fold(store)
        assert [message.message_id for message in delivery.sent] == [70, 71]
        assert await store.message_folded(delivery.claim, 70, {1})
        assert await store.alerts_sent(delivery.claim, None, ())
        assert list(await store.sent_messages(CHAT)) == [alone(1, 2, message_id=71)]
        assert await store.claim_alerts(LATE, 10, LEASE) == []

    async def test_what_is_folded_in_part_stays_with_the_rest(self, opener: Opener) -> None:
        store = await opener.open()
        await told(store, alone(1, 2, message_id=70), alone(1, message_id=71))
        delivery = await to_fold(store)
        assert await store.message_folded(delivery.claim, 70, {1})
        assert await store.alerts_sent(delivery.claim, None, ())
        await opener.crash()
        store = await opener.open()
        shown = [[(s.invoice_id, s.folded) for s in m.shown] for m in await store.sent_messages(CHAT)]
        assert shown == [[(1, True), (2, False)], [(1, False)]]

    async def test_what_is_new_comes_first(self, opener: Opener) -> None:
        store = await opener.open()
        await told(store, alone(1, message_id=70), alone(1, message_id=71))
        link = (await store.chat(CHAT)).link
        assert link is not None
        await find(store, new_alert(link, 3, "later"), now=LATE)
        claim, alert = await claim_alert(store, LATE)
        assert alert.invoice_id == 3
        assert await store.alerts_sent(claim, None, ())
        await to_fold(store)

    async def test_a_deferred_folding_holds_up_nothing(self, opener: Opener) -> None:
        store = await opener.open()
        await told(store, alone(1, message_id=70), alone(1, message_id=71))
        delivery = await to_fold(store)
        assert await store.defer_alerts(delivery.claim, LATE + MINUTE)
        assert not await store.message_folded(delivery.claim, 70, {1})
        assert await store.claim_alerts(LATE, 10, LEASE) == []
        link = (await store.chat(CHAT)).link
        assert link is not None
        await find(store, new_alert(link, 3, "later"), now=LATE)
        claim, _ = await claim_alert(store, LATE)
        assert await store.alerts_sent(claim, None, ())
        assert (await claim_message(store, LATE + MINUTE)).alerts[0].kind is AlertKind.FOLD

    async def test_messages_about_other_invoices_or_without_an_id_or_that_tell_more_give_way_to_nothing(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        await told(
            store, alone(1, message_id=None), message_about(1, message_id=70), alone(2, message_id=71),
            alone(1, message_id=72), alone(2, message_id=None),
        )  # fmt: skip
        assert await store.claim_alerts(LATE, 10, LEASE) == []
