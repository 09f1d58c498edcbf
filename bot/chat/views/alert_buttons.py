"""The buttons below a message of alerts: the details of each line, and what can be done with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from bot.chat.screens import DATA_LIMIT, PAYS, Button, Rows, in_rows
from bot.chat.texts import Texts
from bot.chat.views.snoozing import ALL_IN_MESSAGE, common_silence, silence_rows
from bot.domain.alerts import Shown
from bot.domain.chats import NO_SILENCE, Silences
from bot.domain.packed_numbers import packed

COLUMNS, NUMBER_LENGTH = 3, 8
"""So many numbers stand in a row, if they are no longer than this. Of longer ones a phone shows two."""

ROOM_FOR_ACCOUNT = 4
"""Bytes of callback data that the sending layer may need, to say which account it is about."""


def invoice_rows(
    t: Texts, lines: Sequence[Shown], silences: Silences, now: datetime, *, told: Sequence[Shown] | None = None
) -> Rows:
    """Return the buttons for the invoices that a message shows, in the order of its lines.

    ``told`` are those that can be put off together; if not given, all.
    """
    if len(lines) == 1:
        return _rows_of_one(t, lines[0], silences, now)
    columns = COLUMNS if all(len(str(s.invoice_id)) <= NUMBER_LENGTH for s in lines) else COLUMNS - 1
    rows = in_rows([details_of(t, s.invoice_id) for s in lines], columns)
    rows += [*_pay_rows(t, lines), *_document_rows(t, lines)]
    due = [s.invoice_id for s in (lines if told is None else told) if s.left != 0]
    if len(due) == 1:
        return rows + silence_rows(t, str(due[0]), silences.get(due[0], NO_SILENCE), now)
    return rows + silence_rows(t, ALL_IN_MESSAGE, common_silence(silences, due, now), now) if due else rows


def details_of(t: Texts, number: int) -> Button:
    """Return the button that shows one invoice of several."""
    return Button(t.plain("button.line", id=number), f"show:{number}")


def look(t: Texts, number: int) -> list[Button]:
    """Return the buttons to look at a single invoice."""
    return [Button(t.plain("button.details"), f"show:{number}"), Button(t.plain("button.pdf"), f"pdf:{number}")]


def _rows_of_one(t: Texts, shown: Shown, silences: Silences, now: datetime) -> Rows:
    number = shown.invoice_id
    rows = [look(t, number)]
    if shown.left and t.offers(shown.left):
        rows.append([Button(t.plain("button.pay", amount=t.money(shown.left)), f"pay:{number}", style=PAYS)])
    if shown.left != 0:
        rows += silence_rows(t, str(number), silences.get(number, NO_SILENCE), now)
    return rows


def _pay_rows(t: Texts, lines: Sequence[Shown]) -> Rows:
    """Return the button that asks whether to pay what can be paid of these. The question reads them anew."""
    payable = [s for s in lines if t.offers(s.left)]
    total = t.money(sum((s.left or Decimal(0) for s in payable), Decimal(0)))
    if not payable:
        return []
    if len(payable) == 1:
        number = payable[0].invoice_id
        return [[Button(t.plain("button.pay_one", id=number, amount=total), f"pay:{number}", style=PAYS)]]
    data = _about("payall", payable)
    if not data:
        return [[Button(t.plain("button.several"), "several")]]
    return [[Button(t.plain_count("button.pay_these", len(payable), sum=total), data, style=PAYS)]]


def _document_rows(t: Texts, lines: Sequence[Shown]) -> Rows:
    data = _about("pdfs", lines)
    return [[Button(t.plain_count("button.pdfs", len(lines)), data)]] if data else []


def _about(word: str, lines: Sequence[Shown]) -> str:
    """Return callback data that names these invoices, or nothing if there is no room for it."""
    data = f"{word}:{packed(s.invoice_id for s in lines)}"
    return data if len(data) + ROOM_FOR_ACCOUNT <= DATA_LIMIT else ""
