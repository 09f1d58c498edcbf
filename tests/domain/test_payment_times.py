"""The times of a payment fit together: nobody gives up what somebody else may still be working on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain import payment_times as times
from bot.domain.payments import PaymentRules
from bot.provider.request import RetryPolicy

CALL = timedelta(seconds=RetryPolicy().deadline)
"""A call to the provider with all its retries."""

TURN = CALL / 2
"""The longest wait for a turn with the provider."""


def test_no_living_process_loses_a_confirmed_payment() -> None:
    # An end that another process has found meanwhile is shown, too: hence twice.
    assert 2 * times.SHOW_WITHIN + TURN + CALL < times.ABANDONED_AFTER


def test_a_request_that_leaves_late_is_over_before_its_payment_is_given_up() -> None:
    assert times.LEAVE_WITHIN + 2 * CALL < times.RECONCILE_FOR


def test_a_payment_is_looked_at_several_times_before_it_is_given_up() -> None:
    assert times.FIRST_LOOK_AFTER < times.PERSON_WATCHES_FOR
    assert 5 * times.LOOK_AT_LEAST_EVERY < times.RECONCILE_FOR < times.TELL_FOR


def test_a_question_stands_as_long_as_the_table_says() -> None:
    assert PaymentRules().lifetime == times.CONFIRM_WITHIN


@pytest.mark.parametrize(("age", "pause"), [(0, 5), (10, 5), (60, 30), (119, 59.5), (600, 60), (10**7, 60)])
def test_looks_come_soon_at_first_and_rarely_later(age: float, pause: float) -> None:
    assert times.look_again_after(timedelta(seconds=age)) == timedelta(seconds=pause)
