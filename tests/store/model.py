"""A simple model of what a store holds and promises. The store is compared with it after random operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile

from bot.domain.alerts import MESSAGES_KEPT, Alert, KnownInvoice, SentMessage, taking_the_place_of
from bot.domain.chats import Chat, Closure, Link, Place, Preferences, Silence
from bot.ports import ALERTS_PER_MESSAGE, Check, Checked, Delivery, Waiting
from tests.store.examples import LEASE, NOW


@dataclass
class ModelAlert:
    alert: Alert
    again: bool = False
    sending: bool = False
    dead_letter: bool = False
    attempts: int = 0
    tries: int = 0
    retry_at: datetime | None = None
    together: tuple[str, ...] = ()
    """The ids of all alerts in the message that is being sent, or may have been sent."""

    @property
    def replaceable(self) -> bool:
        return self.dead_letter or not self.sending

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
    check_first_until: datetime | None = None
    closure: Closure | None = None
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
            closure=self.closure,
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

    def next_message(self, now: datetime) -> list[ModelAlert]:
        queue = [alert for alert in self.alerts if not alert.dead_letter and (alert.retry_at or now) <= now]
        if not queue or ((queue[0].attempts or queue[0].tries) and not queue[0].may_have_arrived):
            return queue[:1]
        if queue[0].may_have_arrived:
            return [alert for alert in queue if alert.alert.id in (queue[0].together or [queue[0].alert.id])]
        account = queue[0].alert.account
        joining = takewhile(
            lambda other: (
                not (other.may_have_arrived or other.attempts or other.tries) and other.alert.account == account
            ),
            queue,
        )
        return list(joining)[:ALERTS_PER_MESSAGE]

    def check_is_due(self, now: datetime) -> bool:
        if not self.is_active or self.link is None:
            return False
        return (self.checking_until if self.checking else self.link.next_check_at) <= now

    def alert_is_due(self, now: datetime) -> bool:
        if not self.is_active or not self.next_message(now):
            return False
        closed_until = self.closure.until if self.closure else None
        waits = (self.alerts_at, self.check_first_until, closed_until, self.delivering and self.delivering_until)
        return all(until <= now for until in waits if until)

    def hasten(self, at: datetime) -> None:
        """Void a check under way, and make the next one due no later than ``at``."""
        self.checking = None
        if self.link is not None:
            self.link = replace(self.link, next_check_at=min(at, self.link.next_check_at))

    def finish_check(self, found: Checked) -> None:
        assert self.link is not None
        self.checking = self.check_first_until = None
        self.known = dict(found.known)
        self.link = replace(self.link, watch=found.watch, next_check_at=found.next_check_at)
        for alert in found.alerts:
            self._add(ModelAlert(alert))
        self.alerts = [alert for alert in self.alerts if not (alert.dead_letter and self._is_over(alert.alert, found))]
        self.silences = {n: silence for n, silence in self.silences.items() if self._is_needed(n, silence)}

    def _is_needed(self, number: int, silence: Silence) -> bool:
        known = self.known.get(number)
        if known is None or not known.is_open:
            return any(alert.alert.invoice_id == number for alert in self.alerts)
        return silence.muted or silence.until != known.woken

    def _add(self, new: ModelAlert) -> None:
        for old in [old for old in self.alerts if old.replaceable and old.alert.subject == new.alert.subject]:
            self.alerts.remove(old)
            joined = taking_the_place_of(old.alert, new.alert)
            if joined is None and not old.again:
                return
            new.again = new.again or (old.again and joined not in {None, new.alert})
            new.alert = joined or new.alert
        self.alerts.append(new)

    def _is_over(self, alert: Alert, found: Checked) -> bool:
        if alert.invoice_id is None:
            return found.watch.trouble is None and not found.watch.outage_told
        return alert.invoice_id not in self.known or not self.known[alert.invoice_id].is_open

    def begin_delivery(self, delivery: Delivery, until: datetime) -> None:
        message = self.next_message(until - LEASE)
        ids = tuple(alert.alert.id for alert in message)
        for alert in message:
            alert.tries += alert.sending
            wait = [timedelta(minutes=m) for m in (1, 5, 25, 120, 24 * 60)][min(alert.tries, 4)]
            alert.retry_at = until - LEASE + wait if alert.may_have_arrived else None
            alert.again, alert.sending, alert.together = alert.may_have_arrived, True, ids
        self.delivering, self.delivering_until = delivery, until

    def end_delivery(self, how: str, retry_at: datetime, *, counts: bool) -> None:
        """End the current delivery.

        The chat waits after ``failed``, ``uncertain`` and ``closed``, the alerts alone after ``deferred`` (which are
        ``uncertain`` if it ``counts``) and ``strange``.
        """
        assert self.delivering is not None
        ids = {alert.id for alert in self.delivering.alerts}
        self.delivering, self.alerts_at = None, None
        if how == "sent":
            self.alerts = [alert for alert in self.alerts if alert.alert.id not in ids]
            self.open()
            return
        for alert in (alert for alert in self.alerts if alert.alert.id in ids):
            alert.sending = False
            if how == "dead letter":
                alert.dead_letter, alert.together = True, ()
                continue
            alone = how in {"deferred", "strange"}
            uncertain = how == "uncertain" or (how == "deferred" and counts)
            alert.again = alert.again or uncertain
            alert.attempts += counts and how in {"failed", "uncertain"}
            alert.tries += how == "strange" or (how == "deferred" and counts)
            alert.retry_at = retry_at if alone else None
        if how in {"failed", "uncertain"}:
            self.alerts_at = retry_at
        if how != "dead letter":
            self._join()

    def close(self, closure: Closure) -> None:
        self.closure = closure

    def open(self) -> None:
        """Note that the chat takes messages."""
        if self.closure is not None:
            self.closure = None
            for alert in (alert for alert in self.alerts if not alert.may_have_arrived):
                alert.retry_at = None

    def _join(self) -> None:
        """Let newer alerts take the place of older ones, now that none of those is being sent."""
        alerts, self.alerts = self.alerts, []
        for alert in alerts:
            if alert.replaceable:
                self._add(alert)
            else:
                self.alerts.append(alert)

    def remember(self, message: SentMessage | None, resolved: Iterable[int]) -> None:
        """Note a sent message, and the edits of earlier ones."""
        after = [old.resolving(set(resolved)) for old in self.sent]
        if message is not None:
            after.append(message.moved_to(self.id))
        self.sent = [message for message in after if not message.is_over][-MESSAGES_KEPT:]

    def move(self, there: ModelChat | None, new_id: int) -> ModelChat:
        """Return this chat under its new id. ``there`` is the chat that has the new id already."""
        self.open()
        if there is None or not there.is_stored:
            there = ModelChat(new_id)
        there.language = there.language or self.language
        there.preferences = there.preferences or self.preferences
        there.alerts_at = there.alerts_at or self.alerts_at
        there.check_first_until = there.check_first_until or self.check_first_until
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
