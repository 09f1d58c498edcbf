"""PDFs that were sent: which one may go again, and which has to be read anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.einvoices import EInvoice
from bot.domain.invoices import Invoice

DOCUMENTS_KEPT = 50
"""How many of a chat's documents can go again: the newest ones."""


@dataclass(frozen=True, slots=True)
class SentDocument:
    """An invoice's PDF as the messenger has it. ``mark`` is what the invoice said when it was read.

    ``einvoice`` is the XML in it, if there is one.
    """

    invoice_id: int
    mark: str
    file_id: str
    einvoice: EInvoice | None = None


def mark_of(invoice: Invoice, language: str) -> str:
    """Return a mark that differs once the provider says anything else of the invoice, or in another language."""
    sums = (invoice.subtotal, invoice.tax, invoice.tax_rate, invoice.credit, invoice.total)
    dates = (invoice.issued, invoice.due, invoice.paid_at)
    facts = (language, invoice.status, invoice.status_label, invoice.is_open, *sums, *dates, *invoice.items)
    return hashlib.blake2s(repr(facts).encode(), digest_size=8).hexdigest()


def sent_as(documents: Iterable[SentDocument], invoice_id: int, mark: str) -> SentDocument | None:
    """Return this very document as the messenger has it. None: it has to be uploaded."""
    return next((d for d in documents if (d.invoice_id, d.mark) == (invoice_id, mark)), None)


def with_document(documents: Iterable[SentDocument], new: SentDocument) -> tuple[SentDocument, ...]:
    """Return the documents with a newer one, which takes the place of the invoice's older one."""
    others = [document for document in documents if document.invoice_id != new.invoice_id]
    return tuple([*others, new][-DOCUMENTS_KEPT:])
