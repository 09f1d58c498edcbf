"""Everything about one invoice."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import PAYS, Button, Rows, Screen, cut, fit, one_line
from bot.chat.texts import Texts
from bot.chat.views.consequences import consequences
from bot.chat.views.invoice_words import status_of
from bot.chat.views.snoozing import silence_rows
from bot.domain.chats import Silence
from bot.domain.invoices import CENT, Invoice, Item
from bot.domain.queries import ListPage

ITEM_TITLE_LENGTH = 200
ITEMS_AT_MOST = 1000
"""More surely don't fit into a message."""
ITEM_DESCRIPTION_LENGTH = 800


def invoice_details(
    t: Texts, invoice: Invoice, now: datetime, back: ListPage | None = None, silence: Silence | None = None
) -> Screen:
    """Return everything about one invoice, with the buttons that make sense now.

    ``silence`` says whether its reminders are put off. None: no reminder can come.
    """
    head = [t("details.title", id=invoice.id, status=status_of(t, invoice))]
    if invoice.issued:
        head.append(t("details.issued", date=t.day(invoice.issued)))
    if invoice.due and not invoice.is_credit_note:
        since_today = t.due_day(invoice.due, now) if invoice.is_open else ""
        head.append(t("details.due_in" if since_today else "details.due", date=t.day(invoice.due), day=since_today))
    elif invoice.is_open:
        head.append(t("due_unreadable" if invoice.due_unreadable else "details.no_due"))
    if invoice.is_open and invoice.is_collective:
        head.append(t("details.collective"))
    if invoice.is_credit_note:
        head.append(t("details.credit_note", amount=t.money(-invoice.full_total)))
    if invoice.may_be_owed:
        head += consequences(t, invoice.due, invoice.types, now)
    if invoice.paid_at:
        head.append(t("details.paid", date=t.day(t.date_of(invoice.paid_at))))
    body = [line for item in invoice.items[:ITEMS_AT_MOST] for line in _item_lines(t, item)]
    if invoice.items_unreadable:
        body.append(t("details.items_unreadable"))
    tail = [Markup(""), *_sums(t, invoice)]
    snoozing = silence_rows(t, str(invoice.id), silence, now) if silence is not None else []
    rows = [*_details_rows(t, invoice), *snoozing]
    if back is not None:
        rows.append([Button(t.plain("button.back"), f"list:{back}")])
    return Screen(fit([*head, Markup("")], body, tail, t("details.more_items")), rows)


def _item_lines(t: Texts, item: Item) -> list[Markup]:
    title = one_line(t.titled(item.title or item.type, item.service), ITEM_TITLE_LENGTH)
    key = "details.item" if item.amount is not None else "details.item_without_amount"
    lines = [t(key, title=title, amount=t.money(item.amount or Decimal(0)))]
    first, _, rest = item.description.strip().partition("\n")
    # The description most often repeats the title as its first line.
    text = rest if first.strip() == item.title.strip() else item.description
    lines += [
        t("details.description", text=line) for line in cut(text, ITEM_DESCRIPTION_LENGTH).splitlines() if line.strip()
    ]
    return lines


def _sums(t: Texts, invoice: Invoice) -> list[Markup]:
    """Return the sums so that a person can check them: net + tax = total, total - credit = what is left.

    So the total is that before credit, whatever the provider means by it. What doesn't add up is said to.
    """
    lines = []
    if invoice.subtotal is not None and invoice.tax is not None:
        lines.append(t("details.subtotal", amount=t.money(invoice.subtotal)))
        if invoice.tax_rate is None:
            lines.append(t("details.tax_without_rate", amount=t.money(invoice.tax)))
        else:
            lines.append(t("details.tax", rate=t.number(invoice.tax_rate), amount=t.money(invoice.tax)))
    off = invoice.full_total - invoice.net_and_tax if invoice.net_and_tax is not None else Decimal(0)
    is_clear = invoice.gross is not None
    if is_clear and off and abs(off) <= CENT:
        lines.append(t("details.rounding", amount=t.money(off)))
    lines.append(t("details.total", amount=t.money(invoice.full_total)))
    if abs(off) > CENT and (is_clear or not invoice.is_open):
        lines.append(t("details.other_sum"))
    if invoice.credit:
        lines.append(t("details.credit", amount=t.money(invoice.credit)))
    if invoice.is_open:
        left = invoice.left_to_pay
        if invoice.gross is not None and left is not None and (surplus := left + invoice.credit - invoice.gross):
            lines.append(t("details.surplus", amount=t.money(surplus)))
        lines.append(t("details.left_unclear") if left is None else t("details.left", amount=t.money(left)))
    return lines


def _details_rows(t: Texts, invoice: Invoice) -> Rows:
    rows = [[Button(t.plain("button.pdf"), f"pdf:{invoice.id}")]]
    if any(item.service is not None for item in invoice.items):
        rows[0].append(Button(t.plain("button.history"), f"row:{invoice.id}"))
    if invoice.left_to_pay is not None and t.offers(invoice.left_to_pay):
        label = t.plain("button.pay", amount=t.money(invoice.left_to_pay))
        rows.append([Button(label, f"pay:{invoice.id}", style=PAYS)])
    if t.payments and invoice.can_return_credit:
        label = t.plain("button.remove_credit", amount=t.money(invoice.credit))
        rows.append([Button(label, f"removecredit:{invoice.id}")])
    if invoice.left_to_pay:
        rows.append([_copying(str(invoice.id)), _copying(t.typed(invoice.left_to_pay))])
    return rows


def _copying(text: str) -> Button:
    """Return a button that copies what is to be typed elsewhere: a number, or a sum."""
    return Button(f"📋 {text}", copy=text)
