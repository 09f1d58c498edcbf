"""Who may pay with a link, and how much in one payment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from bot.domain.chats import Link, Member, Place, Token, Watch
from bot.domain.payments import PaymentRules

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LINK = Link(
    account="a",
    place=Place(-5),
    token=Token("t"),
    linked_by=7,
    linked_at=NOW,
    next_check_at=NOW,
    watch=Watch(NOW),
    owner_name="Ada",
)


def test_only_the_owner_and_named_payers_may_pay() -> None:
    assert [LINK.may_pay(user) for user in (7, 8, 0, -5)] == [True, False, False, False]
    named = replace(LINK, payers=(Member(8, "Bob"), Member(9, "Eva")))
    assert [named.may_pay(user) for user in (7, 8, 9, 10)] == [True, True, True, False]


def test_a_payment_may_be_as_large_as_the_limit_to_the_cent() -> None:
    rules = PaymentRules(limit=Decimal("50.00"))
    assert [rules.allow(Decimal(amount)) for amount in ("49.99", "50", "50.01")] == [True, True, False]
    assert PaymentRules().allow(Decimal(10**9))
