"""What a chat knows of its invoices, the alerts that follow from it, and the messages they became."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.chats import Place
from bot.domain.invoices import Invoice, left_or_total


class Standing(StrEnum):
    """How an invoice stands. ``gone``: the provider, asked for this very invoice, no longer has it."""

    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    CLOSED = "closed"
    GONE = "gone"


_STANDINGS = {
    "cancelled": Standing.CANCELLED,
    "canceled": Standing.CANCELLED,
    "refunded": Standing.REFUNDED,
}


def standing_of(invoice: Invoice) -> Standing:
    """How an invoice that was read stands; closed in a way that has no name here is plainly closed."""
    if invoice.is_open:
        return Standing.OPEN
    if invoice.is_paid:
        return Standing.PAID
    return _STANDINGS.get(invoice.status.casefold(), Standing.CLOSED)


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """What a chat knows of one invoice: as much as a reminder needs when the provider can't be asked.

    The first fields are facts as they were last read; ``gross`` is the sum before any credit, ``unread_since`` is when
    this one could no longer be read though others could. The others say what the person was told, or was shown at the
    linking:

    - ``announced``: that there is such an invoice; ``told_gross`` and ``told_due``: its sum and due date
    - ``told``: the latest threshold (days before the due date; negative: after) for the present ``due``;
      ``told_earlier``: the same for the due dates that it had before, so that one that comes back repeats nothing
    - ``woken``: the end of a snooze after which they were reminded
    - ``settled_told``: that there is nothing to pay any more
    """

    id: int
    standing: Standing
    due: date | None
    left: Decimal | None
    total: Decimal
    title: str
    gross: Decimal | None = None
    unread_since: datetime | None = None
    announced: bool = False
    told_gross: Decimal | None = None
    told_due: date | None = None
    told: int | None = None
    told_earlier: tuple[tuple[date, int], ...] = ()
    woken: datetime | None = None
    settled_told: bool = False

    @property
    def is_open(self) -> bool:
        return self.standing is Standing.OPEN

    @property
    def can_be_due(self) -> bool:
        """Whether there is, or may be, something to pay by a certain day."""
        return self.is_open and self.due is not None and self.left != 0


class AlertKind(StrEnum):
    """What an alert is about. From ``digest`` on they speak of the account, not of one invoice."""

    NEW = "new"
    CHANGED = "changed"
    DUE = "due"
    OVERDUE = "overdue"
    SETTLED = "settled"
    DIGEST = "digest"
    UNREADABLE = "unreadable"
    OUTAGE = "outage"
    OUTAGE_OVER = "outage_over"
    TOKEN_REFUSED = "token_refused"
    PERMISSION_MISSING = "permission_missing"


REMINDER_KINDS = frozenset({AlertKind.DUE, AlertKind.OVERDUE})
ACCOUNT_SUBJECTS = {
    AlertKind.DIGEST: "digest",
    AlertKind.UNREADABLE: "unreadable",
    AlertKind.OUTAGE: "outage",
    AlertKind.OUTAGE_OVER: "outage",
    AlertKind.TOKEN_REFUSED: "trouble",
    AlertKind.PERMISSION_MISSING: "trouble",
}


class AlertState(StrEnum):
    """waiting → sending → gone from the outbox once sent; or uncertain (once more, marked); or set aside."""

    WAITING = "waiting"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    DEAD_LETTER = "set_aside"


@dataclass(frozen=True, slots=True)
class Alert:
    """A saved alert. It names its invoice and holds no copy of it, so that what is sent says how things stand then.

    ``id`` is unique in the store and grows with time within a chat; empty until the alert is saved. ``invoice_id`` is
    None for alerts about the account. ``threshold`` and ``due`` belong to reminders, ``told_gross`` and ``told_due`` to changes: what the person
    was told before.
    """

    id: str
    place: Place
    account: str
    kind: AlertKind
    created_at: datetime
    invoice_id: int | None = None
    threshold: int | None = None
    due: date | None = None
    told_gross: Decimal | None = None
    told_due: date | None = None
    state: AlertState = AlertState.WAITING
    attempts: int = 0

    @property
    def subject(self) -> tuple[str, object]:
        """What it is about: of two waiting alerts about the same, only the newer one is told."""
        return (self.account, ACCOUNT_SUBJECTS.get(self.kind, self.invoice_id))

    @property
    def is_urgent(self) -> bool:
        """Whether it is, or stands for, a reminder of what is due."""
        return self.kind in REMINDER_KINDS or (self.threshold is not None and self.kind is not AlertKind.SETTLED)


def taking_the_place_of(older: Alert, newer: Alert) -> Alert | None:
    """The newer alert, with what the older one was about to say and nobody has heard yet.

    An invoice that was to be announced still is news, and what was about to be a reminder stays as urgent. Of an
    outage that nobody heard of it need not be said that it is over: None.
    """
    if (older.kind, newer.kind) == (AlertKind.OUTAGE, AlertKind.OUTAGE_OVER):
        return None
    if newer.kind is AlertKind.SETTLED or newer.invoice_id is None:
        return newer
    if older.kind is AlertKind.NEW:
        newer = replace(newer, kind=AlertKind.NEW)
    if AlertKind.CHANGED is older.kind is newer.kind:
        newer = replace(newer, told_gross=older.told_gross, told_due=older.told_due)
    if newer.threshold is None and older.due == newer.due:
        newer = replace(newer, threshold=older.threshold)
    return newer


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message said of one invoice. ``resolved`` once the message says that there is nothing to pay any more."""

    invoice_id: int
    kind: AlertKind
    due: date | None
    left: Decimal | None
    total: Decimal
    title: str
    gross: Decimal | None = None
    resolved: bool = False

    @property
    def display_amount(self) -> Decimal:
        return left_or_total(self.left, self.total)


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message with alerts about invoices that are not settled yet, so that it can be edited once they are.

    ``message_id`` is None where it may have been delivered, or was before its chat got a new id, but nobody knows under
    which number it stands there.
    """

    place: Place
    message_id: int | None
    sent_at: datetime
    shown: tuple[Shown, ...]

    def says_of(self, invoice_id: int) -> Shown | None:
        """What it says of an invoice, if anything that was not taken back yet."""
        return next((s for s in self.shown if s.invoice_id == invoice_id and not s.resolved), None)

    def mentions(self, invoice_id: int) -> bool:
        """Whether it speaks of an invoice, taken back or not."""
        return any(s.invoice_id == invoice_id for s in self.shown)

    def resolving(self, invoice_ids: Collection[int]) -> SentMessage:
        """The message once it was edited to say that these are settled."""
        shown = tuple(replace(s, resolved=s.resolved or s.invoice_id in invoice_ids) for s in self.shown)
        return replace(self, shown=shown)

    def moved_to(self, chat_id: int) -> SentMessage:
        """The message after its chat got a new id. There it has another number, which nobody tells."""
        if self.place.chat_id == chat_id:
            return self
        return replace(self, place=replace(self.place, chat_id=chat_id), message_id=None)

    @property
    def is_over(self) -> bool:
        """Whether nothing in it is left to be edited."""
        return all(s.resolved for s in self.shown)


def show(known: KnownInvoice, kind: AlertKind) -> Shown:
    """What a message says of an invoice that is known so."""
    return Shown(known.id, kind, known.due, known.left, known.total, known.title, known.gross)
