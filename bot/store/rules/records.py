"""What is stored. Unknown fields of newer versions are ignored.

Decimals, dates and instants are kept as text, so that they come back exactly as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, NamedTuple

from bot.domain.alerts import Alert, AlertKind, AlertState, KnownInvoice, SentMessage
from bot.domain.chat_keys import chat_id_of, slot_of
from bot.domain.chats import Chat, ChatFacts, Link, LinkFacts, Silence, Token
from bot.domain.payments import Payment
from bot.domain.waits import LONG_AGO, LONGEST_ALERT_WAIT, Wait, wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRow(ChatFacts):
    """A chat without its link.

    No alert is sent before ``alerts_at``, when a retry's or a flood limit's wait ends, nor before
    ``check_first_until``, unless a check of the chat ends sooner. No alert that rings is sent before ``quiet_until``,
    when the chat's quiet hours end. All were set at ``alerts_set_at``. None: by an older version. ``moved_to`` is the
    chat's new id, if it has one: then nothing else is stored here. ``moved_from`` is the older one.
    """

    alerts_at: datetime | None = None
    quiet_until: datetime | None = None
    check_first_until: datetime | None = None
    alerts_set_at: datetime | None = field(default=None, compare=False)
    moved_to: int | None = None
    moved_from: int | None = None

    @property
    def next_message_at(self) -> datetime | None:
        """No alert is sent before this instant, whatever the reason. None: at once."""
        open_at = self.closure.until if self.closure is not None else None
        waits = (self.alerts_at, self.quiet_until, self.check_first_until, open_at)
        return max((at for at in waits if at is not None), default=None)

    @property
    def message_wait(self) -> Wait:
        """The wait for the next message of alerts. If there is none, it has always been over."""
        return wait_until(self.next_message_at or LONG_AGO, self.alerts_set_at, LONGEST_ALERT_WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow(LinkFacts):
    """A link with its token sealed."""

    sealed_token: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert. ``again``: a try of it may have reached the person.

    ``batch`` names the message that it is being sent in, or may have been sent in. Alerts of one batch stay together.
    ``tries`` counts those that Telegram neither accepted nor clearly refused. After one, the alert waits by itself,
    until ``retry_at``, as it was set at ``retry_set_at``. It holds up no other.
    """

    alert: Alert
    again: bool = False
    batch: str = ""
    tries: int = 0
    retry_at: datetime | None = None
    retry_set_at: datetime | None = None

    @property
    def wait(self) -> Wait:
        """The alert's own wait. If there is none, it has always been over."""
        return wait_until(self.retry_at or LONG_AGO, self.retry_set_at, LONGEST_ALERT_WAIT)

    def waiting_again(self) -> AlertRow:
        """Return the alert after a try that did not surely deliver it."""
        state = AlertState.UNCERTAIN if self.again else AlertState.WAITING
        return replace(self, alert=replace(self.alert, state=state), batch=self.batch if self.again else "")

    @property
    def may_be_seen(self) -> bool:
        """Whether the person may have it: an alert still being sent was handed out, and no result was reported."""
        return self.again or self.alert.state is AlertState.SENDING


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment. ``forget``: its chat was unlinked meanwhile, so it goes as soon as its end was told."""

    payment: Payment
    forget: bool = False


class NextMessage(NamedTuple):
    """The next message of a chat. It is due once its ``wait`` is over. Of those, the one longest due comes first."""

    since: datetime
    wait: Wait


@dataclass(frozen=True, slots=True)
class ChatRecord:
    """All that is stored of a chat with one of its accounts. ``id`` is its key (:mod:`bot.domain.chat_keys`).

    Alerts and sent messages stand in the order in which they came.

    Each part has one writer: checks write ``known``, the person ``silences``, the alert sender ``sent``. The exception:
    the alert sender takes ``announced`` back from what is ``known`` where nobody was told.
    """

    id: int
    chat: ChatRow = field(default_factory=ChatRow)
    link: LinkRow | None = None
    known: Mapping[int, KnownInvoice] = field(default_factory=dict)
    alerts: tuple[AlertRow, ...] = ()
    silences: Mapping[int, Silence] = field(default_factory=dict)
    sent: tuple[SentMessage, ...] = ()

    @property
    def chat_id(self) -> int:
        """Telegram's id of the chat."""
        return chat_id_of(self.id)

    @property
    def next_alert(self) -> AlertRow | None:
        """The alert that is to be delivered next: the oldest, of those that need not wait."""
        return min(self.deliverable, key=lambda row: row.wait.until, default=None)

    @property
    def deliverable(self) -> list[AlertRow]:
        """The alerts that are still to be delivered. All but the farewell rest while the owner is not served."""
        rows = [row for row in self.alerts if row.alert.state is not AlertState.DEAD_LETTER]
        if self.link is None or not self.link.watch.dismissed:
            return rows
        return [row for row in rows if row.alert.kind is AlertKind.NOT_SERVED]

    @property
    def next_message(self) -> NextMessage | None:
        """The message that comes next, with its longer wait: the chat's, or its alert's own. None: there is none."""
        first = self.next_alert
        if first is None:
            return None
        chat, own = self.chat.message_wait, first.wait
        wait = Wait(max(chat.until, own.until), max(chat.set_at, own.set_at))
        return NextMessage(max(first.alert.created_at, wait.until), wait)

    @property
    def dead_letters(self) -> int:
        """How many alerts are no longer tried."""
        return sum(row.alert.state is AlertState.DEAD_LETTER for row in self.alerts)

    def with_alerts(self, rows: Iterable[AlertRow]) -> ChatRecord:
        """Return the record with these alerts in the place of their older selves."""
        new = {row.alert.id: row for row in rows}
        return replace(self, alerts=tuple(new.get(row.alert.id, row) for row in self.alerts))


