"""Tables as CSV, in the form that the spreadsheets of the reader's country open by a double click."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar

from bot.domain.invoices import CENT
from bot.domain.ledger import Entry
from bot.files.columns import Cell, Column, Look, invoice_columns, item_columns
from bot.ports import Document, TableWords

L = TypeVar("L")


@dataclass(frozen=True, slots=True)
class Form:
    """How a country writes CSV."""

    separator: str = ","
    point: str = "."
    day: str = "{0.year:04}-{0.month:02}-{0.day:02}"


FORMS: Mapping[str, Form] = {"de": Form(";", ",", "{0.day:02}.{0.month:02}.{0.year:04}")}
"""By language. All others have the form of RFC 4180, and dates of ISO 8601: nobody takes these for another day."""

_FORMULA = re.compile(r"(^|[,;|\t\r\n])([\"' ]*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])")
"""Before what a spreadsheet takes for a formula: at a text's beginning, or behind what it may take for a separator.

The last four are the wide forms of the signs before them.
"""


def write_texts(entries: Iterable[Entry], words: TableWords, name: str) -> tuple[Document, Document]:
    """Write two CSV files: the invoices', and the items'. Implements :data:`bot.ports.WriteTexts`."""
    of_invoices, of_items = invoice_columns(words), item_columns(words)
    with ExitStack() as undo:
        files = [undo.enter_context(TemporaryFile()) for _ in range(2)]
        invoices, items = (_Writer(file, words) for file in files)
        invoices.head(of_invoices)
        items.head(of_items)
        for entry in entries:
            invoices.row(of_invoices, entry.line)
            for item in entry.items:
                items.row(of_items, item)
        documents = tuple(
            Document(f"{name}-{words.sheets[sheet]}.csv", file, writer.end())
            for sheet, file, writer in zip(("invoices", "items"), files, (invoices, items), strict=True)
        )
        undo.pop_all()
    return documents[0], documents[1]


class _Writer:
    """Writes one file, row by row."""

    def __init__(self, file: BinaryIO, words: TableWords) -> None:
        self._form = FORMS.get(words.language, Form())
        self._words = words
        self._file = file
        # Without a byte order mark, Excel takes the text for another encoding.
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        self._csv = csv.writer(self._text, delimiter=self._form.separator)

    def head(self, columns: Sequence[Column[L]]) -> None:
        self._csv.writerow(self._words.headings[column.key] for column in columns)

    def row(self, columns: Sequence[Column[L]], line: L) -> None:
        self._csv.writerow(self._written(column.cell(line, self._words), column.look) for column in columns)

    def end(self) -> int:
        """Return the file's size. It is at its beginning then, and stays open."""
        self._text.detach()
        size = self._file.tell()
        self._file.seek(0)
        return size

    def _written(self, cell: Cell, look: Look) -> str:
        match cell:
            case None:
                return ""
            case str():
                return harmless(cell)
            case date():
                return self._form.day.format(cell)
            case Decimal() if look is Look.RATE:
                return f"{cell.normalize():f}".replace(".", self._form.point)
            case Decimal():
                return f"{with_cents(cell):f}".replace(".", self._form.point)
            case _:
                return str(cell)


def with_cents(amount: Decimal) -> Decimal:
    """Return a sum with two decimals, or with more if it is finer than a cent."""
    return amount.quantize(CENT) if amount % CENT == 0 else amount.normalize()


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula, whatever it takes for the separator of columns."""
    return _FORMULA.sub(r"\1\2'", text)
