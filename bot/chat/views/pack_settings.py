"""The part of the settings that is about packs: which come by themselves, and what their documents are called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Button, Rows, box, in_rows, marked
from bot.chat.texts import Texts
from bot.domain.chats import Preferences
from bot.domain.invoices import Invoice, Item
from bot.domain.packs.calendar import PACK_DAYS
from bot.domain.packs.choices import Rhythm
from bot.domain.packs.names import NamePart, NameStyle, stem_of


def rows(t: Texts, chosen: Preferences) -> Rows:
    """Return the buttons: rhythm, day of the month, and the parts of a name, which stand in the order of tapping."""
    rhythms = [
        Button(marked(t.plain(f"packs.rhythm.{each}"), chosen=each is chosen.packs), f"set:packs:{each}")
        for each in Rhythm
    ]
    days = [
        Button(marked(t.plain("packs.day", n=day), chosen=day == chosen.pack_day), f"set:packday:{day}")
        for day in PACK_DAYS
        if chosen.packs is not Rhythm.OFF
    ]
    parts = [
        Button(_part(t, part, chosen.pack_names), f"set:packname:{part}:{'off' if part in chosen.pack_names else 'on'}")
        for part in NamePart
    ]
    return [rhythms, *in_rows(days, 3), *in_rows(parts)]


def text(t: Texts, chosen: Preferences) -> list[Markup]:
    """Return what is asked, with an example of a name."""
    return [
        t("settings.ask.packs", hour=t.hour(chosen.reminder_hour)),
        Markup(""),
        t("packs.name_example", name=stem_of(_example(t), style(t, chosen))),
    ]


def line(t: Texts, chosen: Preferences) -> str:
    """Write when packs come: ``each month, on the 3rd``."""
    if chosen.packs is Rhythm.OFF:
        return t.plain("packs.never")
    return t.plain(f"packs.each.{chosen.packs}", n=chosen.pack_day)


def style(t: Texts, chosen: Preferences) -> NameStyle:
    """Return how documents are called in this chat."""
    return NameStyle(chosen.pack_names, t.currency, "," in t.typed(Decimal("0.5")), t.title_of)


def _part(t: Texts, part: NamePart, chosen: Sequence[NamePart]) -> str:
    at = f"{chosen.index(part) + 1}. " if part in chosen else ""
    return f"{box(ticked=part in chosen)} {at}{t.plain(f'packs.name.{part}')}"


def _example(t: Texts) -> Invoice:
    day, amount = date(2026, 3, 1), Decimal("7.95")
    item = Item("Hosting", t.plain("packs.example_title"), "", amount)
    return Invoice(
        id=4711,
        status="Paid",
        status_label="",
        is_open=False,
        issued=day,
        due=day,
        paid_at=None,
        subtotal=None,
        tax=None,
        tax_rate=None,
        credit=Decimal(0),
        total=amount,
        items=(item,),
    )
