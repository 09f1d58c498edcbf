"""What a chat knows of its invoices, the alerts that follow from it, and the messages that told them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.chats import Place, Silence, Watch
from bot.domain.credit import Debt
from bot.domain.invoices import left_or_total
from bot.domain.prices import PriceChange
from bot.domain.service_names import Service
from bot.domain.standings import Standing

TOLD_AHEAD_AT_MOST = 2
"""How many days before its day a reminder can be told: what is new in the evening counts for the next morning, and a
day begins earlier elsewhere. What was told of a later day was told by a clock that was ahead."""


def is_reached(due: date, threshold: int, now: datetime) -> bool:
    """Return whether a reminder of this threshold can have been told by ``now``."""
    return due.toordinal() - threshold <= now.date().toordinal() + TOLD_AHEAD_AT_MOST


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """What a chat knows of one invoice: enough for a reminder when the provider can't be asked.

    The first fields are facts as they were last read. ``gross`` is the sum before any credit, ``types`` are those of
    the items. ``unread_since`` is when reading this invoice began to fail while others could be read. ``missing_since``
    is when the provider first said that it has no such invoice. ``due_unreadable``: the provider gives a due date that
    can't be read; ``due`` is an earlier one, if there was any. ``status_label`` is the provider's word for how it
    stands, where nothing else says that. ``left`` is without what is counted with the invoices that it collects;
    ``in_parts``: that is all of it. ``paid_with_credit``: its own figures say that credit has paid all of it.
    ``service`` is the one that the title speaks of. ``price_changes``: what cost more or less than the time before,
    when there was last news of it. The other fields say what the person was told, or was shown at the linking:

    - ``announced``: that the invoice exists; ``told_gross`` and ``told_due``: its sum and due date
    - ``told``: the latest threshold (days before the due date; negative: after) for the present ``due``;
      ``told_earlier``: the same for its earlier due dates, so that a due date that returns repeats nothing
    - ``woken``: the end of a snooze after which they were reminded
    - ``settled_told``: that it is closed, or they may believe so
    - ``evening_told``: the last day (before a suspension or deletion) on whose evening they were warned once more
    """

    id: int
    standing: Standing
    due: date | None
    left: Decimal | None
    total: Decimal
    title: str
    gross: Decimal | None = None
    types: tuple[str, ...] = ()
    unread_since: datetime | None = None
    missing_since: datetime | None = None
    announced: bool = False
    told_gross: Decimal | None = None
    told_due: date | None = None
    told: int | None = None
    told_earlier: tuple[tuple[date, int], ...] = ()
    woken: datetime | None = None
    settled_told: bool = False
    evening_told: date | None = None
    due_unreadable: bool = False
    status_label: str = ""
    in_parts: bool = False
    paid_with_credit: bool = False
    paid_at: datetime | None = None
    service: Service | None = None
    price_changes: tuple[PriceChange, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.standing is Standing.OPEN

    @property
    def full_total(self) -> Decimal:
        """The sum before any credit, or the total as it was given where that is unclear."""
        return self.total if self.gross is None else self.gross

    @property
    def can_be_due(self) -> bool:
        """Whether it has a due date and something may be left to pay."""
        return self.may_be_owed and self.due is not None

    @property
    def may_be_owed(self) -> bool:
        """Whether something is, or may be, left to pay."""
        return self.is_open and self.left != 0

    @property
    def debt(self) -> Debt:
        """What is to be paid of it, as far as that is known."""
        return Debt(self.id, self.due, self.left)


def undated(known: Iterable[KnownInvoice]) -> list[int]:
    """Return the invoices to be paid whose due date can't be read."""
    return sorted(k.id for k in known if k.may_be_owed and k.due_unreadable)


def is_announceable(known: KnownInvoice) -> bool:
    """Return whether a new invoice is worth a word: it is open, or was paid on creation.

    A credit note is not, nor a collective invoice whose parts are told.
    """
    return known.standing in {Standing.OPEN, Standing.PAID} and known.full_total >= 0 and not known.in_parts


def is_still_needed(silence: Silence, known: KnownInvoice | None, *, alerted: bool) -> bool:
    """Return whether a silence waits for its reminder, or an alert about its closed invoice still waits."""
    if known is None or not known.is_open:
        # An invoice that is gone may come back.
        return alerted or (silence.muted and known is not None and known.standing is Standing.GONE)
    return silence.muted or silence.until != known.woken


