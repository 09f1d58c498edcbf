"""Invoices, payments and texts to look at, and what a person sees of a screen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bot.chat.screens import Button, Screen
from bot.chat.texts import load_translations
from bot.domain.chats import Chat, Link, Place, Token, Watch
from bot.domain.invoices import Invoice, Item
from bot.domain.payments import Action, Payment
from bot.sandbox.telegram.html import parse_html

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = date(2026, 11, 22)

TRANSLATIONS = load_translations("EUR", BERLIN)
EN, DE = TRANSLATIONS["en"], TRANSLATIONS["de"]

NASTY = """<b>&"'</b>"""
"""The provider may send this. Unescaped, Telegram would refuse it or read it as markup."""

PAID_DOMAIN = Invoice(
    id=212032,
    status="Paid",
    status_label="Bezahlt",
    is_open=False,
    issued=date(2022, 11, 17),
    due=date(2022, 12, 27),
    paid_at=datetime(2022, 11, 17, 3, 0, 32, tzinfo=UTC),
    subtotal=Decimal("0.00"),
    tax=Decimal("0.00"),
    tax_rate=Decimal(19),
    credit=Decimal("0.00"),
    total=Decimal("0.00"),
    items=(
        Item(
            "Domain",
            "Domain Verlängerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023)",
            "Domain Verlängerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023)",
            Decimal("0.00"),
        ),
    ),
)
"""The first sample of the provider's reference, as the bot reads it."""

CANCELLED_SERVER = Invoice(
    id=130348,
    status="Cancelled",
    status_label="Storniert",
    is_open=False,
    issued=date(2020, 6, 28),
    due=date(2020, 6, 27),
    paid_at=None,
    subtotal=Decimal("6.68"),
    tax=Decimal("1.27"),
    tax_rate=Decimal(19),
    credit=Decimal("1.00"),
    total=Decimal("7.95"),
    items=(
        Item(
            "Hosting",
            "KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020)",
            "KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020)\n"
            "Betriebssystem: Windows (Log-In ready)\n"
            "Prozessor: 2 Kerne\n"
            "RAM: 4GB RAM\n"
            "NVMe SSD Speicher: 50GB SSD\n"
            "Netzwerkgeschwindigkeit: bis zu 200 MBit/s",
            Decimal("7.95"),
        ),
    ),
)
"""The second one: never paid, and with credit applied."""


def invoice(number: int = 4711, **others: Any) -> Invoice:
    """An open invoice over 7.95, due in five days."""
    fields: dict[str, Any] = {
        "id": number,
        "status": "Unpaid",
        "status_label": "Offen",
        "is_open": True,
        "issued": date(2026, 11, 13),
        "due": date(2026, 11, 27),
        "paid_at": None,
        "subtotal": Decimal("6.68"),
        "tax": Decimal("1.27"),
        "tax_rate": Decimal(19),
        "credit": Decimal("0.00"),
        "total": Decimal("7.95"),
        "items": (Item("Hosting", f"Server {number}", f"Server {number}", Decimal("7.95")),),
    }
    return Invoice(**(fields | others))


def paid(number: int, **others: Any) -> Invoice:
    fields: dict[str, Any] = {
        "status": "Paid",
        "status_label": "Bezahlt",
        "is_open": False,
        "paid_at": datetime(2026, 11, 14, 8, 0, tzinfo=UTC),
    }
    return invoice(number, **(fields | others))


def payment(action: Action = Action.PAY, **others: Any) -> Payment:
    fields: dict[str, Any] = {
        "id": "AAAABBBBCCCCDDDD",
        "action": action,
        "account": "account",
        "invoice_id": 4711,
        "amount": Decimal("7.95") if action is Action.PAY else Decimal("1.00"),
        "credit": Decimal("0.00") if action is Action.PAY else Decimal("1.00"),
        "status": "Unpaid",
        "due": date(2026, 11, 27),
        "place": Place(1),
        "user_id": 1,
        "since": NOW,
        "expires_at": NOW + timedelta(minutes=10),
    }
    return Payment(**(fields | others))


def linked_chat(**others: Any) -> Chat:
    """A linked chat, checked an hour ago and next in a quarter of an hour; ``others`` are fields of the link."""
    fields: dict[str, Any] = {
        "account": "account",
        "place": Place(1),
        "token": Token("a-token-of-the-provider"),
        "linked_by": 1,
        "linked_at": NOW - timedelta(days=30),
        "next_check_at": NOW + timedelta(minutes=15),
        "watch": Watch(checked_at=NOW - timedelta(hours=1)),
    }
    return Chat(1, link=Link(**(fields | others)))


def seen(screen: Screen) -> str:
    """Return a screen's text as a person reads it. Raises if Telegram would refuse its HTML."""
    return parse_html(screen.text).text


def buttons(screen: Screen) -> list[Button]:
    """Return all buttons, row by row."""
    return [button for row in screen.rows for button in row]


def labels(screen: Screen) -> list[str]:
    return [button.label for button in buttons(screen)]
