"""What stands in the files, and how it becomes domain objects. Unknown fields of newer versions are ignored.

Decimals, dates and instants are kept as text, so that they come back exactly as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from tinydb import TinyDB
from tinydb.table import Document

from bot.domain.alerts import Alert, AlertState, KnownInvoice, SentMessage, taking_the_place_of
from bot.domain.chats import Chat, Link, Member, Place, Silence, Token, Watch
from bot.domain.payments import UNFINISHED, Payment, State
from bot.domain.preferences import Preferences
from bot.store.vault import Vault

T = TypeVar("T")

ONLY = 1
"""The document id in a table that holds one document."""

REPLACEABLE = frozenset({AlertState.WAITING, AlertState.DEAD_LETTER})
"""An alert about the same subject takes the place of one in these states. One that is being sent or may have arrived
stays: it is to be resolved first."""


@dataclass(frozen=True, slots=True)
class ChatRow:
    """A chat without its link.

    No alert is sent before ``alerts_at``, a retry or a flood limit's end, nor before ``quiet_until``: the end of the
    chat's quiet hours, unless something comes up that rings nowhere.
    """

    language: str | None = None
    telegram_language: str | None = None
    awaiting_token_until: datetime | None = None
    awaiting_for: str = ""
    resting: str | None = None
    alerts_at: datetime | None = None
    quiet_until: datetime | None = None
    preferences: Preferences | None = None

    @property
    def next_message_at(self) -> datetime | None:
        """Before when no alert is sent, whatever the reason; None: at once."""
        return max((at for at in (self.alerts_at, self.quiet_until) if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link with its token sealed."""

    account: str
    place: Place
    sealed_token: str
    linked_by: int
    linked_at: datetime
    next_check_at: datetime
    watch: Watch
    owner_name: str = ""
    payers: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert; ``again`` once a try of it may have reached the person.

    ``batch`` names the message that it is being sent in, or may have been: those of one batch stay together.
    """

    alert: Alert
    again: bool = False
    batch: str = ""

    @property
    def may_be_seen(self) -> bool:
        """Found as being sent, it was given out before, and nobody has said what became of it."""
        return self.again or self.alert.state is AlertState.SENDING


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment; ``forget`` when its chat was unlinked meanwhile: it goes as soon as its end was told."""

    payment: Payment
    forget: bool = False

    @property
    def unsettled(self) -> bool:
        """Whether something is still to be done: find out how it ended, or tell it."""
        state = self.payment.state
        return state in UNFINISHED or (state is State.ENDED and not self.payment.told)


@dataclass(frozen=True, slots=True)
class ChatRecord:
    """All that a chat's file holds. Alerts and sent messages stand in the order in which they came.

    Each part has one writer: ``known`` is the checks', ``silences`` are the person's, ``sent`` the courier's.
    """

    id: int
    chat: ChatRow = field(default_factory=ChatRow)
    link: LinkRow | None = None
    known: Mapping[int, KnownInvoice] = field(default_factory=dict)
    alerts: tuple[AlertRow, ...] = ()
    silences: Mapping[int, Silence] = field(default_factory=dict)
    sent: tuple[SentMessage, ...] = ()

    @property
    def next_alert(self) -> AlertRow | None:
        """The oldest alert that is still to be delivered."""
        return next((row for row in self.alerts if row.alert.state is not AlertState.DEAD_LETTER), None)

    def with_alerts(self, rows: Iterable[AlertRow]) -> ChatRecord:
        """The record with these alerts in the place of their older selves."""
        new = {row.alert.id: row for row in rows}
        return replace(self, alerts=tuple(new.get(row.alert.id, row) for row in self.alerts))

    def without_batch(self, batch: str) -> ChatRecord:
        """The record without the alerts of a batch."""
        return replace(self, alerts=tuple(row for row in self.alerts if row.batch != batch))


def blank(record: ChatRecord, now: datetime | None = None) -> bool:
    """Whether a record holds nothing that is worth a file. A wait for a token that is over by ``now`` is not.

    Nor is what Telegram itself says again: its language, and that a chat to which nothing would be sent can't be
    written to.
    """
    until = record.chat.awaiting_token_until
    waiting = until is not None and (now is None or now < until)
    chosen = record.chat.language is not None or record.chat.preferences is not None
    return record.link is None and not record.alerts and not chosen and not waiting


