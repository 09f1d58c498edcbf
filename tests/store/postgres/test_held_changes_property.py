"""Ends of checks and messages that come at once, in any order, leave the same rows as one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bot.ports import Check, Claim, Delivery
from bot.store.backend import ChangeHeld, Held, change_held
from bot.store.postgres.opening import open_store
from bot.store.store import Store
from bot.store.vault import new_key
from tests.store.examples import HOUR, LEASE, NOW, checked, knowledge, message_about, new_alert, settled, with_alerts

NUMBERS = (1, 2, 3, 4)
LATER = NOW + HOUR

Step = tuple[int, str]
"""The end of a chat's check or message, by its name."""


def lost(claim: Claim) -> Claim:
    return replace(claim, fencing_token=claim.fencing_token + 1000)


def an_alert(check: Check) -> Any:
    assert check.chat.link is not None
    return new_alert(check.chat.link, 2, f"new-{check.chat.id}", LATER)


CHECK_ENDS: Mapping[str, Callable[[Store, Check], Awaitable[bool]]] = {
    "nothing new": lambda s, c: s.finish_check(c.claim, checked(c, now=LATER)),
    "an alert": lambda s, c: s.finish_check(c.claim, checked(c, an_alert(c), now=LATER)),
    "new knowledge": lambda s, c: s.finish_check(c.claim, checked(c, known=knowledge(1, 2, 3))),
    "known again": lambda s, c: s.finish_check(c.claim, checked(c, known=dict(c.known))),
    "all settled": lambda s, c: s.finish_check(c.claim, checked(c, known={1: settled(1)})),
    "postponed": lambda s, c: s.postpone_check(c.claim, LATER),
    "check lost": lambda s, c: s.finish_check(lost(c.claim), checked(c, known={})),
}
MESSAGE_ENDS: Mapping[str, Callable[[Store, Delivery], Awaitable[bool]]] = {
    "edited": lambda s, d: s.message_edited(d.claim, 70, (1,)),
    "sent": lambda s, d: s.alerts_sent(d.claim, message_about(1), ()),
    "made no message": lambda s, d: s.alerts_sent(d.claim, None, ()),
    "failed": lambda s, d: s.alerts_failed(d.claim, LATER, uncertain=True, counts=True),
    "set aside": lambda s, d: s.move_to_dead_letters(d.claim),
    "message lost": lambda s, d: s.move_to_dead_letters(lost(d.claim)),
}

checks, messages = st.sampled_from(sorted(CHECK_ENDS)), st.sampled_from(sorted(MESSAGE_ENDS))
of_a_chat = st.one_of(
    st.lists(checks, min_size=1, max_size=2),
    st.lists(messages, min_size=1, max_size=3),
    st.tuples(checks, messages).map(list),
)


@dataclass
class Database:
    """Chats whose checks and messages are all held. They can be put back as they were."""

    url: str
    loop: asyncio.Runner
    store: Store
    slow: Store
    checks: Mapping[int, Check]
    messages: Mapping[int, Delivery]

    def restore(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("DELETE FROM chats")
            connection.execute("INSERT INTO chats SELECT * FROM chats_before")

    def rows(self) -> dict[int, str]:
        with psycopg.connect(self.url) as connection:
            return dict(connection.execute("SELECT id, chats::text FROM chats").fetchall())

    async def end(self, store: Store, step: Step) -> bool:
        number, name = step
        if name in CHECK_ENDS:
            return await CHECK_ENDS[name](store, self.checks[number])
        return await MESSAGE_ENDS[name](store, self.messages[number])

    def one_by_one(self, steps: Sequence[Step]) -> dict[int, Any]:
        """Return how each chat's steps end in this order, each in a transaction of its own, and its row."""
        self.restore()

        async def run() -> list[bool]:
            return [await self.end(self.slow, step) for step in steps]

        return self._outcome(steps, self.loop.run(run()))

    def at_once(self, steps: Sequence[Step], pauses: Sequence[float | None]) -> dict[int, Any]:
        """Return the same where all begin in this order, with pauses between their beginnings, and share batches."""
        self.restore()

        async def run() -> list[bool]:
            tasks = []
            for step, pause in zip(steps, pauses, strict=True):
                tasks.append(asyncio.create_task(self.end(self.store, step)))
                if pause is not None:
                    await asyncio.sleep(pause)
            return await asyncio.gather(*tasks)

        return self._outcome(steps, self.loop.run(run()))

    def _outcome(self, steps: Sequence[Step], ended: Sequence[bool]) -> dict[int, Any]:
        rows = self.rows()
        ends = {n: sorted((s[1], e) for s, e in zip(steps, ended, strict=True) if s[0] == n) for n in NUMBERS}
        return {number: (ends[number], rows.get(number)) for number in NUMBERS}


@pytest.fixture
def held(database: str) -> Iterator[Database]:
    key = new_key()

    async def slowly(what: Held, claim: Claim, change: ChangeHeld) -> bool:
        return await slow._backend.run(lambda t: change_held(t, what, claim, change))

    async def prepare() -> tuple[Store, Store, dict[int, Check], dict[int, Delivery]]:
        store, slow = [await open_store(database, [key], connections=4, clock=lambda: NOW) for _ in range(2)]
        for number in NUMBERS:
            await with_alerts(store, 1, chat_id=number)
        checks = {check.chat.id: check for check in await store.claim_checks(LATER, 10, LEASE)}
        messages = {delivery.chat.id: delivery for delivery in await store.claim_alerts(LATER, 10, LEASE)}
        return store, slow, checks, messages

    with asyncio.Runner() as loop, psycopg.connect(database, autocommit=True) as connection:
        store, slow, checks, messages = loop.run(prepare())
        assert {*checks} == {*messages} == {*NUMBERS}
        slow._backend.change_held = slowly  # type: ignore[method-assign]
        connection.execute("CREATE TABLE chats_before AS SELECT * FROM chats")
        try:
            yield Database(database, loop, store, slow, checks, messages)
        finally:
            loop.run(store.close())
            loop.run(slow.close())
            connection.execute("DROP TABLE chats_before")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), of_chats=st.lists(of_a_chat, min_size=len(NUMBERS), max_size=len(NUMBERS)))
def test_what_ends_at_once_leaves_the_rows_of_some_order_one_by_one(
    held: Database, data: st.DataObject, of_chats: list[list[str]]
) -> None:
    steps = [(number, name) for number, names in zip(NUMBERS, of_chats, strict=True) for name in names]
    left = {number: list(names) for number, names in zip(NUMBERS, of_chats, strict=True)}
    order = data.draw(st.permutations([number for number, _ in steps]))
    begun = [(number, left[number].pop(0)) for number in order]
    pauses = data.draw(st.lists(st.sampled_from([None, 0, 0.002]), min_size=len(steps), max_size=len(steps)))
    together = held.at_once(begun, pauses)
    orders = [held.one_by_one(steps), held.one_by_one(sorted(steps, key=lambda step: step[1] in CHECK_ENDS))]
    for number in NUMBERS:
        assert together[number] in [outcome[number] for outcome in orders]
