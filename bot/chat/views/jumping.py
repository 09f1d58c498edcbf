"""The years and months of a list, to jump to one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from bot.chat.screens import Button, Screen, in_rows
from bot.chat.texts import Texts
from bot.domain.invoices import Listing
from bot.domain.months import UNDATED, Month, months_in
from bot.domain.queries import ListPage

ALL_YEARS = 0
YEARS_OFFERED = 40
"""Telegram takes 100 buttons."""


def jump_menu(t: Texts, listing: Listing, page: ListPage, year: int) -> Screen:
    """Return the months of a year, each with its count, or the years if that is ``ALL_YEARS``.

    A list of a single year offers its months at once. A year that is no longer there gives the years.
    """
    months = months_in(listing.invoices)
    years = Counter[int]()
    for month in months:
        if month.first != UNDATED:
            years[month.first.year] += month.count
    back = [Button(t.plain("button.back"), f"list:{page}")]
    undated = [_month_button(t.plain("list.no_date"), month, page) for month in months if month.first == UNDATED]
    if len(years) == 1:
        (year,) = years
    if year not in years:
        offered = [Button(f"{each} ({years[each]})", f"jump:{each}:{page}") for each in [*years][:YEARS_OFFERED]]
        return Screen(t("jump.year"), [*in_rows(offered), undated, back])
    of_year = [month for month in months if month.first != UNDATED and month.first.year == year]
    offered = [_month_button(t.month_name(month.first.month), month, page) for month in of_year]
    other = [Button(t.plain("button.years"), f"jump:{ALL_YEARS}:{page}")] if len(years) > 1 else undated
    return Screen(t("jump.month", year=year), [*in_rows(offered), other, back])


def _month_button(name: str, month: Month, page: ListPage) -> Button:
    return Button(f"{name} ({month.count})", f"list:{_begins_with(page, month.first)}")


def _begins_with(page: ListPage, month: date) -> ListPage:
    return replace(page, number=0, month=month)
