"""The journal: which payments were asked for here, by whom, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bot.chat.screens import Screen, join, page_of, page_rows
from bot.chat.texts import Texts
from bot.domain.payments import Action, Outcome, Payment, State

ENTRIES_PER_PAGE = 8
JOURNAL_ICONS = {
    Outcome.DONE: "✅",
    Outcome.PARTLY: "🟡",
    Outcome.UNCLEAR: "⚠️",
    Outcome.CANCELLED: "✖️",
    Outcome.EXPIRED: "⌛",
    Outcome.CHANGED: "ℹ️",
}


def journal(t: Texts, payments: Sequence[Payment], number: int) -> Screen:
    """Show a page of the journal, the newest payment first. Page numbers begin at 0; others show the nearest page."""
    if not payments:
        return Screen(t("journal.none"))
    shown, number, pages = page_of(payments, number, ENTRIES_PER_PAGE)
    entries = [_journal_entry(t, payment) for payment in shown]
    rows = page_rows(number, pages, lambda number: f"journal:{number}")
    return Screen(Markup("\n\n").join([t("journal.title"), *entries]), rows)


def _journal_entry(t: Texts, payment: Payment) -> Markup:
    what = t(f"journal.{payment.action}", id=payment.invoice_id, amount=t.money(payment.amount))
    icon = _journal_icon(payment)
    who = payment.user_name or payment.user_id
    end = _journal_end(t, payment)
    how = t("journal.how", moment=t.moment(payment.since), who=who, end=end)
    return join([t("journal.what", icon=icon, what=what), how])


def _journal_end(t: Texts, payment: Payment) -> Markup:
    if payment.outcome is Outcome.PARTLY and payment.action is Action.PAY and payment.left is not None:
        return t("journal.end.partly_left", left=t.money(payment.left))
    return t(f"journal.end.{payment.outcome or payment.state}")


def _journal_icon(payment: Payment) -> str:
    if payment.outcome is not None:
        return JOURNAL_ICONS.get(payment.outcome, "❌")
    return "❔" if payment.state is State.ASKED else "⏳"
