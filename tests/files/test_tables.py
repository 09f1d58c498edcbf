"""Tables as files: what other programs read in them, and what these must not run."""

from __future__ import annotations

import csv
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings, strategies as st

from bot.chat.texts import Texts
from bot.chat.views.tables import table_words
from bot.domain.invoices import Invoice, Item, Listing
from bot.domain.ledger import Entry, Mark, Totals, entries
from bot.files.csv_tables import harmless, write_texts
from bot.files.workbooks import write_workbook
from bot.ports import Document, TableWords
from tests.chat.samples import BERLIN, CANCELLED_SERVER, DE, EN, PAID_DOMAIN
from tests.fakes import invoice

FORMULA = '=HYPERLINK("http://evil.example","pay")'


def bill(number: int, amount: str = "11.90", title: str = "vServer M (01.03.2026 - 31.03.2026)") -> Invoice:
    total = Decimal(amount)
    tax = (total * 19 / 119).quantize(Decimal("0.01"))
    items = (Item("Hosting", title, title, total, 5, taxed=True),)
    paid = replace(invoice(number, date(2026, 3, 15), amount, is_open=False), items=items, tax_rate=Decimal(19))
    return replace(paid, subtotal=total - tax, tax=tax, issued=date(2026, 3, 1))


MARKED = replace(bill(5), total=Decimal(99))
CREDIT_NOTE = replace(bill(6, "-11.90"), status="Issued")
FINE = replace(bill(7), subtotal=Decimal("10.004201"), total=Decimal("11.904201"))
SOME = [CANCELLED_SERVER, PAID_DOMAIN, MARKED, CREDIT_NOTE, FINE, bill(8, title=FORMULA)]


def made(invoices: list[Invoice], account: str = "") -> Iterator[Entry]:
    return entries(invoices, BERLIN, account)


def workbook(invoices: list[Invoice], words: TableWords | None = None) -> Any:
    document = write_workbook(made(invoices, "Company"), words or table_words(EN), "table")
    with document.content:
        return openpyxl.load_workbook(document.content)


def rows(sheet: Any) -> list[dict[str, Any]]:
    head, *lines = sheet.iter_rows(values_only=True)
    return [dict(zip(head, line, strict=True)) for line in lines]


def read_csv(document: Document, separator: str) -> list[dict[str, str]]:
    with document.content:
        return [*csv.DictReader(document.content.read().decode("utf-8-sig").splitlines(), delimiter=separator)]


def test_a_workbook_holds_real_dates_and_numbers_and_their_sums() -> None:
    book = workbook(SOME)
    assert book.sheetnames == ["Invoices", "Items", "Totals"]
    *lines, below = rows(book["Invoices"])
    assert lines[0]["Date"] == datetime(2020, 6, 28)  # noqa: DTZ001  # a sheet's dates have no zone
    assert [line["Gross (EUR)"] for line in lines] == [7.95, 0, 99, -11.9, 11.904201, 11.9]
    assert lines[0]["Paid on"] is None
    assert below["Gross (EUR)"] == "=SUBTOTAL(109,M2:M7)"
    assert lines[1]["Service from"] == datetime(2022, 12, 27)  # noqa: DTZ001  # as above


def test_the_sums_below_are_there_without_calculating_and_equal_the_invoices() -> None:
    document = write_workbook(made(SOME), table_words(EN), "table")
    with document.content:
        book = openpyxl.load_workbook(document.content, data_only=True)
    whole = float(sum((one.full_total for one in SOME), start=Decimal(0)))
    for sheet in ("Invoices", "Items", "Totals"):
        assert rows(book[sheet])[-1]["Gross (EUR)"] == pytest.approx(whole, abs=1e-9)


@given(st.lists(st.decimals(-5000, 5000, places=2), max_size=25))
@settings(max_examples=25)
def test_the_sums_of_all_sheets_equal_the_invoices_to_the_cent(amounts: list[Decimal]) -> None:
    invoices = [bill(number, str(amount)) for number, amount in enumerate(amounts, start=1)]
    book = workbook(invoices)
    whole = sum((one.total for one in invoices), start=Decimal(0))
    for sheet in ("Invoices", "Items", "Totals"):
        *lines, _ = rows(book[sheet])
        cells = [Decimal(str(line["Gross (EUR)"])) for line in lines]
        assert round(sum(cells, start=Decimal(0)), 2) == whole


def test_a_sheet_is_made_for_reading_and_printing() -> None:
    sheet = workbook(SOME)["Invoices"]
    assert sheet.freeze_panes == "B2"
    assert sheet.print_title_rows == "$1:$1"
    assert sheet.auto_filter.ref == "A1:P7"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert all(sheet.column_dimensions[letter].width > 8 for letter in "ABGJN")
    assert sheet["C2"].number_format == "yyyy-mm-dd"
    assert workbook(SOME, table_words(DE))["Rechnungen"]["C2"].number_format == "dd.mm.yyyy"


