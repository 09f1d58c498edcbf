"""Tables as a workbook for spreadsheets (XLSX): real dates and numbers, sums, and pages that can be printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bot.domain.ledger import Entry, InvoiceLine, ItemLine, Total, Totals
from bot.files.columns import Cell, Column, Look, invoice_columns, item_columns, total_columns
from bot.ports import Document, TableWords

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

A4 = 9
HEAD_HEIGHT = 32
"""Room for two lines."""
MOST_TEXT = 32_000
"""Characters. A cell holds a few more."""
MOST_NUMBER = 10**15
"""Beyond, a spreadsheet rounds."""
FIRST_DAY = date(1900, 3, 1)
"""Spreadsheets count days from 1900, whose February has one too many with them."""

MONEY = "#,##0.00####"
"""Two decimals, or more where a sum is finer. Spreadsheets show it with their reader's own signs."""
DAYS = {"de": "dd.mm.yyyy"}
ISO_DAY = "yyyy-mm-dd"

L = TypeVar("L")


def write_workbook(entries: Iterable[Entry], words: TableWords, name: str) -> Document:
    """Write a workbook. Implements :data:`bot.ports.WriteWorkbook`.

    Rows are on the disk once the next one begins, so many of them take no more memory than few.
    """
    from xlsxwriter import Workbook  # noqa: PLC0415  # takes long to load, and is seldom needed

    file = TemporaryFile()  # noqa: SIM115  # the caller closes it
    try:
        with Workbook(file, {"constant_memory": True, "default_date_format": _day(words)}) as book:
            styles = _Styles(book, words)
            invoices: _Sheet[InvoiceLine] = _Sheet(book, "invoices", invoice_columns(words), words, styles)
            items: _Sheet[ItemLine] = _Sheet(book, "items", item_columns(words), words, styles)
            totals: _Sheet[Total] = _Sheet(book, "totals", total_columns(), words, styles)
            sums = Totals()
            for entry in entries:
                invoices.row(entry.line, marked=bool(entry.line.marks))
                for item in entry.items:
                    items.row(item, marked=bool(item.marks))
                sums.add(entry)
            for total in sums.all():
                totals.row(total)
            for sheet in (invoices, items, totals):
                sheet.end()
            totals.remark(words.remarks)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Document(f"{name}.xlsx", file, size)


def _day(words: TableWords) -> str:
    return DAYS.get(words.language, ISO_DAY)


class _Styles:
    """How cells look."""

    def __init__(self, book: Workbook, words: TableWords) -> None:
        self._book = book
        self._looks = {Look.MONEY: MONEY, Look.DAY: _day(words), Look.NUMBER: "0", Look.RATE: "General"}
        self._made: dict[object, Format] = {}

    def head(self, look: Look) -> Format:
        """Return how the heading of a column looks."""
        looks = {"bold": True, "bottom": 1, "bg_color": "#E8EEF4", "text_wrap": True, "valign": "top"}
        return self._book.add_format({**looks, **_place(look)})

    def of(self, look: Look, *, marked: bool = False, is_sum: bool = False) -> Format:
        """Return how a cell looks: of a line that is marked, or of the sums below."""
        key = (look, marked, is_sum)
        if key not in self._made:
            looks: dict[str, Any] = {"num_format": self._looks.get(look, "General"), **_place(look)}
            if marked:
                looks["bg_color"] = "#FFF2CC"
            if is_sum:
                looks |= {"bold": True, "top": 1}
            self._made[key] = self._book.add_format(looks)
        return self._made[key]


def _place(look: Look) -> dict[str, Any]:
    is_text = look in {Look.WORD, Look.TEXT}
    return {"align": "left", "indent": 1} if is_text else {"align": "right"}


@dataclass
class _Column(Generic[L]):
    column: Column[L]
    sum: Decimal = Decimal(0)


class _Sheet(Generic[L]):
    """Writes one sheet, row by row."""

    def __init__(
        self, book: Workbook, name: str, columns: Sequence[Column[L]], words: TableWords, styles: _Styles
    ) -> None:
        self._sheet: Worksheet = book.add_worksheet(words.sheets[name])
        self._columns = [_Column(column) for column in columns]
        self._words = words
        self._styles = styles
        self._next = 1
        sheet = self._sheet
        sheet.set_row(0, HEAD_HEIGHT)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.look.value)
            sheet.write_string(0, at, words.headings[column.key], styles.head(column.look))
        sheet.freeze_panes(1, 1 + next(at for at, column in enumerate(columns) if column.look is not Look.WORD))
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.4, right=0.4)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")

    def row(self, line: L, *, marked: bool = False) -> None:
        for at, column in enumerate(self._columns):
            cell = column.column.cell(line, self._words)
            if column.column.summed and isinstance(cell, Decimal):
                column.sum += cell
            self._write(at, cell, self._styles.of(column.column.look, marked=marked))
        self._next += 1

    def _write(self, at: int, cell: Cell, style: Format) -> None:
        match cell:
            case date() if cell >= FIRST_DAY:
                self._sheet.write_datetime(self._next, at, cell, style)
            case Decimal():
                self._sheet.write_number(self._next, at, float(cell), style)
            case int() if cell < MOST_NUMBER:
                self._sheet.write_number(self._next, at, cell, style)
            case None | "":
                self._sheet.write_blank(self._next, at, None, style)
            case _:  # a text is never taken for a formula or an address
                text = str(cell)[:MOST_TEXT].encode(errors="replace").decode()
                self._sheet.write_string(self._next, at, text, style)

    def end(self) -> None:
        """Write the sums below, as formulas with their results, so that whoever filters or corrects sees it."""
        from xlsxwriter.utility import xl_range  # noqa: PLC0415  # as above

        last = self._next - 1
        for at, column in enumerate(self._columns):
            style = self._styles.of(column.column.look, is_sum=True)
            if at == 0:
                self._sheet.write_string(self._next, at, self._words.total, style)
            elif not column.column.summed:
                self._sheet.write_blank(self._next, at, None, style)
            elif last:
                cells = xl_range(1, at, last, at)
                self._sheet.write_formula(self._next, at, f"=SUBTOTAL(109,{cells})", style, float(column.sum))
            else:
                self._sheet.write_number(self._next, at, 0, style)
        if last:
            self._sheet.autofilter(0, 0, last, len(self._columns) - 1)
        self._next += 1

    def remark(self, remarks: Iterable[str]) -> None:
        """Write sentences below the table."""
        for at, remark in enumerate(remarks, start=self._next + 1):
            self._sheet.write_string(at, 0, remark)
