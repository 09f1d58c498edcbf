"""What a bookkeeper's tables cost: processor time beside plain writers of the same cells, and memory.

    python -m benchmarks.tables [INVOICES]

Each invoice has three items. The baselines write bare cells: the standard library's csv, and openpyxl in its write-only
mode. Ours also compute the lines, make texts harmless, and give dates and sums their look. Memory is what Python holds
at most beyond the invoices themselves, in a round of its own, for a tenth of the invoices and for all.
"""

from __future__ import annotations

import csv
import gc
import io
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from tempfile import TemporaryFile
from zoneinfo import ZoneInfo

import openpyxl

from benchmarks.figures import Figure, show
from bot.chat.texts import load_translations
from bot.chat.views.tables import table_words
from bot.domain.invoices import Invoice, Item
from bot.domain.ledger import Entry, entries
from bot.files.columns import invoice_columns, item_columns
from bot.files.csv_tables import write_texts
from bot.files.workbooks import write_workbook
from tests.fakes import invoice

BERLIN = ZoneInfo("Europe/Berlin")
WORDS = table_words(load_translations("EUR", BERLIN)["de"])
ROUNDS = 3
COUNT = 2000
MIB = 1024 * 1024


def made(number: int) -> Invoice:
    """Return an invoice with three items, one of them as long as a server's description."""
    day = date(2015, 1, 1) + timedelta(days=number % 4000)
    title = f"KVM Server M ({day:%d.%m.%Y} - {day + timedelta(days=29):%d.%m.%Y})"
    details = f"{title}\nProzessor: 4 Kerne\nRAM: 8GB RAM\nNVMe SSD Speicher: 50GB SSD"
    items = tuple(Item("Hosting", title, details, Decimal(each), number, taxed=True) for each in ("5.95", "3", "2.95"))
    figures = {"subtotal": Decimal("10.00"), "tax": Decimal("1.90"), "tax_rate": Decimal(19), "items": items}
    return replace(invoice(number, day, "11.90", is_open=False), issued=day, **figures)  # type: ignore[arg-type]


def cells(ledger: Iterator[Entry]) -> Iterator[tuple[list[object], list[list[object]]]]:
    """Yield the bare cells of each invoice, and of its items."""
    of_invoices, of_items = invoice_columns(WORDS), item_columns(WORDS)
    for entry in ledger:
        lines: list[list[object]] = [[column.cell(item, WORDS) for column in of_items] for item in entry.items]
        yield [column.cell(entry.line, WORDS) for column in of_invoices], lines


def plain_csv(rows: list[tuple[list[object], list[list[object]]]]) -> None:
    """Write bare cells as CSV."""
    with TemporaryFile() as one, TemporaryFile() as other:
        invoices, items = (csv.writer(io.TextIOWrapper(each, "utf-8", newline="")) for each in (one, other))
        for line, lines in rows:
            invoices.writerow(line)
            items.writerows(lines)


def plain_workbook(rows: list[tuple[list[object], list[list[object]]]]) -> None:
    """Write bare cells with openpyxl."""
    book = openpyxl.Workbook(write_only=True)
    invoices, items = book.create_sheet(), book.create_sheet()
    for line, lines in rows:
        invoices.append(line)
        for each in lines:
            items.append(each)
    with TemporaryFile() as file:
        book.save(file)


def workbook(invoices: list[Invoice]) -> None:
    """Write ours."""
    write_workbook(entries(invoices, BERLIN), WORDS, "x").content.close()


def texts(invoices: list[Invoice]) -> None:
    """Write ours."""
    for document in write_texts(entries(invoices, BERLIN), WORDS, "x"):
        document.content.close()


def seconds(work: Callable[[], None]) -> float:
    """Return the processor time."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def peak(work: Callable[[], None]) -> float:
    """Return what Python holds at most meanwhile, in MiB."""
    gc.collect()
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / MIB


def measure(count: int = COUNT) -> list[Figure]:
    """Return the seconds and the memory for tables of so many invoices."""
    invoices = [made(number) for number in range(1, count + 1)]
    rows, figures = list(cells(entries(invoices, BERLIN))), list[Figure]()
    for name, ours, plain in (("CSV", texts, plain_csv), ("XLSX", workbook, plain_workbook)):
        rounds = [(seconds(partial(ours, invoices)), seconds(partial(plain, rows))) for _ in range(ROUNDS + 1)][1:]
        own, bare = (tuple(column) for column in zip(*rounds, strict=True))
        what = f"{name} of {count:,} invoices"
        figures.append(Figure(f"tables.{name}", what, "s of a core", own, bare, "plain writers of the same cells"))
        for part in (count // 10, count):
            most = peak(partial(ours, invoices[:part]))
            figures.append(Figure(f"tables.{name}.{part}", f"{name} of {part:,} invoices: memory", "MiB", (most,)))
    return figures


if __name__ == "__main__":
    show(measure(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