def load_chat(database: TinyDB, chat_id: int, *, with_known: bool = True) -> ChatRecord | None:
    """Read a chat's file; None if there is none. Raises :class:`msgspec.ValidationError`."""
    if not database.tables():
        return None
    link = _rows(database, "link", LinkRow)
    known = _rows(database, "known", KnownInvoice) if with_known else {}
    alerts = _rows(database, "alerts", AlertRow)
    sent = _rows(database, "sent", SentMessage)
    return ChatRecord(
        id=chat_id,
        chat=_rows(database, "chat", ChatRow).get(ONLY, ChatRow()),
        link=link.get(ONLY),
        known=known,
        alerts=tuple(alerts[number] for number in sorted(alerts)),
        silences=_rows(database, "silences", Silence),
        sent=tuple(sent[number] for number in sorted(sent)),
    )


def save_chat(database: TinyDB, record: ChatRecord) -> None:
    """Put a chat's record into its file, table by table."""
    replace_rows(database, "chat", {ONLY: record.chat})
    replace_rows(database, "link", {} if record.link is None else {ONLY: record.link})
    replace_rows(database, "known", record.known)
    replace_rows(database, "alerts", dict(enumerate(record.alerts, start=1)))
    replace_rows(database, "silences", record.silences)
    replace_rows(database, "sent", dict(enumerate(record.sent, start=1)))


def load_payments(database: TinyDB) -> list[PaymentRow]:
    """Read an account's file. Raises :class:`msgspec.ValidationError`."""
    rows = _rows(database, "payments", PaymentRow)
    return [rows[number] for number in sorted(rows)]


def save_payments(database: TinyDB, rows: Iterable[PaymentRow]) -> None:
    """Put an account's payments into its file."""
    replace_rows(database, "payments", dict(enumerate(rows, start=1)))


def chat_of(record: ChatRecord, vault: Vault) -> Chat:
    """The domain's view of a chat, its token opened. Raises :class:`bot.store.vault.SealBroken`."""
    row, link = record.chat, record.link
    return Chat(
        id=record.id,
        language=row.language,
        telegram_language=row.telegram_language,
        awaiting_token_until=row.awaiting_token_until,
        awaiting_for=row.awaiting_for,
        resting=row.resting,
        link=None if link is None else _link_of(link, vault.open_token(record.id, link.sealed_token)),
        preferences=row.preferences,
        silences=record.silences,
    )


def link_row(link: Link, sealed_token: str) -> LinkRow:
    """A link as it is stored."""
    return LinkRow(
        account=link.account,
        place=link.place,
        sealed_token=sealed_token,
        linked_by=link.linked_by,
        linked_at=link.linked_at,
        next_check_at=link.next_check_at,
        watch=link.watch,
        owner_name=link.owner_name,
        payers=link.payers,
    )


def add_alerts(old: Sequence[AlertRow], new: Iterable[Alert]) -> tuple[AlertRow, ...]:
    """The alerts with new ones behind; each takes the place of those in :data:`REPLACEABLE` states about the same."""
    added = {alert.subject: alert for alert in new}
    ids = {alert.id for alert in added.values()}
    kept = []
    for row in old:
        newer = added.get(row.alert.subject)
        if newer is not None and row.alert.state in REPLACEABLE:
            # What may have arrived needs nobody to say it again.
            joined = newer if row.again else taking_the_place_of(row.alert, newer)
            if joined is None:
                del added[newer.subject]
            else:
                added[newer.subject] = joined
        elif row.alert.id not in ids:
            kept.append(row)
    return (*kept, *(AlertRow(alert) for alert in added.values()))


def join_alerts(rows: Iterable[AlertRow]) -> tuple[AlertRow, ...]:
    """The alerts once some wait again: each gives way to a newer one about the same, as in :func:`add_alerts`."""
    joined: tuple[AlertRow, ...] = ()
    for row in rows:
        waits = row.alert.state is AlertState.WAITING
        joined = add_alerts(joined, [row.alert]) if waits else (*joined, row)
    return joined


def _link_of(row: LinkRow, token: Token) -> Link:
    return Link(
        account=row.account,
        place=row.place,
        token=token,
        linked_by=row.linked_by,
        linked_at=row.linked_at,
        next_check_at=row.next_check_at,
        watch=row.watch,
        owner_name=row.owner_name,
        payers=row.payers,
    )


def _rows(database: TinyDB, table: str, kind: type[T]) -> dict[int, T]:
    return {document.doc_id: msgspec.convert(document, kind) for document in database.table(table).all()}


def replace_rows(database: TinyDB, name: str, rows: Mapping[int, Any]) -> None:
    """Put rows into a table in the place of those that are there; without any, the table is empty."""
    table = database.table(name)
    table.truncate()
    if rows:
        table.insert_multiple(Document(msgspec.to_builtins(row), number) for number, row in rows.items())
