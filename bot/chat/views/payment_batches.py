"""Several invoices: choosing them, the one question about all, and how they are paid one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Button, Screen, join, one_line
from bot.chat.texts import Texts
from bot.chat.views.payments import REASON, explains, how_it_is_now
from bot.domain.invoices import Invoice
from bot.domain.payments import Outcome, Payment, State
from bot.domain.queries import ListPage, Query
from bot.domain.selections import Offer, Selection

TITLE = 24
ALL = "all"
ON, OFF = "1", "0"


def selection(t: Texts, chosen: Selection) -> Screen:
    """What can be chosen, what is, and what that costs."""
    lines = [t("select.ask")]
    if chosen.more:
        lines.append(t.count("select.more", chosen.more))
    rows = [[_box(t, chosen, offer)] for offer in chosen.offers]
    every = len(chosen.chosen) == len(chosen.offers)
    rows.append(
        [Button(t.plain("button.none" if every else "button.all"), f"pick:{chosen.id}:{ALL}:{OFF if every else ON}")]
    )
    if chosen.chosen:
        label = t.count("button.sum", len(chosen.chosen), sum=t.money(chosen.sum)).unescape()
        rows.append([Button(label, f"sum:{chosen.id}")])
    rows.append([Button(t.plain("button.cancel"), f"drop:{chosen.id}")])
    return Screen(join(lines), rows)


def question(t: Texts, asked: Sequence[tuple[Payment, Invoice]], now: datetime) -> Screen:
    """What would be paid, invoice by invoice and together, to the cent."""
    payments = [payment for payment, _ in asked]
    first, total = payments[0], t.money(_sum(payments))
    lines = [t.count("batch.ask", len(asked), sum=total), Markup("")]
    lines += [_asked(t, payment, invoice, now) for payment, invoice in asked]
    lines += [Markup(""), t("batch.how"), t("payment.valid", span=t.span(first.expires_at - first.since))]
    confirm = Button(t.plain("pay.confirm", amount=total), f"yes:{first.id}")
    return Screen(join(lines), [[confirm], [Button(t.plain("button.cancel"), f"no:{first.id}")]])


def progress(t: Texts, payments: Sequence[Payment]) -> Screen:
    """How confirmed payments stand: a live list, and at the end what came of them."""
    outcomes = {payment.outcome for payment in payments}
    if outcomes <= {Outcome.CANCELLED, Outcome.EXPIRED}:
        return Screen(t(f"batch.{payments[0].outcome}"))
    lines = [headline(t, payments), Markup("")]
    for payment in payments:
        lines.append(_line(t, payment))
        if explains(payment):
            lines.append(t(payment.error, reason=one_line(payment.reason, REASON)))
        lines += how_it_is_now(t, payment)
    if not all(payment.state is State.ENDED for payment in payments):
        return Screen(join(lines))
    rows = [[Button(t.plain("button.all_invoices"), f"list:{ListPage(Query())}")]]
    if t.payments and outcomes != {Outcome.DONE} and Outcome.UNCLEAR not in outcomes:  # that one has to be looked at
        rows.insert(0, [Button(t.plain("button.several"), "several")])
    return Screen(join(lines), rows)


def headline(t: Texts, payments: Sequence[Payment]) -> Markup:
    """How they stand together, in a sentence."""
    paid = [payment for payment in payments if payment.outcome is Outcome.DONE]
    states = {payment.state for payment in payments}
    if states <= {State.SENT, State.ENDED} and State.SENT in states:
        return t("batch.waiting")
    if states != {State.ENDED}:
        return t.count("batch.under_way", len(payments), sum=t.money(_sum(payments)))
    moment = t.moment(max(payment.since for payment in payments))
    if len(paid) == len(payments):
        return t.count("batch.done", len(paid), sum=t.money(_sum(paid)), moment=moment)
    outcomes = {payment.outcome for payment in payments}
    if not outcomes & {Outcome.DONE, Outcome.PARTLY, Outcome.UNCLEAR}:
        return t.count("batch.none", len(payments))
    facts = {"paid": len(paid), "sum": t.money(_sum(paid)), "moment": moment}
    if Outcome.UNCLEAR in outcomes:
        return t.count("batch.uncertain", len(payments), **facts)
    return t.count("batch.stopped", len(payments), **facts)


def _line(t: Texts, payment: Payment) -> Markup:
    facts = {"id": payment.invoice_id, "amount": t.money(payment.amount)}
    if payment.outcome is Outcome.PARTLY and payment.left is not None:
        return t("batch.item.partly_left", **facts, left=t.money(payment.left))
    return t(f"batch.item.{payment.outcome or payment.state}", **facts)


def _asked(t: Texts, payment: Payment, invoice: Invoice, now: datetime) -> Markup:
    facts = {"id": payment.invoice_id, "amount": t.money(payment.amount)}
    parts = [t("batch.item.ask", **facts)]
    if payment.due:
        parts.append(t("list.due", date=t.day(payment.due), day=t.due_day(payment.due, now)))
    if invoice.title:
        parts.append(Markup.escape(one_line(invoice.title, TITLE)))
    line = Markup(" · ").join(parts)
    return join([line, t("payment.doubtful")]) if payment.doubtful else line


def _box(t: Texts, chosen: Selection, offer: Offer) -> Button:
    box, wish = ("☑", OFF) if offer.id in chosen.chosen else ("☐", ON)
    parts = [f"{box} {offer.id}", t.money(offer.amount), one_line(offer.title, TITLE)]
    return Button(" · ".join(filter(None, parts)), f"pick:{chosen.id}:{offer.id}:{wish}")


def _sum(payments: Sequence[Payment]) -> Decimal:
    return sum((payment.amount for payment in payments), start=Decimal(0))
