"""The words of the tables for bookkeepers."""

from __future__ import annotations

from collections.abc import Iterable

from bot.chat.texts import Texts
from bot.chat.views.invoice_words import gaps
from bot.domain.invoices import Listing
from bot.domain.ledger import Mark
from bot.domain.standings import Standing
from bot.ports import TableWords

COLUMNS = (
    *("account", "number", "issued", "due", "paid", "status", "type", "text", "from", "until", "amount", "net", "rate"),
    *("tax", "gross", "credit", "collects", "counted_in", "notes", "standing", "lines"),
)
IN_CURRENCY = frozenset({"amount", "net", "tax", "gross", "credit"})
SHEETS = ("invoices", "items", "totals")


def table_words(t: Texts, listings: Iterable[Listing] = (), *, with_account: bool = False) -> TableWords:
    """Return the words of a table. What the ``listings`` lack is said below it."""
    headings = {key: t.plain(f"table.column.{key}") for key in COLUMNS}
    headings |= {key: f"{headings[key]} ({t.currency})" for key in IN_CURRENCY}
    remarks = [str(line.striptags()) for listing in listings for line in gaps(t, listing)]
    return TableWords(
        t.language,
        headings,
        {sheet: t.plain(f"table.sheet.{sheet}") for sheet in SHEETS},
        {standing: t.plain(f"standing.{standing}") for standing in Standing},
        {mark: t.plain(f"table.mark.{mark}") for mark in Mark},
        t.plain("table.rest"),
        t.plain("table.total"),
        tuple(remarks),
        with_account=with_account,
    )