PARTS = ("chat", "link", "known", "alerts", "silences", "sent")
"""The parts of a record, each of which a backend saves by itself: a table of the chat's file, or a column."""


AWAITED = ("awaited", "awaiting_reference_until", "awaiting_reference_for")
"""Answers that are awaited, all but the token."""

PASSING = frozenset({"awaiting_token_until", "awaiting_for", *AWAITED, "resting", "closure", "live", "documents"})
"""Fields of a chat that end with a new link, and with a new id. All others go on."""

_NOT_CHOSEN = (*PASSING, "board", "telegram_language", "alerts_at", "quiet_until", "check_first_until", "moved_from")
NOT_CHOSEN = {name: getattr(ChatRow(), name) for name in _NOT_CHOSEN}
"""The fields of a chat that no person chose, as they are in an empty one."""


def blank(record: ChatRecord, now: datetime | None = None) -> bool:
    """Whether a record holds nothing worth keeping. A wait for a token that has ended by ``now`` is worth nothing.

    Telegram reports its language again with each message. ``resting`` matters only if there is something to send.
    """
    if record.link is not None or record.alerts:
        return False
    until = record.chat.awaiting_token_until
    waiting = until is not None and (now is None or now < until)
    return not waiting and replace(record.chat, **NOT_CHOSEN) == ChatRow()


def open_chat(record: ChatRecord, token: Token | None) -> Chat:
    """Return the chat as the services see it. ``token`` is its link's, opened."""
    link = None if record.link is None or token is None else Link(token=token, **_facts(record.link, LINK_FACTS))
    slot = slot_of(record.id)
    return Chat(record.chat_id, link, record.silences, slot, **_facts(record.chat, CHAT_FACTS))


def seal_link(link: Link, sealed_token: str) -> LinkRow:
    """Return a link as it is stored."""
    return LinkRow(sealed_token=sealed_token, **_facts(link, LINK_FACTS))


CHAT_FACTS = tuple(each.name for each in fields(ChatFacts))
LINK_FACTS = tuple(each.name for each in fields(LinkFacts))


def _facts(row: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
