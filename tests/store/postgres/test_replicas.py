"""Several processes on one database: each piece of work goes to one of them, and expired claims are refused."""

from __future__ import annotations

import asyncio
from collections import Counter

import psycopg
import pytest

from bot.domain.payments import State
from bot.errors import PaymentInProgress
from bot.ports import Check, Checked
from bot.store.store import Store
from tests.store.backends import cancel_once_claimed
from tests.store.contract_glances import SEEN, at_rest, claim
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    checked,
    claim_alert,
    claim_check,
    knowledge,
    linked,
    message_about,
    new_alert,
    new_payment,
    with_alerts,
)
from tests.store.openers import PostgresOpener

MANY = 40


@pytest.fixture
async def replicas(postgres_opener: PostgresOpener) -> list[Store]:
    return [await postgres_opener.open() for _ in range(3)]


async def test_every_due_check_goes_to_one_replica(replicas: list[Store]) -> None:
    for number in range(1, MANY + 1):
        await linked(replicas[0], number)
    claims = await asyncio.gather(*(store.claim_checks(NOW + MINUTE, 7, LEASE) for store in replicas * 6))
    counts = Counter(check.chat.id for checks in claims for check in checks)
    assert counts == Counter(range(1, MANY + 1))


async def test_every_message_goes_to_one_replica(replicas: list[Store]) -> None:
    for number in range(1, MANY + 1):
        await with_alerts(replicas[0], 1, chat_id=number)
    claims = await asyncio.gather(*(store.claim_alerts(NOW + MINUTE, 7, LEASE) for store in replicas * 6))
    counts = Counter(delivery.chat.id for deliveries in claims for delivery in deliveries)
    assert counts == Counter(range(1, MANY + 1))


async def test_only_one_of_many_confirmations_of_a_payment_counts(replicas: list[Store]) -> None:
    await replicas[0].add_payment(new_payment())
    confirmed = new_payment(state=State.CONFIRMED)
    outcomes = await asyncio.gather(*(store.advance_payment(confirmed, State.ASKED) for store in replicas * 5))
    assert sorted(outcomes) == [False] * 14 + [True]


async def test_only_one_of_several_payments_of_an_invoice_is_confirmed(replicas: list[Store]) -> None:
    for number in range(9):
        await replicas[0].add_payment(new_payment(f"p{number}"))
    outcomes = await asyncio.gather(
        *(
            replicas[number % 3].advance_payment(new_payment(f"p{number}", state=State.CONFIRMED), State.ASKED)
            for number in range(9)
        ),
        return_exceptions=True,
    )
    assert outcomes.count(True) == 1
    assert len([outcome for outcome in outcomes if isinstance(outcome, PaymentInProgress)]) == 8


async def test_the_database_itself_refuses_two_payments_of_one_invoice(replicas: list[Store], database: str) -> None:
    for number in (1, 2):
        await replicas[0].add_payment(new_payment(f"p{number}"))
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("UPDATE payments SET state = 'sent'")


async def test_the_check_of_a_replica_that_froze_past_its_lease_is_refused(replicas: list[Store]) -> None:
    frozen, other, _ = replicas
    await linked(frozen)
    stale = await claim_check(frozen)
    taken = await claim_check(other, NOW + MINUTE + LEASE)
    assert not await frozen.finish_check(stale.claim, checked(stale, known=knowledge(99)))
    assert not await frozen.postpone_check(stale.claim, NOW)
    assert await other.finish_check(taken.claim, checked(taken))
    assert taken.known == knowledge(1, 2)


async def test_the_message_of_a_replica_that_froze_past_its_lease_is_refused(replicas: list[Store]) -> None:
    frozen, other, _ = replicas
    await with_alerts(frozen, 1)
    stale, _ = await claim_alert(frozen)
    (taken,) = await other.claim_alerts(NOW + MINUTE + LEASE, 10, LEASE)
    assert taken.again
    assert not await frozen.alerts_sent(stale, message_about(1), ())
    assert not await frozen.move_to_dead_letters(stale)
    assert await other.alerts_sent(taken.claim, message_about(1), ())


