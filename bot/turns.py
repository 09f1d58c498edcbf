"""Who goes first where there is not room for all: customers, then alerts, then everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum


class Turn(Enum):
    """Whose work it is, the most urgent first."""

    CUSTOMER = "customer"
    """A linked chat waits for an answer."""
    ALERT = "alert"
    """Nobody is waiting for it."""
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
