"""The sandbox provider's ledger: accounts, their invoices and credit, and the payments that were carried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

from bot.ports import Clock, utc_now
from bot.sandbox.provider.faults import Call
from bot.sandbox.provider.invoices import (
    COLLECTED,
    ZERO,
    Description,
    SandboxInvoice,
    SandboxItem,
    examples,
    make_invoice,
    reference_samples,
)
from bot.sandbox.provider.services import Service, ServiceRules, banking_days_after

BERLIN = ZoneInfo("Europe/Berlin")
FIRST_NEW_ID = 300_001
TRANSFER_DAYS = 3
"""How many banking days a transfer takes."""


class Refusal(Exception):
    """The provider refuses a request, in these words."""


@dataclass(slots=True, eq=False)
class Account:
    """A customer's account: its token, its credit, and its invoices by id.

    ``permitted``: the token may read and pay invoices. ``shows_credit``: it may read the account itself. ``transfers``
    are on their way to its credit.
    """

    token: str
    credit: Decimal
    permitted: bool = True
    shows_credit: bool = False
    currency: str = "EUR"
    invoices: dict[int, SandboxInvoice] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A bank transfer that arrives on some day."""

    amount: Decimal
    arrives: date


@dataclass(frozen=True, slots=True)
class Execution:
    """A POST that was carried out, with the amount of credit that it moved."""

    call: Call
    account: Account
    invoice_id: int
    amount: Decimal


class Ledger:
    """The provider's state: plain objects that may be changed at any time. ``accounts`` are by token."""

    def __init__(self, clock: Clock = utc_now, zone: ZoneInfo = BERLIN) -> None:
        self.clock = clock
        self.zone = zone
        self.accounts: dict[str, Account] = {}
        self.executions: list[Execution] = []
        self.service_rules = ServiceRules()
        self._ids: Iterator[int] = count(FIRST_NEW_ID)

    @property
    def today(self) -> date:
        return self.clock().astimezone(self.zone).date()

    def add_account(self, token: str, credit: Decimal = ZERO, *, with_examples: bool = False) -> Account:
        """Add an account with the reference's two sample invoices, and on request with examples of other cases."""
        account = Account(token, credit)
        made = examples(self._ids, self.today) if with_examples else []
        account.invoices = {invoice.id: invoice for invoice in [*reference_samples(), *made]}
        self.accounts[token] = account
        return account

    def create_invoice(
        self,
        account: Account,
        amount: Decimal,
        due_in_days: int = 14,
        *,
        due: date | None = None,
        kind: str = "Hosting",
        description: Description | None = None,
        paid: bool = False,
        use_credit: bool = False,
    ) -> SandboxInvoice:
        """Create an invoice over ``amount``, tax included. It is open, or paid on creation.

        ``use_credit``: the provider takes what credit there is, by itself.
        """
        due = due or self.today + timedelta(days=due_in_days)
        invoice = make_invoice(next(self._ids), amount, issued=self.today, due=due, kind=kind, description=description)
        if paid:
            invoice.status, invoice.paid_at = "Paid", self.clock()
        account.invoices[invoice.id] = invoice
        if use_credit:
            self.use_credit(account, invoice)
        return invoice

    def bill_again(self, account: Account, before: SandboxInvoice, amount: Decimal) -> SandboxInvoice:
        """Create an invoice for the next month of the service that another one was for. It is of today."""
        again = self.create_invoice(account, amount, kind=before.items[0].type)
        again.items[0].relid = before.items[0].relid
        return again

    def collect(self, account: Account, parts: Sequence[SandboxInvoice]) -> SandboxInvoice:
        """Create an invoice that collects open ones. To pay it is to pay all of them."""
        total = sum((part.left for part in parts), start=ZERO)
        invoice = self.create_invoice(account, total)
        invoice.items = [
            SandboxItem(invoice.id * 100 + n, COLLECTED, f"Rechnung #{part.id}", part.left, part.id)
            for n, part in enumerate(parts)
        ]
        return invoice

    def use_credit(self, account: Account, invoice: SandboxInvoice) -> None:
        """Pay as much as possible with the account's credit, by the provider itself: nobody has asked for it."""
        self._move_credit(account, invoice, min(account.credit, invoice.left))

    def service_of(self, invoice: SandboxInvoice) -> Service | None:
        """Return how the service behind an invoice stands now."""
        return self.service_rules.service_of(invoice, self.clock(), self.zone)

    def transfer(self, account: Account, amount: Decimal) -> Transfer:
        """Send credit by bank. It is there on a later day."""
        sent = Transfer(amount, banking_days_after(self.today, TRANSFER_DAYS))
        account.transfers.append(sent)
        return sent

    def receive_transfers(self) -> None:
        """Add what has arrived by now to the accounts' credit."""
        for account in self.accounts.values():
            arrived = [transfer for transfer in account.transfers if transfer.arrives <= self.today]
            account.credit += sum((transfer.amount for transfer in arrived), start=ZERO)
            account.transfers = [transfer for transfer in account.transfers if transfer not in arrived]

    def cancel(self, invoice_id: int) -> None:
        """Cancel an invoice in any account."""
        for account in self.accounts.values():
            if invoice_id in account.invoices:
                account.invoices[invoice_id].status = "Cancelled"

    def settle(self, invoice: SandboxInvoice) -> None:
        """Record a payment by other means, such as a bank transfer. It does not touch the account's credit."""
        invoice.status, invoice.paid_at = "Paid", self.clock()

    def executed(self, call: Call, invoice_id: int) -> int:
        """Return how often a payment or a removal of credit was carried out for this invoice."""
        return sum(1 for done in self.executions if (done.call, done.invoice_id) == (call, invoice_id))

    def pay(self, account: Account, invoice: SandboxInvoice) -> None:
        """Pay with as much of the account's credit as needed and available. Raise :class:`Refusal` if there is none."""
        if not invoice.is_open or invoice.left <= 0:
            raise Refusal("The invoice is not open.")
        amount = min(account.credit, invoice.left)
        if amount <= 0:
            raise Refusal("There is not enough credit on your account.")
        self._move_credit(account, invoice, amount)
        self.executions.append(Execution(Call.PAY, account, invoice.id, amount))

    def _move_credit(self, account: Account, invoice: SandboxInvoice, amount: Decimal) -> None:
        account.credit -= amount
        invoice.credit += amount
        if invoice.left == 0:
            self._settle_all(account, invoice)

    def _settle_all(self, account: Account, invoice: SandboxInvoice) -> None:
        """Settle an invoice, with those that it collects."""
        self.settle(invoice)
        for item in invoice.items:
            part = account.invoices.get(item.relid) if item.type == COLLECTED else None
            if part is not None and part.is_open:
                self._settle_all(account, part)

    def remove_credit(self, account: Account, invoice: SandboxInvoice) -> None:
        """Return the invoice's credit to the account. Raise :class:`Refusal` if that is not allowed."""
        if not invoice.is_open:
            raise Refusal("Credit can only be removed from unpaid invoices.")
        if invoice.credit <= 0:
            raise Refusal("There is no credit on this invoice.")
        amount, invoice.credit = invoice.credit, ZERO
        account.credit += amount
        self.executions.append(Execution(Call.REMOVE_CREDIT, account, invoice.id, amount))