async def test_concurrent_changes_of_one_chat_are_all_kept(replicas: list[Store]) -> None:
    await asyncio.gather(
        replicas[0].set_language(CHAT, "de"),
        replicas[1].await_token(CHAT, NOW + MINUTE),
        *(store.set_language(CHAT, "de") for store in replicas * 3),
    )
    chat = await replicas[2].chat(CHAT)
    assert (chat.language, chat.awaiting_token_until) == ("de", NOW + MINUTE)


async def test_concurrent_moves_in_both_directions_leave_one_linked_chat(replicas: list[Store]) -> None:
    for number in range(1, 11):
        await linked(replicas[0], number)
        await asyncio.gather(*(store.move_chat(*pair) for store in replicas for pair in ((number, -1), (-1, number))))
        chats = [await replicas[0].chat(chat_id) for chat_id in (number, -1)]
        assert len({chat.id for chat in chats if chat.link}) == 1
        await replicas[0].unlink(number)
        await replicas[0].unlink(-1)


async def test_several_replicas_lose_and_repeat_no_alert(
    replicas: list[Store],
) -> None:
    links = {number: await linked(replicas[0], number) for number in range(1, MANY + 1)}
    delivered: Counter[str] = Counter()

    async def work(store: Store) -> None:
        for _ in range(12):
            for check in await store.claim_checks(NOW + MINUTE, 5, LEASE):
                alert = new_alert(links[check.chat.id], 1, f"alert-{check.chat.id}")
                found = Checked(check.known, [alert], links[check.chat.id].watch, NOW + 15 * MINUTE)
                assert await store.finish_check(check.claim, found)
            for delivery in await store.claim_alerts(NOW + MINUTE, 5, LEASE):
                delivered.update(alert.id for alert in delivery.alerts)
                assert not delivery.again
                assert await store.alerts_sent(delivery.claim, None, ())

    await asyncio.gather(*(work(store) for store in replicas))
    while deliveries := await replicas[0].claim_alerts(NOW + MINUTE, 50, LEASE):
        for delivery in deliveries:
            delivered.update(alert.id for alert in delivery.alerts)
            assert await replicas[0].alerts_sent(delivery.claim, None, ())
    assert delivered == Counter(f"alert-{number}" for number in links)


async def test_a_claim_whose_caller_is_cancelled_is_given_back(
    replicas: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other, _ = replicas
    await with_alerts(store, 1)
    await store.set_language(CHAT, "de")
    await cancel_once_claimed(store, store.claim_alerts(NOW + MINUTE, 10, LEASE), monkeypatch)
    (delivery,) = await other.claim_alerts(NOW + MINUTE, 10, LEASE)
    assert not delivery.again


async def test_what_a_process_of_an_older_version_changes_ends_what_was_seen(postgres_opener: PostgresOpener) -> None:
    store = await at_rest(postgres_opener)
    with psycopg.connect(postgres_opener.url) as older:
        # It knows neither the column `unchanged` nor `check_times`.
        older.execute("UPDATE chats SET silences = %s, check_due = %s", ['{"1": {"muted": true}}', NOW + HOUR])
    assert isinstance(await claim(store, NOW + 2 * HOUR), Check)


async def test_the_link_that_a_process_of_an_older_version_saves_is_the_newest(postgres_opener: PostgresOpener) -> None:
    store = await at_rest(postgres_opener)
    now = NOW + 2 * HOUR
    assert await store.end_glance((await claim(store, now)).claim, now, now + MINUTE, SEEN)
    with psycopg.connect(postgres_opener.url) as older:
        older.execute(
            "UPDATE chats SET link = jsonb_set(link::jsonb, '{watch,checked_at}', to_jsonb(%s::text))::json",
            [(now + HOUR).isoformat()],
        )
    link = (await store.chat(CHAT)).link
    assert link is not None
    assert link.watch.checked_at == now + HOUR
