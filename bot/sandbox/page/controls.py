"""What can be set in the world around the bot: the provider's invoices, faults on both sides, and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.domain.chats import LANGUAGES
from bot.sandbox.demo_world import DemoWorld
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice
from bot.sandbox.provider.services import Service
from bot.sandbox.sandbox import MORNING
from bot.sandbox.telegram.faults import TelegramFault, TelegramFaults

Json = dict[str, object]
Step = Literal["hour", "day", "week"]
Making = Literal["open", "paid", "by_credit", "unreadable", "credit_note", "collective"]
Ending = Literal["Paid", "Credit", "Cancelled", "Refunded", "Collections"]

DESCRIPTIONS = {
    "Hosting": (
        "KVM Server L\nProzessor: 8 Kerne\nRAM: 16GB RAM",
        "KVM Server L\nProcessor: 8 cores\nRAM: 16GB RAM",
    ),
    "Domain": (
        "Domain Registrierung - lighthouse.example - 1 Jahr(e)",
        "Domain registration - lighthouse.example - 1 year(s)",
    ),
    "Donation": ("Spende für einen Minecraft-Server", "Donation for a Minecraft server"),
}
"""The text of a new invoice in German and in English, by its kind."""

PROVIDER_FAULTS: Mapping[str, tuple[Fault, Mapping[str, Any]]] = {
    "down": (Fault.DOWN, {}),
    "slow": (Fault.SLOW, {"interval": 4.0}),
    "rate_limit": (Fault.RATE_LIMIT, {"retry_after": "10"}),
    "token_revoked": (Fault.TOKEN_REVOKED, {}),
    "permission_missing": (Fault.PERMISSION_MISSING, {}),
    "empty": (Fault.EMPTY, {}),
    "no_invoices": (Fault.NO_INVOICES, {}),
    "challenge": (Fault.CHALLENGE, {}),
    "gateway_json": (Fault.GATEWAY_JSON, {}),
    "refused_in_data": (Fault.REFUSED_IN_DATA, {"message": "Invalid API key."}),
    "failure_as_success": (Fault.FAILURE_AS_SUCCESS, {"message": "Invalid API key."}),
    "paged": (Fault.PAGED, {"on": Call.LIST}),
    "later_pages_broken": (Fault.LATER_PAGES_BROKEN, {"on": Call.LIST}),
    "counts_more": (Fault.COUNTS_MORE, {"on": Call.LIST}),
    "dates_as_objects": (Fault.DATES_AS_OBJECTS, {}),
    "dates_unreadable": (Fault.DATES_UNREADABLE, {}),
    "items_as_object": (Fault.ITEMS_AS_OBJECT, {}),
    "broken_items": (Fault.BROKEN_ITEMS, {}),
    "long_numbers": (Fault.LONG_NUMBERS, {}),
    "more_digits": (Fault.MORE_DIGITS, {}),
    "odd_status": (Fault.ODD_STATUS, {}),
    "too_deep": (Fault.TOO_DEEP, {}),
    "entities": (Fault.ENTITIES, {}),
    "answered_twice": (Fault.ANSWERED_TWICE, {}),
    "idle_408": (Fault.IDLE_408, {}),
    "late_continue": (Fault.LATE_CONTINUE, {}),
    "breaks_http": (Fault.BREAKS_HTTP, {}),
    "long_header": (Fault.LONG_HEADER, {}),
    "byte_order_mark": (Fault.BYTE_ORDER_MARK, {}),
    "coded_twice": (Fault.CODED_TWICE, {}),
    "cut_pdf": (Fault.CUT_FILE, {"on": Call.PDF}),
    "other_name": (Fault.OTHER_NAME, {"on": Call.PDF}),
    "wrapped_pdf": (Fault.WRAPPED_FILE, {"on": Call.PDF}),
    "other_total": (Fault.OTHER_TOTAL, {"on": Call.PDF}),
    "empty_archive": (Fault.EMPTY_ARCHIVE, {"on": Call.ARCHIVE}),
    "pay_refused": (Fault.REFUSED, {"on": Call.PAY}),
    "pay_result_error": (Fault.RESULT_ERROR, {"on": Call.PAY, "message": "Not enough credit."}),
    "pay_unanswered": (Fault.CUT_AFTER, {"on": Call.PAY, "times": 1}),
}
"""By their names on the page. The last one ends after it has struck once."""

TELEGRAM_FAULTS: Mapping[str, Callable[[TelegramFaults], TelegramFault]] = {
    "flood": partial(TelegramFaults.flood, retry_after=10, times=None),
    "unreachable": partial(TelegramFaults.server_error, status=502, times=None),
    "page": partial(TelegramFaults.page, status=200, times=None),
    "closed": partial(TelegramFaults.close, times=None),
    "error_after": partial(TelegramFaults.server_error, delivered=True, times=1, method="sendMessage"),
    "send_unanswered": partial(TelegramFaults.cut, delivered=True, times=1, method="sendMessage"),
}


@dataclass(slots=True)
class Controls:
    """Change a demo's world, and report its state."""

    demo: DemoWorld
    _telegram_faults: dict[str, TelegramFault] = field(default_factory=dict)
    _hidden: dict[int, SandboxInvoice] = field(default_factory=dict)
    """Invoices that the provider hides. They can be shown again."""
    _payments: int = 0
    _presser: int | None = None
    _payers: set[int] = field(default_factory=set)

    def faults(self) -> Json:
        """Return which faults are on, by side and name."""
        on = {active.fault for active in self.demo.sandbox.provider.faults.on}
        provider = {name: fault in on for name, (fault, _) in PROVIDER_FAULTS.items()}
        telegram = {name: self._is_on(name) for name in TELEGRAM_FAULTS}
        return {"provider": provider, "telegram": telegram}

    def switch(self, name: str, *, on: bool) -> None:
        """Switch a fault on or off. Raise :class:`LookupError` if none has this name."""
        faults = self.demo.sandbox.provider.faults
        if name in PROVIDER_FAULTS:
            fault, details = PROVIDER_FAULTS[name]
            faults.switch_off(fault)
            if on:
                faults.switch_on(fault, **details)
        elif name in TELEGRAM_FAULTS:
            if self._is_on(name):
                self._telegram_faults[name].left = 0
            if on:
                self._telegram_faults[name] = TELEGRAM_FAULTS[name](self.demo.sandbox.telegram.faults)
        else:
            raise LookupError(f"no fault is named {name}")

    def _is_on(self, name: str) -> bool:
        fault = self._telegram_faults.get(name)
        return fault is not None and fault.left != 0

    def note_press(self, person_id: int) -> None:
        """Note who pressed a button last. They count as the payer of the next payment."""
        self.payers()
        self._presser = person_id

    def payers(self) -> set[int]:
        """Return the ids of the people who have paid with the account's credit."""
        payments = sum(done.call is Call.PAY for done in self.demo.sandbox.provider.executions)
        if payments > self._payments and self._presser is not None:
            self._payers.add(self._presser)
        self._payments = payments
        return self._payers

    def pass_time(self, step: Step) -> None:
        """Skip an hour, or go on to the morning of the next day, or of the same day next week."""
        clock, zone = self.demo.sandbox.clock, self.demo.sandbox.provider.zone
        if step == "hour":
            clock.put_forward(timedelta(hours=1))
        else:
            now = clock()
            clock.put_forward(_morning(now, 1 if step == "day" else 7, zone) - now)

    def issue(self, amount: Decimal, days: int, kind: str, making: Making) -> None:
        """Issue an invoice with a description for its kind. An unreadable one has no valid sum.

        ``by_credit``: the provider takes what credit there is for it, by itself. A credit note is over the amount, too,
        in the customer's favour. A collective invoice is over the sum of the two invoices that were issued last and are
        open.
        """
        if making == "collective":
            open_ones = [one for one in self.demo.account.invoices.values() if one.is_open and one.left > 0]
            if open_ones:
                self.demo.sandbox.provider.collect(self.demo.account, open_ones[-2:])
            return
        provider, words = self.demo.sandbox.provider, DESCRIPTIONS[kind]
        paid, by_credit = making == "paid", making == "by_credit"
        amount = -amount if making == "credit_note" else amount
        invoice = provider.create_invoice(
            self.demo.account,
            amount,
            days,
            kind=kind,
            description=words,
            paid=paid,
            use_credit=by_credit,
        )
        if making == "unreadable":
            invoice.extra = {"total": "?"}

    def settle(self, invoice_id: int, status: Ending) -> None:
        """Close an open invoice: as paid by other means, or otherwise. Raise :class:`LookupError` if none is.

        ``Credit``: the provider takes what credit there is for it. That may not be enough to close it.
        """
        invoice, provider = self._open_invoice(invoice_id), self.demo.sandbox.provider
        if status == "Paid":
            provider.settle(invoice)
        elif status == "Credit":
            provider.use_credit(self.demo.account, invoice)
        else:
            invoice.status = status

    def amend(self, invoice_id: int, amount: Decimal, days: int) -> None:
        """Change an open invoice's sum by ``amount`` and its due date by so many days.

        Raise :class:`LookupError` if it is not open, and :class:`ValueError` if nothing would be left to pay.
        """
        invoice = self._open_invoice(invoice_id)
        if invoice.left + amount <= 0:
            raise ValueError(f"invoice {invoice_id} would be over {invoice.left + amount}")
        invoice.reprice(invoice.gross + amount)
        invoice.due += timedelta(days=days)

    def hide(self, invoice_id: int, *, hidden: bool) -> None:
        """Hide an invoice from the account, or show it again. Raise :class:`LookupError` if that is not possible."""
        source, target = self.demo.account.invoices, self._hidden
        if not hidden:
            source, target = target, source
        target[invoice_id] = source.pop(invoice_id)

    def _open_invoice(self, invoice_id: int) -> SandboxInvoice:
        invoice = self.demo.account.invoices.get(invoice_id)
        if invoice is None or not invoice.is_open:
            raise LookupError(f"invoice {invoice_id} is not open")
        return invoice

    def top_up(self, amount: Decimal, *, by_transfer: bool) -> None:
        """Top the account's credit up."""
        if by_transfer:
            self.demo.sandbox.provider.transfer(self.demo.account, amount)
        else:
            self.demo.account.credit += amount

    def ledger(self) -> Json:
        """Return the account's credit, and its invoices, newest first. Hidden ones have the status ``Gone``."""
        account, provider = self.demo.account, self.demo.sandbox.provider
        provider.receive_transfers()
        every = [*account.invoices.values(), *self._hidden.values()]
        every.sort(key=lambda invoice: (invoice.issued, invoice.id), reverse=True)
        invoices = [
            _invoice(one, provider.service_of(one)) | ({"status": "Gone"} if one.id in self._hidden else {})
            for one in every
        ]
        return {
            "credit": str(account.credit),
            "creditShown": account.shows_credit,
            "transfers": [{"amount": str(one.amount), "arrives": one.arrives.isoformat()} for one in account.transfers],
            "invoices": invoices,
        }


def _morning(now: datetime, days: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=days), time(MORNING), zone)


def _invoice(invoice: SandboxInvoice, service: Service | None) -> Json:
    return {
        "id": invoice.id,
        "titles": {language: invoice.items[0].texts(language)[1].partition("\n")[0] for language in LANGUAGES},
        "kind": invoice.items[0].type,
        "left": str(invoice.left),
        "total": str(invoice.gross),
        "due": invoice.due.isoformat(),
        "status": invoice.status,
        "service": service,
    }
