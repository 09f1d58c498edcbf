"""The bot's process: the real services over the real store, which can be killed at every step, and started again."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from datetime import datetime
from inspect import iscoroutinefunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ParamSpec, TypeVar

import structlog

from bot.domain.chats import Token
from bot.domain.schedule import CheckPlan
from bot.ports import Clock
from bot.services.checks import Checker
from bot.services.delivery import AlertSender
from bot.services.linking import Linking
from bot.services.workers import Workers
from bot.store.store import Store
from bot.store.tinydb import files
from bot.store.tinydb.leases import LeaseQueue
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.store.backends import folder_of
from tests.store.cutting import Cut, CuttingOs

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

URL = "https://provider.example/api/v1"
KEYS = (new_key(),)
EXPENSIVE = {"fsync": lambda handle: None}  # no power is cut here, and it takes most of the time
FAST_OS = SimpleNamespace(**{name: getattr(os, name) for name in dir(os) if not name.startswith("__")} | EXPENSIVE)


class Fuse:
    """Blows after so many steps (of one method ``only``, or any); from then on the process does nothing any more."""

    def __init__(self, cuts: Counter[str]) -> None:
        self.left: int | None = None
        self.only = ""
        self.blown = False
        self._cuts = cuts

    def burn(self, step: str) -> None:
        if self.left is not None and not self.blown and step.endswith(self.only):
            self.left -= 1
            if self.left <= 0:
                self.blow(step)
        if self.blown:
            raise asyncio.CancelledError

    def blow(self, step: str) -> None:
        self.blown = True
        self._cuts[step] += 1


class Fused:
    """A port whose calls each burn the fuse twice: before anything has happened, and after all has."""

    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not iscoroutinefunction(method):
            return method
        fuse = self._fuse
        before, after = f"before {name}", f"after {name}"

        async def burning(*args: Any, **kwargs: Any) -> Any:
            fuse.burn(before)
            try:
                result = await method(*args, **kwargs)
            except Cut:
                fuse.blow("write")
                raise asyncio.CancelledError from None
            except Exception:
                fuse.burn(after)
                raise
            fuse.burn(after)
            return result

        self.__dict__[name] = burning
        return burning


class InlineExecutor(Executor):
    """Does the store's work at once, so that nothing depends on when a thread has its turn."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # it is the caller's
            future.set_exception(error)
        return future


class CountedCut(CuttingOs):
    """Cuts the store's system calls, and counts at which."""

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
        self.fuse = Fuse(cuts)
        self._cuts = cuts
        self._clock = clock
        self._raw: Store = open_store(folder, KEYS, clock)
        self._backend = folder_of(self._raw)
        self._backend._worker.shutdown(wait=False)
        self._backend._worker = InlineExecutor()  # type: ignore[assignment]  # as an executor, it is as good
        self.store: Any = Fused(self._raw, self.fuse)
        provider, messenger = Fused(provider, self.fuse), Fused(messenger, self.fuse)
        self.checks, self.sends = Workers(50), Workers(25)
        self.checker = Checker(self.store, provider, clock, plan, self.checks)
        self.alert_sender = AlertSender(self.store, self.store, messenger, clock, plan, self.sends)
        self.linking = Linking(self.store, provider, clock, plan, base_url=URL)
        self._deeds: set[asyncio.Task[None]] = set()

    async def tick(self) -> None:
        """Start what is due, as the application does it every second."""
        if self._is_due(self._backend.chats.checks):
            await self.checker.tick()
        if self._is_due(self._backend.chats.messages):
            await self.alert_sender.tick()

    def _is_due(self, queue: LeaseQueue[int]) -> bool:
        return bool(queue._heap) and queue._heap[0][0] <= self._clock()

    def start(self, deed: Coroutine[Any, Any, None]) -> None:
        """Do what a person asks for."""
        task = asyncio.create_task(self._watch(deed))
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)

    async def _watch(self, deed: Coroutine[Any, Any, None]) -> None:
        try:
            await deed
        except Exception:
            log.exception("deed failed")

    def next_due(self) -> datetime | None:
        """When the store has work for a tick."""
        heaps = (self._backend.chats.checks._heap, self._backend.chats.messages._heap)
        return min((heap[0][0] for heap in heaps if heap), default=None)

    def kill_at_call(self, number: int, only: str = "") -> None:
        """Be killed at one of the next calls of a port, or of one method of it: before it has happened, or after."""
        self.fuse.left, self.fuse.only = number, only

    def kill_at_write(self, number: int) -> None:
        """Be killed at one of the store's next system calls."""
        use_system_calls(CountedCut(number, self._cuts))

    async def bury(self) -> None:
        """What was under way is never heard of again; what is on the disk stays."""
        if not self.fuse.blown:
            self.fuse.blow("while it waited")
        await asyncio.sleep(0)  # what was started has begun
        for task in [*self.checks._tasks, *self.sends._tasks, *self._deeds]:
            task.cancel()
        await asyncio.gather(*self._deeds, return_exceptions=True)
        for workers in (self.checks, self.sends):
            await workers.finish(within=0)
        fast_files()
        await self._raw.close()


def account_of(process: Process, token: str) -> str:
    """The account that a token opens."""
    fingerprint: str = process.store.account_of(URL, Token(token))
    return fingerprint


def fast_files() -> None:
    """Let the store's writes be whole, and quick."""
    use_system_calls(FAST_OS)


def use_system_calls(system: Any) -> None:
    """Let the store's files be written by these system calls."""
    files.os = system  # type: ignore[attr-defined]  # as a test of theirs does
