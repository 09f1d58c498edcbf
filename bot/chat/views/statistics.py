"""What was spent and what will be: a picture, and the same in words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Screen, join
from bot.chat.texts import Texts
from bot.chat.views.invoice_words import gaps
from bot.domain.forecast import Forecast
from bot.domain.invoices import Listing
from bot.domain.spending import BOUGHT, Kind, Spending, Sum, same_day_last_year, steps
from bot.ports import Bars, Chart

MONTHS = range(12)

LABEL_LENGTH = 3
"""As many letters of a month fit below its bars."""


def summary(t: Texts, spending: Spending, forecasts: tuple[Forecast, ...], today: date, listing: Listing) -> Screen:
    """Say what this year has cost beside the last one, and what the coming days will cost."""
    start, before = date(today.year, 1, 1), same_day_last_year(today)
    first, last = date(before.year, 1, 1), date(before.year, 12, 31)
    lines = [
        t("stats.title"),
        t("stats.so_far", year=str(today.year), sum=_sum(t, spending.total(start, today))),
        t(
            "stats.before",
            year=str(before.year),
            same=t.money(spending.total(first, before).gross),
            whole=_sum(t, spending.total(first, last)),
        ),
    ]
    given, given_before = (spending.total(a, b, [Kind.DONATION]).gross for a, b in ((start, today), (first, last)))
    if given or given_before:
        lines.append(t("stats.donations", year=str(today.year), sum=t.money(given), before=t.money(given_before)))
    lines += [Markup(""), t("stats.estimate"), *(_forecast(t, each, today) for each in forecasts)]
    if unclear := max((each.unclear for each in forecasts), default=0):
        lines.append(t.count("stats.unclear", unclear))
    if spending.left_out:
        lines.append(t.count("stats.left_out", spending.left_out))
    return Screen(join([*lines, *gaps(t, listing)]))


def _forecast(t: Texts, forecast: Forecast, today: date) -> Markup:
    days = (forecast.until - today).days
    parts = {"open": t.money(forecast.open.gross), "renewals": t.money(forecast.renewals.gross)}
    return t("stats.coming", n=days, sum=_sum(t, forecast.total), **parts)


def _sum(t: Texts, amount: Sum) -> Markup:
    if amount.net is None:
        return t("stats.sum_gross", gross=t.money(amount.gross))
    return t("stats.sum", gross=t.money(amount.gross), net=t.money(amount.net))


def by_month(t: Texts, spending: Spending, year: int) -> Markup:
    """Return the picture's figures in words, to be unfolded. Empty: there are none."""
    now = {kind: spending.months(year, kind) for kind in BOUGHT}
    before = {kind: spending.months(year - 1, kind) for kind in BOUGHT}
    lines = [
        _month(t, month, {kind: now[kind][month] for kind in BOUGHT}, sum(before[kind][month] for kind in BOUGHT), year)
        for month in MONTHS
        if any(sums[month] for sums in (*now.values(), *before.values()))
    ]
    return Markup("<blockquote expandable>{}</blockquote>").format(join(lines)) if lines else Markup("")


def _month(t: Texts, month: int, sums: dict[Kind, Decimal], before: Decimal | int, year: int) -> Markup:
    facts = {"month": t.month_name(month + 1), "sum": t.money(sum(sums.values(), start=Decimal(0)))}
    line = t("stats.month", **facts, year=str(year - 1), before=t.money(Decimal(before)))
    of_kinds = [
        t("stats.kind", kind=kind_name(t, kind), sum=t.money(amount)) for kind, amount in sums.items() if amount
    ]
    return Markup(": ").join([line, Markup(", ").join(of_kinds)]) if len(of_kinds) > 1 else line


def kind_name(t: Texts, kind: Kind) -> str:
    return t.plain(f"stats.kind.{kind}")


def chart(t: Texts, spending: Spending, year: int) -> Chart | None:
    """Return what the picture shows. None: nothing was spent in both years."""
    bars = [
        Bars(f"{kind_name(t, kind)} {year}", f"{kind_name(t, kind)} {year - 1}", at, _floats(now), _floats(before))
        for at, kind in enumerate(BOUGHT)
        for now, before in [(spending.months(year, kind), spending.months(year - 1, kind))]
        if any(now) or any(before)
    ]
    if not bars:
        return None
    stacks = [stack for each in (year, year - 1) for month in MONTHS for stack in _stacks(spending, each, month)]
    scale = tuple((float(value), t.number(value)) for value in steps(stacks))
    months = tuple(t.month_label(month + 1)[:LABEL_LENGTH] for month in MONTHS)
    title = t.plain("stats.chart", year=year, before=year - 1, currency=t.currency)
    return Chart(title, months, tuple(bars), scale)


def _stacks(spending: Spending, year: int, month: int) -> tuple[Decimal, Decimal]:
    """Return how far a month's bars reach up and down."""
    sums = [spending.months(year, kind)[month] for kind in BOUGHT]
    return sum((s for s in sums if s > 0), start=Decimal(0)), sum((s for s in sums if s < 0), start=Decimal(0))


def _floats(sums: list[Decimal]) -> tuple[float, ...]:
    return tuple(map(float, sums))
