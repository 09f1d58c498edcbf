"""One thread for all work on the data folder: customers first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from bot.turns import Line

P = ParamSpec("P")
T = TypeVar("T")


class OneThread(ThreadPoolExecutor):
    """Does one piece of work after the other. What a customer waits for does not wait for what checks have to write."""

    def __init__(self, name: str) -> None:
        super().__init__(max_workers=1, thread_name_prefix=name)
        self._line: Line[tuple[Future[Any], Callable[[], Any]]] = Line()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._line.put((future, partial(fn, *args, **kwargs)))
        super().submit(self._next)
        return future

    def _next(self) -> None:
        future, work = self._line.take()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # the caller handles it
                future.set_exception(error)
        del future  # which holds the error, whose traceback holds this call