def test_with_several_accounts_the_first_column_tells_which() -> None:
    words = table_words(EN, with_account=True)
    assert rows(workbook([bill(1)], words)["Items"])[0]["Account"] == "Company"
    assert "Account" not in rows(workbook([bill(1)])["Items"])[0]


def test_a_line_that_does_not_add_up_is_marked_in_words_and_colour_and_keeps_its_figures() -> None:
    book = workbook([bill(1), MARKED])
    good, odd, _ = rows(book["Invoices"])
    assert good["Notes"] is None
    assert odd["Notes"] == EN.plain(f"table.mark.{Mark.SUMS_DIFFER}")
    assert (odd["Net (EUR)"], odd["Gross (EUR)"]) == (10, 99)
    fills = [book["Invoices"].cell(row, 1).fill.fgColor.rgb for row in (2, 3)]
    assert fills[0] != fills[1]


def test_what_the_table_lacks_is_said_below_the_totals() -> None:
    words = table_words(DE, [Listing((), unreadable=2, unreadable_ids=(8, 9))])
    cells = [cell for row in workbook([], words)["Summen"].iter_rows(values_only=True) for cell in row if cell]
    assert any("8 und 9" in str(cell) for cell in cells)


def test_no_text_of_a_workbook_is_a_formula() -> None:
    sheet = workbook(SOME)["Items"]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value == FORMULA]
    assert [cell.data_type for cell in cells] == ["s"]


@pytest.mark.parametrize(
    ("t", "separator", "expected"),
    [
        (DE, ";", {"Datum": "28.06.2020", "Brutto (EUR)": "7,95", "Guthaben (EUR)": "1,00", "Steuersatz (%)": "19"}),
        (EN, ",", {"Date": "2020-06-28", "Gross (EUR)": "7.95", "Credit (EUR)": "1.00", "Tax rate (%)": "19"}),
    ],
)
def test_csv_is_written_as_the_readers_country_writes_it(t: Texts, separator: str, expected: dict[str, str]) -> None:
    invoices, items = write_texts(made(SOME), table_words(t), "2026")
    assert invoices.content.read(3) == b"\xef\xbb\xbf"
    assert (invoices.content.seek(0, 2), items.content.seek(0, 2)) == (invoices.size, items.size)
    assert invoices.content.seek(0) == items.content.seek(0)
    first, *_ = read_csv(invoices, separator)
    assert {key: first[key] for key in expected} == expected
    assert len(read_csv(items, separator)) == len(SOME) + 1  # one of them has a line for what its items don't make


def test_csv_keeps_negative_numbers_and_digits_finer_than_a_cent() -> None:
    invoices, items = write_texts(made([CREDIT_NOTE, FINE]), table_words(DE), "x")
    assert [line["Brutto (EUR)"] for line in read_csv(invoices, ";")] == ["-11,90", "11,904201"]
    assert [line["Netto (EUR)"] for line in read_csv(items, ";")] == ["-10,00", "10,004201"]


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", '"=1', "\uff1d1+1"),
        *("a;=1+1", "a,=1+1", 'a";"=1+1', "a\t=1", "a|=1", "a; =1", "a\n=1", ";;=1"),
    ],
)
def test_a_formula_is_made_harmless_at_the_beginning_and_behind_separators(text: str) -> None:
    for cell in re.split(r"[,;|\t\r\n]", harmless(text)):
        assert cell.lstrip('" ')[:1] not in {"=", "+", "-", "@", "\uff1d"}


@pytest.mark.parametrize("text", ["Domain - 1 Jahr(e)", "a@b.example", "1+1=2", "vServer (01.03. - 31.03.2026)", ""])
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(st.text(alphabet="=+-@;,\t\r\n\"'a1 ", max_size=12))
@settings(max_examples=200)
def test_no_cell_of_a_csv_begins_as_a_formula_whatever_separator_is_assumed(title: str) -> None:
    for t in (DE, EN):
        invoices, items = write_texts(made([bill(1, title=title)]), table_words(t), "x")
        for document in (invoices, items):
            with document.content:
                text = document.content.read().decode("utf-8-sig")
            for separator in ",;\t":
                for row in csv.reader(text.splitlines(), delimiter=separator):
                    assert [cell for cell in row if cell.lstrip(' "')[:1] in {"=", "+", "-", "@"}] == []


def test_more_invoices_take_no_more_memory() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        document = write_workbook(entries_of(count), table_words(EN), "x")
        document.content.close()
        for each in write_texts(entries_of(count), table_words(EN), "x"):
            each.content.close()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(5)  # what is loaded once
    assert peak(600) < peak(100) + 300_000


def entries_of(count: int) -> Iterator[Entry]:
    return (entry for number in range(1, count + 1) for entry in made([bill(number)]))


def test_totals_in_the_workbook_are_the_ledgers() -> None:
    totals = Totals()
    for entry in made(SOME):
        totals.add(entry)
    *lines, _ = rows(workbook(SOME)["Totals"])
    assert [Decimal(str(line["Net (EUR)"])) for line in lines] == [total.figures.net for total in totals.all()]
