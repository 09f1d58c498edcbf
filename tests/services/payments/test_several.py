"""Several invoices with one confirmation: paid one after the other, up to the first that is not surely paid."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.chats import Place
from bot.domain.payments import Outcome, Payment, PaymentRules, State
from bot.domain.selections import Selection
from bot.errors import (
    ConfirmationExpired,
    LinkInUse,
    NoneOfThese,
    NoneToPay,
    NotAPayer,
    NothingToPay,
    PaymentInProgress,
    PaymentTooLarge,
    PressByOther,
    ProviderDown,
    QuestionOver,
    Refused,
    SendRefused,
    TooManyChosen,
)
from bot.services.payments.reconcile import Reconciler
from tests.fakes import Gate, invoice, settled
from tests.services.world import ADA, BOB, DAY, DUE, MESSAGE, MINUTE, SECOND, World, member

ENDED = State.ENDED
THREE = [invoice(number, DUE + number * DAY, f"{number}.00") for number in (7, 8, 9)]
ALL_DONE = [(number, ENDED, Outcome.DONE) for number in (7, 8, 9)]


@pytest.fixture
async def several(paying: World) -> World:
    """Return a world with three open invoices: 7, 8 and 9, of 7, 8 and 9 euros."""
    paying.account.put(*THREE)
    return paying


async def ends(world: World, *numbers: int) -> dict[int, Outcome | None]:
    payments = await world.store.payments_of_chat(1)
    return {payment.invoice_id: payment.outcome for payment in payments if payment.invoice_id in (numbers or (7, 8, 9))}


# --- Choosing -------------------------------------------------------------------------------------------------------


async def begin(world: World, *wanted: int, user: int = ADA) -> tuple[Selection, list[int]]:
    """Begin a selection, and return it with the numbers that are asked about."""
    selection, asked = await world.payment_selection.begin(await world.chat(), Place(1), member(user), wanted)
    return selection, [payment.invoice_id for payment, _ in asked]


async def tick(world: World, selection: Selection, number: int | None, *, chosen: bool = True) -> list[Payment]:
    """Press a box of a selection, and return the question that stands there then."""
    kept = await world.payments.selecting.of(selection.id, await world.chat(), member(ADA))
    select = world.payment_selection.choose
    _, asked = await select(kept, await world.chat(), Place(1), member(ADA), number, chosen=chosen)
    return [payment for payment, _ in asked]


async def journal(world: World) -> list[tuple[int, Decimal]]:
    return [(payment.invoice_id, payment.amount) for payment in await world.store.payments_of_chat(1)]


async def test_open_invoices_are_offered_in_the_order_of_their_due_dates(several: World) -> None:
    several.account.put(invoice(1, DUE, is_open=False), invoice(2, DUE - DAY))
    selection, asked = await begin(several)
    assert [offer.id for offer in selection.offers] == [2, 7, 8, 9]
    assert (selection.chosen, selection.more, asked) == ((), 0, [])
    assert selection.sum == 0
    assert await journal(several) == []


async def test_a_hundred_are_offered_at_most_with_those_wanted_and_it_is_known_how_many_more_there_are(
    several: World,
) -> None:
    several.account.put(*(invoice(number, DUE) for number in range(20, 132)))
    selection, asked = await begin(several, 130, 131)
    assert (len(selection.offers), selection.more, selection.chosen, asked) == (100, 15, (130, 131), [130, 131])
    assert selection.page == 97 // 6 == selection.page_of(131)


async def test_those_that_a_message_names_are_asked_about_at_once_as_far_as_they_can_be_paid(several: World) -> None:
    several.account.put(settled(invoice(8, DUE)), invoice(20, DUE))
    chat, select = await several.chat(), several.payment_selection
    asked = await select.ask_these(chat, Place(1), member(ADA), [7, 8, 9, 404])
    assert [(payment.invoice_id, payment.amount) for payment, _ in asked] == [(7, Decimal(7)), (9, Decimal(9))]
    assert len({payment.batch for payment, _ in asked}) == 1
    with pytest.raises(NoneOfThese):
        await select.ask_these(chat, Place(1), member(ADA), [8, 404])
    with pytest.raises(NotAPayer):
        await select.ask_these(chat, Place(1), member(BOB), [7, 9])
    assert await ends(several) == {7: None, 9: None}


async def test_of_these_none_is_asked_about_that_is_larger_than_the_operator_allows(several: World) -> None:
    several.rules = PaymentRules(limit=Decimal(8))
    await several.restart()
    asked = await several.payment_selection.ask_these(await several.chat(), Place(1), member(ADA), [7, 8, 9])
    assert [payment.invoice_id for payment, _ in asked] == [7, 8]


async def test_each_tick_asks_about_what_is_chosen_then_and_about_nothing_else(several: World) -> None:
    begun, _ = await begin(several)
    await tick(several, begun, 8)
    await several.restart()
    for number, chosen, expected in (
        (7, True, [7, 8]),
        (7, True, [7, 8]),  # as a press that is delivered twice
        (8, False, [7]),
        (8, False, [7]),
        (4711, True, [7]),
        (None, True, [7, 8, 9]),
        (None, False, []),
    ):
        asked = await tick(several, begun, number, chosen=chosen)
        assert [payment.invoice_id for payment in asked] == expected
        assert sorted(number for number, _ in await journal(several)) == expected


async def test_only_the_question_that_stands_there_can_be_answered(several: World) -> None:
    begun, _ = await begin(several)
    (first,) = await tick(several, begun, 7)
    second = await tick(several, begun, 9)
    with pytest.raises(ConfirmationExpired):
        await several.press(first.id)
    await several.press(second[0].id)
    assert several.provider.executed == [("pay", 7), ("pay", 9)]


async def test_after_the_answer_no_tick_changes_anything(several: World) -> None:
    begun, _ = await begin(several)
    (asked,) = await tick(several, begun, 7)
    await several.press(asked.id)
    for number, chosen in ((8, True), (7, False)):
        with pytest.raises(ConfirmationExpired):
            await tick(several, begun, number, chosen=chosen)
    assert await ends(several) == {7: Outcome.DONE}


async def test_of_a_tick_and_a_press_at_the_same_time_one_counts(several: World) -> None:
    for number in (7, 8):
        begun, _ = await begin(several)
        (asked,) = await tick(several, begun, number)
        pressed, ticked = await asyncio.gather(several.press(asked.id), tick(several, begun, 9), return_exceptions=True)
        assert [isinstance(each, ConfirmationExpired) for each in (pressed, ticked)].count(True) == 1
        paid = ("pay", number) in several.provider.executed
        assert paid is isinstance(ticked, ConfirmationExpired)
    assert ("pay", 9) not in several.provider.executed


async def test_only_the_same_person_chooses_in_the_same_chat_and_in_time(several: World) -> None:
    begun, _ = await begin(several)
    of, chat = several.payments.selecting.of, await several.chat()
    with pytest.raises(PressByOther):
        await of(begun.id, chat, member(BOB))
    with pytest.raises(ConfirmationExpired):
        await of(begun.id, await several.chat(2), member(ADA))
    several.clock.move(9 * MINUTE)
    await tick(several, begun, 7)
    several.clock.move(9 * MINUTE)
    assert (await of(begun.id, chat, member(ADA))).chosen == (7,)
    several.clock.move(MINUTE)
    with pytest.raises(ConfirmationExpired):
        await of(begun.id, chat, member(ADA))


async def test_without_an_open_invoice_there_is_nothing_to_choose(several: World) -> None:
    several.account.put(*(settled(one) for one in THREE))
    with pytest.raises(NoneToPay):
        await begin(several)


async def test_more_than_ten_can_not_be_ticked(several: World) -> None:
    several.account.put(*(invoice(number, DUE) for number in range(20, 30)))
    begun, asked = await begin(several, *range(20, 30))
    assert len(asked) == 10
    for number in (7, None):
        with pytest.raises(TooManyChosen):
            await tick(several, begun, number)


async def test_what_is_ticked_is_read_anew(several: World) -> None:
    begun, _ = await begin(several)
    several.account.put(settled(THREE[0]), invoice(8, DUE, "80.00"))
    with pytest.raises(NothingToPay):
        await tick(several, begun, 7)
    (asked,) = await tick(several, begun, 8)
    assert (asked.invoice_id, asked.amount) == (8, Decimal(80))


async def test_a_choice_of_an_older_version_is_begun_anew(several: World) -> None:
    begun, _ = await begin(several)
    older = replace(begun, offers=tuple(replace(each, status="", is_read=False) for each in begun.offers))
    await several.store.put_pending(older, several.clock.now)
    with pytest.raises(QuestionOver):
        await tick(several, begun, None)
    assert await journal(several) == []


async def test_one_alone_is_a_payment_like_any_other(several: World) -> None:
    (only,) = await several.ask_several(8)
    assert only.batch == ""
    await several.press(only.id)
    assert several.endings() == [Outcome.DONE]


async def test_what_is_above_the_limit_is_not_offered(several: World) -> None:
    several.rules = PaymentRules(limit=Decimal(8))
    several.wire(lambda port: port)
    selection, _ = await begin(several)
    assert [offer.id for offer in selection.offers] == [7, 8]
    with pytest.raises(PaymentTooLarge):
        await several.ask(9)


# --- Paying ---------------------------------------------------------------------------------------------------------


async def test_all_are_paid_in_their_order_and_shown_in_one_message(several: World) -> None:
    asked = await several.ask_several(9, 7, 8)
    await several.press(asked[0].id)
    assert several.provider.executed == [("pay", 7), ("pay", 8), ("pay", 9)]
    assert several.last_batch() == ALL_DONE
    assert {batch[0].message_id for batch in several.messenger.batches} == {MESSAGE}
    assert several.messenger.shown == []
    assert await several.store.unsettled_payments() == []


async def test_the_list_is_live(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    await several.press(asked[0].id)
    shown = [[payment.outcome or payment.state for payment in batch] for batch in several.messenger.batches]
    assert shown == [
        [State.CONFIRMED, State.QUEUED, State.QUEUED],
        [Outcome.DONE, State.CONFIRMED, State.QUEUED],
        [Outcome.DONE, Outcome.DONE, State.CONFIRMED],
        [Outcome.DONE, Outcome.DONE, Outcome.DONE],
    ]


@pytest.mark.parametrize(
    ("trouble", "end"),
    [
        (Refused(422, "Not on Sundays."), Outcome.REFUSED),
        (ProviderDown(), None),
    ],
    ids=["refused", "unclear"],
)
async def test_it_stops_at_the_first_that_is_not_surely_paid(
    several: World, trouble: Exception, end: Outcome | None
) -> None:
    several.provider.errors["pay", 8] = trouble
    asked = await several.ask_several(7, 8, 9)
    await several.press(asked[0].id)
    assert several.provider.posts == [("pay", 7), ("pay", 8)]
    assert [outcome for _, _, outcome in several.last_batch()] == [Outcome.DONE, end, Outcome.NOT_SENT]


async def test_credit_that_runs_out_stops_it(several: World) -> None:
    several.account.balance = Decimal(10)
    asked = await several.ask_several(7, 8, 9)
    await several.press(asked[0].id)
    assert several.last_batch() == [
        (7, ENDED, Outcome.DONE), (8, ENDED, Outcome.PARTLY), (9, ENDED, Outcome.NOT_SENT)
    ]  # fmt: skip
    assert several.provider.executed == [("pay", 7), ("pay", 8)]


async def test_one_that_changed_since_it_was_shown_stops_it(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    several.account.put(invoice(8, DUE, "8.01"))
    await several.press(asked[0].id)
    assert await ends(several) == {7: Outcome.DONE, 8: Outcome.CHANGED, 9: Outcome.NOT_SENT}
    assert several.provider.executed == [("pay", 7)]


async def test_one_that_another_payment_is_paying_stops_it(several: World) -> None:
    single = await several.ask(8)
    asked = await several.ask_several(7, 8, 9)
    chat = await several.chat()
    assert await several.payments.confirm(single.id, Place(1), member(ADA), MESSAGE, chat)
    await several.press(asked[0].id)
    assert several.provider.executed == [("pay", 7)]
    batch = await several.store.batch_of(asked[0].id)
    assert [payment.outcome for payment in batch] == [Outcome.DONE, Outcome.NOT_SENT, Outcome.NOT_SENT]
    assert batch[1].error == PaymentInProgress.key


async def test_a_late_end_is_told_in_the_same_message(several: World) -> None:
    several.provider.lost["pay"] = ProviderDown()
    asked = await several.ask_several(8, 9)
    gate = several.provider.late_gates["pay"] = Gate()
    press = asyncio.create_task(several.press(asked[0].id))
    await gate.reached.wait()
    several.provider.errors["invoice", 8] = ProviderDown()
    gate.open()
    await press
    assert several.last_batch() == [(8, State.SENT, None), (9, ENDED, Outcome.NOT_SENT)]
    del several.provider.errors["invoice", 8]
    await several.reconcile_for(MINUTE)
    assert several.last_batch() == [(8, ENDED, Outcome.DONE), (9, ENDED, Outcome.NOT_SENT)]
    shown = len(several.messenger.batches)
    await several.reconcile_for(5 * MINUTE)
    assert len(several.messenger.batches) == shown


# --- Pressing -------------------------------------------------------------------------------------------------------


async def test_only_one_of_many_presses_at_once_pays(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    presses = (several.press(asked[0].id, message=number) for number in range(10))
    results = await asyncio.gather(*presses, return_exceptions=True)
    assert sum(isinstance(result, ConfirmationExpired) for result in results) == 9
    assert several.provider.posts == [("pay", 7), ("pay", 8), ("pay", 9)]


async def test_two_chats_of_one_account_that_choose_the_same_pay_each_invoice_once(several: World) -> None:
    await several.link(chat_id=2, user=BOB)
    here, there = await several.ask_several(7, 8, 9), await several.ask_several(7, 8, 9, chat_id=2, user=BOB)
    await asyncio.gather(
        several.press(here[0].id), several.press(there[0].id, chat_id=2, user=BOB), return_exceptions=True
    )
    await several.reconcile_for(5 * MINUTE)
    assert sorted(several.provider.executed) == [("pay", 7), ("pay", 8), ("pay", 9)]
    assert await several.store.unsettled_payments() == []


async def test_only_the_button_that_was_shown_confirms(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    for payment in asked[1:]:
        with pytest.raises(ConfirmationExpired):
            await several.press(payment.id)
    with pytest.raises(PressByOther):
        await several.press(asked[0].id, user=BOB)
    assert several.provider.posts == []


async def test_a_press_too_late_pays_none_and_says_so(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    several.clock.move(10 * MINUTE)
    await several.press(asked[0].id)
    assert [outcome for _, _, outcome in several.last_batch()] == [Outcome.EXPIRED] * 3
    assert several.provider.posts == []


async def test_cancelling_ends_all(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    await several.payments.cancel(asked[0].id, Place(1), member(ADA), MESSAGE)
    assert [outcome for _, _, outcome in several.last_batch()] == [Outcome.CANCELLED] * 3
    with pytest.raises(ConfirmationExpired):
        await several.press(asked[0].id)


async def test_the_link_stays_between_one_and_the_next(several: World) -> None:
    asked = await several.ask_several(7, 8)
    confirmed = await several.payments.confirm(asked[0].id, Place(1), member(ADA), MESSAGE, await several.chat())
    assert [payment.state for payment in confirmed] == [State.QUEUED, State.QUEUED]
    with pytest.raises(LinkInUse):
        await several.linking.unlink(await several.chat())


# --- Crashes --------------------------------------------------------------------------------------------------------


async def test_after_a_crash_the_rest_is_not_sent_and_that_is_told(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    gate = several.provider.late_gates["pay"] = Gate()
    press = asyncio.create_task(several.press(asked[0].id))
    await gate.reached.wait()
    press.cancel()
    await several.restart()
    del several.provider.late_gates["pay"]
    await several.reconcile_for(5 * MINUTE)
    assert several.last_batch() == [
        (7, ENDED, Outcome.DONE), (8, ENDED, Outcome.NOT_SENT), (9, ENDED, Outcome.NOT_SENT)
    ]  # fmt: skip
    assert several.provider.posts == [("pay", 7)]
    assert await several.store.unsettled_payments() == []


async def test_a_queued_payment_without_a_record_was_ended_by_somebody_else(several: World) -> None:
    asked = await several.ask_several(7, 8)
    confirmed = await several.payments.confirm(asked[0].id, Place(1), member(ADA), MESSAGE, await several.chat())
    gone = replace(confirmed[1], id="gone", batch="gone too")  # told, and forgotten with its chat
    assert await Reconciler(several.store, several.reads, several.clock).reconcile(gone) is None


async def test_a_slow_payment_is_no_crash_for_those_that_wait_behind_it(several: World) -> None:
    asked = await several.ask_several(7, 8, 9)
    gate = several.provider.gates["pay"] = Gate()
    press = asyncio.create_task(several.press(asked[0].id))
    await gate.reached.wait()
    await several.reconcile_for(timedelta(minutes=4), 30 * SECOND)
    gate.open()
    await press
    assert several.last_batch() == ALL_DONE


async def test_the_next_one_is_not_given_up_just_after_a_slow_one_was_paid(several: World) -> None:
    asked = await several.ask_several(7, 8)
    first, second = await several.payments.confirm(asked[0].id, Place(1), member(ADA), MESSAGE, await several.chat())
    several.clock.now += 4 * MINUTE
    done = replace(first, state=ENDED, outcome=Outcome.DONE, since=several.clock())
    assert await several.store.advance_payment(done, State.QUEUED)
    reconciler = Reconciler(several.store, several.reads, several.clock)
    assert await reconciler.reconcile(second) == second
    several.clock.now += 3 * MINUTE
    given_up = await reconciler.reconcile(second)
    assert given_up is not None
    assert given_up.outcome is Outcome.NOT_SENT


async def test_an_end_is_shown_while_another_of_the_same_batch_is_still_looked_at(several: World) -> None:
    first, second = await several.ask_several(7, 8)
    now = several.clock()
    sent = [replace(payment, state=State.SENT, since=now, message_id=MESSAGE) for payment in (first, second)]
    assert await several.store.advance_payments(sent, State.ASKED)
    several.account.put(settled(THREE[0]))
    await several.reconcile_for(MINUTE)
    assert several.last_batch() == [(7, ENDED, Outcome.DONE), (8, State.SENT, None)]


async def test_the_ends_of_several_are_tried_for_a_day_after_the_last_of_them(several: World) -> None:
    first, second = await several.ask_several(7, 8)
    several.messenger.always[1] = SendRefused("Bad Request: something new")
    now = several.clock()
    later = now + timedelta(hours=3)
    ends_at = [(first, now), (second, later)]
    done = [replace(one, state=ENDED, outcome=Outcome.DONE, since=at, message_id=MESSAGE) for one, at in ends_at]
    assert await several.store.advance_payments(done, State.ASKED)
    several.clock.set(later)
    await several.reconcile_for(timedelta(hours=23), timedelta(minutes=20))
    assert len(await several.store.unsettled_payments()) == 2
    await several.reconcile_for(timedelta(hours=2), timedelta(minutes=20))
    assert await several.store.unsettled_payments() == []
