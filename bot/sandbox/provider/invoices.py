"""Invoices of the sandbox provider, in the JSON form of the real one.

The first two are the samples of the provider's API reference, down to the spelling of money and dates. The others are
invented and cover what the reference does not show.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

NEVER = "-000001-11-29T23:06:32.000000Z"
"""The provider's spelling of a missing date."""

LABELS = {
    "de": {
        "Paid": "Bezahlt",
        "Unpaid": "Unbezahlt",
        "Payment Pending": "Zahlung ausstehend",
        "Cancelled": "Storniert",
        "Refunded": "Erstattet",
        "Collections": "Inkasso",
    },
    "en": {},
}
COLLECTED = "Invoice"
"""The type of an item that stands for another invoice, whose number is its ``relid``."""
OPEN_STATUSES = frozenset({"Unpaid", "Payment Pending"})
FIRST_SERVICE = 250_000
"""How far the ids of services are below those of invoices."""
CENT = Decimal("0.01")
ZERO = Decimal(0)

Description = str | tuple[str, str]
"""What an item says: in German for everybody, or in German and in English."""


class XmlForm(StrEnum):
    """In which form an e-invoice comes. The first one is within the PDF, the others are in the PDF's place."""

    ZUGFERD = "zugferd"
    XRECHNUNG_CII = "xrechnung_cii"
    XRECHNUNG_UBL = "xrechnung_ubl"


@dataclass(slots=True)
class SandboxItem:
    """A line of an invoice. ``short`` is None if it equals the description; ``english`` is the latter in English."""

    id: int
    type: str
    description: str
    amount: Decimal
    relid: int
    short: str | None = None
    english: str = ""

    def texts(self, language: str) -> tuple[str, str]:
        """Return the description and the short one in this language, or as the provider wrote them."""
        if language == "en" and self.english:
            return self.english, self.english.partition("\n")[0]
        return self.description, self.description if self.short is None else self.short


@dataclass(slots=True)
class SandboxInvoice:
    """An invoice with its state. Sums are in the operator's currency; ``gross`` is before credit.

    With ``net_of_credit`` the JSON's ``total`` is after credit, as in WHMCS. ``older_form`` is the form of the
    reference's second sample: the items' amounts are numbers, and there are fields about donations. ``xml`` is the form
    of its e-invoice, if it is one.
    """

    id: int
    issued: date
    due: date
    net: Decimal
    tax: Decimal
    items: list[SandboxItem]
    status: str = "Unpaid"
    paid_at: datetime | None = None
    credit: Decimal = ZERO
    net_of_credit: bool = False
    older_form: bool = False
    donation: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    xml: XmlForm | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax

    @property
    def left(self) -> Decimal:
        """The amount left to pay, whatever the status."""
        return self.gross - self.credit

    def reprice(self, gross: Decimal) -> None:
        """Change the invoice's sum to ``gross``, 19 % tax included. The first item takes the difference."""
        self.items[0].amount += gross - self.gross
        self.net = _net_of(gross)
        self.tax = gross - self.net

    @property
    def has_transactions(self) -> bool:
        return self.paid_at is not None and self.gross > 0

    def as_json(self, language: str, zone: ZoneInfo, base_url: str) -> dict[str, Any]:
        """Return the fields in the reference's order and spelling, with ``status_label`` in this language."""
        url = f"{base_url}/client/invoices/{self.id}"
        fields = {
            "id": self.id,
            "duedate": midnight(self.due, zone),
            "datepaid": spelled(self.paid_at) if self.paid_at else NEVER,
            "date": midnight(self.issued, zone),
            "subtotal": number(self.net),
            "credit": number(self.credit),
            "tax": number(self.tax),
            "taxrate": 19,
            "total": number(self.left if self.net_of_credit else self.gross),
            "status": self.status,
            "status_label": LABELS.get(language, {}).get(self.status, self.status),
            "is_open": self.is_open,
            "items": [self._item(item, language) for item in self.items],
        }
        if self.older_form:
            fields["donation_invoice"] = self.donation
        return fields | {"resources": {"invoice": url, "download": f"{url}/download"}} | self.extra

    def _item(self, item: SandboxItem, language: str) -> dict[str, Any]:
        description, short = item.texts(language)
        fields = {
            "id": item.id,
            "invoiceid": self.id,
            "type": item.type,
            "short_description": short,
            "description": description,
            "relid": item.relid,
            "amount": number(item.amount) if self.older_form else _text(item.amount),
            "taxed": 1,
        }
        return fields | {"donation": self.donation} if self.older_form else fields


def _net_of(gross: Decimal) -> Decimal:
    return (gross / Decimal("1.19")).quantize(CENT, ROUND_HALF_UP)


def _text(amount: Decimal) -> str:
    return f"{amount:.2f}" if amount == round(amount, 2) else str(amount)


