"""A message of alerts on its way out, and which of its alerts still are to be told: the world may have moved on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.domain.alerts import REMINDER_KINDS, Alert, AlertKind, KnownInvoice, SentMessage, Shown, Standing, show
from bot.domain.chats import NO_SILENCE, Chat, Silence, Watch
from bot.domain.invoices import sums_differ

TROUBLE_KINDS = frozenset({AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING})


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a piece of work. A write under a claim whose lease was taken over (another epoch) is refused."""

    key: str
    fencing_token: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be sent now as one message: ``alerts``, the oldest first, of one chat and account.

    ``known`` is everything the account's chat knows at this moment, ``sent`` its earlier messages about open invoices,
    the oldest first. ``paid_here`` are those invoices of ``alerts`` whose payment was begun in this chat. ``again``
    says that an earlier try may have reached the person.
    """

    claim: Claim
    chat: Chat
    alerts: tuple[Alert, ...]
    known: Mapping[int, KnownInvoice]
    sent: Sequence[SentMessage]
    paid_here: frozenset[int]
    again: bool


def is_relevant(alert: Alert, delivery: Delivery, now: datetime) -> bool:
    """Whether the alert says what is so: the chat has the same link, the invoice stands as it did, nobody silenced it.

    A reminder has no point either once a later one of the same due date was found, which stands behind it.
    """
    link = delivery.chat.link
    if link is None or link.account != alert.account:
        return False
    if alert.invoice_id is None:
        return _concerns_account(alert.kind, delivery, link.watch)
    known = delivery.known.get(alert.invoice_id)
    if known is None:
        return False
    if alert.kind is AlertKind.SETTLED:
        return not known.is_open
    if alert.kind is AlertKind.NEW:
        return known.standing in {Standing.OPEN, Standing.PAID}
    silence = delivery.chat.silences.get(known.id, NO_SILENCE)
    return known.is_open and not silence.holds(now) and _is_still_so(alert, known, said_before(alert, known, delivery))


def is_told_elsewhere(alert: Alert, delivery: Delivery) -> bool:
    """Whether the person knows that an invoice is settled: this chat paid it; or they want to hear nothing of it."""
    if alert.kind is not AlertKind.SETTLED or alert.invoice_id is None:
        return False
    silence: Silence = delivery.chat.silences.get(alert.invoice_id, NO_SILENCE)
    return alert.invoice_id in delivery.paid_here or silence.muted


def record_of(alerts: Iterable[Alert], delivery: Delivery, message_id: int, now: datetime) -> SentMessage | None:
    """What to remember of a message, to edit it once its invoices are settled; None if it speaks of no open one."""
    shown = [show(known, alert.kind) for alert, known in _with_known(alerts, delivery) if known.is_open]
    return SentMessage(delivery.alerts[0].place, message_id, now, tuple(shown)) if shown else None


def unseen_trace(delivery: Delivery, now: datetime) -> SentMessage | None:
    """What to remember of alerts that may have been seen though nobody knows as which message; None: nothing."""
    if not delivery.again:
        return None
    told = _with_known(delivery.alerts, delivery)
    shown = [show(known, alert.kind) for alert, known in told if not known.settled_told]
    return SentMessage(delivery.alerts[0].place, None, now, tuple(shown)) if shown else None


def _with_known(alerts: Iterable[Alert], delivery: Delivery) -> Iterator[tuple[Alert, KnownInvoice]]:
    for alert in alerts:
        known = None if alert.invoice_id is None else delivery.known.get(alert.invoice_id)
        if known is not None:
            yield alert, known


def _concerns_account(kind: AlertKind, delivery: Delivery, watch: Watch) -> bool:
    if kind in TROUBLE_KINDS:
        return watch.trouble is not None
    if kind is AlertKind.OUTAGE:
        return watch.outage_told
    if kind is AlertKind.UNREADABLE:
        return watch.unreadable_told > 0
    if kind is AlertKind.DIGEST:
        return any(known.can_be_due for known in delivery.known.values())
    return True


def _is_still_so(alert: Alert, known: KnownInvoice, last: Shown | None) -> bool:
    if alert.kind is AlertKind.CHANGED:
        if last is None or sums_differ(last.gross, known.gross) or last.due != known.due:
            return True
        if alert.threshold is None:
            return False
    if alert.kind in REMINDER_KINDS and known.due != alert.due:
        return False
    overtaken = alert.threshold is not None and known.told is not None and known.told < alert.threshold
    return known.left != 0 and not overtaken


def last_shown(sent: Iterable[SentMessage], invoice_id: int) -> Shown | None:
    """What the latest of these messages says of an invoice, if any speaks of it.

    Not counted are those whose number nobody knows: they may have said how things stood when they were first tried.
    """
    said = [message.says_of(invoice_id) for message in sent if message.message_id is not None]
    return next((shown for shown in reversed(said) if shown is not None), None)


def said_before(alert: Alert, known: KnownInvoice, delivery: Delivery) -> Shown | None:
    """How an invoice stood for the person before what an alert tells: as a message shows it, or as they were told.

    Linking shows how things stand, so no message from before it counts.
    """
    link = delivery.chat.link
    shown = last_shown((m for m in delivery.sent if link is None or m.sent_at >= link.linked_at), known.id)
    gross = alert.told_gross
    if shown is not None or gross is None:
        return shown
    credit = known.gross - known.left if known.gross is not None and known.left is not None else Decimal(0)
    return Shown(known.id, alert.kind, alert.told_due, max(gross - credit, Decimal(0)), gross, known.title, gross)
