"""What stands below an invoice's PDF: what it is, how it stands, and the next steps."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import PAYS, Button, Rows, Screen, join, one_line
from bot.chat.texts import Private, Texts
from bot.chat.views.invoice_words import status_of
from bot.domain.einvoices import Check, differences
from bot.domain.invoices import Invoice
from bot.domain.service_names import Service
from bot.ports import InvoiceDocument

CAPTION_TITLE_LENGTH = 200


def caption(t: Texts, document: InvoiceDocument, now: datetime) -> Screen:
    """Return the caption of a PDF, with its buttons. It says no more than what is known of the invoice."""
    number, invoice, known = document.invoice_id, document.invoice, document.known
    buttons = [Button(t.plain("button.details"), f"show:{number}"), *_xml_button(t, document)]
    of_xml = _einvoice_lines(t, document)
    if invoice is not None:
        return Screen(join([*_facts(t, invoice, now), *of_xml]), [buttons, *_pay_row(t, invoice)])
    lines = [t("document.title", id=number)]
    if known is not None:
        lines += [
            *_title(t, known.title, known.service),
            t("details.total", amount=t.money(known.full_total)),
        ]
    return Screen(join([*lines, t("document.unread"), *of_xml]), [buttons])


def _facts(t: Texts, invoice: Invoice, now: datetime) -> list[Markup]:
    lines = [
        t("details.title", id=invoice.id, status=status_of(t, invoice)),
        *_title(t, invoice.title, invoice.title_service),
    ]
    lines.append(t("details.total", amount=t.money(invoice.full_total)))
    if invoice.left_to_pay and invoice.left_to_pay != invoice.full_total:
        lines.append(t("details.left", amount=t.money(invoice.left_to_pay)))
    if invoice.issued:
        lines.append(t("details.issued", date=t.day(invoice.issued)))
    if invoice.is_open and invoice.due:
        lines.append(t("details.due_in", date=t.day(invoice.due), day=t.due_day(invoice.due, now)))
    if invoice.is_paid and invoice.paid_at:
        lines.append(t("details.paid", date=t.day(t.date_of(invoice.paid_at))))
    return lines


def _einvoice_lines(t: Texts, document: InvoiceDocument) -> list[Markup]:
    """Return what the document's e-invoice is, what was checked of it, and where it differs."""
    einvoice = document.einvoice
    if einvoice is None:
        return []
    if einvoice.check is Check.UNREADABLE:
        return [t("einvoice.unreadable")]
    lines = [t(f"einvoice.{einvoice.check}", form=einvoice.form)]
    if document.invoice is not None:
        for found in differences(einvoice, document.invoice):
            sides = {"xml": found.in_xml, "listed": found.in_list}
            words = {side: t.money(value) if isinstance(value, Decimal) else value for side, value in sides.items()}
            lines.append(t(f"einvoice.differs.{found.what}", **words))
    return lines


def _xml_button(t: Texts, document: InvoiceDocument) -> list[Button]:
    einvoice = document.einvoice
    if einvoice is None or not einvoice.embedded or einvoice.check is Check.UNREADABLE:
        return []
    return [Button(t.plain("button.xml"), f"xml:{document.invoice_id}")]


def _title(t: Texts, title: str, service: Service | None) -> list[Markup]:
    text = one_line(t.titled(title, service), CAPTION_TITLE_LENGTH)
    return [t("alert.title", title=Private(text))] if text else []


def _pay_row(t: Texts, invoice: Invoice) -> Rows:
    left = invoice.left_to_pay
    if left is None or not invoice.can_be_paid or not t.offers(left):
        return []
    return [[Button(t.plain("button.pay", amount=t.money(left)), f"pay:{invoice.id}", style=PAYS)]]
