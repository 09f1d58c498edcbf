"""The embedded store's thread: the event loop never waits for it, and cancelled calls leave nothing half done."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bot.store.store import Store
from bot.turns import Turn, taking_turn
from tests.store.backends import cancel_once_claimed, folder_of
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    NOW,
    claim_check,
    claim_message,
    knowledge,
    linked,
    new_link,
    with_alerts,
)
from tests.store.openers import TinyOpener


class Gate:
    """Blocks the store's thread until it is opened."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()
        monkeypatch.setattr(folder_of(store), "recover", self._wait)

    def _wait(self) -> None:
        self._reached.set()
        assert self._open.wait(10)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 10)

    def open(self) -> None:
        self._open.set()


async def test_the_event_loop_does_not_wait_for_the_disk(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    gate = Gate(store, monkeypatch)
    task = asyncio.create_task(store.set_language(CHAT, "de"))
    await gate.reached()
    assert not task.done()
    gate.open()
    await task


async def test_a_customer_s_answer_waits_for_one_write_of_a_check_and_not_for_all(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    gate, done = Gate(store, monkeypatch), list[str]()

    async def read(turn: Turn, name: str) -> None:
        with taking_turn(turn):
            await store.chat(CHAT)
        done.append(name)

    first = asyncio.create_task(read(Turn.ALERT, "first check"))
    await gate.reached()
    waiting = [(Turn.ALERT, "second check"), (Turn.OTHER, "stranger"), (Turn.ALERT, "third check")]
    customers = [(Turn.CUSTOMER, "customer"), (Turn.CUSTOMER, "another customer")]
    others = [asyncio.create_task(read(*each)) for each in waiting + customers]
    await asyncio.sleep(0)  # now they wait
    gate.open()
    await asyncio.gather(first, *others)
    assert done == ["first check", "customer", "another customer", "second check", "stranger", "third check"]


async def test_a_cancelled_call_runs_completely_or_not_at_all(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    gate = Gate(store, monkeypatch)
    running = asyncio.create_task(store.link(new_link(store), knowledge(1)))
    await gate.reached()
    waiting = asyncio.create_task(store.set_language(CHAT, "de"))
    await asyncio.sleep(0)
    running.cancel()
    waiting.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    gate.open()
    chat = await store.chat(CHAT)
    assert chat.link == new_link(store)
    assert chat.language is None
    assert (await claim_check(store)).known == knowledge(1)


async def test_claims_of_a_cancelled_caller_are_given_back_unmarked(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    await with_alerts(store, 1)
    gate = Gate(store, monkeypatch)
    alerts = asyncio.create_task(store.claim_alerts(NOW + HOUR, 10, LEASE))
    await gate.reached()
    checks = asyncio.create_task(store.claim_checks(NOW + HOUR, 10, LEASE))
    await asyncio.sleep(0)
    alerts.cancel()
    checks.cancel()
    await asyncio.gather(alerts, checks, return_exceptions=True)
    gate.open()
    delivery = await claim_message(store, NOW + HOUR)
    assert (delivery.again, [alert.attempts for alert in delivery.alerts]) == (False, [0])
    assert (await claim_check(store, NOW + HOUR)).chat.id == CHAT


async def test_a_single_check_claimed_by_a_cancelled_caller_is_given_back(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    await linked(store)
    gate = Gate(store, monkeypatch)
    claiming = asyncio.create_task(store.claim_check(CHAT, NOW, LEASE))
    await gate.reached()
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)
    gate.open()
    assert await store.claim_check(CHAT, NOW, LEASE) is not None


async def test_a_claim_committed_before_its_caller_was_cancelled_is_given_back(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    await with_alerts(store, 1)
    await cancel_once_claimed(store, store.claim_alerts(NOW + HOUR, 10, LEASE), monkeypatch)
    delivery = await claim_message(store, NOW + HOUR)
    assert (delivery.again, [alert.attempts for alert in delivery.alerts]) == (False, [0])
    await cancel_once_claimed(store, store.claim_checks(NOW + HOUR, 10, LEASE), monkeypatch)
    await cancel_once_claimed(store, store.claim_check(CHAT, NOW + HOUR, LEASE), monkeypatch)
    assert (await claim_check(store, NOW + HOUR)).chat.id == CHAT
