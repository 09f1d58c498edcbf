"""Choosing several invoices: a box for each, and what they cost together."""

from __future__ import annotations

from bot.chat.screens import Button, Screen, join, one_line
from bot.chat.texts import Texts
from bot.chat.views.payments import MAX_ITEM_TITLE_LENGTH
from bot.domain.selections import Offer, Selection

ALL = "all"
CHOOSE, LEAVE_OUT = "1", "0"
"""What a button wants. It never means "the other way round", so that a press may arrive twice."""


def selection(t: Texts, selected: Selection) -> Screen:
    """Show what can be chosen, what is chosen, and what that costs."""
    lines = [t("select.ask")]
    if selected.more:
        lines.append(t.count("select.more", selected.more))
    rows = [[_box(t, selected, offer)] for offer in selected.offers]
    every = len(selected.chosen) == len(selected.offers)
    wish = LEAVE_OUT if every else CHOOSE
    rows.append([Button(t.plain("button.none" if every else "button.all"), f"pick:{selected.id}:{ALL}:{wish}")])
    if selected.chosen:
        label = t.count("button.sum", len(selected.chosen), sum=t.money(selected.sum)).unescape()
        rows.append([Button(label, f"sum:{selected.id}")])
    rows.append([Button(t.plain("button.cancel"), f"drop:{selected.id}")])
    return Screen(join(lines), rows)


def _box(t: Texts, selected: Selection, offer: Offer) -> Button:
    box, wish = ("☑", LEAVE_OUT) if offer.id in selected.chosen else ("☐", CHOOSE)
    parts = [f"{box} {offer.id}", t.money(offer.amount), one_line(offer.title, MAX_ITEM_TITLE_LENGTH)]
    return Button(" · ".join(filter(None, parts)), f"pick:{selected.id}:{offer.id}:{wish}")
