"""The sandbox provider's documents: a real PDF for each invoice, and a ZIP archive of PDFs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import datetime

from fpdf import FPDF

from bot.sandbox.provider.invoices import SandboxInvoice

EARLIEST_IN_ZIP = (1980, 1, 1, 0, 0, 0)


def pdf(invoice: SandboxInvoice, now: datetime) -> bytes:
    """Return a page with the invoice's items and sums. The same invoice and ``now`` give the same bytes."""
    page = FPDF(format="A4")
    page.set_creation_date(now)
    page.set_title(f"Rechnung {invoice.id}")
    page.add_page()
    page.set_font("helvetica", style="B", size=18)
    page.cell(text=f"Rechnung {invoice.id}", new_x="LMARGIN", new_y="NEXT", h=14)
    page.set_font("helvetica", size=11)
    for line in _lines(invoice):
        # The built-in fonts know Latin-1 only.
        page.multi_cell(0, 6, line.encode("latin-1", "replace").decode("latin-1"), new_x="LMARGIN", new_y="NEXT")
    return bytes(page.output())


def archive(invoices: Iterable[SandboxInvoice], now: datetime) -> bytes:
    """Return a ZIP archive with a PDF for each invoice."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for invoice in invoices:
            bundle.writestr(zipfile.ZipInfo(file_name(invoice), EARLIEST_IN_ZIP), pdf(invoice, now))
    return file.getvalue()


def file_name(invoice: SandboxInvoice) -> str:
    return f"Rechnung-{invoice.id}.pdf"


def _lines(invoice: SandboxInvoice) -> Iterable[str]:
    yield f"Datum: {invoice.issued:%d.%m.%Y}"
    yield f"Fällig: {invoice.due:%d.%m.%Y}"
    yield ""
    for item in invoice.items:
        yield item.description
        yield f"{item.amount:.2f} EUR"
        yield ""
    yield f"Netto: {invoice.net:.2f} EUR"
    yield f"19 % USt.: {invoice.tax:.2f} EUR"
    yield f"Gesamt: {invoice.gross:.2f} EUR"
    if invoice.credit:
        yield f"Guthaben: -{invoice.credit:.2f} EUR"
