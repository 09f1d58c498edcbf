"""What comes unasked may hide sums and titles from whoever holds the phone. The invoice's number stays visible."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.chat.screens import Screen, formatted_at_most
from bot.chat.texts import Texts
from bot.chat.views.alerts import alerts, reminded_silently, struck_through, words_of
from bot.chat.views.board import board
from bot.chat.views.documents import caption
from bot.chat.views.payments import headline, progress
from bot.domain.alerts import ACCOUNT_SUBJECTS, Alert, AlertKind, KnownInvoice
from bot.domain.credit import Credit, CreditWatch
from bot.domain.payments import Outcome, State
from bot.domain.standings import Standing
from bot.ports import ALERTS_PER_MESSAGE, Delivery, InvoiceDocument
from bot.sandbox.telegram.formatting import slice_units
from bot.sandbox.telegram.html import parse_html
from tests.chat.deliveries import alert, closed, delivery, known, message
from tests.chat.samples import DE, EN, NOW, invoice, linked_chat, payment

TELEGRAM_KEEPS = 100
"""So many pieces of formatting, and no more, stay in a message."""

HIDING = [replace(EN, discreet=True), replace(DE, discreet=True)]
CREDIT = CreditWatch(Credit(Decimal("5.02")), NOW, read_at=NOW)
KINDS = [kind for kind in AlertKind if kind not in ACCOUNT_SUBJECTS]


def open_part(screen: Screen) -> str:
    """Return what a locked phone shows: everything but what is hidden, as far as Telegram keeps the formatting."""
    formatted = parse_html(screen.text)
    text = formatted.text
    for entity in formatted.entities[:TELEGRAM_KEEPS]:
        if entity.type == "spoiler":
            hidden = slice_units(formatted.text, entity.offset, entity.end)
            text = text.replace(hidden, "▒", 1)
    return text


def hides_all(screen: Screen, *, count: int | None = None) -> None:
    shown = open_part(screen)
    assert "€" not in shown
    assert "Server" not in shown
    if count is not None:
        assert shown.count("▒") == count


@pytest.mark.parametrize("t", HIDING)
@pytest.mark.parametrize("kind", [kind for kind in AlertKind if kind not in ACCOUNT_SUBJECTS])
@pytest.mark.parametrize("invoice", [known(), closed(), closed(standing=Standing.CREDIT_NOTE)])
def test_an_alert_of_each_kind_hides_sum_and_title_and_names_the_number(
    t: Texts, kind: AlertKind, invoice: KnownInvoice
) -> None:
    told = delivery([alert(kind, 4711, threshold=3)], [invoice], chat=linked_chat(credit=CREDIT))
    screen = alerts(t, told, told.alerts, NOW)
    hides_all(screen)
    assert "4711" in open_part(screen)


@pytest.mark.parametrize("t", HIDING)
def test_a_change_hides_what_it_was_before_too(t: Texts) -> None:
    before = message((known(left=Decimal("5.95"), gross=Decimal("6.95"), due=date(2026, 11, 25)), AlertKind.NEW))
    told = delivery([alert(AlertKind.CHANGED, 4711)], [known()], sent=[before])
    hides_all(alerts(t, told, told.alerts, NOW), count=4)


@pytest.mark.parametrize("t", HIDING)
def test_the_weekly_overview_and_the_pinned_message_hide_every_sum(t: Texts) -> None:
    everything = [known(1), known(2), known(3, due=None)]
    told = delivery([alert(AlertKind.DIGEST)], everything, chat=linked_chat(credit=CREDIT))
    hides_all(alerts(t, told, told.alerts, NOW), count=6)
    hides_all(board(t, told, NOW, is_pinned=True), count=4)


@pytest.mark.parametrize("t", HIDING)
def test_what_is_edited_later_keeps_it_hidden(t: Texts) -> None:
    told = delivery([alert(AlertKind.NEW, n) for n in (1, 2, 3)], [known(1), known(2), known(3)])
    words = words_of(t, told, told.alerts, NOW)
    sent = message(*((known(n), AlertKind.NEW) for n in (1, 2, 3)), resolved=[1])
    sent = replace(sent, shown=tuple(replace(s, words=words[s.invoice_id]) for s in sent.shown)).folding([3])
    later = replace(told, known={1: closed(1), 2: known(2), 3: known(3)}, sent=[sent])
    hides_all(struck_through(t, sent, later), count=4)
    hides_all(reminded_silently(t, sent, later, [alert(AlertKind.DUE, 2)], NOW), count=4)
    assert "<s>" in struck_through(t, sent, later).text


@pytest.mark.parametrize("t", HIDING)
def test_how_a_payment_ended_hides_its_sum(t: Texts) -> None:
    for outcome in Outcome:
        ended = payment(state=State.ENDED, outcome=outcome, left=Decimal("1.00"))
        batch = [replace(ended, batch="b"), replace(ended, id="2", invoice_id=4712, batch="b")]
        hides_all(Screen(headline(t, [ended])))
        hides_all(progress(t, [ended], Credit(Decimal(1))))
        hides_all(progress(t, batch, Credit(Decimal(1))))


@pytest.mark.parametrize("t", HIDING)
def test_a_document_that_comes_after_a_payment_hides_them(t: Texts) -> None:
    hides_all(caption(t, InvoiceDocument(4711, "file", invoice()), NOW), count=2)
    hides_all(caption(t, InvoiceDocument(4711, "file", None, known()), NOW), count=2)


def test_buttons_name_the_sum_as_before_since_no_locked_phone_shows_them() -> None:
    told = delivery([alert(AlertKind.NEW, 4711)], [known()])
    labels = [button.label for row in alerts(HIDING[0], told, told.alerts, NOW).rows for button in row]
    assert "💳 Pay €6.95 with credit" in labels


def test_who_wants_to_see_them_sees_them() -> None:
    told = delivery([alert(AlertKind.NEW, 4711)], [known()])
    assert "spoiler" not in alerts(EN, told, told.alerts, NOW).text


LONG = "Server 😀 <b>&amp;" * 20


def _full(kinds: list[AlertKind]) -> Delivery:
    """Return a message that is as full as possible."""
    invoices, told, before = {}, list[Alert](), []
    for number, kind in enumerate(kinds, 10**17):
        invoices[number] = known(number, title=LONG, due=date(2026, 11, 27), status_label="In collection")
        older = known(number, title=LONG, gross=Decimal(5), left=Decimal(5), due=date(2026, 11, 25))
        before.append(message((older, AlertKind.NEW)))
        told.append(alert(kind, number if kind is not AlertKind.DIGEST else None))
    return delivery(told, invoices.values(), sent=before, chat=linked_chat(credit=CREDIT), again=True)


@given(st.lists(st.sampled_from([*KINDS, AlertKind.DIGEST]), min_size=1, max_size=ALERTS_PER_MESSAGE))
def test_however_full_a_message_is_telegram_keeps_all_that_is_hidden(kinds: list[AlertKind]) -> None:
    told = _full(kinds)
    for t in HIDING:
        hides_all(alerts(t, told, told.alerts, NOW))


def test_a_full_message_in_which_all_is_struck_through_hides_it_still() -> None:
    told = _full([AlertKind.CHANGED] * ALERTS_PER_MESSAGE)
    for t in HIDING:
        words = words_of(t, told, told.alerts, NOW)
        numbers = sorted(told.known)
        sent = message(*((told.known[n], AlertKind.CHANGED) for n in numbers), resolved=numbers)
        sent = replace(sent, shown=tuple(replace(s, words=words[s.invoice_id]) for s in sent.shown))
        ended = {n: replace(k, standing=Standing.PAID, left=Decimal(0)) for n, k in told.known.items()}
        hides_all(struck_through(t, sent, replace(told, known=ended)))


def test_less_formatting_is_left_only_where_telegram_would_keep_less() -> None:
    told = delivery([alert(AlertKind.NEW, 4711)], [known()])
    text = alerts(HIDING[0], told, told.alerts, NOW).text
    assert "<b>" in text
    assert formatted_at_most(text) == text