class AlertKind(StrEnum):
    """What an alert is about. From ``digest`` on the kinds are about the account, not about one invoice."""

    NEW = "new"
    CHANGED = "changed"
    DUE = "due"
    OVERDUE = "overdue"
    SETTLED = "settled"
    REOPENED = "reopened"
    CREDIT_THERE = "credit_there"
    DIGEST = "digest"
    UNREADABLE = "unreadable"
    OUTAGE = "outage"
    OUTAGE_OVER = "outage_over"
    TOKEN_REFUSED = "token_refused"
    PERMISSION_MISSING = "permission_missing"
    TROUBLE_OVER = "trouble_over"
    NOT_SERVED = "not_served"
    FOLD = "fold"
    BOARD = "board"


NEWS_KINDS = frozenset({AlertKind.NEW, AlertKind.REOPENED})
"""They say that an invoice is there, or there again. What else is to be said of it waits for that."""
EDITS = frozenset({AlertKind.FOLD, AlertKind.BOARD})
"""They tell nothing: earlier messages are to be edited. ``fold``: a newer message takes the place of older ones.
``board``: the pinned message says something else now."""
REMINDER_KINDS = frozenset({AlertKind.DUE, AlertKind.OVERDUE, AlertKind.CREDIT_THERE})
TROUBLE_KINDS = frozenset({AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING})
"""The bot is blind until the person does something about it."""
ENDS = frozenset({AlertKind.OUTAGE_OVER, AlertKind.TROUBLE_OVER})
"""They say that something is over. Nobody needs to hear that who did not hear that it had begun."""
ACCOUNT_SUBJECTS = {
    AlertKind.DIGEST: "digest",
    AlertKind.UNREADABLE: "unreadable",
    AlertKind.OUTAGE: "outage",
    AlertKind.OUTAGE_OVER: "outage",
    AlertKind.TOKEN_REFUSED: "trouble",
    AlertKind.PERMISSION_MISSING: "trouble",
    AlertKind.TROUBLE_OVER: "trouble",
    AlertKind.NOT_SERVED: "service",
    AlertKind.FOLD: "fold",
    AlertKind.BOARD: "board",
}


class AlertState(StrEnum):
    """waiting → sending → sent, and gone from the outbox; or uncertain (sent again with a mark); or a dead letter."""

    WAITING = "waiting"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    DEAD_LETTER = "set_aside"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to tell. It names its invoice and holds no copy, so that the message says how things stand when sent.

    ``id`` is unique in the store and grows with time within a chat; it is empty until the alert is saved.
    ``invoice_id`` is None for alerts about the account. Reminders have a ``threshold`` and a ``due`` date. Changes have
    ``told_gross`` and ``told_due``: what the person was told before. ``is_warning``: it announces a suspension or a
    deletion, so it comes whatever was chosen.
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
    is_warning: bool = False

    @property
    def subject(self) -> tuple[str, object]:
        """What it is about. Of two waiting alerts about the same, only the newer one is told."""
        return (self.account, ACCOUNT_SUBJECTS.get(self.kind, self.invoice_id))

    @property
    def is_urgent(self) -> bool:
        """Whether it is a reminder, counts as one, or says that there will be none, or only blind ones."""
        if self.kind in REMINDER_KINDS | TROUBLE_KINDS | {AlertKind.NOT_SERVED}:
            return True
        return self.threshold is not None and self.kind is not AlertKind.SETTLED


def is_obsolete(alert: Alert, known: Mapping[int, KnownInvoice], watch: Watch) -> bool:
    """Return whether a dead letter speaks of something that is over by now, so that nobody needs to see it."""
    if alert.state is not AlertState.DEAD_LETTER:
        return False
    if alert.invoice_id is None:
        return watch.trouble is None and not watch.outage_told
    return alert.invoice_id not in known or not known[alert.invoice_id].is_open


