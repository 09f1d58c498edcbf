"""A simple model of what a store holds and promises. The store is compared with it after random operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from bot.domain.alerts import MESSAGES_KEPT, Alert, KnownInvoice, SentMessage, taking_the_place_of
from bot.domain.chats import Chat, Link, Place, Preferences, Silence
from bot.ports import ALERTS_PER_MESSAGE, Check, Checked, Delivery, Waiting
from tests.store.examples import NOW


@dataclass
class ModelAlert:
    alert: Alert
    again: bool = False
    sending: bool = False
    dead_letter: bool = False
    attempts: int = 0
    together: tuple[str, ...] = ()
    """The ids of all alerts in the message that is being sent, or may have been sent."""

    @property
    def replaceable(self) -> bool:
        return self.dead_letter or not self.may_have_arrived

    @property
    def may_have_arrived(self) -> bool:
        return self.again or self.sending


@dataclass
class ModelChat:
    id: int
    language: str | None = None
    preferences: Preferences | None = None
    resting: str | None = None
    moved_from: int | None = None
    link: Link | None = None
    known: dict[int, KnownInvoice] = field(default_factory=dict)
    silences: dict[int, Silence] = field(default_factory=dict)
    sent: list[SentMessage] = field(default_factory=list)
    alerts: list[ModelAlert] = field(default_factory=list)
    alerts_at: datetime | None = None
    hastened: bool = False
    checking: Check | None = None
    checking_until: datetime = NOW
    delivering: Delivery | None = None
    delivering_until: datetime = NOW

    @property
    def as_stored(self) -> Chat:
        return Chat(
            id=self.id,
            language=self.language,
            resting=self.resting,
            link=self.link,
            preferences=self.preferences,
            silences=self.silences,
        )

    @property
    def waiting(self) -> Waiting:
        dead_letters = sum(alert.dead_letter for alert in self.alerts)
        return Waiting(len(self.alerts) - dead_letters, dead_letters)

    @property
    def is_stored(self) -> bool:
        """Whether the chat has anything worth keeping."""
        return bool(self.link or self.language or self.preferences)

    @property
    def is_active(self) -> bool:
        return self.link is not None and self.resting is None

    @property
    def next_message(self) -> list[ModelAlert]:
        queue = [alert for alert in self.alerts if not alert.dead_letter]
        if not queue or (queue[0].attempts and not queue[0].may_have_arrived):
            return queue[:1]
        if queue[0].may_have_arrived:
            return [alert for alert in queue if alert.alert.id in queue[0].together]
        account = queue[0].alert.account
        joining = takewhile(
            lambda other: not other.may_have_arrived and not other.attempts and other.alert.account == account, queue
        )
        return list(joining)[:ALERTS_PER_MESSAGE]

    def check_is_due(self, now: datetime) -> bool:
        if not self.is_active or self.link is None:
            return False
        return (self.checking_until if self.checking else self.link.next_check_at) <= now

    def alert_is_due(self, now: datetime) -> bool:
        if not self.is_active or not self.next_message:
            return False
        return (self.delivering_until if self.delivering else self.alerts_at or NOW) <= now

    def hasten(self, at: datetime) -> None:
        """Void a check under way, and make the next one due no later than ``at``."""
        self.checking = None
        if self.link is not None:
            self.link = replace(self.link, next_check_at=min(at, self.link.next_check_at))

    def finish_check(self, found: Checked) -> None:
        assert self.link is not None
        self.checking = None
        self.known = dict(found.known)
        self.link = replace(self.link, watch=found.watch, next_check_at=found.next_check_at)
        for alert in {alert.subject: alert for alert in found.alerts}.values():
            self._add(alert)
        self.alerts = [alert for alert in self.alerts if not (alert.dead_letter and self._is_over(alert.alert, found))]
        self.silences = {n: silence for n, silence in self.silences.items() if self._is_needed(n, silence)}

    def _is_needed(self, number: int, silence: Silence) -> bool:
        known = self.known.get(number)
        if known is None or not known.is_open:
            return any(alert.alert.invoice_id == number for alert in self.alerts)
        return silence.muted or silence.until != known.woken

    def _add(self, alert: Alert) -> None:
        newest: Alert | None = alert
        for old in [old for old in self.alerts if old.replaceable and old.alert.subject == alert.subject]:
            self.alerts.remove(old)
            newest = newest and taking_the_place_of(old.alert, newest)
        if newest is not None:
            self.alerts.append(ModelAlert(newest))

    def _is_over(self, alert: Alert, found: Checked) -> bool:
        if alert.invoice_id is None:
            return found.watch.trouble is None and not found.watch.outage_told
        return alert.invoice_id not in self.known or not self.known[alert.invoice_id].is_open

    def begin_delivery(self, delivery: Delivery, until: datetime) -> None:
        message = self.next_message
        ids = tuple(alert.alert.id for alert in message)
        for alert in message:
            alert.again, alert.sending, alert.together = alert.may_have_arrived, True, ids
        self.delivering, self.delivering_until = delivery, until

    def end_delivery(self, how: str, retry_at: datetime, *, counts: bool) -> None:
        """End the current delivery as ``sent``, ``failed``, ``uncertain`` or ``dead letter``."""
        assert self.delivering is not None
        ids = {alert.id for alert in self.delivering.alerts}
        self.delivering, self.alerts_at = None, None
        if how == "sent":
            self.alerts = [alert for alert in self.alerts if alert.alert.id not in ids]
            return
        for alert in (alert for alert in self.alerts if alert.alert.id in ids):
            alert.sending = False
            if how == "dead letter":
                alert.dead_letter = True
            else:
                self.alerts_at = retry_at
                alert.again = alert.again or how == "uncertain"
                alert.attempts += counts

    def remember(self, message: SentMessage | None, resolved: Iterable[int]) -> None:
        """Note a sent message, and the edits of earlier ones."""
        after = [old.resolving(set(resolved)) for old in self.sent]
        if message is not None:
            after.append(message.moved_to(self.id))
        self.sent = [message for message in after if not message.is_over][-MESSAGES_KEPT:]

    def move(self, there: ModelChat | None, new_id: int) -> ModelChat:
        """Return this chat under its new id. ``there`` is the chat that has the new id already."""
        if there is None or not there.is_stored:
            there = ModelChat(new_id)
        there.language = there.language or self.language
        there.preferences = there.preferences or self.preferences
        there.alerts_at = there.alerts_at or self.alerts_at
        there.moved_from = self.id
        if self.link is not None and (there.link is None or there.link.linked_by != self.link.linked_by):
            there.checking = None
            there.link, there.hastened = replace(self.link, place=Place(new_id)), self.hastened
            there.known, there.alerts, there.silences = self.known, self.alerts, self.silences
            there.sent = [message.moved_to(new_id) for message in self.sent]
            for alert in there.alerts:
                alert.alert = replace(alert.alert, place=Place(new_id))
            there.delivering, there.delivering_until = self.delivering, self.delivering_until
        return there
