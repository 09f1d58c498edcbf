"""Tell subscribers what happens: the page, and tests that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Event:
    """Something that has happened. The kinds are in :mod:`bot.sandbox.telegram.events`."""

    __slots__ = ()


class Subscription:
    """All events from now on: an asynchronous iterator, and a context manager that ends the subscription."""

    def __init__(self, end: Callable[[Subscription], None]) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._end = end

    def put(self, event: Event) -> None:
        self._queue.put_nowait(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await self._queue.get()


class EventBus:
    """Pass every event to every subscriber, in order."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def publish(self, event: Event) -> None:
        for subscription in self._subscriptions:
            subscription.put(event)

    def subscribe(self) -> Subscription:
        subscription = Subscription(self._subscriptions.discard)
        self._subscriptions.add(subscription)
        return subscription

    async def wait_until(self, condition: Callable[[], T | None], timeout: float) -> T:
        """Return the value of ``condition`` as soon as it is true. Check it again after every event.

        Raise :class:`TimeoutError` after ``timeout`` seconds.
        """
        with self.subscribe() as events:
            async with asyncio.timeout(timeout):
                while True:
                    found = condition()
                    if found:
                        return found
                    await anext(events)
