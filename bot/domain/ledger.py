"""Invoices as a bookkeeper's lines: one for each invoice, one for each of its items, and the totals of each tax rate.

Nothing is mended. Where an invoice's own figures add up, its items' lines make its sums to the last digit. Where they
don't, its line is marked. Its items keep the amounts that were given, and a line of its own holds its sums, so that the
lines of all items make the sums of all invoices in any case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from decimal import Decimal
from enum import StrEnum

from bot.domain.collectives import collected_in
from bot.domain.invoices import CENT, Invoice, Item
from bot.domain.service_periods import Period, period_of
from bot.domain.shares import split
from bot.domain.standings import Standing

ZERO = Decimal(0)
HUNDRED = Decimal(100)


class Mark(StrEnum):
    """What is wrong with an invoice's own figures, or not known."""

    TOTAL_UNCLEAR = "total_unclear"
    """Credit was applied, and the figures don't tell whether the total is before or after it."""
    SUMS_DIFFER = "sums_differ"
    """Net and tax don't make the total."""
    TAX_DIFFERS = "tax_differs"
    """The tax is not what the rate makes of the net sum."""
    FIGURES_MISSING = "figures_missing"
    """The net sum, the tax or its rate is missing."""
    ITEMS_DIFFER = "items_differ"
    """The items make neither the net sum nor the total."""
    ITEMS_MISSING = "items_missing"
    """There are no items, or some of them or of their amounts can't be read."""
    COUNTED_TWICE = "counted_twice"
    """It collects other invoices, and nobody can tell how much of it is not in these. It is counted in full."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Net, tax and gross. None: not known."""

    net: Decimal | None = None
    tax: Decimal | None = None
    gross: Decimal | None = None

    def __sub__(self, other: Figures) -> Figures:
        return Figures(*(None if a is None or b is None else a - b for a, b in zip(self.all, other.all, strict=True)))

    @property
    def all(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        return self.net, self.tax, self.gross


NO_FIGURES = Figures()
NOTHING = Figures(ZERO, ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Head:
    """What all lines of an invoice share. ``paid`` is the day of the payment at the provider."""

    account: str
    number: int
    issued: date | None
    due: date | None
    paid: date | None
    status: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item. ``amount`` is what was given for it, net or gross as the provider has it.

    ``counted_in``: it stands for this other invoice, and is counted there. ``is_rest``: it is no item, but what the
    invoice's sums are beyond its items' lines.
    """

    head: Head
    type: str = ""
    text: str = ""
    period: Period | None = None
    amount: Decimal | None = None
    rate: Decimal | None = None
    figures: Figures = NO_FIGURES
    counted_in: int | None = None
    is_rest: bool = False
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoice. ``period`` is None unless all its items name the same one. ``rate`` is the provider's.

    ``figures`` are without what is counted with the invoices that it ``collects``.
    """

    head: Head
    types: tuple[str, ...]
    text: str
    period: Period | None
    rate: Decimal | None
    figures: Figures
    credit: Decimal
    collects: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An invoice's line, and those of its items."""

    line: InvoiceLine
    items: tuple[ItemLine, ...]


def entries(
    chosen: Iterable[Invoice], zone: tzinfo, account: str = "", listed: Sequence[Invoice] | None = None
) -> Iterator[Entry]:
    """Yield an entry for each chosen invoice. ``listed`` are all of the account's, if more are known than are chosen.

    An invoice that is ``listed`` is counted once: where another one collects it, only itself counts.
    """
    chosen = [*chosen]
    collected = collected_in(chosen if listed is None else listed)
    return (_entry(invoice, collected.get(invoice.id, {}), zone, account) for invoice in chosen)


def _entry(invoice: Invoice, collected: Mapping[int, int], zone: tzinfo, account: str) -> Entry:
    paid = invoice.paid_at.astimezone(zone).date() if invoice.paid_at is not None else None
    status = invoice.odd_status
    head = Head(account, invoice.id, invoice.issued, invoice.due, paid, status, invoice.standing)
    whole = Figures(invoice.subtotal, invoice.tax, invoice.full_total)
    marks = [*_marks_of(invoice)]
    lines = [_item_line(head, item, collected.get(at)) for at, item in enumerate(invoice.items)]
    shares = None if marks else _shares(invoice, whole)
    if not marks and shares is None:
        marks.append(Mark.ITEMS_DIFFER)
    own = whole
    if shares is not None:
        lines = [_with_share(line, *share) for line, share in zip(lines, shares, strict=True)]
        for at in collected:
            own -= shares[at][1]
    elif len(collected) == len(lines) and collected and not invoice.items_unreadable:
        own = NOTHING
    elif collected:
        marks.append(Mark.COUNTED_TWICE)
    if shares is None:
        lines.append(ItemLine(head, rate=_rate_of(invoice), figures=own, is_rest=True, marks=tuple(marks)))
    periods = {period_of(item) for item in invoice.items}
    line = InvoiceLine(
        head,
        invoice.types,
        "; ".join(dict.fromkeys(item.title for item in invoice.items if item.title)),
        periods.pop() if len(periods) == 1 else None,
        invoice.tax_rate,
        own,
        invoice.credit,
        tuple(dict.fromkeys(collected.values())),
        tuple(marks),
    )
    return Entry(line, tuple(lines))


def _marks_of(invoice: Invoice) -> Iterator[Mark]:
    """Yield what is wrong with an invoice's figures, before its items are compared with them."""
    net, tax, rate = invoice.subtotal, invoice.tax, _rate_of(invoice)
    if invoice.gross is None:
        yield Mark.TOTAL_UNCLEAR
    if net is None or tax is None or rate is None:
        yield Mark.FIGURES_MISSING
    elif invoice.gross is not None and abs(net + tax - invoice.gross) >= CENT:
        yield Mark.SUMS_DIFFER
    elif _is_wholly_taxed(invoice) and abs(net * rate / HUNDRED - tax) > _tolerance(invoice.items):
        yield Mark.TAX_DIFFERS
    if not invoice.items or invoice.items_unreadable or any(item.amount is None for item in invoice.items):
        yield Mark.ITEMS_MISSING


def _is_wholly_taxed(invoice: Invoice) -> bool:
    """Return whether no item is known to be untaxed. Else the items tell for how much of it tax is asked."""
    return all(item.taxed is not False for item in invoice.items)


def _tolerance(rounded: Sequence[object]) -> Decimal:
    """Return how much rounding can explain, where each of these may have been rounded by itself."""
    return max(CENT, CENT / 2 * len(rounded))


def _shares(invoice: Invoice, whole: Figures) -> list[tuple[Decimal | None, Figures]] | None:
    """Return each item's tax rate and its share of the invoice's sums. None: the items don't make them."""
    if (ideals := _basis(invoice, whole)) is None or whole.net is None or whole.tax is None or whole.gross is None:
        return None
    gross = split(whole.gross, [net + tax for net, tax in ideals])
    taxes = split(whole.tax, [tax for _, tax in ideals])
    nets = [one - tax for one, tax in zip(gross, taxes, strict=True)]
    if whole.net + whole.tax != whole.gross:  # by less than a cent
        nets = split(whole.net, nets)
    rates = [_rate_of(invoice) if _is_taxed(invoice, item) else ZERO for item in invoice.items]
    return [(rate, Figures(*each)) for rate, *each in zip(rates, nets, taxes, gross, strict=True)]


def _basis(invoice: Invoice, whole: Figures) -> list[tuple[Decimal, Decimal]] | None:
    """Return each item's net sum and tax before rounding, be the amounts net or gross: what fits the sums better."""
    rate = (_rate_of(invoice) or ZERO) / HUNDRED
    amounts = [(item.amount or ZERO, rate if _is_taxed(invoice, item) else ZERO) for item in invoice.items]
    as_net = [(amount, amount * own_rate) for amount, own_rate in amounts]
    as_gross = [(net, amount - net) for amount, own_rate in amounts for net in [amount / (1 + own_rate)]]

    def distance(ideals: Sequence[tuple[Decimal, Decimal]], target: Decimal | None) -> Decimal | None:
        """Return how far the amounts are from their sum. None: more than rounding explains."""
        off = abs(sum((amount for amount, _ in amounts), start=ZERO) - (target or ZERO))
        off_tax = abs(sum((tax for _, tax in ideals), start=ZERO) - (whole.tax or ZERO))
        is_near = off <= _tolerance([a for a, _ in amounts if a % CENT]) and off_tax <= _tolerance(amounts)
        return off if is_near else None

    fitting = [
        (off, at, ideals)
        for at, (ideals, target) in enumerate(((as_gross, whole.gross), (as_net, whole.net)))
        if (off := distance(ideals, target)) is not None
    ]
    return min(fitting)[2] if fitting else None


def _is_taxed(invoice: Invoice, item: Item) -> bool:
    return item.taxed is not False and bool(invoice.tax)


def _rate_of(invoice: Invoice) -> Decimal | None:
    """Return the rate that was asked for: 0 where there is no tax, unless an item is said to be taxed."""
    if invoice.tax == 0 and not any(item.taxed and item.amount for item in invoice.items):
        return ZERO
    return ZERO if invoice.tax == 0 and invoice.tax_rate is None else invoice.tax_rate


def _item_line(head: Head, item: Item, counted_in: int | None) -> ItemLine:
    text = item.description if item.description.startswith(item.title) else f"{item.title}\n{item.description}"
    return ItemLine(head, item.type, text.strip(), period_of(item), item.amount, counted_in=counted_in)


def _with_share(line: ItemLine, rate: Decimal | None, figures: Figures) -> ItemLine:
    return replace(line, rate=rate, figures=NOTHING if line.counted_in is not None else figures)


@dataclass(frozen=True, slots=True)
class Total:
    """What all lines of a tax rate make, of the invoices that stand alike. ``lines`` is how many."""

    standing: Standing
    rate: Decimal | None
    lines: int
    figures: Figures


class Totals:
    """Adds up lines by how their invoices stand and by tax rate. Figures that are not known add nothing."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Standing, Decimal | None], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
        self._lines: dict[tuple[Standing, Decimal | None], int] = defaultdict(int)

    def add(self, entry: Entry) -> None:
        """Add the items' lines of an invoice."""
        for line in entry.items:
            if line.counted_in is None and line.figures != NO_FIGURES:
                key = (line.head.standing, line.rate)
                self._lines[key] += 1
                self._sums[key] = [a + (b or ZERO) for a, b in zip(self._sums[key], line.figures.all, strict=True)]

    def all(self) -> list[Total]:
        """Return the totals: in the order of :class:`Standing`, the highest rate first, an unknown one last."""
        order = list(Standing)

        def place(key: tuple[Standing, Decimal | None]) -> tuple[int, bool, Decimal]:
            standing, rate = key
            return order.index(standing), rate is None, -(rate or ZERO)

        return [Total(*key, self._lines[key], Figures(*self._sums[key])) for key in sorted(self._sums, key=place)]

    def sum(self) -> Figures:
        """Return what all of them make."""
        return (
            Figures(*(sum(each, start=ZERO) for each in zip(*self._sums.values(), strict=True)))
            if self._sums
            else NOTHING
        )
