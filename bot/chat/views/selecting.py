"""Invoices with boxes to tick: the rows of buttons, whatever they are ticked for."""

from __future__ import annotations

from datetime import datetime

from bot.chat.screens import Button, Rows, box, one_line, page_of, page_rows
from bot.chat.texts import Texts
from bot.domain.queries import ListPage
from bot.domain.selections import OFFERS_PER_PAGE, Offer, Purpose, Selection

TICK_TITLE_LENGTH = 24
OVERDUE = "🔴 "

ALL_OFFERED = "all"
CHOOSE, LEAVE_OUT = "1", "0"
"""What a button wants. It never means "the other way round", so that a press may arrive twice."""


def offer_rows(t: Texts, selected: Selection, now: datetime) -> Rows:
    """Return a page of what can be ticked, and what turns the pages."""
    shown, number, pages = page_of(selected.offers, selected.page, OFFERS_PER_PAGE)
    rows = [[_offer(t, selected, offer, now)] for offer in shown]
    return rows + page_rows(number, pages, lambda at: f"leaf:{selected.id}:{at}")


def all_button(t: Texts, selected: Selection) -> list[Button]:
    """Return the button that ticks all, or none once all are. There is none where all are too many."""
    if selected.chosen and (len(selected.chosen) == len(selected.offers) or not selected.can_choose_all):
        return [Button(t.plain("button.none"), f"pick:{selected.id}:{ALL_OFFERED}:{LEAVE_OUT}")]
    if len(selected.offers) == 1 or not selected.can_choose_all:
        return []
    return [Button(t.plain("button.all"), f"pick:{selected.id}:{ALL_OFFERED}:{CHOOSE}")]


def rows_of_none(t: Texts, drop: str, every: list[Button]) -> Rows:
    """Return what stands below invoices of which none is ticked: ``every`` ticks all, where that can be.

    There are as many rows as below ticked ones, so that no second tap meets the button that goes on.
    """
    return [
        [Button(t.plain("button.cancel"), drop)],
        every or [Button(t.plain("button.all_invoices"), f"list:{ListPage()}")],
    ]


def tick_label(number: int, amount: str, title: str, *, ticked: bool, overdue: bool) -> str:
    """Return what stands on the button of an invoice that can be ticked."""
    parts = [f"{box(ticked=ticked)} {OVERDUE if overdue else ''}{number}", amount, one_line(title, TICK_TITLE_LENGTH)]
    return " · ".join(filter(None, parts))


def _offer(t: Texts, selected: Selection, offer: Offer, now: datetime) -> Button:
    ticked = offer.id in selected.chosen
    overdue = selected.purpose is Purpose.PAY and offer.due is not None and t.is_over(offer.due, now)
    title = t.titled(offer.title, offer.service)
    label = tick_label(offer.id, t.money(offer.amount), title, ticked=ticked, overdue=overdue)
    return Button(label, f"pick:{selected.id}:{offer.id}:{LEAVE_OUT if ticked else CHOOSE}")
