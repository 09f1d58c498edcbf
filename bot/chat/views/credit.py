"""What credit is there, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bot.chat.texts import Texts
from bot.domain.credit import Credit, Debt, coverage


def credit_lines(t: Texts, credit: Credit | None, debts: Sequence[Debt], *, with_earlier: bool = False) -> list[Markup]:
    """Return how much credit there is, and whether it suffices for these invoices. Nothing if it can't be read.

    ``with_earlier``: some of them are not shown, but are due before.
    """
    if credit is None:
        return []
    there = t.money(credit.amount, credit.currency)
    covers = coverage(credit, debts, t.currency) if debts else None
    if covers is None:
        return [t("credit.there", credit=there)]
    if not covers.short:
        return [t.count("credit.enough", len(debts), credit=there)]
    line = t("credit.short_with_earlier" if with_earlier else "credit.short", credit=there, short=t.money(covers.short))
    if not covers.covered:
        return [line]
    ids = t.listing([str(number) for number in covers.covered])
    return [Markup(" ").join([line, t("credit.covers", ids=ids)])]
