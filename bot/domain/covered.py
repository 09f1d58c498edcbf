"""Reminders of what the credit suffices for: they come without a sound, until the last days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from bot.domain.alerts import NEWS_KINDS, Alert, AlertKind, SentMessage
from bot.domain.chats import Link
from bot.domain.credit import Debt, coverage
from bot.domain.deliveries import Delivery
from bot.domain.presets import LAST_DAYS
from bot.domain.schedule import Schedule

READ_WITHIN = timedelta(hours=1)
"""Older knowledge of credit and invoices silences nothing."""
BEFORE_DUE = NEWS_KINDS | {AlertKind.CHANGED, AlertKind.DUE}


def is_silent(alert: Alert, delivery: Delivery, schedule: Schedule, currency: str, now: datetime) -> bool:
    """Return whether it reminds of an invoice that the credit covers, and its last days have not come.

    Nobody knows whether the provider takes the credit by itself. So the last days ring, and all that comes after.
    """
    if alert.kind not in BEFORE_DUE or alert.threshold is None or alert.is_warning:
        return False
    last = -1 if schedule.calendar.announces else max(LAST_DAYS)
    return alert.threshold > last and alert.invoice_id in _covered(delivery, currency, now)


def message_to_extend(alert: Alert, delivery: Delivery) -> SentMessage | None:
    """Return the message that shows the invoice of a silent reminder and can be given a line of it."""
    number = alert.invoice_id
    if alert.kind is not AlertKind.DUE or number is None or delivery.again:
        return None
    last = next((message for message in reversed(delivery.sent) if message.says_of(number)), None)
    return last if last is not None and last.message_id is not None and last.tells_only_shown else None


def _covered(delivery: Delivery, currency: str, now: datetime) -> Collection[int]:
    """Return the invoices that the credit covers in the order of their dates, if all was read lately."""
    link = delivery.chat.link
    if link is None or not _was_read(link, now):
        return ()
    debts = [Debt(known.id, known.due, known.left) for known in delivery.known.values() if known.may_be_owed]
    found = coverage(link.credit.credit, debts, currency)
    return found.covered if found is not None else ()


def _was_read(link: Link, now: datetime) -> bool:
    watch, credit_at = link.watch, link.credit.read_at
    if credit_at is None or watch.is_refused or watch.failing_since is not None or watch.whole_at is not None:
        return False
    return all(timedelta(0) <= now - at <= READ_WITHIN for at in (credit_at, watch.checked_at))
