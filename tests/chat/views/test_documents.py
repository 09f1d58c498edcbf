"""The caption of a PDF: what it is, how it stands, and the buttons that make sense."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.chat.screens import CAPTION_LIMIT, length
from bot.chat.views.documents import caption
from bot.domain.alerts import KnownInvoice
from bot.domain.einvoices import Check, EInvoice
from bot.domain.invoices import Invoice, Item
from bot.domain.payments import PaymentRules
from bot.domain.standings import Standing
from bot.ports import InvoiceDocument
from tests.chat.samples import DE, EN, NASTY, NOW, PAID_DOMAIN, invoice, labels, paid, seen


def below(found: Invoice) -> InvoiceDocument:
    return InvoiceDocument(found.id, "file", found)


def test_an_open_invoice_says_what_it_is_and_offers_to_pay() -> None:
    screen = caption(EN, below(invoice(4711, status_label="Unpaid")), NOW)
    assert seen(screen).splitlines() == [
        "🧾 Invoice 4711 · Open",
        "Server 4711",
        "Total: €7.95",
        "Issued: 13 Nov 2026",
        "Due: 27 Nov 2026 (in 5 days)",
    ]
    assert labels(screen) == ["🔎 Details", "💳 Pay €7.95 with credit"]


def test_a_paid_invoice_says_when_and_offers_no_payment() -> None:
    screen = caption(DE, below(paid(4711)), NOW)
    assert seen(screen).replace("\N{NO-BREAK SPACE}", " ").splitlines() == [
        "🧾 Rechnung 4711 · Bezahlt",
        "Server 4711",
        "Gesamt: 7,95 €",
        "Ausgestellt: 13.11.2026",
        "Bezahlt: 14.11.2026",
    ]
    assert labels(screen) == ["🔎 Details"]


def test_what_is_left_is_said_where_credit_has_paid_a_part() -> None:
    screen = caption(EN, below(invoice(credit=Decimal("1.00"))), NOW)
    assert "Total: €7.95\nLeft to pay: €6.95\n" in seen(screen)
    assert labels(screen)[1] == "💳 Pay €6.95 with credit"


def test_no_payment_is_offered_that_the_operator_does_not_allow_or_that_a_part_would_double() -> None:
    limited = replace(EN, paying=PaymentRules(limit=Decimal(5)))
    assert labels(caption(limited, below(invoice()), NOW)) == ["🔎 Details"]
    assert labels(caption(replace(EN, paying=PaymentRules(on=False)), below(invoice()), NOW)) == ["🔎 Details"]
    assert labels(caption(EN, below(invoice(parts=(1,))), NOW)) == ["🔎 Details"]


def test_without_its_invoice_it_says_what_the_last_check_knew_and_nothing_of_how_it_stands() -> None:
    known = KnownInvoice(7, Standing.OPEN, date(2026, 11, 27), Decimal(5), Decimal(5), "Server 7")
    screen = caption(EN, InvoiceDocument(7, "file", None, known), NOW)
    assert seen(screen) == "🧾 Invoice 7\nServer 7\nTotal: €5.00\nI can't tell at the moment whether it is paid."
    assert labels(screen) == ["🔎 Details"]
    assert seen(caption(DE, InvoiceDocument(7, "file"), NOW)).startswith("🧾 Rechnung 7\nOb sie bezahlt ist")


def test_however_long_its_words_are_a_caption_has_room_to_spare() -> None:
    item = Item("Hosting", NASTY + "ä😀" * 900, "", Decimal(1))
    longest = replace(invoice(10**17), items=(item,), status_label="😀" * 500, credit=Decimal("0.95"))
    for t in (EN, DE):
        screen = caption(t, below(longest), NOW)
        assert NASTY in seen(screen)
        assert length(screen.text) < CAPTION_LIMIT - 300


def test_an_invoice_over_nothing_is_just_paid() -> None:
    assert "Total: €0.00" in seen(caption(EN, below(PAID_DOMAIN), NOW))


EINVOICE = EInvoice("ZUGFeRD (EN 16931)", Check.VALID, "4711", Decimal("7.95"), Decimal("1.27"))


def with_xml(einvoice: EInvoice) -> InvoiceDocument:
    found = invoice(4711, subtotal=Decimal("6.68"), tax=Decimal("1.27"))
    return InvoiceDocument(4711, "file", found, einvoice=einvoice)


def test_an_e_invoice_is_named_and_its_xml_offered() -> None:
    screen = caption(DE, with_xml(EINVOICE), NOW)
    assert seen(screen).splitlines()[-1] == "📎 E-Rechnung: ZUGFeRD (EN 16931), gegen ihr Schema geprüft"
    assert "📎 XML" in labels(screen)
    assert "📎 XML" not in labels(caption(DE, with_xml(replace(EINVOICE, embedded=False)), NOW))


def test_validity_is_claimed_only_of_what_was_checked() -> None:
    unchecked, invalid = (
        seen(caption(EN, with_xml(replace(EINVOICE, check=check)), NOW)) for check in (Check.UNCHECKED, Check.INVALID)
    )
    assert "not checked" in unchecked
    assert "does not follow its schema" in invalid
    screen = caption(EN, with_xml(EInvoice("", Check.UNREADABLE)), NOW)
    assert "that I can't read" in seen(screen)
    assert "📎 XML" not in labels(screen)


def test_each_difference_is_a_plain_sentence() -> None:
    odd = replace(EINVOICE, number="RE-<9>", total=Decimal("8.00"), tax=Decimal("1.28"))
    assert seen(caption(EN, with_xml(odd), NOW)).splitlines()[-3:] == [
        "ℹ️ The e-invoice has the number RE-<9>; the provider lists it as 4711.",
        "⚠️ The e-invoice comes to €8.00; the provider lists €7.95.",
        "⚠️ The e-invoice contains €1.28 of tax; the provider lists €1.27.",
    ]


def test_without_its_invoice_an_e_invoice_is_named_and_compared_with_nothing() -> None:
    text = seen(caption(EN, InvoiceDocument(7, "file", einvoice=EINVOICE), NOW))
    assert text.endswith("📎 E-invoice: ZUGFeRD (EN 16931), checked against its schema")
