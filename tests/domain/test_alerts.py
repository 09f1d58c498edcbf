"""How invoices stand, which of two alerts about the same subject is told, and what messages say of invoices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import pytest

from bot.domain.alerts import (
    REMINDER_KINDS,
    TROUBLE_KINDS,
    Alert,
    AlertKind,
    KnownInvoice,
    SentMessage,
    as_shown,
    taking_the_place_of,
)
from bot.domain.chats import Place
from bot.domain.invoices import Invoice
from bot.domain.standings import Standing
from tests.fakes import invoice, settled

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
DUE = date(2026, 6, 15)
NEW, CHANGED, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.CHANGED, AlertKind.DUE, AlertKind.OVERDUE
SETTLED, OUTAGE, OUTAGE_OVER = AlertKind.SETTLED, AlertKind.OUTAGE, AlertKind.OUTAGE_OVER
OF_INVOICES = [NEW, CHANGED, DUE_SOON, OVERDUE, SETTLED]


def alert(kind: AlertKind, number: int | None = 7, threshold: int | None = None, due: date | None = DUE) -> Alert:
    return Alert("a" * 8, Place(1), "account", kind, NOW, number, threshold, due)


# --- How an invoice stands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "standing"),
    [
        (invoice(), Standing.OPEN),
        (invoice(status="Payment Pending"), Standing.OPEN),
        (settled(invoice()), Standing.PAID),
        (settled(invoice(), "Closed", paid_at=NOW), Standing.PAID),
        (settled(invoice(), "Cancelled"), Standing.CANCELLED),
        (settled(invoice(), "canceled"), Standing.CANCELLED),
        (settled(invoice(), "REFUNDED", paid_at=NOW), Standing.REFUNDED),
        (settled(invoice(), "Draft"), Standing.CLOSED),
        (settled(invoice(), "Collections", paid_at=NOW), Standing.CLOSED),
        (settled(invoice(), "Chargeback", paid_at=NOW), Standing.CLOSED),
        (settled(invoice(), "Unpaid", paid_at=NOW), Standing.CLOSED),
        (settled(invoice(), ""), Standing.CLOSED),
        (settled(invoice(), "in Klärung"), Standing.CLOSED),
    ],
)
def test_an_invoice_stands_as_the_provider_says(read: Invoice, standing: Standing) -> None:
    assert read.standing is standing


@pytest.mark.parametrize(
    ("read", "word"),
    [
        (invoice(), ""),
        (replace(invoice(status="Payment Pending"), status_label="Zahlung läuft"), "Zahlung läuft"),
        (replace(invoice(status="Paid"), status_label="Bezahlt"), "Bezahlt"),  # and open nevertheless
        (settled(invoice(), "Paid"), ""),
        (settled(invoice(), "Cancelled"), ""),
        (settled(invoice(), "Collections"), "Collections"),
    ],
)
def test_the_provider_s_word_is_told_where_nothing_else_says_how_an_invoice_stands(read: Invoice, word: str) -> None:
    assert read.odd_status == word


def known(**changes: object) -> KnownInvoice:
    one = KnownInvoice(7, Standing.OPEN, DUE, Decimal("6.95"), Decimal("7.95"), "Web space")
    return replace(one, **changes)  # type: ignore[arg-type]  # fields of KnownInvoice


@pytest.mark.parametrize(
    ("one", "can"),
    [
        (known(), True),
        (known(left=None), True),  # unclear is not nothing
        (known(left=Decimal(0)), False),
        (known(left=Decimal("0.00")), False),
        (known(due=None), False),
        (known(standing=Standing.PAID), False),
        (known(standing=Standing.GONE), False),
    ],
)
def test_only_what_is_open_has_a_date_and_something_left_can_be_due(one: KnownInvoice, can: bool) -> None:
    assert one.can_be_due is can


# --- Two alerts about the same ---------------------------------------------------------------------------------------


def joined(older: Alert, newer: Alert) -> Alert:
    after = taking_the_place_of(older, newer)
    assert after is not None
    return after


@pytest.mark.parametrize(("older", "newer"), [*product(OF_INVOICES, OF_INVOICES)])
def test_of_two_alerts_the_newer_one_is_told_but_a_new_invoice_stays_new(older: AlertKind, newer: AlertKind) -> None:
    expected = NEW if older is NEW and newer is not SETTLED else newer
    assert joined(alert(older), alert(newer)).kind is expected


def test_the_newer_one_keeps_its_id_and_its_time() -> None:
    newer = replace(alert(CHANGED), id="b" * 8, created_at=NOW.replace(hour=12))
    after = joined(alert(DUE_SOON, threshold=3), newer)
    assert (after.id, after.created_at) == (newer.id, newer.created_at)


def test_what_was_about_to_be_a_reminder_stays_as_urgent() -> None:
    after = joined(alert(DUE_SOON, threshold=3), alert(CHANGED))
    assert (after.threshold, after.is_urgent) == (3, True)


def test_a_reminder_of_another_due_date_has_nothing_to_hand_on() -> None:
    after = joined(alert(DUE_SOON, threshold=3, due=date(2026, 7, 1)), alert(CHANGED))
    assert (after.threshold, after.is_urgent) == (None, False)


def test_the_later_threshold_counts() -> None:
    assert joined(alert(DUE_SOON, threshold=3), alert(OVERDUE, threshold=-1)) == alert(OVERDUE, threshold=-1)
    assert joined(alert(NEW, threshold=7), alert(DUE_SOON, threshold=3)) == alert(NEW, threshold=3)


@pytest.mark.parametrize("older", OF_INVOICES)
def test_that_it_is_settled_takes_over_nothing(older: AlertKind) -> None:
    after = joined(alert(older, threshold=0), alert(SETTLED))
    assert after == alert(SETTLED)
    assert not after.is_urgent


def test_the_end_of_an_outage_is_not_told_if_nobody_heard_of_the_outage() -> None:
    assert taking_the_place_of(alert(OUTAGE, None), alert(OUTAGE_OVER, None)) is None
    assert taking_the_place_of(alert(OUTAGE_OVER, None), alert(OUTAGE, None)) == alert(OUTAGE, None)


def test_alerts_about_the_account_take_over_nothing() -> None:
    refused, missing = alert(AlertKind.TOKEN_REFUSED, None), alert(AlertKind.PERMISSION_MISSING, None)
    assert taking_the_place_of(refused, missing) == missing


def test_what_alerts_are_about() -> None:
    subjects = [alert(kind).subject for kind in OF_INVOICES]
    assert len(set(subjects)) == 1
    assert alert(NEW, 8).subject not in subjects
    assert alert(OUTAGE, None).subject == alert(OUTAGE_OVER, None).subject
    trouble = {alert(kind, None).subject for kind in (AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING)}
    assert len(trouble) == 1
    digest = alert(AlertKind.DIGEST, None).subject
    assert len({*subjects, alert(OUTAGE, None).subject, *trouble, digest}) == 4
    assert replace(alert(NEW), account="another").subject not in subjects


@pytest.mark.parametrize("kind", AlertKind)
def test_an_alert_is_urgent_if_it_is_a_reminder_or_counts_as_one_or_says_that_none_will_come(kind: AlertKind) -> None:
    assert alert(kind).is_urgent is (kind in REMINDER_KINDS | TROUBLE_KINDS | {AlertKind.NOT_SERVED})
    assert alert(kind, threshold=0).is_urgent is (kind is not SETTLED)


# --- Messages --------------------------------------------------------------------------------------------------------


def message(*numbers: int) -> SentMessage:
    return SentMessage(Place(1), 100, NOW, tuple(as_shown(known(id=number), NEW) for number in numbers))


def test_a_message_says_nothing_more_of_an_invoice_that_it_shows_as_settled() -> None:
    said = message(7, 8)
    assert said.says_of(7) == as_shown(known(id=7), NEW)
    assert said.says_of(9) is None
    assert said.resolving([7]).says_of(7) is None
    assert said.resolving([7]).says_of(8) == said.says_of(8)


def test_a_message_is_over_once_all_it_speaks_of_is_settled() -> None:
    said = message(7, 8)
    assert not said.is_over
    assert not said.resolving([7]).is_over
    assert said.resolving([7]).resolving([8]).is_over
    assert said.resolving([7, 8, 9]).is_over


def test_what_was_settled_in_a_message_stays_settled() -> None:
    assert message(7, 8).resolving([7]).resolving([]) == message(7, 8).resolving([7])


def test_what_is_shown_is_what_was_known_then() -> None:
    one = known(gross=Decimal("8.00"))
    shown = as_shown(one, CHANGED)
    assert (shown.invoice_id, shown.kind, shown.due, shown.left, shown.total) == (7, CHANGED, DUE, one.left, one.total)
    assert (shown.title, shown.gross, shown.resolved) == ("Web space", Decimal("8.00"), False)
