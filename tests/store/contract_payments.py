"""Contract of payments."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from bot.domain.chats import Place
from bot.domain.payments import Outcome, Payment, State
from bot.errors import PaymentInProgress
from bot.ports import Store
from tests.store.examples import CHAT, HOUR, MINUTE, NOW, OTHER, SECOND, Opener, linked, new_payment


class PaymentContract:
    """Payments are kept by account, and locked by account and invoice."""

    async def test_a_payment_comes_back_as_it_was_stored(self, opener: Opener) -> None:
        store = await opener.open()
        payment = new_payment(amount=Decimal("0.10"), due=None, message_id=5)
        await store.add_payment(payment)
        await opener.crash()
        store = await opener.open()
        assert await store.payment("p1") == payment
        assert await store.payment("unknown") is None

    async def test_a_payment_id_can_be_used_only_once(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment())
        try:
            await store.add_payment(new_payment(account="b" * 64))
        except ValueError:
            assert await store.payment("p1") == new_payment()
        else:
            raise AssertionError("a second payment with the same id was accepted")

    async def test_a_payment_advances_only_from_the_expected_state(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment())
        confirmed = new_payment(state=State.CONFIRMED)
        assert not await store.advance_payment(confirmed, State.CONFIRMED)
        assert not await store.advance_payment(new_payment("unknown", state=State.CONFIRMED), State.ASKED)
        assert await store.advance_payment(confirmed, State.ASKED)
        assert not await store.advance_payment(confirmed, State.ASKED)
        assert await store.payment("p1") == confirmed

    async def test_a_question_takes_the_place_of_one_that_nobody_has_answered(self, opener: Opener) -> None:
        store = await opener.open()
        assert await store.add_payments([new_payment("p1"), new_payment("p2", invoice_id=8)])
        assert await store.add_payments([new_payment("p3")], ["p1", "p2"])
        await opener.crash()
        store = await opener.open()
        assert [payment.id for payment in await store.payments_of_chat(CHAT)] == ["p3"]
        assert not await store.advance_payment(new_payment("p1", state=State.CONFIRMED), State.ASKED)
        assert not await store.add_payments([new_payment("p4")], ["p1"])
        assert not await store.drop_questions("a" * 64, ["p1"])
        assert await store.drop_questions("a" * 64, ["p3"])
        assert await store.payments_of_chat(CHAT) == []

    async def test_a_question_that_was_answered_gives_way_to_none(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payments([new_payment("p1"), new_payment("p2", invoice_id=8)])
        confirmed = new_payment("p1", state=State.CONFIRMED)
        assert await store.advance_payment(confirmed, State.ASKED)
        assert not await store.add_payments([new_payment("p3", invoice_id=9)], ["p1", "p2"])
        assert not await store.drop_questions("a" * 64, ["p1", "p2"])
        assert await store.payment("p1") == confirmed
        assert await store.payment("p3") is None

    async def test_of_an_answer_and_another_question_at_the_same_time_one_counts(self, opener: Opener) -> None:
        store = await opener.open()
        for number in range(8):
            asked, anew = new_payment(f"a{number}"), new_payment(f"b{number}", invoice_id=100 + number)
            await store.add_payment(asked)
            confirmed = replace(asked, state=State.QUEUED)
            results = await asyncio.gather(
                store.advance_payment(confirmed, State.ASKED), store.add_payments([anew], [asked.id])
            )
            assert sorted(results) == [False, True]
            assert (await store.payment(asked.id) is not None) is results[0]
            assert (await store.payment(anew.id) is not None) is results[1]

    async def test_a_payment_whose_end_was_told_never_changes(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment())
        told = new_payment(state=State.ENDED, outcome=Outcome.DONE, told=True)
        assert await store.advance_payment(told, State.ASKED)
        assert not await store.advance_payment(replace(told, outcome=Outcome.UNCLEAR), State.ENDED)
        assert await store.payment("p1") == told

    async def test_a_payment_that_advances_stays_in_the_chats_new_place(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment(message_id=5))
        await store.move_chat(CHAT, OTHER)
        moved = await store.payment("p1")
        assert moved is not None
        # The id of its message belongs to another message in the new chat.
        assert (moved.place.chat_id, moved.message_id) == (OTHER, None)
        confirmed = new_payment(state=State.CONFIRMED, message_id=5)
        assert await store.advance_payment(confirmed, State.ASKED)
        assert await store.payment("p1") == replace(confirmed, place=moved.place, message_id=None)
        shown = replace(confirmed, place=moved.place, message_id=9)
        assert await store.advance_payment(shown, State.CONFIRMED)
        assert await store.payment("p1") == shown

    async def test_only_one_of_many_concurrent_presses_wins(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment())
        presses = (store.advance_payment(new_payment(state=State.CONFIRMED), State.ASKED) for _ in range(20))
        assert (await asyncio.gather(*presses)).count(True) == 1

    async def test_an_invoice_has_one_payment_under_way_at_a_time(self, opener: Opener) -> None:
        store = await opener.open()
        first, second = new_payment("p1"), new_payment("p2", place=Place(OTHER))
        await store.add_payment(first)
        await store.add_payment(second)
        for state, before in ((State.CONFIRMED, State.ASKED), (State.SENT, State.CONFIRMED)):
            assert await store.advance_payment(replace(first, state=state), before)
            assert await _is_refused(store, replace(second, state=State.CONFIRMED))
            assert await store.payment("p2") == second
        assert await store.advance_payment(replace(first, state=State.ENDED, outcome=Outcome.DONE), State.SENT)
        assert await store.advance_payment(replace(second, state=State.CONFIRMED), State.ASKED)

    async def test_a_payment_does_not_block_itself(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment())
        confirmed = new_payment(state=State.CONFIRMED)
        assert await store.advance_payment(confirmed, State.ASKED)
        shown = replace(confirmed, message_id=99)
        assert await store.advance_payment(shown, State.CONFIRMED)
        assert await store.payment("p1") == shown

    async def test_other_invoices_and_other_accounts_are_not_blocked(self, opener: Opener) -> None:
        store = await opener.open()
        payments = [new_payment("p1"), new_payment("p2", invoice_id=2), new_payment("p3", account="b" * 64)]
        for payment in payments:
            await store.add_payment(payment)
            assert await store.advance_payment(replace(payment, state=State.CONFIRMED), State.ASKED)

    async def test_a_late_press_is_not_reported_as_a_payment_in_progress(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment())
        await store.advance_payment(new_payment(state=State.CONFIRMED), State.ASKED)
        assert not await _is_refused(store, new_payment(state=State.CONFIRMED))

    async def test_payments_under_way_or_not_told_are_unsettled_oldest_first(self, opener: Opener) -> None:
        store = await opener.open()
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
        await opener.crash()
        store = await opener.open()
        assert [payment.id for payment in await store.unsettled_payments()] == ["sent", "confirmed", "ended"]

    async def test_unlinking_deletes_the_chats_payments_except_one_under_way(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        for number, state in enumerate((State.ASKED, State.SENT, State.ENDED)):
            payment = new_payment(f"{state}", link.account, invoice_id=number)
            await store.add_payment(payment)
            if state is not State.ASKED:
                moved = replace(payment, state=state, told=state is State.ENDED)
                await store.advance_payment(moved, State.ASKED)
        await store.add_payment(new_payment("other", link.account, place=Place(OTHER)))
        await store.unlink(CHAT)
        await opener.crash()
        store = await opener.open()
        assert await store.payment("asked") is None
        assert await store.payment("ended") is None
        assert await store.payment("other") is not None
        (sent,) = await store.unsettled_payments()
        ended = replace(sent, state=State.ENDED, outcome=Outcome.DONE)
        assert await store.advance_payment(ended, State.SENT)
        assert await store.unsettled_payments() == [ended]
        assert await store.advance_payment(replace(ended, told=True), State.ENDED)
        assert await store.payment("sent") is None

    async def test_questions_are_deleted_a_day_after_they_expire(self, opener: Opener) -> None:
        store = await opener.open()
        await store.add_payment(new_payment("old"))
        later = NOW + 24 * HOUR + 10 * MINUTE
        await store.add_payment(new_payment("new", since=later, expires_at=later + MINUTE))
        assert await store.payment("old") is not None
        latest = later + SECOND
        await store.add_payment(new_payment("newest", since=latest, expires_at=latest + MINUTE))
        assert await store.payment("old") is None
        assert await store.payment("new") is not None


async def _is_refused(store: Store, payment: Payment) -> bool:
    try:
        await store.advance_payment(payment, State.ASKED)
    except PaymentInProgress:
        return True
    return False
