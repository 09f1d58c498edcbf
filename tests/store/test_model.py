"""Random lives of a few chats: the store against a plain model of what it promises."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.alerts import Alert
from bot.domain.chats import Chat, Link, Place
from bot.ports import Check, Delivery, Waiting
from bot.store.tinydb import TinyStore, open_store
from bot.store.vault import new_key
from tests.store.examples import LEASE, MINUTE, NOW, checked, knowledge, new_alert, new_link

T = TypeVar("T")
KEY = new_key()
CHATS = st.integers(1, 3)
INVOICES = st.sampled_from([1, 2, None])


@dataclass
class ModelAlert:
    alert: Alert
    again: bool = False
    sending: bool = False
    aside: bool = False
    attempts: int = 0

    @property
    def replaceable(self) -> bool:
        return self.aside or not (self.again or self.sending)


@dataclass
class ModelChat:
    id: int
    language: str | None = None
    resting: str | None = None
    link: Link | None = None
    known: dict[int, Any] = field(default_factory=dict)
    alerts: list[ModelAlert] = field(default_factory=list)
    alerts_at: datetime | None = None
    checking: Check | None = None
    checking_until: datetime = NOW
    delivering: Delivery | None = None
    delivering_until: datetime = NOW

    @property
    def head(self) -> ModelAlert | None:
        return next((alert for alert in self.alerts if not alert.aside), None)

    @property
    def works(self) -> bool:
        return self.link is not None and self.resting is None

    def check_is_due(self, now: datetime) -> bool:
        if not self.works or self.link is None:
            return False
        return (self.checking_until if self.checking else self.link.next_check_at) <= now

    def alert_is_due(self, now: datetime) -> bool:
        if not self.works or self.head is None:
            return False
        return (self.delivering_until if self.delivering else self.alerts_at or NOW) <= now


class StoreLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="store-life-"))
        self.now = NOW
        self.count = 0
        self.chats: dict[int, ModelChat] = {}
        self.checks: list[Check] = []
        self.deliveries: list[Delivery] = []
        self.store: TinyStore

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def model(self, chat_id: int) -> ModelChat:
        return self.chats.setdefault(chat_id, ModelChat(chat_id))

    def holder(self, work: Check | Delivery) -> ModelChat | None:
        """The chat for which a claim still counts."""
        return next((chat for chat in self.chats.values() if work in (chat.checking, chat.delivering)), None)

    @initialize()
    def open(self) -> None:
        self.store = open_store(self.folder, [KEY])

    @rule()
    def crash(self) -> None:
        self.do(self.store.close())
        self.store = open_store(self.folder, [KEY])
        for chat in self.chats.values():
            chat.checking = chat.delivering = None
        self.checks.clear()  # their holders are dead, and epochs begin anew
        self.deliveries.clear()

    @rule(minutes=st.integers(1, 10))
    def let_time_pass(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(chat_id=CHATS, token=st.sampled_from(["token-one", "token-two"]))
    def link(self, chat_id: int, token: str) -> None:
        link = new_link(self.store, chat_id, token, checked_at=self.now, next_check_at=self.now + MINUTE)
        self.do(self.store.link(link, knowledge(1)))
        language = self.model(chat_id).language
        self.chats[chat_id] = ModelChat(chat_id, language=language, link=link, known=knowledge(1))

    @rule(chat_id=CHATS)
    def unlink(self, chat_id: int) -> None:
        chat = self.chats.pop(chat_id, None)
        assert self.do(self.store.unlink(chat_id)) == (chat is not None and chat.link is not None)

    @rule(chat_id=CHATS, language=st.sampled_from(["en", "de", None]))
    def set_language(self, chat_id: int, language: str | None) -> None:
        self.do(self.store.set_language(chat_id, language))
        chat = self.model(chat_id)
        chat.language = language
        if not (chat.link or chat.language):
            chat.resting = None

    @rule(chat_id=CHATS)
    def rest(self, chat_id: int) -> None:
        self.do(self.store.rest(chat_id, "blocked"))
        chat = self.model(chat_id)
        if chat.link or chat.language:
            chat.resting = "blocked"

    @rule(chat_id=CHATS)
    def wake(self, chat_id: int) -> None:
        chat = self.model(chat_id)
        assert self.do(self.store.wake(chat_id, self.now)) == (chat.resting is not None)
        if chat.resting:
            chat.resting = chat.checking = None
            chat.link = chat.link and replace(chat.link, next_check_at=self.now)

    @rule(old=CHATS, new=CHATS)
    def move(self, old: int, new: int) -> None:
        self.do(self.store.move_chat(old, new))
        mine = self.chats.pop(old, None) if old != new else None
        if mine is None or (there := self.chats.get(new)) == mine:
            return
        stands = there is not None and (there.link or there.language)
        there = there if there is not None and stands else ModelChat(new, resting=mine.resting)
        there.language = there.language or mine.language
        there.alerts_at = there.alerts_at or mine.alerts_at
        if there.link is None and mine.link is not None:
            there.link = replace(mine.link, place=Place(new))
            there.known, there.alerts = mine.known, mine.alerts
            for alert in there.alerts:
                alert.alert = replace(alert.alert, place=Place(new))
            there.delivering, there.delivering_until = mine.delivering, mine.delivering_until
        self.chats[new] = there

    @rule(limit=st.integers(1, 4))
    def claim_checks(self, limit: int) -> None:
        due = {chat.id for chat in self.chats.values() if chat.check_is_due(self.now)}
        found = self.do(self.store.claim_checks(self.now, limit, LEASE))
        assert len({check.chat.id for check in found}) == len(found) == min(limit, len(due))
        for check in found:
            chat = self.chats[check.chat.id]
            assert chat.id in due
            assert check.known == chat.known
            chat.checking, chat.checking_until = check, self.now + LEASE
            self.checks.append(check)

    @precondition(lambda self: self.checks)
    @rule(data=st.data(), about=st.lists(INVOICES, max_size=2))
    def finish_check(self, data: st.DataObject, about: list[int | None]) -> None:
        check = data.draw(st.sampled_from(self.checks))
        chat = self.holder(check)
        self.count += 1
        assert check.chat.link is not None
        alerts = [
            new_alert(check.chat.link, number, f"{self.count:04}-{place}", self.now)
            for place, number in enumerate(about)
        ]
        # Always news, so always saved.
        found = checked(check, *alerts, now=self.now, known=knowledge(1, 100 + self.count))
        assert self.do(self.store.finish_check(check.claim, found)) == (chat is not None)
        if chat is None or chat.link is None:
            return
        chat.checking = None
        chat.known = dict(found.known)
        chat.link = replace(chat.link, checked_at=found.checked_at, next_check_at=found.next_check_at)
        subjects = {(alert.account, alert.invoice_id) for alert in alerts}
        chat.alerts = [
            old
            for old in chat.alerts
            if not (old.replaceable and (old.alert.account, old.alert.invoice_id) in subjects)
            and not (old.aside and old.alert.invoice_id not in chat.known)
        ]
        chat.alerts += [ModelAlert(alert) for alert in alerts]

    @rule(limit=st.integers(1, 4))
    def claim_alerts(self, limit: int) -> None:
        due = {chat.id for chat in self.chats.values() if chat.alert_is_due(self.now)}
        found = self.do(self.store.claim_alerts(self.now, limit, LEASE))
        assert len({delivery.chat.id for delivery in found}) == len(found) == min(limit, len(due))
        for delivery in found:
            chat = self.chats[delivery.chat.id]
            assert chat.id in due
            alert = chat.head
            assert alert is not None
            alert.again = alert.again or alert.sending
            alert.sending = True
            assert (delivery.alert.id, delivery.alert.place) == (alert.alert.id, Place(chat.id))
            assert (delivery.again, delivery.alert.attempts) == (alert.again, alert.attempts)
            assert delivery.known == chat.known.get(delivery.alert.invoice_id or 0)
            chat.delivering, chat.delivering_until = delivery, self.now + LEASE
            self.deliveries.append(delivery)

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data(), end=st.sampled_from(["sent", "failed", "uncertain", "aside"]), minutes=st.integers(0, 5))
    def report(self, data: st.DataObject, end: str, minutes: int) -> None:
        delivery = data.draw(st.sampled_from(self.deliveries))
        chat, claim, retry_at = self.holder(delivery), delivery.claim, self.now + minutes * MINUTE
        if end == "sent":
            counted = self.do(self.store.alert_sent(claim))
        elif end == "aside":
            counted = self.do(self.store.set_alert_aside(claim))
        else:
            uncertain = end == "uncertain"
            work = self.store.alert_failed(claim, retry_at, uncertain=uncertain, counts=minutes > 0)
            counted = self.do(work)
        assert counted == (chat is not None)
        if chat is None:
            return
        (alert,) = (alert for alert in chat.alerts if alert.alert.id == claim.key)
        chat.delivering, chat.alerts_at = None, None
        alert.sending = False
        if end == "sent":
            chat.alerts.remove(alert)
        elif end == "aside":
            alert.aside = True
        else:
            chat.alerts_at = retry_at
            alert.again = alert.again or end == "uncertain"
            alert.attempts += minutes > 0

    @invariant()
    def every_chat_is_as_the_model_has_it(self) -> None:
        for chat_id in range(1, 4):
            chat = self.chats.get(chat_id, ModelChat(chat_id))
            expected = Chat(chat_id, language=chat.language, resting=chat.resting, link=chat.link)
            assert self.do(self.store.chat(chat_id)) == expected
            aside = sum(alert.aside for alert in chat.alerts)
            waiting = Waiting(len(chat.alerts) - aside, aside)
            assert self.do(self.store.waiting_alerts(chat_id)) == waiting

    def teardown(self) -> None:
        self.do(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestStoreLife = StoreLife.TestCase
TestStoreLife.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
