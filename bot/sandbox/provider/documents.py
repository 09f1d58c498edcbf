"""The sandbox provider's documents: a PDF for each invoice, or XML in its place, and a ZIP archive of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fpdf import FPDF

from bot.sandbox.provider.einvoices import xml_of
from bot.sandbox.provider.invoices import SandboxInvoice, XmlForm

EARLIEST_IN_ZIP = (1980, 1, 1, 0, 0, 0)
GERMAN = {
    "invoice": "Rechnung", "archive": "Rechnungen", "date": "Datum", "due": "Fällig", "net": "Netto",
    "tax": "19 % USt.", "total": "Gesamt", "credit": "Guthaben",
}  # fmt: skip
ENGLISH = {
    "invoice": "Invoice", "archive": "Invoices", "date": "Date", "due": "Due", "net": "Net",
    "tax": "19 % VAT", "total": "Total", "credit": "Credit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SandboxDocument:
    """An invoice's document as it is downloaded."""

    name: str
    media_type: str
    content: bytes


def document(invoice: SandboxInvoice, now: datetime, language: str = "de") -> SandboxDocument:
    """Return an invoice's document: a PDF, or XML alone if it is an XRechnung."""
    if invoice.xml in {None, XmlForm.ZUGFERD}:
        return SandboxDocument(file_name(invoice, language), "application/pdf", pdf(invoice, now, language))
    name = file_name(invoice, language).removesuffix(".pdf") + ".xml"
    return SandboxDocument(name, "application/xml", xml_of(invoice, XmlForm(invoice.xml)))


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
    if invoice.xml is XmlForm.ZUGFERD:
        xml = xml_of(invoice, XmlForm.ZUGFERD)
        page.embed_file(
            bytes=xml,
            basename="factur-x.xml",
            desc="ZUGFeRD",
            creation_date=now,
            modification_date=now,
        )
    return bytes(page.output())


def archive(invoices: Iterable[SandboxInvoice], now: datetime, language: str = "de") -> bytes:
    """Return a ZIP archive with each invoice's document."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for invoice in invoices:
            packed = document(invoice, now, language)
            bundle.writestr(zipfile.ZipInfo(packed.name, EARLIEST_IN_ZIP), packed.content)
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
