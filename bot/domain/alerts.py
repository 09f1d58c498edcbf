"""What a chat knows of its invoices, and the alerts that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.chats import Place


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """What a chat knows of one invoice: as much as a reminder needs when the provider can't be asked.

    ``told`` is the latest threshold (days before the due date; negative: after) that was told for the present ``due``;
    ``told_earlier`` holds the same for the due dates that it had before, so that one that comes back repeats nothing.
    ``gone`` means that the provider, asked for this very invoice, no longer has it.
    """

    id: int
    is_open: bool
    due: date | None
    left: Decimal | None
    total: Decimal
    title: str
    told: int | None = None
    gone: bool = False
    told_earlier: tuple[tuple[date, int], ...] = ()


class AlertKind(StrEnum):
    """What an alert is about. The last two speak of the account, not of an invoice."""

    NEW = "new"
    DUE = "due"
    OVERDUE = "overdue"
    TOKEN_REFUSED = "token_refused"
    PERMISSION_MISSING = "permission_missing"


class AlertState(StrEnum):
    """waiting → sending → gone from the store once sent; or uncertain (once more, marked); or set aside."""

    WAITING = "waiting"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class Alert:
    """A saved alert. It names its invoice and holds no copy of it, so that what is sent says how things stand then.

    ``id`` is unique in the store and grows with time within a chat. ``invoice_id`` is None for alerts about the
    account. ``threshold`` and ``due`` belong to reminders: (chat, account, invoice, threshold, due) is their key.
    """

    id: str
    place: Place
    account: str
    kind: AlertKind
    created_at: datetime
    invoice_id: int | None = None
    threshold: int | None = None
    due: date | None = None
    state: AlertState = AlertState.WAITING
    attempts: int = 0
