"""A payment, from the question to its end; the same for taking credit back."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import Button, Screen, join, one_line
from bot.chat.texts import Texts
from bot.domain.invoices import Invoice
from bot.domain.payments import Action, Outcome, Payment, State

REASON = 300
NOT_DONE = frozenset({Outcome.REFUSED, Outcome.NOT_SENT, Outcome.UNCLEAR})
"""The ends that an error explains; one that was overcome is not told."""


def question(t: Texts, payment: Payment, invoice: Invoice, now: datetime) -> Screen:
    """What would be paid, to the cent, and the buttons to do it or not."""
    lines = [t(f"{payment.action}.ask", id=payment.invoice_id, amount=t.money(payment.amount))]
    if invoice.title:
        lines.append(t("payment.title", title=one_line(invoice.title, 100)))
    if payment.action is Action.PAY and payment.credit:
        lines.append(t("payment.credit", amount=t.money(payment.credit)))
    if payment.due:
        lines.append(t("payment.due", date=t.day(payment.due), day=t.due_day(payment.due, now)))
    if payment.doubtful:
        lines.append(t("payment.doubtful"))
    lines.append(t("payment.valid", span=t.span(payment.expires_at - payment.since)))
    confirm = Button(t.plain(f"{payment.action}.confirm", amount=t.money(payment.amount)), f"yes:{payment.id}")
    return Screen(join(lines), [[confirm], [Button(t.plain("button.cancel"), f"no:{payment.id}")]])


def progress(t: Texts, payment: Payment) -> Screen:
    """How a confirmed payment stands."""
    lines = [headline(t, payment)]
    if payment.outcome is None:
        return Screen(join(lines))
    if explains(payment):
        lines.append(t(payment.error, reason=one_line(payment.reason, REASON)))
    if payment.outcome is Outcome.PARTLY and payment.left is not None:
        lines.append(t("payment.left", amount=t.money(payment.left)))
    lines += how_it_is_now(t, payment)
    return Screen(join(lines), [_next_steps(t, payment)])


def headline(t: Texts, payment: Payment) -> Markup:
    """How it stands, in a sentence."""
    step = payment.outcome or (State.SENT if payment.state is State.SENT else State.CONFIRMED)
    facts = {"id": payment.invoice_id, "amount": t.money(payment.amount), "moment": t.moment(payment.since)}
    return t(f"{payment.action}.{step}", **facts)


def how_it_is_now(t: Texts, payment: Payment) -> list[Markup]:
    """Of an invoice that has changed since it was shown: in what."""
    found = payment.found
    if payment.outcome is not Outcome.CHANGED or found is None:
        return []
    if found.is_paid:
        return [t("payment.now.paid")]
    if not found.is_open:
        return [t("payment.now.status", status=one_line(found.status, 40))]
    lines = []
    if payment.action is Action.PAY and payment.left is not None and payment.left != payment.amount:
        lines.append(t("payment.now.left", amount=t.money(payment.left)))
    if found.credit != payment.credit:
        lines.append(t("payment.now.credit", amount=t.money(found.credit)))
    if found.due != payment.due:
        lines.append(t("payment.now.due", date=t.day(found.due)) if found.due else t("payment.now.no_due"))
    return lines or [t("payment.now.status", status=one_line(found.status, 40))]


def explains(payment: Payment) -> bool:
    """Whether its error explains its end."""
    return bool(payment.error) and payment.outcome in NOT_DONE


def _makes_sense_now(payment: Payment) -> bool:
    """Whether there is something to be asked anew, as far as is known."""
    if payment.action is Action.PAY:
        return payment.left != 0
    return payment.found is None or (payment.found.is_open and payment.found.credit > 0)


def _next_steps(t: Texts, payment: Payment) -> list[Button]:
    details = Button(t.plain("button.details"), f"show:{payment.invoice_id}")
    match payment.outcome:
        case Outcome.CHANGED if not _makes_sense_now(payment):
            return [details]
        case Outcome.CHANGED if t.payments and payment.action is Action.PAY and payment.left is not None:
            # A way to be asked anew, with what is left now.
            return [Button(t.plain("button.pay", amount=t.money(payment.left)), f"pay:{payment.invoice_id}"), details]
        case Outcome.DONE if payment.action is Action.PAY:
            return [Button(t.plain("button.pdf"), f"pdf:{payment.invoice_id}"), details]
        case Outcome.REFUSED | Outcome.NOT_SENT | Outcome.CHANGED | Outcome.EXPIRED if t.payments:
            return [Button(t.plain("button.again"), f"{payment.action.replace('_', '')}:{payment.invoice_id}"), details]
        case _:
            return [details]