def number(amount: Decimal) -> int | float:
    """Return money as in PHP's JSON: 0, 1, 7.95."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def spelled(moment: datetime) -> str:
    """Return an instant in the provider's spelling: in UTC, with microseconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def midnight(day: date, zone: ZoneInfo) -> str:
    """Return a day in the provider's spelling: as the instant of its midnight in the provider's zone."""
    return spelled(datetime.combine(day, time(), zone))


def reference_samples() -> list[SandboxInvoice]:
    """Return the two invoices of the API reference: a domain paid on creation, and a cancelled server."""
    domain = "Domain Verlängerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023)"
    server = "KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020)"
    details = (
        "Betriebssystem: Windows (Log-In ready)\nProzessor: 2 Kerne\nRAM: 4GB RAM\nNVMe SSD Speicher: 50GB SSD\n"
        "Netzwerkgeschwindigkeit: bis zu 200 MBit/s"
    )
    return [
        SandboxInvoice(
            id=212032,
            issued=date(2022, 11, 17),
            due=date(2022, 12, 27),
            paid_at=datetime(2022, 11, 17, 3, 0, 32, tzinfo=UTC),
            net=ZERO,
            tax=ZERO,
            status="Paid",
            items=[SandboxItem(246676, "Domain", domain, ZERO, 5373)],
        ),
        SandboxInvoice(
            id=130348,
            issued=date(2020, 6, 28),
            due=date(2020, 6, 27),
            net=Decimal("6.68"),
            tax=Decimal("1.27"),
            credit=Decimal(1),
            status="Cancelled",
            older_form=True,
            items=[SandboxItem(140373, "Hosting", f"{server}\n{details}", Decimal("7.95"), 23633, server)],
        ),
    ]


def make_invoice(
    invoice_id: int,
    gross: Decimal,
    *,
    issued: date,
    due: date,
    kind: str = "Hosting",
    description: Description | None = None,
) -> SandboxInvoice:
    """Return an open invoice over ``gross``, 19 % tax included, with one item. It is for a service of its own."""
    net = _net_of(gross)
    german, english = (description, "") if isinstance(description, str) else description or ("", "")
    text = german or f"{kind} ({issued:%d.%m.%Y} - {_end_of_month_from(issued):%d.%m.%Y})"
    short = text.partition("\n")[0]
    item = SandboxItem(invoice_id + 30_000, kind, text, gross, invoice_id - FIRST_SERVICE, short, english)
    return SandboxInvoice(
        invoice_id, issued, due, net, gross - net, [item], older_form=kind == "Donation", donation=kind == "Donation"
    )


def _end_of_month_from(day: date) -> date:
    """Return the last day of the month that begins on this day: 26 July for 27 June."""
    first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    days = calendar.monthrange(first.year, first.month)[1]
    return first.replace(day=min(day.day, days)) - timedelta(days=1)


def examples(ids: Iterator[int], today: date) -> Sequence[SandboxInvoice]:
    """Return examples of what the reference lacks: open, overdue, with credit in both forms of ``total``, odd texts."""

    def made(gross: str, due_in: int, **more: Any) -> SandboxInvoice:
        issued = today - timedelta(days=max(7, 7 - due_in))
        return make_invoice(next(ids), Decimal(gross), issued=issued, due=today + timedelta(days=due_in), **more)

    server = made(
        "11.90",
        3,
        description=(
            "KVM Server M\nProzessor: 4 Kerne\nRAM: 8GB RAM\nIPv4: 1 & IPv6: <inklusive>",
            "KVM Server M\nProcessor: 4 cores\nRAM: 8GB RAM\nIPv4: 1 & IPv6: <included>",
        ),
    )
    overdue = made("4.99", -2, description=("Webspace S und E-Mail", "Web space S and e-mail"))
    gross = made("7.95", 10, description=('KVM <b>"Konfigurierbar"</b>', 'KVM <b>"configurable"</b>'))
    gross.credit = Decimal(1)
    net = made(
        "23.80",
        14,
        kind="Domain",
        description=("Domain Verlängerung - example.org - 2 Jahr(e)", "Domain renewal - example.org - 2 year(s)"),
    )
    net.credit, net.net_of_credit = Decimal("3.80"), True
    gift = made(
        "5.00",
        20,
        kind="Donation",
        description=("Spende für ein Teamspeak", "Donation for a Teamspeak"),
    )
    paid = made("11.90", -30, description="KVM Server M")
    paid.status, paid.paid_at = "Paid", datetime.combine(today - timedelta(days=31), time(9, 30), UTC)
    refunded = made(
        "2.38",
        -60,
        kind="Domain",
        description=("Domain Registrierung - example.com - 1 Jahr(e)", "Domain registration - example.com - 1 year(s)"),
    )
    refunded.status = "Refunded"
    server.xml, net.xml, refunded.xml = XmlForm.ZUGFERD, XmlForm.XRECHNUNG_UBL, XmlForm.XRECHNUNG_CII
    return [server, overdue, gross, net, gift, paid, refunded]
