"""Tables of invoices as files: what to write, in whose words, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.domain.ledger import Entry, Mark
from bot.domain.standings import Standing
from bot.ports.outside import Document


@dataclass(frozen=True, slots=True)
class TableWords:
    """The words of a table in its reader's language.

    ``headings`` are by column, ``sheets`` by what is on them: ``invoices``, ``items``, ``totals``. ``rest`` stands for
    what an invoice's sums are beyond its items, ``total`` before a column's sum. ``remarks`` say what the table lacks.
    ``with_account``: it has a column for the account.
    """

    language: str
    headings: Mapping[str, str]
    sheets: Mapping[str, str]
    standings: Mapping[Standing, str]
    marks: Mapping[Mark, str]
    rest: str
    total: str
    remarks: tuple[str, ...] = ()
    with_account: bool = False


WriteWorkbook = Callable[[Iterable[Entry], TableWords, str], Document]
"""Write a workbook under this name (without an ending), with a sheet for invoices, items and totals.

It takes long: call it in a thread. The caller closes the document's content.
"""

WriteTexts = Callable[[Iterable[Entry], TableWords, str], tuple[Document, Document]]
"""Write the same as two CSV files: the invoices', and the items'. Their names begin alike."""


@dataclass(frozen=True, slots=True)
class TableWriters:
    """The forms of a table."""

    workbook: WriteWorkbook
    texts: WriteTexts
