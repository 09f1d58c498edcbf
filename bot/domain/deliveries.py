"""A message of alerts on its way out, and which of its alerts are still relevant: the world may have moved on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.domain.alerts import (
    EDITS,
    NEWS_KINDS,
    REMINDER_KINDS,
    TROUBLE_KINDS,
    Alert,
    AlertKind,
    KnownInvoice,
    SentMessage,
    Shown,
    as_shown,
    is_announceable,
    is_reached,
)
from bot.domain.chats import NO_SILENCE, Chat, Closure, Preferences, Watch
from bot.domain.invoices import sums_differ
from bot.domain.schedule import DAY, Schedule
from bot.domain.waits import may_be_right

# --- How long alerts wait: none longer than :data:`bot.domain.waits.LONGEST_ALERT_WAIT` ---

LONGEST_FLOOD_PAUSE = timedelta(days=1)
"""The longest pause that Telegram can ask for."""

REPEAT_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 25, 120))
"""Before an alert whose sending had an unknown outcome is sent once more. Then it comes once a day."""

SHORTEST_CLOSED_WAIT = timedelta(minutes=1)
LONGEST_CLOSED_WAIT = timedelta(hours=1)
"""Between two tries to write to a closed chat: nothing tells when a group opens in the morning."""
NOT_FOUND_FOR = timedelta(days=1)
"""A chat that Telegram does not find for so long rests."""


def repeat_at(tries: int, now: datetime, schedule: Schedule | None = None) -> datetime:
    """Return when to send once more what may have arrived, or was refused for an unknown reason, after so many tries.

    Without a ``schedule``, which knows the chat's reminder hour, a day has 24 hours.
    """
    if tries < len(REPEAT_AFTER):
        return now + REPEAT_AFTER[tries]
    return now + DAY if schedule is None else schedule.next_morning(now)


def closed_again(before: Closure | None, reason: str, now: datetime, *, not_found: bool) -> Closure:
    """Return why and until when a chat is closed, once more or for the first time. The longer, the rarer the tries."""
    goes_on = before is not None and before.not_found == not_found and before.since <= now
    since = before.since if before is not None and goes_on else now
    wait = min(max((now - since) / 2, SHORTEST_CLOSED_WAIT), LONGEST_CLOSED_WAIT)
    return Closure(reason, since, now + wait, not_found=not_found)


def is_lost(closure: Closure, now: datetime) -> bool:
    """Return whether a chat has not been found for so long that it rests."""
    return closure.not_found and now - closure.since >= NOT_FOUND_FOR


# --- What is sent ---

NEWS = NEWS_KINDS | {AlertKind.CHANGED, AlertKind.SETTLED}
"""What a chat may want no message for, as long as it is no reminder."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a piece of work. Once the lease was taken over, the fencing token differs and writes are refused."""

    key: str
    fencing_token: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to send now as one message: ``alerts`` of one chat and account, the oldest first.

    ``known`` is all that the chat knows at this moment. ``sent`` are its earlier messages about open invoices, the
    oldest first. ``paid_here`` are the invoices of ``alerts`` with a payment that began in this chat, ``paid_by_bot``
    those with one that began in any chat of the account. ``again``: an earlier try may have reached the person.
    ``tries`` counts those with an unknown outcome, or an unknown reason.
    """

    claim: Claim
    chat: Chat
    alerts: tuple[Alert, ...]
    known: Mapping[int, KnownInvoice]
    sent: Sequence[SentMessage]
    paid_here: frozenset[int]
    again: bool
    tries: int = 0
    paid_by_bot: frozenset[int] = frozenset()

    @property
    def is_edit(self) -> bool:
        """Whether earlier messages are to be edited, and nothing is to be told."""
        return self.alerts[0].kind in EDITS

    def known_of(self, alert: Alert) -> KnownInvoice | None:
        """Return what the chat knows of an alert's invoice, if it has one that is known."""
        return None if alert.invoice_id is None else self.known.get(alert.invoice_id)


def is_relevant(alert: Alert, delivery: Delivery, now: datetime) -> bool:
    """Return whether the alert still holds: the link is the same, the invoice too, and nobody has silenced it.

    A reminder does not hold if a later one of the same due date waits behind it.
    """
    link = delivery.chat.link
    if link is None or link.account != alert.account:
        return False
    if alert.invoice_id is None:
        return _concerns_account(alert.kind, delivery, link.watch)
    known = delivery.known_of(alert)
    if known is None:
        return False
    if alert.kind is AlertKind.SETTLED:
        return not known.is_open
    if alert.kind is AlertKind.NEW:
        return is_announceable(known)
    silence = delivery.chat.silences.get(known.id, NO_SILENCE)
    if alert.kind is AlertKind.REOPENED:
        return known.is_open and not silence.muted
    if alert.kind is AlertKind.CREDIT_THERE:  # somebody asked to hear this
        credit = link.credit.credit
        return known.may_be_owed and credit is not None and known.left is not None and known.left <= credit.amount
    silenced = silence.muted or (silence.holds(now) and not alert.is_warning)
    said = said_before(alert, known, delivery)
    return known.is_open and not silenced and _is_still_so(alert, known, said, now)


