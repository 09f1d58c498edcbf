"""E-invoices in documents: what is read of them, what is claimed of them, and files that are made to harm."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile

import facturx
import pytest
from fpdf import FPDF
from hypothesis import given, settings, strategies as st

from bot.domain.einvoices import Check, EInvoice
from bot.errors import EInvoiceUnread
from bot.ports import Document
from bot.provider import einvoice_reader, einvoices
from bot.provider.einvoices import EInvoices
from bot.sandbox.provider.documents import document as made_by_provider
from bot.sandbox.provider.einvoices import xml_of
from bot.sandbox.provider.invoices import SandboxInvoice, XmlForm, make_invoice

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100">&z;
</rsm:CrossIndustryInvoice>""" % b"".join(
    b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in range(ord("b"), ord("z") + 1)
)
STEAL = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100">&a;
</rsm:CrossIndustryInvoice>"""


def invoice() -> SandboxInvoice:
    return make_invoice(4711, Decimal("11.90"), issued=date(2026, 1, 1), due=date(2026, 1, 8))


def pdf(*files: tuple[str, bytes]) -> bytes:
    page = FPDF()
    page.add_page()
    for name, content in files:
        page.embed_file(basename=name, bytes=content)
    return bytes(page.output())


@pytest.fixture
def opened() -> Iterator[list[Document]]:
    documents: list[Document] = []
    yield documents
    for each in documents:
        each.content.close()


@pytest.fixture
def read(opened: list[Document]) -> Read:
    return Read(opened)


class Read:
    """Reads bytes as a document. Afterwards it must be at its start: it is uploaded then."""

    def __init__(self, opened: list[Document]) -> None:
        self.opened = opened
        self.einvoices = EInvoices()

    def document(self, content: bytes) -> Document:
        file = TemporaryFile()  # noqa: SIM115  # the fixture closes it
        file.write(content)
        file.seek(0)
        self.opened.append(Document("invoice-4711.pdf", file, len(content)))
        return self.opened[-1]

    async def __call__(self, content: bytes) -> EInvoice | None:
        document = self.document(content)
        try:
            return await self.einvoices.read(document)
        finally:
            assert document.content.tell() == 0


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (XmlForm.ZUGFERD, "ZUGFeRD (EN 16931)"),
        (XmlForm.XRECHNUNG_CII, "XRechnung (CII)"),
        (XmlForm.XRECHNUNG_UBL, "XRechnung (UBL)"),
    ],
)
@pytest.mark.parametrize("embedded", [True, False])
async def test_each_form_is_read_and_checked_within_a_pdf_and_alone(
    form: XmlForm, name: str, embedded: bool, read: Read
) -> None:
    xml = xml_of(invoice(), form)
    found = await read(pdf(("factur-x.xml", xml)) if embedded else xml)
    assert found == EInvoice(
        name, Check.VALID, "4711", Decimal("11.90"), Decimal("1.90"), credit_note=False, embedded=embedded
    )


@pytest.mark.parametrize("form", XmlForm)
async def test_the_sandbox_issues_what_keeps_to_its_schema(form: XmlForm, read: Read) -> None:
    one = invoice()
    one.xml, one.credit = form, Decimal("2.00")
    one.items[0].description = "<b>R&D</b> „Server“ – 1"
    made = made_by_provider(one, NOW)
    assert made == made_by_provider(one, NOW)
    found = await read(made.content)
    assert found is not None
    assert (found.check, found.total) == (Check.VALID, Decimal("11.90"))


async def test_the_xml_comes_out_as_it_went_in(read: Read) -> None:
    xml = xml_of(invoice(), XmlForm.ZUGFERD)
    assert await read.einvoices.xml(read.document(pdf(("factur-x.xml", xml)))) == xml
    assert await read.einvoices.xml(read.document(pdf(("factur-x.xml", b"<broken")))) is None


async def test_xml_that_breaks_its_schema_is_called_so_and_still_compared(read: Read) -> None:
    xml = xml_of(invoice(), XmlForm.ZUGFERD).replace(b"<ram:TypeCode>380</ram:TypeCode>", b"")
    found = await read(pdf(("factur-x.xml", xml)))
    assert found is not None
    assert (found.check, found.total) == (Check.INVALID, Decimal("11.90"))


async def test_a_form_without_a_schema_is_not_called_valid(read: Read) -> None:
    xml = xml_of(invoice(), XmlForm.ZUGFERD).replace(b"urn:cen.eu:en16931:2017", b"urn:example:of:tomorrow")
    found = await read(pdf(("factur-x.xml", xml)))
    assert found is not None
    assert (found.form, found.check) == ("CII", Check.UNCHECKED)


async def test_a_credit_note_is_known_by_its_code(read: Read) -> None:
    xml = xml_of(invoice(), XmlForm.ZUGFERD).replace(b">380<", b">381<")
    found = await read(xml)
    assert found is not None
    assert found.credit_note


async def test_the_tax_in_the_invoices_currency_counts(read: Read) -> None:
    one = b'<ram:TaxTotalAmount currencyID="EUR">1.90</ram:TaxTotalAmount>'
    two = b'<ram:TaxTotalAmount currencyID="USD">2.20</ram:TaxTotalAmount>' + one
    found = await read(xml_of(invoice(), XmlForm.ZUGFERD).replace(one, two))
    assert found is not None
    assert found.tax == Decimal("1.90")


@pytest.mark.parametrize(
    "files",
    [
        (),
        (("terms.xml", b"<terms/>"),),
        (("photo.png", b"\x89PNG"), ("notes.xml", b"<a>")),
    ],
)
async def test_a_pdf_without_an_e_invoice_has_none(files: tuple[tuple[str, bytes], ...], read: Read) -> None:
    assert await read(pdf(*files)) is None


async def test_a_plain_pdf_starts_no_process(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(einvoices, "PROGRAM", "/nothing/there")
    assert await read(pdf()) is None
    with pytest.raises(EInvoiceUnread):
        await read(pdf(("factur-x.xml", b"<x/>")))


@pytest.mark.parametrize("xml", [BOMB, STEAL, b"<broken", b"\x00\xff" * 50, b"<a>" * 100_000])
async def test_xml_that_is_made_to_harm_is_not_read(xml: bytes, read: Read) -> None:
    found = await read(pdf(("factur-x.xml", xml)))
    assert found == EInvoice("", Check.UNREADABLE)


async def test_too_large_xml_is_not_read(read: Read) -> None:
    xml = xml_of(invoice(), XmlForm.ZUGFERD).replace(b"Berlin", b"B" * 3_000_000)
    assert await read(pdf(("factur-x.xml", xml))) == EInvoice("", Check.UNREADABLE)


async def test_what_can_not_be_read_is_not_handed_on_so_its_size_costs_the_bot_nothing(read: Read) -> None:
    harmful = read.document(pdf(("factur-x.xml", b"<a>%s</a>" % (b" " * 3_000_000))))
    assert len(await einvoices._output_of(harmful.content)) < 1000


async def test_a_pdf_that_unfolds_to_gigabytes_is_given_up(read: Read) -> None:
    bomb = zlib.compress(b"\0" * 200_000_000, 9)
    plain = pdf(("factur-x.xml", b"<x/>"))
    begin = plain.index(b"<x/>")
    length = re.search(rb"/Length 4\b", plain)
    assert length is not None
    content = plain[:begin] + bomb + plain[begin + 4 :]
    content = content.replace(b"/Length 4", b"/Filter /FlateDecode /Length %d" % len(bomb), 1)
    with suppress(EInvoiceUnread):
        assert await read(content) in {None, EInvoice("", Check.UNREADABLE)}


async def test_a_broken_pdf_is_given_up(read: Read) -> None:
    whole = pdf(("factur-x.xml", b"<x/>"))
    for content in (whole[:300] + b"/EmbeddedFile", b"%PDF-1.7 /EmbeddedFile %%EOF", whole.replace(b"obj", b"job")):
        with suppress(EInvoiceUnread):
            assert await read(content) in {None, EInvoice("", Check.UNREADABLE)}


async def test_a_reader_that_takes_too_long_is_ended(
    read: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass")
    monkeypatch.setattr(einvoices, "PROGRAM", str(endless))
    monkeypatch.setattr(einvoices, "TIMEOUT", 0.3)
    with pytest.raises(EInvoiceUnread):
        await read(pdf(("factur-x.xml", b"<x/>")))


async def test_the_reader_gets_none_of_the_bots_secrets(
    read: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    telling = tmp_path / "telling.py"
    telling.write_text(
        'import os, json; print(json.dumps({"form": ",".join(os.environ), "check": "valid"}), end="\\n<x/>")'
    )
    monkeypatch.setenv("TELEGRAM_TOKEN", "secret")
    monkeypatch.setattr(einvoices, "PROGRAM", str(telling))
    found = await read(pdf(("factur-x.xml", b"<x/>")))
    assert found is not None
    assert "PATH" in found.form
    assert "TOKEN" not in found.form


async def test_a_pdf_of_another_program_is_read_as_well(read: Read) -> None:
    xml = xml_of(invoice(), XmlForm.ZUGFERD)
    made = facturx.generate_from_binary(pdf(), xml)
    found = await read(made)
    assert found is not None
    assert (found.form, found.check, found.embedded) == ("ZUGFeRD (EN 16931)", Check.VALID, True)


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode), st.integers(0, 3000), st.sampled_from(XmlForm))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_the_xml_something_is_said_of_it(put_in: bytes, at: int, form: XmlForm) -> None:
    xml = xml_of(invoice(), form)
    for content in (put_in, xml[:at] + put_in + xml[at:], xml[:at] + put_in):
        facts = einvoice_reader._read(content)
        assert Check(str(facts["check"])) in Check


OLD = b"""<?xml version="1.0"?>
<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12">
<rsm:SpecifiedExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
<ram:ID>urn:ferd:CrossIndustryDocument:invoice:1p0:comfort</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>
</rsm:SpecifiedExchangedDocumentContext>
<rsm:HeaderExchangedDocument><ram:ID>4711</ram:ID></rsm:HeaderExchangedDocument>
<rsm:SpecifiedSupplyChainTradeTransaction><ram:ApplicableSupplyChainTradeSettlement>
<ram:SpecifiedTradeSettlementMonetarySummation><ram:TaxTotalAmount currencyID="EUR">1.90</ram:TaxTotalAmount>
<ram:GrandTotalAmount currencyID="EUR">11.90</ram:GrandTotalAmount></ram:SpecifiedTradeSettlementMonetarySummation>
</ram:ApplicableSupplyChainTradeSettlement></rsm:SpecifiedSupplyChainTradeTransaction>
</rsm:CrossIndustryDocument>"""


async def test_the_first_zugferd_is_known(read: Read) -> None:
    found = await read(pdf(("ZUGFeRD-invoice.xml", OLD)))
    assert found == EInvoice("ZUGFeRD 1.0 (COMFORT)", Check.VALID, "4711", Decimal("11.90"), Decimal("1.90"))
