"""The result of a search: the list, with how the search was understood, and buttons that take conditions away."""

from __future__ import annotations

from datetime import date, datetime

from markupsafe import Markup

from bot.chat.screens import QUOTE_LIMIT, Button, Rows, Screen, cut, in_rows, join
from bot.chat.texts import Texts
from bot.chat.views.invoice_list import invoice_list, list_entry
from bot.chat.views.invoice_words import gaps
from bot.domain.invoices import Listing
from bot.domain.queries import ItemKind, ListPage, Query, StatusFilter
from bot.domain.search.conditions import Being, Condition, Costing, Dated, Numbered, OfKind, Saying
from bot.domain.search.finding import Found, Understood
from bot.domain.search.periods import EachYear, Period, Span, months, quarter

CHIP_LENGTH = 24
SHORT_LABEL = 12
"""Three of them fit beside each other on a phone."""
NAMES_OF_MEANT = 3


def search_explained(t: Texts, *, private: bool) -> Screen:
    """Return what can be searched for, and how."""
    return Screen(join([t("search.explained"), t("search.how"), t("search.examples" if private else "search.command")]))


def search_result(
    t: Texts,
    listing: Listing,
    found: Found,
    page: ListPage,
    now: datetime,
    *,
    filtering: bool = False,
) -> Screen:
    """Return a page of what was found. If that is nothing, say so, offer what is near, and explain the search."""
    title = t("search.title", what=Markup(" · ").join([*_conditions(t, found), *_filters(t, page.query)]))
    chips = _chips(t, found, page)
    if found.invoices or filtering:
        count = t.count("search.found", len(found.invoices))
        lines = [title, count]
        return invoice_list(t, listing, page, now, filtering=filtering, title=lines, beside=chips)
    lines = [title, t("search.none"), *gaps(t, listing)]
    body = [list_entry(t, invoice, now) for invoice in found.nearest]
    if body:
        body.insert(0, t.count("search.nearest", len(body)))
    shown = [Button(f"{i.id} · {t.money(i.display_amount)}", f"show:{i.id}:{page}") for i in found.nearest]
    rows = [*in_rows(shown), *chips]
    if page.query != Query():
        rows.append([Button(t.plain("button.filter"), f"filter:{page}")])
    return Screen(Markup("\n\n").join([join(lines), *body, t("search.how")]), rows)


def _conditions(t: Texts, found: Found) -> list[Markup]:
    """Return how each condition was understood; of a typing error, what it was read as."""
    lines = []
    for each in found.understood:
        meant = _meant(t, each)
        typed = cut(each.condition.typed, QUOTE_LIMIT)
        lines.append(t("search.meant", typed=typed, meant=meant) if meant else Markup.escape(_name(t, each.condition)))
    return lines


def _meant(t: Texts, understood: Understood) -> str:
    """Return what stands in the place of a word with typing errors, or nothing."""
    match understood.meant:
        case ():
            return ""
        case tuple() as words:
            return " / ".join(cut(word, QUOTE_LIMIT) for word in words[:NAMES_OF_MEANT])
    return _name(t, understood.meant)


def _filters(t: Texts, query: Query) -> list[Markup]:
    """Return the filters that were chosen by buttons."""
    names = [t(f"filter.{query.status}")] if query.status is not StatusFilter.ALL else []
    names += [t(f"filter.{query.kind}")] if query.kind is not ItemKind.ANY else []
    return [*names, *([t("filter.transactions")] if query.with_transactions else [])]


def _chips(t: Texts, found: Found, page: ListPage) -> Rows:
    """Return a button for each condition that takes it away. Where nothing fits, it says how much would be left.

    Words that stand in no invoice go together: ``page`` is the search without them.
    """
    chips = []
    unknown = [each for each in found.understood if each.is_unknown]
    for order, each in enumerate(found.understood if not unknown else unknown[:1]):
        name = cut(_meant(t, each) or _name(t, each.condition), CHIP_LENGTH)
        left = found.without[order] if found.without and not unknown else 0
        label = t.plain("search.less_leaves", name=name, n=left) if left else t.plain("search.less", name=name)
        chips.append(Button(label, f"list:{page}" if unknown else f"less:{order}:{page}"))
    is_short = all(len(chip.label) <= SHORT_LABEL for chip in chips)
    return in_rows(chips, 3 if is_short and len(chips) > 2 else 2)  # noqa: PLR2004  # two fit in any case


def _name(t: Texts, condition: Condition) -> str:
    """Return a condition in words."""
    match condition:
        case Numbered():
            return condition.typed
        case Costing():
            return _sums(t, condition)
        case Dated():
            return _period(t, condition.period)
        case Being():
            return t.plain(f"search.{condition.standing}")
        case OfKind():
            return t.plain(f"filter.{condition.kind}")
        case Saying():
            return t.plain("search.word", word=cut(condition.word, QUOTE_LIMIT))


def _sums(t: Texts, condition: Costing) -> str:
    low = t.money(condition.low) if condition.low is not None else ""
    high = t.money(condition.high) if condition.high is not None else ""
    if condition.is_round:
        return condition.typed
    if low and high:
        return low if low == high else f"{low} – {high}"
    return f"{'≥' if condition.with_ends else '>'} {low}" if low else f"{'≤' if condition.with_ends else '<'} {high}"


def _period(t: Texts, period: Period) -> str:
    """Return a period by the name of its month, quarter or year, or by its first and last day."""
    if isinstance(period, EachYear):
        if period.day is not None:
            return t.day_of_year(period.first, period.day)
        return t.month_name(period.first) if period.first == period.last else _quarter(period.first)
    return _span(t, period)


def _span(t: Texts, span: Span) -> str:
    year, month = span.first.year, span.first.month
    if span.first == span.last:
        return t.day(span.first)
    if span == months(year, month, month):
        return t.month(span.first)
    if span == quarter((month + 2) // 3).of(year):
        return f"{_quarter(month)} {year}"
    if (span.first, span.last) == (date(year, 1, 1), date(span.last.year, 12, 31)):
        return f"{year}" if year == span.last.year else f"{year} – {span.last.year}"
    return f"{t.day(span.first)} – {t.day(span.last)}"


def _quarter(month: int) -> str:
    return f"Q{(month + 2) // 3}"
