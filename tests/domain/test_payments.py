"""What a payment moves, whether the invoice is still as it was shown, and what it says about the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.domain.chats import Chat, Link, Place, Token, Watch
from bot.domain.invoices import Invoice
from bot.domain.payments import (
    Action,
    Found,
    Outcome,
    Payment,
    PaymentRules,
    State,
    amount_of,
    can_be_asked_anew,
    ended,
    in_doubt,
    may_have_paid,
    outcome_of,
    still_matches,
    was_paid,
    with_found,
)
from tests.fakes import invoice, settled

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPEN = invoice(7, date(2026, 6, 15), "10.00")
CREDITED = replace(OPEN, credit=Decimal(4))


def payment_of(asked: Invoice, action: Action = Action.PAY) -> Payment:
    return Payment(
        id="p",
        action=action,
        account="account",
        invoice_id=asked.id,
        amount=amount_of(action, asked) or Decimal(0),
        credit=asked.credit,
        status=asked.status,
        due=asked.due,
        place=Place(1),
        user_id=1,
        since=NOW,
        expires_at=NOW,
    )


# --- The amount ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "amount"),
    [
        (OPEN, Decimal(10)),
        (CREDITED, Decimal(6)),
        (settled(OPEN), None),
        (replace(OPEN, total=Decimal(0), subtotal=Decimal(0)), None),
        (replace(CREDITED, credit=Decimal(10)), None),
        (replace(CREDITED, subtotal=None), None),
        (replace(OPEN, total=Decimal(-5), subtotal=Decimal(-5)), None),
    ],
)
def test_paying_moves_what_is_left_if_that_is_known_and_above_zero(asked: Invoice, amount: Decimal | None) -> None:
    assert amount_of(Action.PAY, asked) == amount


@pytest.mark.parametrize(("asked", "amount"), [(CREDITED, Decimal(4)), (OPEN, None), (settled(CREDITED), None)])
def test_taking_credit_back_moves_the_credit_of_an_open_invoice(asked: Invoice, amount: Decimal | None) -> None:
    assert amount_of(Action.REMOVE_CREDIT, asked) == amount


def test_a_payment_needs_the_link_to_the_account_that_it_was_asked_for() -> None:
    payment = payment_of(OPEN)
    link = Link(
        account="account",
        place=Place(1),
        token=Token("t"),
        linked_by=1,
        linked_at=NOW,
        next_check_at=NOW,
        watch=Watch(NOW),
    )
    assert payment.link_in(Chat(1, link=link)) is link
    assert payment.link_in(Chat(1, link=replace(link, account="another"))) is None
    assert payment.link_in(Chat(1)) is None


# --- Still the same? -------------------------------------------------------------------------------------------------


def test_an_invoice_that_has_not_changed_still_matches() -> None:
    assert still_matches(payment_of(OPEN), OPEN)
    assert still_matches(payment_of(CREDITED, Action.REMOVE_CREDIT), CREDITED)


@pytest.mark.parametrize(
    "now",
    [
        invoice(7, OPEN.due, "10.01"),
        replace(OPEN, due=date(2026, 6, 16)),
        replace(OPEN, due=None),
        replace(OPEN, status="Collections"),
        CREDITED,
        # The same amount is left, but credit was applied and the total was raised by as much.
        replace(OPEN, credit=Decimal(4), total=Decimal(14), subtotal=Decimal(14)),
        replace(OPEN, credit=Decimal(1), subtotal=None),
        settled(OPEN),
        settled(OPEN, "Cancelled"),
    ],
)
def test_an_invoice_that_changed_in_anything_that_was_shown_no_longer_matches(now: Invoice) -> None:
    assert not still_matches(payment_of(OPEN), now)


@given(st.decimals("0.01", "1000", places=2), st.decimals("0", "1000", places=2))
def test_no_amount_but_the_one_that_was_shown_matches(shown: Decimal, now: Decimal) -> None:
    asked = invoice(7, total=str(shown))
    assert still_matches(payment_of(asked), invoice(7, total=str(now))) == (shown == now)


# --- The end of paying -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        settled(OPEN),
        settled(OPEN, "PAID"),
        settled(OPEN, "Bezahlt", paid_at=NOW),
        settled(replace(OPEN, credit=Decimal(10))),
    ],
)
def test_a_closed_invoice_that_is_paid_means_done(read: Invoice) -> None:
    assert outcome_of(payment_of(OPEN), read) is Outcome.DONE


@pytest.mark.parametrize("status", ["Cancelled", "Refunded", "Draft", "Collections", "canceled"])
def test_an_invoice_closed_unpaid_is_not_done_even_with_an_old_date_of_payment(status: str) -> None:
    assert outcome_of(payment_of(OPEN), settled(OPEN, status)) is not Outcome.DONE
    assert outcome_of(payment_of(OPEN), settled(OPEN, status, paid_at=NOW)) is not Outcome.DONE


@pytest.mark.parametrize("action", Action)
def test_an_invoice_closed_unpaid_after_the_request_left_is_unclear(
    action: Action,
) -> None:
    assert outcome_of(payment_of(CREDITED, action), settled(CREDITED, "Cancelled")) is Outcome.UNCLEAR


def test_an_open_invoice_without_more_credit_says_nothing_yet() -> None:
    assert outcome_of(payment_of(OPEN), OPEN) is None
    assert outcome_of(payment_of(CREDITED), CREDITED) is None


def test_more_credit_on_an_invoice_that_stays_open_means_partly() -> None:
    assert outcome_of(payment_of(OPEN), CREDITED) is Outcome.PARTLY


def test_an_open_invoice_wholly_covered_by_credit_is_done() -> None:
    covered = replace(OPEN, credit=Decimal(10))
    assert covered.left_to_pay == 0
    assert outcome_of(payment_of(OPEN), covered) is Outcome.DONE


@pytest.mark.parametrize(("credit", "outcome"), [("10.00", Outcome.DONE), ("9.99", Outcome.PARTLY)])
def test_if_an_invoice_does_not_tell_what_is_left_the_added_credit_decides(credit: str, outcome: Outcome) -> None:
    bare = replace(OPEN, subtotal=None, tax=None)
    read = replace(bare, credit=Decimal(credit))
    assert read.left_to_pay is None
    assert outcome_of(payment_of(bare), read) is outcome


def test_an_open_invoice_is_not_done_even_with_a_date_of_payment() -> None:
    assert outcome_of(payment_of(OPEN), replace(OPEN, paid_at=NOW)) is None


# --- The end of what was refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", Action)
def test_a_refusal_of_an_unchanged_invoice_ends_the_payment(action: Action) -> None:
    refused = replace(payment_of(CREDITED, action), error="error.refused")
    assert outcome_of(refused, CREDITED) is Outcome.REFUSED


@pytest.mark.parametrize("read", [settled(OPEN), settled(OPEN, "Cancelled"), CREDITED, replace(OPEN, status="Pending")])
def test_a_refusal_proves_nothing_if_the_invoice_has_changed(read: Invoice) -> None:
    payment = payment_of(OPEN)
    assert outcome_of(replace(payment, error="error.refused"), read) is outcome_of(payment, read)


# --- The end of taking credit back -----------------------------------------------------------------------------------


def test_an_open_invoice_without_credit_means_that_it_was_taken_back() -> None:
    assert outcome_of(payment_of(CREDITED, Action.REMOVE_CREDIT), OPEN) is Outcome.DONE


def test_less_credit_than_before_means_partly_taken_back() -> None:
    read = replace(CREDITED, credit=Decimal(1))
    assert outcome_of(payment_of(CREDITED, Action.REMOVE_CREDIT), read) is Outcome.PARTLY


@pytest.mark.parametrize("credit", [4, 5])
def test_as_much_credit_as_before_says_nothing_yet(credit: int) -> None:
    read = replace(CREDITED, credit=Decimal(credit))
    assert outcome_of(payment_of(CREDITED, Action.REMOVE_CREDIT), read) is None


@pytest.mark.parametrize(("credit", "outcome"), [("10.00", Outcome.DONE), ("9.99", Outcome.PARTLY)])
def test_of_that_only_what_was_added_counts_not_the_credit_from_before(credit: str, outcome: Outcome) -> None:
    bare = replace(CREDITED, subtotal=None, tax=None)
    asked = replace(payment_of(bare), amount=Decimal(6))
    assert outcome_of(asked, replace(bare, credit=Decimal(credit))) is outcome


@pytest.mark.parametrize(("amount", "allowed"), [("49.99", True), ("50.00", True), ("50.01", False)])
def test_a_payment_may_be_as_large_as_the_limit(amount: str, allowed: bool) -> None:
    assert PaymentRules(limit=Decimal("50.00")).allow(Decimal(amount)) is allowed
    assert PaymentRules().allow(Decimal(amount))


def test_a_question_can_be_confirmed_until_it_expires_and_not_if_it_comes_from_a_clock_that_was_ahead() -> None:
    minute = timedelta(minutes=1)
    asked = replace(payment_of(OPEN), expires_at=NOW + minute)
    assert not asked.has_expired(NOW)
    assert not asked.has_expired(NOW + minute - timedelta.resolution)
    assert asked.has_expired(NOW + minute)
    assert replace(asked, since=NOW + timedelta(days=1)).has_expired(NOW)


def test_a_payment_can_be_asked_anew_unless_nothing_is_left_and_a_removal_while_there_is_credit() -> None:
    assert [can_be_asked_anew(replace(payment_of(OPEN), left=left)) for left in (None, Decimal(1), Decimal(0))] == [
        True,
        True,
        False,
    ]
    removal = payment_of(CREDITED, Action.REMOVE_CREDIT)
    assert can_be_asked_anew(removal)
    assert can_be_asked_anew(with_found(removal, CREDITED))
    assert can_be_asked_anew(with_found(removal, replace(CREDITED, credit=Decimal("0.01"))))
    assert not can_be_asked_anew(with_found(removal, OPEN))
    assert not can_be_asked_anew(with_found(removal, settled(CREDITED)))


def test_what_was_found_and_how_it_ended_is_noted_on_the_payment() -> None:
    asked = payment_of(OPEN)
    found = with_found(asked, replace(CREDITED, status_label="Offen")).found
    assert found == Found(is_open=True, is_paid=False, status="Offen", credit=Decimal(4), due=OPEN.due)
    later = NOW + timedelta(minutes=1)
    done = ended(asked, Outcome.PARTLY, later, Decimal(6))
    assert done == replace(asked, state=State.ENDED, since=later, outcome=Outcome.PARTLY, left=Decimal(6))


def in_state(state: State, outcome: Outcome | None = None, action: Action = Action.PAY) -> Payment:
    return replace(payment_of(OPEN, action), state=state, outcome=outcome)


@pytest.mark.parametrize(
    ("payment", "doubt"),
    [
        (in_state(State.ASKED), False),
        (in_state(State.QUEUED), True),
        (in_state(State.CONFIRMED), True),
        (in_state(State.SENT), True),
        (in_state(State.ENDED, Outcome.UNCLEAR), True),
        (in_state(State.ENDED, Outcome.DONE), False),
    ],
)
def test_a_payment_under_way_or_unclear_leaves_its_invoice_in_doubt(payment: Payment, doubt: bool) -> None:
    assert in_doubt([payment]) == (frozenset({OPEN.id}) if doubt else frozenset())


@pytest.mark.parametrize(
    ("payment", "paid", "maybe"),
    [
        (in_state(State.CONFIRMED), False, False),
        (in_state(State.SENT), True, True),
        (in_state(State.ENDED, Outcome.DONE), True, True),
        (in_state(State.ENDED, Outcome.PARTLY), False, True),
        (in_state(State.ENDED, Outcome.UNCLEAR), False, True),
        (in_state(State.SENT, action=Action.REMOVE_CREDIT), False, False),
        (in_state(State.ENDED, Outcome.DONE, Action.REMOVE_CREDIT), False, False),
    ],
)
def test_only_what_was_sent_has_paid_and_perhaps_what_ended_otherwise(
    payment: Payment, paid: bool, maybe: bool
) -> None:
    assert was_paid([payment], OPEN.id, None) is paid
    assert may_have_paid([payment], OPEN.id) is maybe
    assert not was_paid([payment], OPEN.id + 1, None)
    assert not may_have_paid([payment], OPEN.id + 1)


def test_a_payment_from_before_the_latest_alert_did_not_settle_the_invoice() -> None:
    done = in_state(State.ENDED, Outcome.DONE)
    assert was_paid([done], OPEN.id, NOW)
    assert not was_paid([done], OPEN.id, NOW + timedelta.resolution)
