"""What every store promises, by name. Each implementation's test class gets these tests by inheriting them.

A class provides the fixture ``shelf``, which opens the same stored data as often as a test asks. A crash leaves leases
standing in some stores and not in others, so after one the tests let the lease run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from bot.domain.alerts import Alert, AlertKind, AlertState, KnownInvoice
from bot.domain.chats import Chat, Link, Place, Token, Trouble
from bot.domain.payments import Action, Outcome, Payment, State
from bot.errors import PaymentInProgress
from bot.ports import Check, Checked, Delivery, Store

NOW = datetime(2026, 3, 28, 11, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=5)
CHAT = 4711
OTHER = -100_200_300
URL = "https://provider.example/api/v1"


class Shelf(Protocol):
    """Stored data that can be opened again."""

    async def open(self) -> Store:
        """The store, opened for the first time or after a crash of the one before."""

    async def crash(self) -> None:
        """End the open store as a killed process would: without a chance to write anything."""


def known_invoice(number: int, *, due: date | None = date(2026, 4, 4), told: int | None = None) -> KnownInvoice:
    return KnownInvoice(
        id=number,
        is_open=True,
        due=due,
        left=Decimal("6.95"),
        total=Decimal("7.950"),
        title="KVM „Größe“ \\ \n </b>",
        told=told,
    )


def knowledge(*numbers: int) -> dict[int, KnownInvoice]:
    return {number: known_invoice(number) for number in numbers}


def new_link(store: Store, chat_id: int = CHAT, token: str = "secret-token-1", **changes: object) -> Link:
    link = Link(
        account=store.account_of(URL, Token(token)),
        place=Place(chat_id),
        token=Token(token),
        linked_by=7,
        linked_at=NOW,
        checked_at=NOW,
        next_check_at=NOW + MINUTE,
    )
    return replace(link, **changes)  # type: ignore[arg-type]  # fields of Link


def new_alert(link: Link, number: int | None, alert_id: str, created_at: datetime = NOW) -> Alert:
    kind = AlertKind.TOKEN_REFUSED if number is None else AlertKind.DUE
    return Alert(
        id=alert_id,
        place=link.place,
        account=link.account,
        kind=kind,
        created_at=created_at,
        invoice_id=number,
        threshold=None if number is None else 7,
        due=None if number is None else date(2026, 4, 4),
    )


def checked(check: Check, *alerts: Alert, now: datetime = NOW + MINUTE, **changes: object) -> Checked:
    result = Checked(
        known=check.known,
        alerts=alerts,
        checked_at=now,
        next_check_at=now + 15 * MINUTE,
        trouble=None,
    )
    return replace(result, **changes)  # type: ignore[arg-type]  # fields of Checked


def new_payment(payment_id: str = "p1", account: str = "a" * 64, **changes: object) -> Payment:
    payment = Payment(
        id=payment_id,
        action=Action.PAY,
        account=account,
        invoice_id=130348,
        amount=Decimal("6.95"),
        credit=Decimal("1.00"),
        status="Unpaid",
        due=date(2026, 4, 4),
        place=Place(CHAT, 12),
        user_id=7,
        since=NOW,
        expires_at=NOW + 10 * MINUTE,
    )
    return replace(payment, **changes)  # type: ignore[arg-type]  # fields of Payment


async def linked(store: Store, chat_id: int = CHAT, known: Mapping[int, KnownInvoice] | None = None) -> Link:
    link = new_link(store, chat_id)
    await store.link(link, knowledge(1, 2) if known is None else known)
    return link


async def claim_check(store: Store, now: datetime = NOW + MINUTE) -> Check:
    (check,) = await store.claim_checks(now, 10, LEASE)
    return check


async def claim_alert(store: Store, now: datetime = NOW + MINUTE) -> Delivery:
    (delivery,) = await store.claim_alerts(now, 10, LEASE)
    return delivery


async def with_alerts(store: Store, *numbers: int | None, chat_id: int = CHAT) -> Link:
    """A linked chat with one waiting alert for each number."""
    link = await linked(store, chat_id, knowledge(*(number for number in numbers if number is not None)))
    check = await claim_check(store)
    alerts = [new_alert(link, number, f"{chat_id}/{place:03}") for place, number in enumerate(numbers)]
    assert await store.finish_check(check.claim, checked(check, *alerts))
    return link


class ChatContract:
    """Chats and their links."""

    async def test_a_chat_that_is_not_stored_is_an_empty_one(self, shelf: Shelf) -> None:
        store = await shelf.open()
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_a_link_comes_back_as_it_was_stored_even_after_a_crash(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = new_link(store, place=Place(CHAT, 99), trouble=Trouble.PERMISSION_MISSING)
        await store.link(link, knowledge(1, 2))
        assert (await store.chat(CHAT)).link == link
        await shelf.crash()
        store = await shelf.open()
        assert (await store.chat(CHAT)).link == link
        assert (await claim_check(store)).known == knowledge(1, 2)

    async def test_money_and_dates_come_back_exactly(self, shelf: Shelf) -> None:
        store = await shelf.open()
        known = {
            1: replace(known_invoice(1), total=Decimal("0.00"), left=Decimal("1E+3"), due=date(2020, 2, 29), told=-14),
            2: replace(known_invoice(2), total=Decimal("12345678901234567890.01"), left=None, due=None, gone=True),
        }
        await linked(store, known=known)
        found = (await claim_check(store)).known
        assert found == known
        assert [str(found[1].total), str(found[1].left)] == ["0.00", "1E+3"]

    async def test_a_chosen_language_is_kept_for_a_chat_that_is_not_linked(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.set_language(CHAT, "de")
        await shelf.crash()
        store = await shelf.open()
        assert await store.chat(CHAT) == Chat(CHAT, language="de")
        await store.set_language(CHAT, None)
        assert (await store.chat(CHAT)).language is None

    async def test_telegrams_language_is_noted_for_stored_chats_only(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.note_telegram_language(CHAT, "de")
        assert await store.chat(CHAT) == Chat(CHAT)
        await linked(store)
        await store.note_telegram_language(CHAT, "de")
        assert (await store.chat(CHAT)).telegram_language == "de"

    async def test_waiting_for_a_token_outlives_a_crash_and_can_be_ended(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.await_token(CHAT, NOW + 10 * MINUTE)
        await shelf.crash()
        store = await shelf.open()
        assert (await store.chat(CHAT)).awaiting_token_until == NOW + 10 * MINUTE
        await store.await_token(CHAT, None)
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_linking_ends_the_wait_and_the_rest_and_keeps_the_languages(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.set_language(CHAT, "de")
        await store.note_telegram_language(CHAT, "en")
        await store.await_token(CHAT, NOW + MINUTE)
        await store.rest(CHAT, "blocked")
        link = await linked(store)
        assert await store.chat(CHAT) == Chat(CHAT, language="de", telegram_language="en", link=link)

    async def test_a_new_link_takes_the_place_of_the_old_one_with_its_knowledge_and_alerts(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1, 2)
        link = new_link(store, token="secret-token-2")
        await store.link(link, knowledge(3))
        assert (await store.chat(CHAT)).link == link
        assert await store.claim_alerts(NOW + HOUR, 10, LEASE) == []
        assert (await store.waiting_alerts(CHAT)).waiting == 0
        assert (await claim_check(store)).known == knowledge(3)

    async def test_linking_anew_voids_what_is_under_way_for_the_old_link(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_alert(store)
        await store.link(new_link(store, token="secret-token-2"), knowledge(3))
        assert not await store.finish_check(check.claim, checked(check, new_alert(link, 1, "late")))
        assert not await store.alert_sent(delivery.claim)
        assert (await claim_check(store)).known == knowledge(3)

    async def test_the_same_token_has_the_same_account_in_every_chat_and_after_a_crash(self, shelf: Shelf) -> None:
        store = await shelf.open()
        account = store.account_of(URL, Token("secret-token-1"))
        assert store.account_of(URL + "/", Token("secret-token-1")) == account
        assert store.account_of(URL, Token("secret-token-2")) != account
        assert store.account_of("https://other.example", Token("secret-token-1")) != account
        assert "secret-token-1" not in account
        await shelf.crash()
        assert (await shelf.open()).account_of(URL, Token("secret-token-1")) == account

    async def test_unlinking_forgets_the_chat_with_all_its_work(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_alert(store)
        assert await store.unlink(CHAT)
        assert await store.chat(CHAT) == Chat(CHAT)
        assert not await store.finish_check(check.claim, checked(check))
        assert not await store.alert_failed(delivery.claim, NOW, uncertain=True, counts=True)
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []
        assert not await store.unlink(CHAT)

    async def test_unlinking_one_chat_leaves_another_of_the_same_account(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store, CHAT)
        link = await linked(store, OTHER)
        await store.unlink(CHAT)
        assert (await store.chat(OTHER)).link == link

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


class CheckContract:
    """The queue of due checks."""

    async def test_a_check_is_claimed_when_it_is_due_and_not_before(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        assert await store.claim_checks(link.next_check_at - SECOND, 10, LEASE) == []
        check = await claim_check(store, link.next_check_at)
        assert check.chat == Chat(CHAT, link=link)
        assert check.known == knowledge(1, 2)

    async def test_a_check_is_claimed_once_while_its_lease_lasts(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        first = await claim_check(store, NOW + HOUR)
        assert await store.claim_checks(NOW + HOUR + LEASE - SECOND, 10, LEASE) == []
        second = await claim_check(store, NOW + HOUR + LEASE)
        assert second.claim != first.claim

    async def test_the_longest_due_come_first_and_no_more_than_asked_for(self, shelf: Shelf) -> None:
        store = await shelf.open()
        for chat_id, minutes in ((1, 30), (2, 10), (3, 20)):
            await store.link(new_link(store, chat_id, next_check_at=NOW + minutes * MINUTE), {})
        now = NOW + HOUR
        assert [check.chat.id for check in await store.claim_checks(now, 2, LEASE)] == [2, 3]
        assert [check.chat.id for check in await store.claim_checks(now, 2, LEASE)] == [1]

    async def test_chats_without_a_link_are_never_checked(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.set_language(CHAT, "de")
        await store.await_token(OTHER, NOW)
        assert await store.claim_checks(NOW + HOUR, 10, LEASE) == []

    async def test_a_finished_check_saves_all_it_found_and_is_due_when_it_says(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        check = await claim_check(store)
        found = checked(check, new_alert(link, 3, "1"), known=knowledge(2, 3), trouble=Trouble.TOKEN_REFUSED)
        assert await store.finish_check(check.claim, found)
        await shelf.crash()
        store = await shelf.open()
        expected = replace(
            link, checked_at=found.checked_at, next_check_at=found.next_check_at, trouble=Trouble.TOKEN_REFUSED
        )
        assert (await store.chat(CHAT)).link == expected
        delivery = await claim_alert(store)
        assert (delivery.alert.id, delivery.known, delivery.again) == ("1", known_invoice(3), False)
        assert await store.claim_checks(found.next_check_at - SECOND, 10, LEASE) == []
        assert (await claim_check(store, found.next_check_at)).known == knowledge(2, 3)

    async def test_a_check_that_found_nothing_new_still_moves_its_times(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        check = await claim_check(store)
        found = checked(check)
        assert await store.finish_check(check.claim, found)
        link = (await store.chat(CHAT)).link
        assert link is not None
        assert (link.checked_at, link.next_check_at) == (found.checked_at, found.next_check_at)
        assert await store.claim_checks(found.next_check_at - SECOND, 10, LEASE) == []
        assert (await claim_check(store, found.next_check_at)).chat.link == link

    async def test_the_times_are_those_of_the_latest_check_whether_it_found_news_or_not(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        for minutes, known in ((20, knowledge(1, 2)), (40, knowledge(3)), (60, knowledge(3)), (80, knowledge(4))):
            now = NOW + minutes * MINUTE
            check = await claim_check(store, now)
            found = checked(check, now=now, known=known)
            assert await store.finish_check(check.claim, found)
            link = (await store.chat(CHAT)).link
            assert link is not None
            assert (link.checked_at, link.next_check_at) == (now, found.next_check_at)

    async def test_knowledge_is_at_most_an_hour_older_after_a_crash_than_before(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        now = NOW
        for _ in range(10):
            now += 15 * MINUTE
            check = await claim_check(store, now)
            assert await store.finish_check(check.claim, checked(check, now=now))
        await shelf.crash()
        link = (await (await shelf.open()).chat(CHAT)).link
        assert link is not None
        assert now - link.checked_at <= HOUR

    async def test_a_lost_claim_writes_nothing(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        lost = await claim_check(store)
        late = NOW + MINUTE + LEASE
        held = await claim_check(store, late)
        assert not await store.finish_check(lost.claim, checked(lost, new_alert(link, 1, "1"), known={}))
        assert not await store.postpone_check(lost.claim, NOW)
        assert await store.claim_alerts(late, 10, LEASE) == []
        assert await store.finish_check(held.claim, checked(held, now=late))
        assert (await claim_check(store, late + HOUR)).known == knowledge(1, 2)

    async def test_a_claim_can_be_used_once(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        check = await claim_check(store)
        assert await store.finish_check(check.claim, checked(check))
        assert not await store.finish_check(check.claim, checked(check))
        assert not await store.postpone_check(check.claim, NOW)

    async def test_a_lease_that_ran_out_but_was_not_taken_over_still_counts(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        check = await claim_check(store)
        late = NOW + HOUR
        assert await store.finish_check(check.claim, checked(check, now=late))
        assert await store.claim_checks(late, 10, LEASE) == []

    async def test_a_postponed_check_comes_when_it_was_put_off_to(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        check = await claim_check(store)
        assert await store.postpone_check(check.claim, NOW + HOUR)
        assert await store.claim_checks(NOW + HOUR - SECOND, 10, LEASE) == []
        assert (await claim_check(store, NOW + HOUR)).known == knowledge(1, 2)

    async def test_a_check_that_was_under_way_at_a_crash_is_done_again(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        await claim_check(store)
        await shelf.crash()
        assert (await claim_check(await shelf.open(), NOW + MINUTE + LEASE)).chat.id == CHAT

    async def test_what_a_person_sets_while_a_check_is_under_way_stays(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await linked(store)
        check = await claim_check(store)
        await store.set_language(CHAT, "de")
        assert await store.finish_check(check.claim, checked(check, known=knowledge(5)))
        assert (await store.chat(CHAT)).language == "de"

    async def test_many_claiming_at_once_get_each_chat_once(self, shelf: Shelf) -> None:
        store = await shelf.open()
        for chat_id in range(1, 21):
            await store.link(new_link(store, chat_id), {})
        batches = await asyncio.gather(*(store.claim_checks(NOW + HOUR, 3, LEASE) for _ in range(10)))
        claimed = [check.chat.id for batch in batches for check in batch]
        assert sorted(claimed) == list(range(1, 21))


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


class PaymentContract:
    """Payments, kept by account."""

    async def test_a_payment_comes_back_as_it_was_stored(self, shelf: Shelf) -> None:
        store = await shelf.open()
        payment = new_payment(amount=Decimal("0.10"), due=None, message_id=5)
        await store.add_payment(payment)
        await shelf.crash()
        store = await shelf.open()
        assert await store.payment("p1") == payment
        assert await store.payment("unknown") is None

    async def test_an_id_is_taken_once(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.add_payment(new_payment())
        try:
            await store.add_payment(new_payment(account="b" * 64))
        except ValueError:
            assert await store.payment("p1") == new_payment()
        else:
            raise AssertionError("a second payment of the same id was taken")

    async def test_a_payment_advances_from_the_expected_state_only(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.add_payment(new_payment())
        confirmed = new_payment(state=State.CONFIRMED)
        assert not await store.advance_payment(confirmed, State.CONFIRMED)
        assert not await store.advance_payment(new_payment("unknown", state=State.CONFIRMED), State.ASKED)
        assert await store.advance_payment(confirmed, State.ASKED)
        assert not await store.advance_payment(confirmed, State.ASKED)
        assert await store.payment("p1") == confirmed

    async def test_of_many_presses_at_once_one_wins(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.add_payment(new_payment())
        presses = (store.advance_payment(new_payment(state=State.CONFIRMED), State.ASKED) for _ in range(20))
        assert (await asyncio.gather(*presses)).count(True) == 1

    async def test_one_payment_of_an_invoice_at_a_time(self, shelf: Shelf) -> None:
        store = await shelf.open()
        first, second = new_payment("p1"), new_payment("p2", place=Place(OTHER))
        await store.add_payment(first)
        await store.add_payment(second)
        for state, before in ((State.CONFIRMED, State.ASKED), (State.SENT, State.CONFIRMED)):
            assert await store.advance_payment(replace(first, state=state), before)
            assert await _is_refused(store, replace(second, state=State.CONFIRMED))
            assert await store.payment("p2") == second
        assert await store.advance_payment(replace(first, state=State.ENDED, outcome=Outcome.DONE), State.SENT)
        assert await store.advance_payment(replace(second, state=State.CONFIRMED), State.ASKED)

    async def test_a_payment_does_not_stand_in_its_own_way(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.add_payment(new_payment())
        confirmed = new_payment(state=State.CONFIRMED)
        assert await store.advance_payment(confirmed, State.ASKED)
        shown = replace(confirmed, message_id=99)
        assert await store.advance_payment(shown, State.CONFIRMED)
        assert await store.payment("p1") == shown

    async def test_other_invoices_and_other_accounts_are_not_held_up(self, shelf: Shelf) -> None:
        store = await shelf.open()
        payments = [new_payment("p1"), new_payment("p2", invoice_id=2), new_payment("p3", account="b" * 64)]
        for payment in payments:
            await store.add_payment(payment)
            assert await store.advance_payment(replace(payment, state=State.CONFIRMED), State.ASKED)

    async def test_a_lost_press_is_told_from_a_payment_in_progress(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.add_payment(new_payment())
        await store.advance_payment(new_payment(state=State.CONFIRMED), State.ASKED)
        assert not await _is_refused(store, new_payment(state=State.CONFIRMED))

    async def test_unsettled_are_those_under_way_and_those_not_told_the_oldest_first(self, shelf: Shelf) -> None:
        store = await shelf.open()
        stages = (
            ("asked", State.ASKED, False, 0),
            ("ended", State.ENDED, False, 3),
            ("sent", State.SENT, False, 1),
            ("told", State.ENDED, True, 4),
            ("confirmed", State.CONFIRMED, False, 2),
        )
        for number, (name, state, told, minutes) in enumerate(stages):
            payment = new_payment(name, account=f"{number}" * 64)
            await store.add_payment(payment)
            if state is not State.ASKED:
                moved = replace(payment, state=state, told=told, since=NOW + minutes * MINUTE)
                assert await store.advance_payment(moved, State.ASKED)
        await shelf.crash()
        store = await shelf.open()
        assert [payment.id for payment in await store.unsettled_payments()] == ["sent", "confirmed", "ended"]

    async def test_unlinking_forgets_the_chats_payments_but_not_one_that_is_under_way(self, shelf: Shelf) -> None:
        store = await shelf.open()
        link = await linked(store)
        for number, state in enumerate((State.ASKED, State.SENT, State.ENDED)):
            payment = new_payment(f"{state}", link.account, invoice_id=number)
            await store.add_payment(payment)
            if state is not State.ASKED:
                moved = replace(payment, state=state, told=state is State.ENDED)
                await store.advance_payment(moved, State.ASKED)
        await store.add_payment(new_payment("other", link.account, place=Place(OTHER)))
        await store.unlink(CHAT)
        await shelf.crash()
        store = await shelf.open()
        assert await store.payment("asked") is None
        assert await store.payment("ended") is None
        assert await store.payment("other") is not None
        (sent,) = await store.unsettled_payments()
        ended = replace(sent, state=State.ENDED, outcome=Outcome.DONE)
        assert await store.advance_payment(ended, State.SENT)
        assert await store.unsettled_payments() == [ended]
        assert await store.advance_payment(replace(ended, told=True), State.ENDED)
        assert await store.payment("sent") is None

    async def test_questions_that_expired_more_than_a_day_ago_are_cleared_out(self, shelf: Shelf) -> None:
        store = await shelf.open()
        await store.add_payment(new_payment("old"))
        later = NOW + 24 * HOUR + 10 * MINUTE
        await store.add_payment(new_payment("new", since=later, expires_at=later + MINUTE))
        assert await store.payment("old") is not None
        latest = later + SECOND
        await store.add_payment(new_payment("newest", since=latest, expires_at=latest + MINUTE))
        assert await store.payment("old") is None
        assert await store.payment("new") is not None


class StoreContract(ChatContract, CheckContract, OutboxContract, PaymentContract):
    """The whole port."""


async def _is_refused(store: Store, payment: Payment) -> bool:
    try:
        await store.advance_payment(payment, State.ASKED)
    except PaymentInProgress:
        return True
    return False
