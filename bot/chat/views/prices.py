"""What a service costs more or less than the time before."""

from __future__ import annotations

from markupsafe import Markup

from bot.chat.screens import one_line
from bot.chat.texts import Private, Texts
from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.prices import CHANGES_KEPT, PriceChange

NAMED_TITLE_LENGTH = 50
CHANGES_SHOWN = CHANGES_KEPT - 1


def price_lines(t: Texts, alert: Alert, known: KnownInvoice) -> list[Markup]:
    """Return what a new invoice says of the prices: how much dearer, or that it is cheaper.

    Where it is for several services, each line names its own.
    """
    changes = known.price_changes
    if alert.kind is not AlertKind.NEW or not changes:
        return []
    lines = [_line(t, change) for change in changes[:CHANGES_SHOWN]]
    return [*lines, t("price.more")] if len(changes) > CHANGES_SHOWN else lines


def _line(t: Texts, change: PriceChange) -> Markup:
    facts = {"before": t.money(change.before), "date": t.day(change.since), "difference": t.money(change.difference)}
    is_dearer = change.difference > 0
    if not change.title:
        return t("price.dearer" if is_dearer else "price.cheaper", **facts)
    title = Private(one_line(t.titled(change.title, change.service), NAMED_TITLE_LENGTH))
    return t("price.dearer_named" if is_dearer else "price.cheaper_named", title=title, **facts)
