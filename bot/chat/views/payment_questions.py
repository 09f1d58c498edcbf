"""The question whether to move money, and the invoices to tick, which lead to one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import PAYS, Button, Screen, join, one_line
from bot.chat.texts import Texts
from bot.chat.views.credit import money_lines, shortfall_rows, wish_rows
from bot.chat.views.invoice_words import STATUS_LENGTH
from bot.chat.views.payments import facts_of
from bot.chat.views.selecting import all_button, offer_rows, rows_of_none
from bot.domain.credit import Credit, Debt
from bot.domain.invoices import Invoice
from bot.domain.payments import Action, Payment, sum_of
from bot.domain.selections import Offer, Selection
from bot.domain.topping_up import TopUpSubject

QUESTION_TITLE_LENGTH = 100
BATCH_TITLE_LENGTH = 24
"""Of an invoice among several."""


def question(
    t: Texts,
    asked: Sequence[tuple[Payment, Invoice | Offer]],
    now: datetime,
    credit: Credit | None = None,
    selected: Selection | None = None,
) -> Screen:
    """Show what would be paid, to the cent, whether the credit suffices, and the buttons to do it or not.

    With what was ``selected``, more can be ticked.
    """
    payment, total = asked[0][0], t.money(sum_of([payment for payment, _ in asked]))
    if len(asked) > 1:
        items = [_batch_item_asked(t, *one, now) for one in asked]
        lines = [t.count("batch.ask", len(asked), sum=total), Markup(""), *items, Markup(""), t("batch.how")]
    else:
        lines = _asked(t, *asked[0], now)
    debts = [Debt(each.invoice_id, each.due, each.amount) for each, _ in asked if each.action is Action.PAY]
    lines += money_lines(t, credit, debts, now) if debts else []
    lines.append(t("payment.valid", span=t.span(payment.expires_at - payment.since)))
    style = PAYS if payment.action is Action.PAY else ""
    about = payment.id if selected is None else f"{payment.id}:{selected.id}"
    confirm = Button(t.plain(f"{payment.action}.confirm", amount=total), f"yes:{about}", style=style)
    cancel = Button(t.plain("button.cancel"), f"no:{about}")
    subject = TopUpSubject(payment.invoice_id) if len(asked) == 1 else TopUpSubject()
    short = [*shortfall_rows(t, credit, debts, now, subject), *wish_rows(t, credit, debts)] if debts else []
    if selected is not None:
        lines += _not_offered(t, selected)
        return Screen(
            join(lines), [*short, *offer_rows(t, selected, now), [confirm], [*all_button(t, selected), cancel]]
        )
    return Screen(join(lines), [[confirm], *short, [cancel]])


def selection(t: Texts, selected: Selection, now: datetime) -> Screen:
    """Show what can be ticked to pay it. Nothing is yet."""
    lines = [*([t("select.ask")] if selected.offers else []), *_not_offered(t, selected)]
    if not selected.offers:
        return Screen(join(lines))
    below = rows_of_none(t, f"drop:{selected.id}", all_button(t, selected))
    return Screen(join(lines), [*offer_rows(t, selected, now), *below])


def _not_offered(t: Texts, selected: Selection) -> list[Markup]:
    """Return how many open invoices can't be ticked, and why."""
    lines = []
    if selected.too_large and t.paying.limit is not None:
        lines.append(t.count("choose.too_large", selected.too_large, limit=t.money(t.paying.limit)))
    if selected.more:
        lines.append(t.count("select.more", selected.more))
    return lines


def _asked(t: Texts, payment: Payment, invoice: Invoice | Offer, now: datetime) -> list[Markup]:
    lines = [t(f"{payment.action}.ask", **facts_of(t, payment))]
    if invoice.title:
        title = one_line(t.titled(invoice.title, invoice.title_service), QUESTION_TITLE_LENGTH)
        lines.append(t("payment.title", title=title))
    if payment.action is Action.PAY and payment.credit:
        lines.append(t("payment.credit", amount=t.money(payment.credit)))
    if payment.due:
        lines.append(t("payment.due", date=t.day(payment.due), day=t.due_day(payment.due, now)))
    if invoice.is_collective:
        lines.append(t("details.collective"))
    if invoice.odd_status:
        lines.append(t("status.label", status=one_line(invoice.odd_status, STATUS_LENGTH)))
    if payment.doubtful:
        lines.append(t("payment.doubtful"))
    return lines


def _batch_item_asked(t: Texts, payment: Payment, invoice: Invoice | Offer, now: datetime) -> Markup:
    parts = [t("batch.item.ask", **facts_of(t, payment))]
    if payment.due:
        parts.append(t("list.due", date=t.day(payment.due), day=t.due_day(payment.due, now)))
    if invoice.odd_status:
        parts.append(Markup.escape(one_line(invoice.odd_status, STATUS_LENGTH)))
    if invoice.title:
        parts.append(Markup.escape(one_line(t.titled(invoice.title, invoice.title_service), BATCH_TITLE_LENGTH)))
    line = Markup(" · ").join(parts)
    return join([line, t("payment.doubtful")]) if payment.doubtful else line
