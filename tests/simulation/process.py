"""The bot's process: the real services over the real store. It can be killed at every step, and started again."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from heapq import heappop
from inspect import iscoroutinefunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import structlog

from bot.domain.chats import Token
from bot.domain.schedule import CheckPlan
from bot.domain.waits import is_ahead
from bot.ports import Checked, Claim, Clock
from bot.services.checks import Checker
from bot.services.delivery import AlertSender
from bot.services.linking import Linking
from bot.services.workers import Workers
from bot.store.store import Store
from bot.store.tinydb import files
from bot.store.tinydb.memory import LeaseQueue
from bot.store.tinydb.one_thread import OneThread
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.store.backends import folder_of
from tests.store.faulty_os import FaultyOs, Killed

log = structlog.get_logger()

T = TypeVar("T")

URL = "https://provider.example/api/v1"
KEYS = (new_key(),)
EXPENSIVE = {"fsync": lambda handle: None}  # it takes most of the time, and no power is cut here
FAST_OS = SimpleNamespace(**{name: getattr(os, name) for name in dir(os) if not name.startswith("__")} | EXPENSIVE)


class KillSwitch:
    """Kills the process after so many steps of any method, or of ``only`` one. Afterwards the process does nothing."""

    def __init__(self, cuts: Counter[str]) -> None:
        self.left: int | None = None
        self.only = ""
        self.triggered = False
        self._cuts = cuts

    def step(self, name: str) -> None:
        if self.left is not None and not self.triggered and name.endswith(self.only):
            self.left -= 1
            if self.left <= 0:
                self.trigger(name)
        if self.triggered:
            raise asyncio.CancelledError

    def trigger(self, name: str) -> None:
        self.triggered = True
        self._cuts[name] += 1


class KillablePort:
    """A port at whose calls the process can be killed, before or after the call is carried out."""

    def __init__(self, port: Any, kill_switch: KillSwitch) -> None:
        self._port = port
        self._kill_switch = kill_switch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not iscoroutinefunction(method):
            return method
        kill_switch = self._kill_switch
        before, after = f"before {name}", f"after {name}"

        async def killable(*args: Any, **kwargs: Any) -> Any:
            kill_switch.step(before)
            try:
                result = await method(*args, **kwargs)
            except Killed:
                kill_switch.trigger("write")
                raise asyncio.CancelledError from None
            except Exception:
                kill_switch.step(after)
                raise
            kill_switch.step(after)
            return result

        self.__dict__[name] = killable
        return killable


class InlineThread(OneThread):
    """Does the store's work at once, so that nothing depends on the timing of threads."""

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def hand_on(give: Callable[[Any], None], result: Any) -> None:
            if not future.cancelled():
                give(result)

        try:
            loop.call_soon(hand_on, future.set_result, work())
        except BaseException as error:  # noqa: BLE001  # the caller handles it
            loop.call_soon(hand_on, future.set_exception, error)
        return future


class CountedCut(FaultyOs):
    """Fails at one of the store's system calls, and counts at which."""

    def __init__(self, after: int, cuts: Counter[str]) -> None:
        super().__init__(after)
        self._cuts = cuts
        self._last = after

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        inner = super()._counted(name, real)

        def call(*args: Any, **options: Any) -> Any:
            if self.calls + 1 == self._last:
                self._cuts[f"system call {name}"] += 1
            return inner(*args, **options)

        return call


class Process:
    """One life of the bot, from its start to its death."""

    def __init__(
        self, folder: Path, clock: Clock, plan: CheckPlan, provider: Any, messenger: Any, cuts: Counter[str]
    ) -> None:
        self.kill_switch = KillSwitch(cuts)
        self._cuts = cuts
        self.clock = clock
        self._raw: Store = open_store(folder, KEYS, clock)
        self._backend = folder_of(self._raw)
        self._backend._thread = InlineThread("store")
        self._note_when_alerts_are_found(messenger)
        self.store: Any = KillablePort(self._raw, self.kill_switch)
        provider, messenger = KillablePort(provider, self.kill_switch), KillablePort(messenger, self.kill_switch)
        self.checks, self.sends = Workers(50), Workers(25)
        self.checker = Checker(self.store, provider, clock, plan, self.checks)
        self.alert_sender = AlertSender(self.store, self.store, messenger, clock, plan, self.sends)
        self.linking = Linking(self.store, provider, clock, plan, base_url=URL)
        self._actions: set[asyncio.Task[None]] = set()

    def _note_when_alerts_are_found(self, messenger: Any) -> None:
        finish_check = self._raw.finish_check

        async def finish(claim: Claim, checked: Checked) -> bool:
            messenger.note_found(checked.alerts)
            return await finish_check(claim, checked)

        self._raw.finish_check = finish  # as the store's own, with a note

    async def tick(self) -> None:
        """Start due work, as the application does every second."""
        if self._is_due(self._backend.chats.checks):
            await self.checker.tick()
        if self._is_due(self._backend.chats.messages):
            await self.alert_sender.tick()

    def _is_due(self, queue: LeaseQueue[int]) -> bool:
        now = self.clock()
        _tidy(queue)
        return is_ahead(queue.last_set_at, now) or (bool(queue._heap) and queue._heap[0][0] <= now)

    def start(self, action: Coroutine[Any, Any, None]) -> None:
        """Start a person's action."""
        task = asyncio.create_task(self._watch(action))
        self._actions.add(task)
        task.add_done_callback(self._actions.discard)

    async def _watch(self, action: Coroutine[Any, Any, None]) -> None:
        try:
            await action
        except Exception:
            log.exception("action failed")

    def next_due_in(self) -> timedelta | None:
        """Return how long it takes until the store has work for a tick. None: it has none."""
        queues = (self._backend.chats.checks, self._backend.chats.messages)
        if any(map(self._is_due, queues)):
            return timedelta()
        return min((queue._heap[0][0] - self.clock() for queue in queues if queue._heap), default=None)

    def kill_at_call(self, number: int, only: str = "") -> None:
        """Kill the process at one of the next calls of a port, or of ``only`` one method, before or after the call."""
        self.kill_switch.left, self.kill_switch.only = number, only

    def kill_at_write(self, number: int) -> None:
        """Kill the process at one of the store's next system calls."""
        use_system_calls(CountedCut(number, self._cuts))

    async def discard(self) -> None:
        """Drop everything but the files on disk."""
        if not self.kill_switch.triggered:
            self.kill_switch.trigger("while it waited")
        await asyncio.sleep(0)  # started tasks must have begun
        for task in [*self.checks._tasks, *self.sends._tasks, *self._actions]:
            task.cancel()
        await asyncio.gather(*self._actions, return_exceptions=True)
        for workers in (self.checks, self.sends):
            await workers.finish(within=0)
        fast_files()
        await self._raw.close()


def _tidy(queue: LeaseQueue[int]) -> None:
    """Drop leftovers, so that nobody wakes up for nothing."""
    while queue._heap and queue._tickets.get(queue._heap[0][2]) != queue._heap[0][1]:
        heappop(queue._heap)


def account_of(process: Process, token: str) -> str:
    """Return the fingerprint of a token's account."""
    fingerprint: str = process.store.account_of(URL, Token(token))
    return fingerprint


def fast_files() -> None:
    """Let the store's writes be complete and fast."""
    use_system_calls(FAST_OS)


def use_system_calls(system: Any) -> None:
    """Set the system calls that write the store's files."""
    files.os = system  # type: ignore[attr-defined]  # as in the store's own tests