def is_unwanted(alert: Alert, chosen: Preferences) -> bool:
    """Return whether it is news and no reminder, in a chat that wants no message for that."""
    reminds = alert.threshold is not None or alert.is_warning
    return not chosen.news and alert.kind in NEWS and not reminds


def is_told_elsewhere(alert: Alert, delivery: Delivery) -> bool:
    """Return whether nobody needs to be told that an invoice is settled: it was paid in this chat, or muted."""
    if alert.kind is not AlertKind.SETTLED or alert.invoice_id is None:
        return False
    silence = delivery.chat.silences.get(alert.invoice_id, NO_SILENCE)
    return alert.invoice_id in delivery.paid_here or silence.muted


def message_to_edit(
    alerts: Sequence[Alert], delivery: Delivery, message_id: int, now: datetime, words: Mapping[int, str]
) -> SentMessage | None:
    """Return what to remember of a message, to edit it once its invoices are settled. None: it shows no open one.

    ``words`` are what it says of each invoice.
    """
    told = [(alert.kind, known) for alert in alerts if (known := delivery.known_of(alert)) is not None]
    if not any(known.is_open for _, known in told):
        return None
    noted = [(kind, known) for kind, known in told if known.is_open or kind is AlertKind.SETTLED]
    shown = tuple(replace(as_shown(k, kind, words.get(k.id, "")), resolved=not k.is_open) for kind, k in noted)
    only_shown = len(shown) == len(alerts)
    return SentMessage(delivery.alerts[0].place, message_id, now, shown, only_shown)


def uncertain_message(delivery: Delivery, now: datetime) -> SentMessage | None:
    """Return a record, without a message id, of alerts that an earlier try may have delivered. None: it showed none."""
    if not delivery.again:
        return None
    shown = [as_shown(k, a.kind) for a in delivery.alerts if (k := delivery.known_of(a)) and not k.settled_told]
    return SentMessage(delivery.alerts[0].place, None, now, tuple(shown)) if shown else None


def _concerns_account(kind: AlertKind, delivery: Delivery, watch: Watch) -> bool:
    if kind in TROUBLE_KINDS:
        return watch.trouble is not None
    if kind is AlertKind.TROUBLE_OVER:
        return watch.trouble is None
    if kind is AlertKind.OUTAGE:
        return watch.outage_told
    if kind is AlertKind.UNREADABLE:
        return watch.unreadable_told > 0
    if kind is AlertKind.NOT_SERVED:
        return watch.dismissed
    if kind is AlertKind.DIGEST:
        return any(known.can_be_due for known in delivery.known.values())
    return True


def _is_still_so(alert: Alert, known: KnownInvoice, last: Shown | None, now: datetime) -> bool:
    if alert.kind is AlertKind.CHANGED:
        if last is None or sums_differ(last.gross, known.gross) or last.due != known.due:
            return True
        if alert.threshold is None:
            return False
    if alert.kind in REMINDER_KINDS and known.due != alert.due:
        return False
    threshold, due, told = alert.threshold, alert.due, known.told
    if threshold is not None and due is not None and may_be_right(now) and not is_reached(due, threshold, now):
        return False  # a clock that was ahead found it due
    overtaken = threshold is not None and told is not None and told < threshold
    return known.left != 0 and not overtaken


def last_shown(sent: Iterable[SentMessage], invoice_id: int) -> Shown | None:
    """Return what the latest of these messages says of an invoice, if any shows it.

    Skip messages without a known id: they may say how things stood when they were first tried.
    """
    said = [message.says_of(invoice_id) for message in sent if message.message_id is not None]
    return next((shown for shown in reversed(said) if shown is not None), None)


def said_before(alert: Alert, known: KnownInvoice, delivery: Delivery) -> Shown | None:
    """Return what the person was last told of an invoice before this alert, by a message or by what the alert notes.

    Linking shows everything anew, so earlier messages don't count.
    """
    link = delivery.chat.link
    shown = last_shown((m for m in delivery.sent if link is None or m.sent_at >= link.linked_at), known.id)
    gross = alert.told_gross
    if shown is not None or gross is None:
        return shown
    credit = known.gross - known.left if known.gross is not None and known.left is not None else Decimal(0)
    return Shown(known.id, alert.kind, alert.told_due, max(gross - credit, Decimal(0)), gross, known.title, gross)
