"""What the sandbox provider does with the services behind unpaid invoices, by rules of its own.

The bot is told these rules by its operator, in its settings. It never sees the services themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.sandbox.provider.invoices import SandboxInvoice

EVENING, NOON = 18, 12


class Service(StrEnum):
    """How the service behind an invoice stands. A suspended one comes back with the payment, a deleted one never."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """When services are suspended, in the evening, and deleted, at noon: so many days after the due date.

    Those of the item types in ``no_grace`` are deleted instead of suspended. Other types have no service.
    """

    suspend_after: int = 0
    delete_after: int = 6
    no_grace: tuple[str, ...] = ("Domain",)
    with_grace: tuple[str, ...] = ("Hosting",)

    def service_of(self, invoice: SandboxInvoice, now: datetime, zone: ZoneInfo) -> Service | None:
        """Return how the service of an invoice stands. None: it has none, or the invoice ended without a payment."""
        kind = invoice.items[0].type
        until = now if invoice.is_open else invoice.paid_at
        if kind not in {*self.no_grace, *self.with_grace} or until is None or invoice.status not in {"Unpaid", "Paid"}:
            return None
        suspended_at = _at(invoice.due + timedelta(days=self.suspend_after), EVENING, zone)
        deleted_at = _at(invoice.due + timedelta(days=self.delete_after), NOON, zone)
        if until >= (suspended_at if kind in self.no_grace else deleted_at):
            return Service.DELETED
        return Service.SUSPENDED if invoice.is_open and now >= suspended_at else Service.RUNNING


def _at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone)


def banking_days_after(day: date, count: int) -> date:
    """Return the day that is so many banking days later. Banks work from Monday to Friday."""
    while count:
        day += timedelta(days=1)
        count -= day.isoweekday() <= 5  # noqa: PLR2004  # Friday
    return day
