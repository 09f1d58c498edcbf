"""The row of a service: what it has cost each time. And its name."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bot.chat.screens import Button, Rows, Screen, in_rows, join, one_line, page_of, page_rows
from bot.chat.texts import Texts
from bot.chat.views.invoice_words import gaps
from bot.domain.chats import TOKEN_WAIT
from bot.domain.invoices import Invoice
from bot.domain.prices import ServiceRow, change_in_row, charge_for
from bot.domain.service_names import Service
from bot.domain.service_periods import without_period

INVOICES_PER_PAGE = 6
TITLE_LENGTH = 80
BUTTON_TITLE_LENGTH = 40
SERVICES_OFFERED = 20


def history(t: Texts, row: ServiceRow, asked_at: str, page: int, *, may_name: bool) -> Screen:
    """Return a page of what a service has cost, the newest first. ``asked_at`` is how buttons name the service."""
    shown, page, pages = page_of(row.invoices, page, INVOICES_PER_PAGE)
    first = row.invoices[0] if row.invoices else None
    charge = charge_for(first, row.service) if first is not None else None
    title = t.titled(without_period(charge.title) if charge is not None else "", row.service)
    lines = [t("history.title", title=one_line(title, TITLE_LENGTH)), Markup("")]
    lines += [_line(t, row, page * INVOICES_PER_PAGE + n) for n in range(len(shown))] or [t("history.none")]
    rows = in_rows([Button(_label(t, invoice, row.service), f"show:{invoice.id}") for invoice in shown])
    rows += page_rows(page, pages, lambda number: f"row:{asked_at}:{number}")
    if may_name:
        named = row.service in t.names
        rows.append([Button(t.plain("button.rename" if named else "button.name"), f"name:{asked_at}")])
    return Screen(join([*lines, *gaps(t, row.listing)]), rows)


def _line(t: Texts, row: ServiceRow, at: int) -> Markup:
    invoice = row.invoices[at]
    charge, change = charge_for(invoice, row.service), change_in_row(row.invoices, at, row.service)
    facts = {
        "date": _day(t, invoice),
        "amount": t.money(charge.amount) if charge is not None and charge.amount is not None else "–",
    }
    if change is None:
        return t("history.line", **facts)
    key = "history.dearer" if change.difference > 0 else "history.cheaper"
    return t(key, **facts, difference=t.money(abs(change.difference)))


def _label(t: Texts, invoice: Invoice, service: Service) -> str:
    charge = charge_for(invoice, service)
    amount = t.money(charge.amount) if charge is not None and charge.amount is not None else ""
    return " · ".join(filter(None, (_day(t, invoice), amount)))


def _day(t: Texts, invoice: Invoice) -> str:
    """Return the day of an invoice, or its number if it has none."""
    return t.day(invoice.issued) if invoice.issued else str(invoice.id)


def which_service(t: Texts, invoice: Invoice, services: Sequence[Service]) -> Screen:
    """Ask which of an invoice's services is meant."""
    titles = {item.service: item.title for item in reversed(invoice.items)}
    rows: Rows = [
        [Button(one_line(t.titled(titles[service], service), BUTTON_TITLE_LENGTH), f"row:{invoice.id}:{n}")]
        for n, service in enumerate(services[:SERVICES_OFFERED])
    ]
    return Screen(t("history.which", id=invoice.id), rows)


def name_question(t: Texts, asked_at: str, *, private: bool) -> Screen:
    """Ask for a name. In a group the answer is a command: most of what is said there is not for the bot."""
    if private:
        return Screen(t("name.ask", span=t.span(TOKEN_WAIT)))
    command = f"/name {asked_at.replace(':', '/')} "
    copying = Button(t.plain("button.copy.command"), copy=command)
    return Screen(t("name.ask_group", command=command.strip()), [[copying]])


def name_saved(t: Texts, name: str) -> Screen:
    """Say what the service is called from now on."""
    return Screen(t("name.saved", name=name) if name else t("name.removed"))
