"""How credit is topped up: the buttons that lead there, the data of a bank transfer, and its reference."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Button, Screen, in_rows, join
from bot.chat.texts import Texts
from bot.chat.views.credit import money_lines, top_up_rows
from bot.domain.chats import TOKEN_WAIT
from bot.domain.topping_up import Needed, Payee, TopUpSubject


def transfer(
    t: Texts, payee: Payee, needed: Needed, reference: str | None, now: datetime, *, may_change: bool = True
) -> Screen:
    """Return the data of a transfer, each with a button that copies it.

    ``reference`` None: nobody has said yet what it is. ``may_change``: the reader may.
    """
    amount = needed.amount(t.currency)
    lines = [
        t("transfer.title"),
        *money_lines(t, needed.credit, needed.debts or (), now),
        *_amount_lines(t, needed, amount),
        Markup(""),
        t("transfer.iban", iban=payee.written_iban),
        t("transfer.name", name=payee.name),
    ]
    copied = {"iban": payee.iban, "name": payee.name}
    if amount:
        lines.append(t("transfer.amount", amount=t.money(amount)))
        copied["amount"] = t.typed(amount)
    if reference:
        lines.append(t("transfer.reference", reference=reference))
        copied["reference"] = reference
    elif reference is None:
        lines += [Markup(""), t("transfer.reference_missing")]
    rows = in_rows([Button(t.plain(f"button.copy.{what}"), copy=text) for what, text in copied.items()])
    if t.top_up.page:
        rows.append([Button(t.plain("button.top_up"), url=t.top_up.page)])
    if may_change and reference is not None:
        rows.append([Button(t.plain("button.reference"), "reference")])
    return Screen(join(lines), rows)


def _amount_lines(t: Texts, needed: Needed, amount: Decimal | None) -> list[Markup]:
    """Return what the sum is, where the credit does not say so."""
    if amount is None:
        return [t("transfer.no_amount")]
    if not amount:
        return [t("transfer.nothing_missing")] if not needed.debts else []
    return [t("transfer.whole_sum")] if needed.is_whole_sum(t.currency) else []


def reference_question(t: Texts, subject: str = "", *, private: bool = True) -> Screen:
    """Ask what transfers have to say. ``subject`` is what is shown after the answer."""
    text = t("reference.ask", span=t.span(TOKEN_WAIT)) if private else t("reference.ask_group")
    data = f"reference:none:{subject}" if subject else "reference:none"
    return Screen(text, [[Button(t.plain("button.no_reference"), data)]])


def reference_saved(t: Texts, reference: str, *, with_ways: bool) -> Screen:
    """Say what transfers say from now on. ``with_ways``: with the buttons that lead to them."""
    text = t("reference.saved", reference=reference) if reference else t("reference.none")
    return Screen(text, top_up_rows(t, TopUpSubject()) if with_ways else [])
