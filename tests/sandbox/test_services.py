"""What the sandbox provider does with unpaid services, and when its transfers arrive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.sandbox.provider.app import SandboxProvider
from bot.sandbox.provider.ledger import BERLIN, Transfer
from bot.sandbox.provider.services import Service, banking_days_after

DUE = date(2026, 12, 27)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 12, 20, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("kind", "at", "service"),
    [
        ("Hosting", datetime(2026, 12, 27, 17, 59, tzinfo=BERLIN), Service.RUNNING),
        ("Hosting", datetime(2026, 12, 27, 18, 0, tzinfo=BERLIN), Service.SUSPENDED),
        ("Hosting", datetime(2027, 1, 2, 11, 59, tzinfo=BERLIN), Service.SUSPENDED),
        ("Hosting", datetime(2027, 1, 2, 12, 0, tzinfo=BERLIN), Service.DELETED),
        ("Domain", datetime(2026, 12, 27, 17, 59, tzinfo=BERLIN), Service.RUNNING),
        ("Domain", datetime(2026, 12, 27, 18, 0, tzinfo=BERLIN), Service.DELETED),
        ("Donation", datetime(2027, 1, 2, 12, 0, tzinfo=BERLIN), None),
    ],
)
def test_an_unpaid_service_is_suspended_in_the_evening_and_deleted_six_days_later(
    kind: str, at: datetime, service: Service | None
) -> None:
    clock = Clock()
    provider = SandboxProvider(clock)
    invoice = provider.create_invoice(provider.add_account("token"), Decimal(10), due=DUE, kind=kind)
    clock.now = at
    assert provider.service_of(invoice) is service
    provider.settle(invoice)
    assert provider.service_of(invoice) is (Service.RUNNING if service is Service.SUSPENDED else service)
    clock.now += timedelta(days=100)
    assert provider.service_of(invoice) is (Service.RUNNING if service is Service.SUSPENDED else service)


def test_a_transfer_arrives_on_the_third_banking_day() -> None:
    clock = Clock()
    provider = SandboxProvider(clock)
    account = provider.add_account("token", Decimal(1))
    clock.now = datetime(2026, 12, 3, 10, tzinfo=UTC)  # a Thursday
    assert provider.transfer(account, Decimal("2.93")) == Transfer(Decimal("2.93"), date(2026, 12, 8))
    clock.now = datetime(2026, 12, 7, 22, 59, tzinfo=UTC)
    provider.receive_transfers()
    assert account.credit == Decimal(1)
    clock.now = datetime(2026, 12, 7, 23, 1, tzinfo=UTC)  # midnight in Berlin
    provider.receive_transfers()
    assert (account.credit, account.transfers) == (Decimal("3.93"), [])
    assert banking_days_after(date(2026, 12, 5), 1) == date(2026, 12, 7)
