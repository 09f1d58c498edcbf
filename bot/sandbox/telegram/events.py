"""The stream of what happens in the sandbox, for views and for tests that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:  # these modules publish their changes here
    from bot.sandbox.telegram.calls import Call
    from bot.sandbox.telegram.models import Chat, Message
    from bot.sandbox.telegram.presses import Press

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MessageSent:
    chat: Chat
    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited:
    chat: Chat
    message: Message


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    chat: Chat
    message: Message


@dataclass(frozen=True, slots=True)
class ActionShown:
    """The bot shows for some seconds that it is doing something, such as ``upload_document``."""

    chat: Chat
    action: str
    topic_id: int | None


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    chat: Chat
    press: Press


@dataclass(frozen=True, slots=True)
class PressAnswered:
    """The button's spinner ends, with a toast or an alert if ``press.answer`` has a text."""

    chat: Chat
    press: Press


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """The bot was blocked, unblocked, added, removed, promoted, …, or the group was upgraded."""

    chat: Chat


@dataclass(frozen=True, slots=True)
class CommandsChanged:
    pass


@dataclass(frozen=True, slots=True)
class CallMade:
    """The bot called the API."""

    call: Call


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The call came to its end: an answer, a refusal, or a fault that keeps it from both."""

    call: Call


Change = (
    MessageSent | MessageEdited | MessageDeleted | ActionShown | ButtonPressed | PressAnswered
    | MembershipChanged | CommandsChanged | CallMade | CallAnswered
)  # fmt: skip


class Subscription:
    """All changes from now on; an asynchronous iterator, and a context manager that ends it."""

    def __init__(self, end: Callable[[Subscription], None]) -> None:
        self._queue: asyncio.Queue[Change] = asyncio.Queue()
        self._end = end

    def put(self, change: Change) -> None:
        self._queue.put_nowait(change)

    def close(self) -> None:
        self._end(self)

    def rest(self) -> Iterator[Change]:
        """What has happened already and was not fetched yet."""
        while not self._queue.empty():
            yield self._queue.get_nowait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        return await self._queue.get()


class Changes:
    """Tells every subscriber of every change, in order."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def publish(self, change: Change) -> None:
        for subscription in self._subscriptions:
            subscription.put(change)

    def subscribe(self) -> Subscription:
        subscription = Subscription(self._subscriptions.discard)
        self._subscriptions.add(subscription)
        return subscription

    async def wait_until(self, condition: Callable[[], T | None], timeout: float) -> T:
        """What ``condition`` gives, as soon as that is true; looked at again with every change.

        Raises :class:`TimeoutError` after ``timeout`` seconds.
        """
        with self.subscribe() as changes:
            async with asyncio.timeout(timeout):
                while True:
                    found = condition()
                    if found:
                        return found
                    await anext(changes)
