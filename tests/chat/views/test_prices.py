"""What the alert of a new invoice says of its prices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.chat.views.alerts import alerts
from bot.domain.alerts import AlertKind, KnownInvoice
from bot.domain.prices import PriceChange
from bot.domain.service_names import Service
from tests.chat.deliveries import alert, closed, delivery, known
from tests.chat.samples import DE, EN, NASTY, NOW, seen

SERVER = Service("hosting", 23633)
DEARER = PriceChange(SERVER, "", Decimal("7.95"), Decimal("9.95"), date(2026, 10, 20))
CHEAPER = replace(DEARER, now=Decimal("5.95"))


def told(invoice: KnownInvoice, kind: AlertKind = AlertKind.NEW, t: object = EN) -> str:
    alerted = [alert(kind, invoice.id)]
    return seen(alerts(t, delivery(alerted, [invoice]), alerted, NOW))  # type: ignore[arg-type]


def test_a_new_invoice_says_by_how_much_it_is_dearer() -> None:
    invoice = known(price_changes=(DEARER,))
    assert "📈 €2.00 more than last time (€7.95 on 20 Oct 2026)" in told(invoice)
    assert "📈 2,00 € mehr als zuletzt (7,95 € am 20.10.2026)" in told(invoice, t=DE).replace("\N{NO-BREAK SPACE}", " ")


def test_a_cheaper_one_says_so_in_a_word() -> None:
    assert "📉 Cheaper than last time" in told(known(price_changes=(CHEAPER,)))


def test_so_does_one_that_was_paid_on_creation() -> None:
    assert "€2.00 more" in told(closed(price_changes=(DEARER,), announced=False))


def test_reminders_do_not_repeat_it() -> None:
    assert "last time" not in told(known(price_changes=(DEARER,)), AlertKind.DUE)


def test_of_several_services_each_is_named_and_text_is_escaped() -> None:
    both = (replace(DEARER, title=f"KVM {NASTY}"), replace(CHEAPER, title="Webspace"))
    text = told(known(price_changes=both))
    assert f"📈 KVM {NASTY}: €2.00 more" in text
    assert "📉 Webspace: cheaper than last time" in text


def test_of_many_services_the_first_ones_are_named() -> None:
    many = tuple(replace(DEARER, title=f"Server {n}", service=Service("hosting", n)) for n in range(6))
    text = told(known(price_changes=many))
    assert "Server 4" in text
    assert "Server 5" not in text
    assert "Other prices have changed, too." in text


def test_a_service_with_a_name_is_called_by_it() -> None:
    t = replace(EN, names={SERVER: "my shop"})
    assert "my shop · Server 4711" in told(known(service=SERVER), t=t)
    assert "my shop · KVM: €2.00 more" in told(known(price_changes=(replace(DEARER, title="KVM"),)), t=t)
