"""What an event loop did in its longest turns, for whoever looks for the reason."""

from __future__ import annotations

import asyncio
import time
from asyncio import events
from typing import Any

SHOWN = 10
"""Turns, and kinds of steps in each."""
SHORT = 25.0
"""Milliseconds. Shorter turns are not noted."""
DEPTH = 9


class Steps:
    """Measures each step of the loop. That takes time itself, so no other figure counts meanwhile."""

    def __init__(self) -> None:
        self._turns: list[tuple[float, str]] = []
        self._steps: dict[str, list[tuple[float, float]]] = {}
        run = events.Handle._run  # every step goes through it

        def noted(handle: events.Handle) -> None:
            began, worked = time.perf_counter(), time.thread_time()
            run(handle)
            times = 1000 * (time.thread_time() - worked), 1000 * (time.perf_counter() - began)
            self._steps.setdefault(name_of(handle), []).append(times)

        events.Handle._run = noted  # type: ignore[method-assign, assignment]

    def turn_ended(self, what: str, milliseconds: float) -> None:
        """Note the turn if it was long."""
        if milliseconds > SHORT:
            sums = [(sum(worked for worked, _ in times), name, times) for name, times in self._steps.items()]
            lines = [
                f"  {len(times):4} × {name}: {worked:.1f} ms, {max(times)[0]:.1f} at most"
                for worked, name, times in sorted(sums, reverse=True)[:SHOWN]
            ]
            self._turns.append((milliseconds, "\n".join([what, *lines])))
        self._steps.clear()

    def show(self) -> None:
        """Print the longest turns, with the steps in each by what they were for, in processor time."""
        for _, turn in sorted(self._turns, reverse=True)[:SHOWN]:
            print(turn)


def name_of(handle: events.Handle) -> str:
    """Return what a step was for: where its task waits since, or the function that was called."""
    callback = getattr(handle, "_callback", None)
    owner = getattr(callback, "__self__", None)
    waiting: Any = owner.get_coro() if isinstance(owner, asyncio.Task) else None
    names = list[str]()
    while waiting is not None and len(names) < DEPTH:
        names.append(getattr(waiting, "__qualname__", type(waiting).__name__))
        waiting = getattr(waiting, "cr_await", None)
    return " > ".join(names) or getattr(callback, "__qualname__", type(callback).__name__)
