"""How payments stand: each step, the end, and what can be done next. A batch shares one message."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import PAYS, Button, Rows, Screen, join, one_line
from bot.chat.texts import Texts
from bot.chat.views.credit import credit_lines, top_up_rows, wish_rows
from bot.chat.views.invoice_words import STATUS_LENGTH
from bot.domain.credit import Credit, Debt, coverage
from bot.domain.payments import MOVED, Action, Outcome, Payment, State, can_be_asked_anew, sum_of
from bot.domain.queries import ListPage
from bot.domain.topping_up import TopUpSubject

REASON_LENGTH = 300

EXPLAINED = frozenset({Outcome.REFUSED, Outcome.NOT_SENT, Outcome.UNCLEAR})
"""The ends that an error explains. If a payment went through in spite of an error, the error is not told."""

REFUSALS = frozenset({"error.refused", "error.refused_without_reason"})
"""The provider's refusals of the payment itself, whatever its reason. Other errors say what to do."""


def progress(t: Texts, payments: Sequence[Payment], credit: Credit | None = None) -> Screen:
    """Show how confirmed payments stand, and at the end their results and what can be done next.

    ``credit`` is what is known of it. If it was too small, the person can be told when it suffices.
    """
    if not payments[0].batch:
        return _progress_of_one(t, payments[0], credit)
    outcomes = {payment.outcome for payment in payments}
    if outcomes <= {Outcome.CANCELLED, Outcome.EXPIRED}:
        return Screen(t(f"batch.{payments[0].outcome}"))
    lines = [headline(t, payments), Markup("")]
    for payment in payments:
        lines += [_batch_item(t, payment), *_explanation(t, payment)]
    if not all(payment.state is State.ENDED for payment in payments):
        return Screen(join(lines))
    advice = _advice(t, payments)
    lines += [Markup(""), *advice] if advice else []
    rows = [[Button(t.plain("button.all_invoices"), f"list:{ListPage()}")]]
    if t.payments and outcomes != {Outcome.DONE} and Outcome.UNCLEAR not in outcomes:  # that one has to be looked at
        rows.insert(0, [Button(t.plain("button.several"), "several")])
    said, ways = _of_credit(t, payments, credit)
    return Screen(join([*lines, *([Markup(""), *said] if said else [])]), [*rows, *ways])


def headline(t: Texts, payments: Sequence[Payment]) -> Markup:
    """Return how they stand, in a sentence."""
    if not payments[0].batch:
        return _headline_of_one(t, payments[0])
    states = {payment.state for payment in payments}
    if states <= {State.SENT, State.ENDED} and State.SENT in states:
        return t("batch.waiting")
    if states != {State.ENDED}:
        return t.count("batch.under_way", len(payments), sum=t.money(sum_of(payments)))
    paid = [payment for payment in payments if payment.outcome is Outcome.DONE]
    facts = {"sum": t.money(sum_of(paid)), "moment": t.moment(max(payment.since for payment in payments))}
    if len(paid) == len(payments):
        return t.count("batch.done", len(paid), **facts)
    outcomes = {payment.outcome for payment in payments}
    if outcomes.isdisjoint(MOVED | {Outcome.UNCLEAR}):
        return t.count("batch.none", len(payments))
    if Outcome.UNCLEAR in outcomes:
        return t.count("batch.uncertain", len(payments), paid=len(paid), **facts)
    return t.count("batch.stopped", len(payments), paid=len(paid), **facts)


def _progress_of_one(t: Texts, payment: Payment, credit: Credit | None) -> Screen:
    lines = [_headline_of_one(t, payment), *_explanation(t, payment)]
    if payment.outcome is Outcome.PARTLY and payment.left is not None:
        lines.append(t("payment.left", amount=t.money(payment.left)))
    lines += _advice(t, [payment])
    rows = [_next_steps(t, payment)] if payment.outcome else []
    said, ways = _of_credit(t, [payment], credit)
    return Screen(join([*lines, *said]), [*rows, *ways])