def taking_the_place_of(older: Alert, newer: Alert) -> Alert | None:
    """Return the newer alert, with what the older one would have said.

    An invoice that was to be announced is still news. A reminder stays urgent. Return None for the end of an outage or
    a refusal that nobody was told of.
    """
    if newer.kind in ENDS and older.kind is not newer.kind:
        return None
    if newer.kind is AlertKind.SETTLED or newer.invoice_id is None:
        return newer
    if older.kind in NEWS_KINDS and newer.kind is not AlertKind.CREDIT_THERE:  # who waits for credit knows the invoice
        newer = replace(newer, kind=older.kind)
    if older.kind is AlertKind.CREDIT_THERE and newer.kind in REMINDER_KINDS:
        newer = replace(newer, kind=AlertKind.CREDIT_THERE)
    if AlertKind.CHANGED is older.kind is newer.kind:
        newer = replace(newer, told_gross=older.told_gross, told_due=older.told_due)
    if older.due == newer.due:
        threshold = older.threshold if newer.threshold is None else newer.threshold
        newer = replace(newer, threshold=threshold, is_warning=newer.is_warning or older.is_warning)
    return newer


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message said of one invoice. ``resolved``: it was edited to say that nothing is to be paid any more.

    ``folded``: it was edited to say that a newer message speaks of it, or it would have been if that were possible.
    ``words`` are its own words, in the messenger's markup. Empty: an older version kept none.
    """

    invoice_id: int
    kind: AlertKind
    due: date | None
    left: Decimal | None
    total: Decimal
    title: str
    gross: Decimal | None = None
    types: tuple[str, ...] = ()
    resolved: bool = False
    words: str = ""
    folded: bool = False
    service: Service | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to edit."""
        return self.resolved or self.folded

    @property
    def display_amount(self) -> Decimal:
        return left_or_total(self.left, self.total)


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message about invoices that are not settled yet. It is kept to be edited once they are.

    ``message_id`` is None if nobody knows it: the send had an unknown outcome, or the chat has got a new id since.
    ``tells_only_shown``: it tells nothing besides what is ``shown``. Older versions did not note that.
    """

    place: Place
    message_id: int | None
    sent_at: datetime
    shown: tuple[Shown, ...]
    tells_only_shown: bool = False

    @property
    def shows(self) -> frozenset[int]:
        """The invoices that it shows as open."""
        return frozenset(s.invoice_id for s in self.shown if not s.is_over)

    def says_of(self, invoice_id: int) -> Shown | None:
        """Return what it says of an invoice, unless it was edited to say that it is settled, or told elsewhere."""
        return next((s for s in self.shown if s.invoice_id == invoice_id and not s.is_over), None)

    def mentions(self, invoice_id: int) -> bool:
        """Return whether it is about an invoice, settled or not."""
        return any(s.invoice_id == invoice_id for s in self.shown)

    def resolving(self, invoice_ids: Collection[int]) -> SentMessage:
        """Return the message as it is once it was edited to say that these are settled."""
        shown = tuple(replace(s, resolved=s.resolved or s.invoice_id in invoice_ids) for s in self.shown)
        return replace(self, shown=shown)

    def folding(self, invoice_ids: Collection[int]) -> SentMessage:
        """Return the message as it is once a newer one speaks of these in its place."""
        shown = tuple(replace(s, folded=s.folded or s.invoice_id in invoice_ids) for s in self.shown)
        return replace(self, shown=shown)

    def moved_to(self, chat_id: int) -> SentMessage:
        """Return the message after its chat got a new id. There it has another id, which Telegram doesn't tell."""
        if self.place.chat_id == chat_id:
            return self
        return replace(self, place=self.place.in_chat(chat_id), message_id=None)

    @property
    def is_over(self) -> bool:
        """Whether nothing in it is left to edit."""
        return all(s.is_over for s in self.shown)


MESSAGES_KEPT = 30
"""How many messages of a chat are remembered, to be edited once their invoices are settled."""


def last_told(messages: Iterable[SentMessage], invoice_id: int) -> datetime | None:
    """Return when the latest of these messages spoke of an invoice. None: none did."""
    return max((message.sent_at for message in messages if message.mentions(invoice_id)), default=None)


def worth_keeping(messages: Sequence[SentMessage]) -> tuple[SentMessage, ...]:
    """Return the messages about open invoices that are kept: the newest, and the last one of each invoice."""
    kept: list[SentMessage] = []
    seen: set[int] = set()
    for message in reversed([message for message in messages if not message.is_over]):
        if len(kept) < MESSAGES_KEPT or message.shows - seen:
            kept.append(message)
            seen |= message.shows
    return tuple(reversed(kept))


def as_shown(known: KnownInvoice, kind: AlertKind, words: str = "") -> Shown:
    """Return what a message says of a known invoice."""
    facts = (known.due, known.left, known.total, known.title, known.gross, known.types)
    return Shown(known.id, kind, *facts, words=words, service=known.service)
