"""Who goes first where there is not room for all: customers, then alerts, then everybody else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class Turn(Enum):
    """Whose work it is, the most urgent first."""

    CUSTOMER = "customer"
    """A linked chat waits for an answer."""
    ALERT = "alert"
    """Nobody is waiting for it: an alert, or a check that was due."""
    OTHER = "other"
    """A chat waits that is not linked, or that asks faster than it can be answered."""


_turn = ContextVar("turn", default=Turn.CUSTOMER)


@contextmanager
def taking_turn(turn: Turn) -> Iterator[None]:
    """Do the work within this context, and what it starts, when it is this turn."""
    before = _turn.set(turn)
    try:
        yield
    finally:
        _turn.reset(before)


def present_turn() -> Turn:
    """Return whose turn the present work waits for."""
    return _turn.get()


class Line(Generic[T]):
    """What waits in this process: what a customer waits for first, all else in the order in which it came.

    Work of the bot's own never ends while it has piled up, so it does not go before everybody else.
    """

    def __init__(self) -> None:
        self._of_customers: deque[T] = deque()
        self._of_others: deque[T] = deque()

    def __bool__(self) -> bool:
        return bool(self._of_customers or self._of_others)

    def put(self, waiting: T) -> None:
        """Put something into the line, at the place that the present turn has."""
        (self._of_customers if present_turn() is Turn.CUSTOMER else self._of_others).append(waiting)

    def take(self) -> T:
        """Take out what comes next. Raise :class:`IndexError` if nothing waits."""
        return (self._of_customers or self._of_others).popleft()
