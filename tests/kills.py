"""A process that is killed at one of its steps, for tests of what holds all the same."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any


class KillSwitch:
    """Kills the process at step number ``at``. Afterwards no step does anything. 0: never."""

    def __init__(self, at: int) -> None:
        self._left = at
        self.triggered = False

    def step(self) -> None:
        self._left -= 1
        self.triggered = self.triggered or self._left == 0
        if self.triggered:
            raise asyncio.CancelledError

    def wrap(self, port: Any) -> Any:
        return Killable(port, self)


class Killable:
    """A port whose calls are two steps each: one before anything has happened, and one after everything has."""

    def __init__(self, port: Any, switch: KillSwitch) -> None:
        self._port = port
        self._switch = switch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if isasyncgenfunction(getattr(method, "__wrapped__", None)):  # a context manager
            return self._entered(method)
        if not iscoroutinefunction(method):
            return method

        async def killable(*args: Any, **kwargs: Any) -> Any:
            self._switch.step()
            result = await method(*args, **kwargs)
            self._switch.step()
            return result

        return killable

    def _entered(self, method: Any) -> Any:
        @asynccontextmanager
        async def killable(*args: Any, **kwargs: Any) -> Any:
            self._switch.step()
            async with method(*args, **kwargs) as entered:
                yield entered

        return killable
