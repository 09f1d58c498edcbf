"""What an alert says of one invoice: new, changed, due, overdue, or settled."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import join, one_line
from bot.chat.texts import Texts
from bot.domain.alerts import AlertKind, KnownInvoice, Shown, Standing
from bot.domain.invoices import sums_differ

ALERT_TITLE_LENGTH = 100
BRIEF_ALERT_TITLE_LENGTH = 50
REMINDER_KEYS = frozenset({"alert.due", "alert.overdue"})


def news(
    t: Texts, shown: Shown, now: datetime, *, before: Shown | None = None, asked: bool = False, brief: bool = False
) -> Markup:
    """What is told of an open invoice.

    ``before`` is what the last message showed of it; ``asked``: it is told because somebody has put it off until now;
    ``brief``: it is one of several in a message.
    """
    changes = _changes(t, shown, before, now) if shown.kind is AlertKind.CHANGED and before is not None else []
    changed = shown.kind is AlertKind.CHANGED and (before is None or bool(changes))
    key = "alert.changed" if changed else _headline(t, shown, now, asked=asked)
    lines = [_headline_of(t, key, shown, now), *title(t, shown, brief=brief), *changes]
    says_when = (brief and key in REMINDER_KEYS) or (before is not None and bool(changes) and before.due != shown.due)
    if shown.due is not None and not says_when:
        facts = {"date": t.day(shown.due), "day": t.due_day(shown.due, now)}
        lines.append(t("details.due" if key in REMINDER_KEYS else "details.due_in", **facts))
    if shown.left is None and not brief:
        lines.append(t("details.left_unclear"))
    return join(lines)


def new_and_paid(t: Texts, known: KnownInvoice, *, brief: bool = False) -> Markup:
    """An invoice that was paid when it came."""
    return join([t("alert.new_paid", id=known.id, amount=t.money(known.total)), *title(t, known, brief=brief)])


def settled(t: Texts, known: KnownInvoice, *, brief: bool = False) -> Markup:
    """How an invoice that was told of has ended."""
    facts = {"id": known.id, "amount": t.money(known.total)}
    return join([t(f"alert.settled.{known.standing}", **facts), *title(t, known, brief=brief)])


def struck(t: Texts, shown: Shown, sent_at: datetime, standing: Standing) -> Markup:
    """What a message said of an invoice, struck through, with how it has ended."""
    headline = _headline_of(t, _headline(t, shown, sent_at, asked=False), shown, sent_at)
    lines = [t("alert.struck", text=line) for line in (headline, *title(t, shown, brief=True))]
    return join([*lines, t(f"alert.ended.{standing}")])


def title(t: Texts, shown: Shown | KnownInvoice, *, brief: bool) -> list[Markup]:
    """What the invoice is for, if it says so."""
    text = one_line(shown.title, BRIEF_ALERT_TITLE_LENGTH if brief else ALERT_TITLE_LENGTH)
    return [t("alert.title", title=text)] if text else []


def _headline(t: Texts, shown: Shown, now: datetime, *, asked: bool) -> str:
    """The key of the first line. A reminder says how things stand when it is sent."""
    if shown.kind is AlertKind.NEW:
        return "alert.new"
    if shown.due is not None and t.is_over(shown.due, now):
        return "alert.overdue"
    return "alert.asked" if asked or shown.due is None else "alert.due"


def _headline_of(t: Texts, key: str, shown: Shown, now: datetime) -> Markup:
    day = t.due_day(shown.due, now) if shown.due is not None else ""
    return t(key, id=shown.invoice_id, amount=t.money(shown.display_amount), day=day)


def _changes(t: Texts, shown: Shown, before: Shown, now: datetime) -> list[Markup]:
    """What is other than the last message said."""
    lines = []
    if sums_differ(before.gross, shown.gross):
        was, is_now = before.display_amount, shown.display_amount
        if was == is_now and before.gross is not None and shown.gross is not None:  # credit has changed by as much
            was, is_now = before.gross, shown.gross
        lines.append(t("alert.other_sum", before=t.money(was), amount=t.money(is_now)))
    if shown.due is not None and shown.due != before.due:
        facts = {"date": t.day(shown.due), "day": t.due_day(shown.due, now)}
        key = "alert.first_due" if before.due is None else "alert.other_due"
        lines.append(t(key, **facts, before=t.day(before.due) if before.due else ""))
    return lines
