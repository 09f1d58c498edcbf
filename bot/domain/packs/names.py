"""What the documents of a pack are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.invoices import Invoice

MAX_TITLE_LENGTH = 50
BETWEEN = " - "


class NamePart(StrEnum):
    """What a document's name can be made of."""

    DATE = "date"
    NUMBER = "number"
    TYPE = "type"
    TITLE = "title"
    SUM = "sum"


USUAL_NAME = (NamePart.DATE, NamePart.NUMBER, NamePart.TITLE, NamePart.SUM)


@dataclass(frozen=True, slots=True)
class NameStyle:
    """How names are written: their ``parts`` in this order, sums in ``currency``, titles as the chat knows them."""

    parts: tuple[NamePart, ...]
    currency: str
    decimal_comma: bool
    title_of: Callable[[Invoice], str]


def with_part(parts: Sequence[NamePart], part: NamePart, *, on: bool) -> tuple[NamePart, ...]:
    """Return a pattern with a part at its end, or without it. One part stays."""
    left = tuple(each for each in parts if each is not part)
    return (*left, part) if on else left or tuple(parts)


Safe = Callable[[str, str], str]
"""Makes a name that every system takes of a text and an ending."""


def file_names(invoices: Iterable[Invoice], style: NameStyle, safe: Safe, ending: str = ".pdf") -> Mapping[int, str]:
    """Return a name for each invoice's document, by its number. All differ, also where letter case doesn't count.

    A name that is taken gets the invoice's number, which no other one has.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    for invoice in invoices:
        stem = stem_of(invoice, style)
        tries = (stem, f"{invoice.id} {stem}", f"#{invoice.id}")  # the second may happen to be another one's first
        name = next(name for each in tries if (name := safe(each, ending)).casefold() not in taken)
        taken.add(name.casefold())
        names[invoice.id] = name
    return names


def stem_of(invoice: Invoice, style: NameStyle) -> str:
    """Return a name as its pattern says, without an ending. What the invoice does not say is left out."""
    return BETWEEN.join(filter(None, (_written(invoice, part, style) for part in style.parts))) or str(invoice.id)


def _written(invoice: Invoice, part: NamePart, style: NameStyle) -> str:
    match part:
        case NamePart.DATE:
            return invoice.issued.isoformat() if invoice.issued is not None else ""
        case NamePart.NUMBER:
            return str(invoice.id)
        case NamePart.TYPE:
            return "+".join(dict.fromkeys(item.type for item in invoice.items if item.type))
        case NamePart.TITLE:
            return " ".join(style.title_of(invoice).split())[:MAX_TITLE_LENGTH].rstrip()
        case NamePart.SUM:
            written = f"{invoice.full_total:.2f}"
            return f"{written.replace('.', ',') if style.decimal_comma else written} {style.currency}"