def _of_credit(t: Texts, payments: Sequence[Payment], credit: Credit | None) -> tuple[list[Markup], Rows]:
    """Return what is said of the credit where payments ended as they do if it is too small, and the ways to more.

    Who refuses a payment need not say why. ``credit`` was read before: what has moved since has used it.
    """
    owed = [_debt(payment) for payment in payments if _lacked_credit(payment)]
    if not owed:
        return [], []
    is_used = any(payment.outcome in MOVED for payment in payments)
    said = [] if is_used else credit_lines(t, credit, owed)
    left = Credit(Decimal(0), credit.currency) if is_used and credit is not None else credit
    covers = coverage(left, owed, t.currency)
    if covers is not None and not covers.short:
        return said, []
    subject = TopUpSubject(owed[0].id) if len(owed) == 1 else TopUpSubject()
    return said, [*top_up_rows(t, subject), *wish_rows(t, left, owed)]


def _lacked_credit(payment: Payment) -> bool:
    return payment.action is Action.PAY and payment.outcome in {Outcome.REFUSED, Outcome.PARTLY}


def _debt(payment: Payment) -> Debt:
    return Debt(payment.invoice_id, payment.due, payment.amount if payment.left is None else payment.left)


def _headline_of_one(t: Texts, payment: Payment) -> Markup:
    step = payment.outcome or (State.SENT if payment.state is State.SENT else State.CONFIRMED)
    return t(f"{payment.action}.{step}", **facts_of(t, payment), moment=t.moment(payment.since))


def _batch_item(t: Texts, payment: Payment) -> Markup:
    if payment.outcome is Outcome.PARTLY and payment.left is not None:
        return t("batch.item.partly_left", **facts_of(t, payment), left=t.money(payment.left))
    return t(f"batch.item.{payment.outcome or payment.state}", **facts_of(t, payment))


def _explanation(t: Texts, payment: Payment) -> list[Markup]:
    """Return why it ended so: what went wrong, or what has changed on the invoice since it was shown."""
    if payment.error and payment.outcome in EXPLAINED:
        return [t.failure(payment.error, one_line(payment.reason, REASON_LENGTH))]
    found = payment.found
    if payment.outcome is not Outcome.CHANGED or found is None:
        return []
    if found.is_paid:
        return [t("payment.now.paid")]
    status = t("payment.now.status", status=one_line(found.status, STATUS_LENGTH))
    if not found.is_open:
        return [status]
    lines = []
    if payment.action is Action.PAY and payment.left is not None and payment.left != payment.amount:
        lines.append(t("payment.now.left", amount=t.money(payment.left)))
    if found.credit != payment.credit:
        lines.append(t("payment.now.credit", amount=t.money(found.credit)))
    if found.due != payment.due:
        lines.append(t("payment.now.due", date=t.day(found.due)) if found.due else t("payment.now.no_due"))
    return lines or [status]


def _advice(t: Texts, payments: Sequence[Payment]) -> list[Markup]:
    """Return what to do about money that did not move. Errors that say so themselves need no more."""
    if any(_lacked_credit(payment) and payment.outcome is Outcome.PARTLY for payment in payments):
        return [t("pay.partly.next")]
    if any(_lacked_credit(payment) and payment.error in REFUSALS for payment in payments):
        return [t("pay.refused.next")]
    return []


def _next_steps(t: Texts, payment: Payment) -> list[Button]:
    details = Button(t.plain("button.details"), f"show:{payment.invoice_id}")
    match payment.outcome:
        case Outcome.CHANGED if not can_be_asked_anew(payment):
            return [details]
        case Outcome.CHANGED if payment.action is Action.PAY and payment.left is not None:
            # Ask anew, with what is left now.
            pay = Button(t.plain("button.pay", amount=t.money(payment.left)), f"pay:{payment.invoice_id}", style=PAYS)
            return [pay, details] if t.offers(payment.left) else [details]
        case Outcome.DONE if payment.action is Action.PAY:
            return [Button(t.plain("button.pdf"), f"pdf:{payment.invoice_id}"), details]
        case _ if payment.action is Action.PAY and not t.offers(payment.amount):
            return [details]
        case Outcome.REFUSED | Outcome.NOT_SENT | Outcome.CHANGED | Outcome.EXPIRED if t.payments:
            return [Button(t.plain("button.again"), f"{payment.action.replace('_', '')}:{payment.invoice_id}"), details]
        case _:
            return [details]


def facts_of(t: Texts, payment: Payment) -> dict[str, object]:
    """Return what each text about a payment says."""
    return {"id": payment.invoice_id, "amount": t.money(payment.amount)}
