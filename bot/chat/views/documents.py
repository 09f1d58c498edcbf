"""What stands below an invoice's PDF: what it is, how it stands, and the next steps."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import PAYS, Button, Rows, Screen, join, one_line
from bot.chat.texts import Private, Texts
from bot.chat.views.invoice_words import status_of
from bot.domain.invoices import Invoice
from bot.domain.service_names import Service
from bot.ports import InvoiceDocument

CAPTION_TITLE_LENGTH = 200


def caption(t: Texts, document: InvoiceDocument, now: datetime) -> Screen:
    """Return the caption of a PDF, with its buttons. It says no more than what is known of the invoice."""
    number, invoice, known = document.invoice_id, document.invoice, document.known
    details = Button(t.plain("button.details"), f"show:{number}")
    if invoice is not None:
        return Screen(join(_facts(t, invoice, now)), [[details], *_pay_row(t, invoice)])
    lines = [t("document.title", id=number)]
    if known is not None:
        lines += [
            *_title(t, known.title, known.service),
            t("details.total", amount=t.money(known.full_total)),
        ]
    return Screen(join([*lines, t("document.unread")]), [[details]])


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


def _title(t: Texts, title: str, service: Service | None) -> list[Markup]:
    text = one_line(t.titled(title, service), CAPTION_TITLE_LENGTH)
    return [t("alert.title", title=Private(text))] if text else []


def _pay_row(t: Texts, invoice: Invoice) -> Rows:
    left = invoice.left_to_pay
    if left is None or not invoice.can_be_paid or not t.offers(left):
        return []
    return [[Button(t.plain("button.pay", amount=t.money(left)), f"pay:{invoice.id}", style=PAYS)]]
