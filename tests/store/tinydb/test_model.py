"""Random operations on a few chats: the store must agree with a simple model of what it promises."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.alerts import Alert, AlertKind, AlertState
from bot.domain.chat_keys import key_of
from bot.domain.chats import Closure, Link, Place, Preferences, Silence, Trouble, Watch
from bot.domain.standings import Standing
from bot.ports import Check, Delivery, Store
from bot.store.rules.chats import CHECK_FIRST
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.store.examples import (
    LEASE,
    MINUTE,
    NOW,
    checked,
    knowledge,
    known_invoice,
    message_about,
    new_alert,
    new_link,
)
from tests.store.model import ModelChat

T = TypeVar("T")
KEY = new_key()
CHATS = st.integers(1, 3)
INVOICES = st.integers(1, 4)
OF_INVOICES = [AlertKind.NEW, AlertKind.CHANGED, AlertKind.DUE, AlertKind.OVERDUE, AlertKind.SETTLED]
OF_ACCOUNT = [
    AlertKind.OUTAGE, AlertKind.OUTAGE_OVER, AlertKind.TOKEN_REFUSED, AlertKind.TROUBLE_OVER, AlertKind.DIGEST
]  # fmt: skip
NEWS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(OF_INVOICES), INVOICES),
        st.tuples(st.sampled_from(OF_ACCOUNT), st.none()),
    ),
    max_size=14,
)
WATCHES = st.sampled_from([
    Watch(NOW), Watch(NOW, Trouble.TOKEN_REFUSED), Watch(NOW, None, NOW, outage_told=True),
    Watch(NOW, refused_since=NOW, refused_at=NOW),
])  # fmt: skip
STANDINGS = st.dictionaries(INVOICES, st.sampled_from([Standing.OPEN, Standing.OPEN, Standing.PAID]))
ENDS = ["failed", "uncertain", "deferred", "strange", "closed", "dead letter"]
SILENCES = st.dictionaries(
    INVOICES, st.sampled_from([None, Silence(muted=True), Silence(NOW), Silence(NOW + 5 * MINUTE)]), max_size=2
)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="store-model-"))
        self.now = NOW
        self.count = 0
        self.chats: dict[int, ModelChat] = {}
        self.moved: dict[int, int] = {}
        self.checks: list[Check] = []
        self.deliveries: list[Delivery] = []
        self.store: Store

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def present(self, chat_id: int) -> int:
        """Return the id that a chat has now."""
        return self.present(self.moved[chat_id]) if chat_id in self.moved else chat_id

    def model(self, chat_id: int) -> ModelChat:
        number = self.present(chat_id)
        return self.chats.setdefault(number, ModelChat(number))

    def holder(self, work: Check | Delivery) -> ModelChat | None:
        """Return the chat for which a claim is still valid."""
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
            if chat.hastened and chat.link is not None:  # a crash may undo this
                stored = self.do(self.store.chat(chat.id)).link
                assert stored is not None
                assert stored.next_check_at >= chat.link.next_check_at
                chat.link = replace(chat.link, next_check_at=stored.next_check_at)
            chat.hastened = False
        self.checks.clear()  # their claims are lost, and fencing tokens start again
        self.deliveries.clear()

    @rule(minutes=st.integers(1, 10))
    def let_time_pass(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(chat_id=CHATS, token=st.sampled_from(["token-one", "token-two"]), owner=st.sampled_from([7, 8]))
    def link(self, chat_id: int, token: str, owner: int) -> None:
        link = new_link(self.store, chat_id, token, next_check_at=self.now + MINUTE, linked_by=owner)
        self.do(self.store.link(link, knowledge(1)))
        old = self.model(chat_id)
        new, before = knowledge(1)[1], old.known.get(1)
        same = {1} if before is not None and (before.title, before.due) == (new.title, new.due) else set()
        sent = [message.resolving({s.invoice_id for s in message.shown} - same) for message in old.sent]
        self.chats[old.id] = ModelChat(
            old.id,
            language=old.language,
            preferences=old.preferences,
            moved_from=old.moved_from,
            link=replace(link, place=Place(old.id)),
            known=knowledge(1),
            silences={number: silence for number, silence in old.silences.items() if number in same},
            sent=[message for message in sent if not message.is_over],
        )

    @rule(chat_id=CHATS)
    def unlink(self, chat_id: int) -> None:
        assert self.do(self.store.unlink(chat_id)) == (self.model(chat_id).link is not None)
        while chat_id in self.moved:
            chat_id = self.moved.pop(chat_id)
        chat = self.chats.pop(chat_id)
        if chat.moved_from is not None and self.moved.get(chat.moved_from) == chat_id:
            del self.moved[chat.moved_from]

    @rule(chat_id=CHATS, language=st.sampled_from(["en", "de", None]))
    def set_language(self, chat_id: int, language: str | None) -> None:
        self.do(self.store.set_language(chat_id, language))
        chat = self.model(chat_id)
        chat.language = language
        self.forget_if_not_stored(chat)

    @rule(chat_id=CHATS, preferences=st.sampled_from([Preferences(), Preferences(hour=7, quiet=None), None]))
    def set_preferences(self, chat_id: int, preferences: Preferences | None) -> None:
        self.do(self.store.set_preferences(chat_id, preferences, self.now))
        chat = self.model(chat_id)
        if chat.preferences != preferences:
            chat.hasten(self.now)
        chat.preferences = preferences
        self.forget_if_not_stored(chat)

    @rule(chat_id=CHATS, token=st.sampled_from(["token-one", "token-two"]), silences=SILENCES)
    def silence(self, chat_id: int, token: str, silences: dict[int, Silence | None]) -> None:
        account = new_link(self.store, chat_id, token).account
        chat = self.model(chat_id)
        linked = chat.link is not None and chat.link.account == account
        assert self.do(self.store.silence(key_of(chat_id), account, silences, self.now)) == linked
        if not linked or chat.link is None:
            return
        next_check_at = chat.link.next_check_at
        chat.hastened |= not silences.keys() & chat.silences.keys() and not any(silences.values())  # nothing was ended
        for number, silence in silences.items():
            chat.silences.pop(number, None)
            if silence is None:
                next_check_at = min(next_check_at, self.now)
            else:
                chat.silences[number] = silence
                next_check_at = min(next_check_at, silence.until or next_check_at)
        chat.hasten(next_check_at)

    @rule(chat_id=CHATS)
    def rest(self, chat_id: int) -> None:
        self.do(self.store.rest(chat_id, "blocked"))
        chat = self.model(chat_id)
        if chat.is_stored and chat.id == chat_id:
            chat.resting = "blocked"

    @rule(chat_id=CHATS)
    def wake(self, chat_id: int) -> None:
        chat = self.model(chat_id)
        gone = chat.resting is not None and chat.id == chat_id
        closed = chat.closure is not None and chat.id == chat_id
        assert self.do(self.store.wake(chat_id, self.now)) == (gone or closed)
        if gone or closed:
            chat.open()
            chat.checking = None
        if gone:
            chat.resting = None
            chat.link = chat.link and replace(chat.link, next_check_at=self.now)
            chat.check_first_until = self.now + CHECK_FIRST

    @rule(old=CHATS, new=CHATS)
    def move(self, old: int, new: int) -> None:
        self.do(self.store.move_chat(old, new))
        mine = self.chats.get(old)
        if old == new or mine is None or not mine.is_stored:
            return
        del self.chats[old]
        self.moved.pop(new, None)
        self.moved[old] = new
        self.chats[new] = mine.move(self.chats.get(new), new)

    @rule(token=st.sampled_from(["token-one", "token-two"]))
    def hasten_checks(self, token: str) -> None:
        account = new_link(self.store, 1, token).account
        self.do(self.store.hasten_checks(account, self.now))
        for chat in self.chats.values():
            if chat.link is not None and chat.link.account == account:
                chat.hasten(self.now)
                chat.hastened = True

    @rule(token=st.sampled_from(["token-one", "token-two"]))
    def end_refusal(self, token: str) -> None:
        account = new_link(self.store, 1, token).account
        self.do(self.store.end_refusal(account, self.now))
        for chat in self.chats.values():
            if chat.link is not None and chat.link.account == account and chat.link.watch.is_refused:
                watch = replace(chat.link.watch, trouble=None, refused_since=None, refused_at=None)
                chat.link = replace(chat.link, watch=watch)
                chat.hasten(self.now)
                chat.hastened = True

    @rule(limit=st.integers(1, 4))
    def claim_checks(self, limit: int) -> None:
        due = {chat.id for chat in self.chats.values() if chat.check_is_due(self.now)}
        found = self.do(self.store.claim_checks(self.now, limit, LEASE))
        assert len({check.chat.id for check in found}) == len(found) == min(limit, len(due))
        for check in found:
            assert check.chat.id in due
            self.begin_check(check)

    @rule(chat_id=CHATS)
    def claim_check(self, chat_id: int) -> None:
        chat = self.model(chat_id)
        free = chat.id == chat_id and chat.is_active and not (chat.checking and self.now < chat.checking_until)
        check = self.do(self.store.claim_check(key_of(chat_id), self.now, LEASE))
        assert (check is not None) == free
        if check is not None:
            self.begin_check(check)

    def begin_check(self, check: Check) -> None:
        chat = self.chats[check.chat.id]
        assert (check.chat, check.known, list(check.sent)) == (chat.as_stored, chat.known, chat.sent)
        chat.checking, chat.checking_until = check, self.now + LEASE
        self.checks.append(check)

    @precondition(lambda self: self.checks)
    @rule(data=st.data(), news=NEWS, standings=STANDINGS, watch=WATCHES, woken=st.sampled_from([None, NOW]))
    def finish_check(
        self,
        data: st.DataObject,
        news: list[tuple[AlertKind, int | None]],
        standings: dict[int, Standing],
        watch: Watch,
        woken: datetime | None,
    ) -> None:
        check = data.draw(st.sampled_from(self.checks))
        chat = self.holder(check)
        self.count += 1
        assert check.chat.link is not None
        known = {n: replace(known_invoice(n, woken=woken), standing=standing) for n, standing in standings.items()}
        known |= knowledge(100 + self.count)  # always news, so that the check is always saved
        found = checked(
            check,
            *self.alerts(check.chat.link, news),
            now=self.now,
            known=known,
            watch=replace(watch, checked_at=self.now),
        )
        assert self.do(self.store.finish_check(check.claim, found)) == (chat is not None)
        if chat is not None:
            chat.finish_check(found)

    def alerts(self, link: Link, news: list[tuple[AlertKind, int | None]]) -> list[Alert]:
        return [
            replace(new_alert(link, number, f"{self.count:04}-{place:02}", self.now), kind=kind)
            for place, (kind, number) in enumerate(news)
        ]

    @rule(limit=st.integers(1, 4))
    def claim_alerts(self, limit: int) -> None:
        due = {chat.id for chat in self.chats.values() if chat.alert_is_due(self.now)}
        found = self.do(self.store.claim_alerts(self.now, limit, LEASE))
        assert len({delivery.chat.id for delivery in found}) == len(found) == min(limit, len(due))
        for delivery in found:
            chat = self.chats[delivery.chat.id]
            assert chat.id in due
            message = chat.next_message(self.now)
            expected = [replace(a.alert, state=AlertState.SENDING, attempts=a.attempts) for a in message]
            assert list(delivery.alerts) == expected
            assert delivery.again == message[0].may_have_arrived
            assert (delivery.known, list(delivery.sent)) == (chat.known, chat.sent)
            chat.begin_delivery(delivery, self.now + LEASE)
            self.deliveries.append(delivery)

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data(), message_id=st.sampled_from([None, 70]), resolved=st.sets(INVOICES, max_size=2))
    def report_sent(self, data: st.DataObject, message_id: int | None, resolved: set[int]) -> None:
        delivery = data.draw(st.sampled_from(self.deliveries))
        chat = self.holder(delivery)
        numbers = [alert.invoice_id for alert in delivery.alerts if alert.invoice_id]
        place = delivery.alerts[0].place
        message = message_about(*numbers, message_id=message_id, place=place) if numbers else None
        assert self.do(self.store.alerts_sent(delivery.claim, message, resolved)) == (chat is not None)
        if chat is not None:
            chat.remember(message, resolved)
            chat.end_delivery("sent", self.now, counts=False)

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data(), end=st.sampled_from(ENDS), minutes=st.integers(0, 5))
    def report_unsent(self, data: st.DataObject, end: str, minutes: int) -> None:
        delivery = data.draw(st.sampled_from(self.deliveries))
        chat, retry_at, counts = self.holder(delivery), self.now + minutes * MINUTE, minutes > 2
        claim, closure = delivery.claim, Closure("no rights", self.now, retry_at)
        match end:
            case "dead letter":
                work = self.store.move_to_dead_letters(claim)
            case "closed":
                work = self.store.close_chat(claim, closure)
            case "deferred":
                work = self.store.defer_alerts(claim, retry_at, uncertain=counts)
            case "strange":
                work = self.store.defer_alerts(claim, retry_at, closure=closure)
            case _:
                uncertain = end == "uncertain"
                work = self.store.alerts_failed(claim, retry_at, uncertain=uncertain, counts=counts)
        assert self.do(work) == (chat is not None)
        if chat is not None:
            chat.end_delivery(end, retry_at, counts=counts)
            if end in {"closed", "strange"}:
                chat.close(closure)

    def forget_if_not_stored(self, chat: ModelChat) -> None:
        if not chat.is_stored:
            chat.resting = chat.moved_from = None

    @invariant()
    def every_chat_agrees_with_the_model(self) -> None:
        for chat_id in range(1, 4):
            chat = self.model(chat_id)
            assert self.do(self.store.chat(chat_id)) == chat.as_stored
            assert self.do(self.store.waiting_alerts(key_of(chat_id))) == chat.waiting
            assert list(self.do(self.store.sent_messages(key_of(chat_id)))) == chat.sent

    def teardown(self) -> None:
        self.do(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
