"""The columns of the tables: what stands in each of them, whatever the file's form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Generic, TypeVar

from bot.domain.ledger import Head, InvoiceLine, ItemLine, Mark, Total
from bot.ports import TableWords

Cell = str | int | Decimal | date | None
L = TypeVar("L")


class Look(Enum):
    """How a column looks. Its value is a sheet's width for it, in characters."""

    NUMBER = 11
    DAY = 11.5
    WORD = 14
    TEXT = 42
    MONEY = 13
    RATE = 12


@dataclass(frozen=True, slots=True)
class Column(Generic[L]):
    """A column. ``cell`` returns what stands in it. ``summed``: below it stands its sum."""

    key: str
    look: Look
    cell: Callable[[L, TableWords], Cell]
    summed: bool = False


def invoice_columns(words: TableWords) -> list[Column[InvoiceLine]]:
    """Return the columns of the invoices."""
    return [
        *_heads(words, lambda line: line.head),
        Column("type", Look.WORD, lambda line, _: ", ".join(line.types)),
        Column("text", Look.TEXT, lambda line, _: _one_line(line.text)),
        Column("from", Look.DAY, lambda line, _: line.period.start if line.period else None),
        Column("until", Look.DAY, lambda line, _: line.period.end if line.period else None),
        Column("net", Look.MONEY, lambda line, _: line.figures.net, summed=True),
        Column("rate", Look.RATE, lambda line, _: line.rate),
        Column("tax", Look.MONEY, lambda line, _: line.figures.tax, summed=True),
        Column("gross", Look.MONEY, lambda line, _: line.figures.gross, summed=True),
        Column("credit", Look.MONEY, lambda line, _: line.credit, summed=True),
        Column("collects", Look.WORD, lambda line, _: ", ".join(map(str, line.collects))),
        Column("notes", Look.TEXT, lambda line, words: _notes(line.marks, words)),
    ]


def item_columns(words: TableWords) -> list[Column[ItemLine]]:
    """Return the columns of the items."""
    return [
        *_heads(words, lambda line: line.head),
        Column("type", Look.WORD, lambda line, _: line.type),
        Column("text", Look.TEXT, lambda line, words: words.rest if line.is_rest else _one_line(line.text)),
        Column("from", Look.DAY, lambda line, _: line.period.start if line.period else None),
        Column("until", Look.DAY, lambda line, _: line.period.end if line.period else None),
        Column("amount", Look.MONEY, lambda line, _: line.amount),
        Column("net", Look.MONEY, lambda line, _: line.figures.net, summed=True),
        Column("rate", Look.RATE, lambda line, _: line.rate),
        Column("tax", Look.MONEY, lambda line, _: line.figures.tax, summed=True),
        Column("gross", Look.MONEY, lambda line, _: line.figures.gross, summed=True),
        Column("counted_in", Look.NUMBER, lambda line, _: line.counted_in),
        Column("notes", Look.TEXT, lambda line, words: _notes(line.marks, words)),
    ]


def total_columns() -> Sequence[Column[Total]]:
    """Return the columns of the totals."""
    return [
        Column("standing", Look.WORD, lambda total, words: words.standings[total.standing]),
        Column("rate", Look.RATE, lambda total, _: total.rate),
        Column("lines", Look.NUMBER, lambda total, _: total.lines),
        Column("net", Look.MONEY, lambda total, _: total.figures.net, summed=True),
        Column("tax", Look.MONEY, lambda total, _: total.figures.tax, summed=True),
        Column("gross", Look.MONEY, lambda total, _: total.figures.gross, summed=True),
    ]


def _heads(words: TableWords, head: Callable[[L], Head]) -> Iterator[Column[L]]:
    if words.with_account:
        yield Column("account", Look.WORD, lambda line, _: head(line).account)
    yield Column("number", Look.NUMBER, lambda line, _: head(line).number)
    yield Column("issued", Look.DAY, lambda line, _: head(line).issued)
    yield Column("due", Look.DAY, lambda line, _: head(line).due)
    yield Column("paid", Look.DAY, lambda line, _: head(line).paid)
    yield Column("status", Look.WORD, lambda line, words: head(line).status or words.standings[head(line).standing])


def _notes(marks: Sequence[Mark], words: TableWords) -> str:
    return " ".join(words.marks[mark] for mark in marks)


def _one_line(text: str) -> str:
    return "; ".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))
