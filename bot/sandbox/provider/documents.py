"""The sandbox provider's documents: a real PDF for each invoice, and a ZIP archive of PDFs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import datetime

from fpdf import FPDF

from bot.sandbox.provider.invoices import SandboxInvoice

EARLIEST_IN_ZIP = (1980, 1, 1, 0, 0, 0)
GERMAN = {
    "invoice": "Rechnung", "archive": "Rechnungen", "date": "Datum", "due": "Fällig", "net": "Netto",
    "tax": "19 % USt.", "total": "Gesamt", "credit": "Guthaben",
}  # fmt: skip
ENGLISH = {
    "invoice": "Invoice", "archive": "Invoices", "date": "Date", "due": "Due", "net": "Net",
    "tax": "19 % VAT", "total": "Total", "credit": "Credit",
}  # fmt: skip


def pdf(invoice: SandboxInvoice, now: datetime, language: str = "de") -> bytes:
    """Return a page with the invoice's items and sums. The same arguments give the same bytes."""
    title = f"{_words(language)['invoice']} {invoice.id}"
    page = FPDF(format="A4")
    page.set_creation_date(now)
    page.set_title(title)
    page.add_page()
    page.set_font("helvetica", style="B", size=18)
    page.cell(text=title, new_x="LMARGIN", new_y="NEXT", h=14)
    page.set_font("helvetica", size=11)
    for line in _lines(invoice, language):
        # The built-in fonts know Latin-1 only.
        page.multi_cell(0, 6, line.encode("latin-1", "replace").decode("latin-1"), new_x="LMARGIN", new_y="NEXT")
    return bytes(page.output())


def archive(invoices: Iterable[SandboxInvoice], now: datetime, language: str = "de") -> bytes:
    """Return a ZIP archive with a PDF for each invoice."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for invoice in invoices:
            bundle.writestr(zipfile.ZipInfo(file_name(invoice, language), EARLIEST_IN_ZIP), pdf(invoice, now, language))
    return file.getvalue()


def file_name(invoice: SandboxInvoice, language: str = "de") -> str:
    return f"{_words(language)['invoice']}-{invoice.id}.pdf"


def archive_name(language: str = "de") -> str:
    return f"{_words(language)['archive']}.zip"


def _words(language: str) -> dict[str, str]:
    return ENGLISH if language == "en" else GERMAN


def _lines(invoice: SandboxInvoice, language: str) -> Iterable[str]:
    words = _words(language)
    date = "%d %b %Y" if language == "en" else "%d.%m.%Y"
    yield f"{words['date']}: {invoice.issued:{date}}"
    yield f"{words['due']}: {invoice.due:{date}}"
    yield ""
    for item in invoice.items:
        yield item.texts(language)[0]
        yield f"{item.amount:.2f} EUR"
        yield ""
    yield f"{words['net']}: {invoice.net:.2f} EUR"
    yield f"{words['tax']}: {invoice.tax:.2f} EUR"
    yield f"{words['total']}: {invoice.gross:.2f} EUR"
    if invoice.credit:
        yield f"{words['credit']}: -{invoice.credit:.2f} EUR"
