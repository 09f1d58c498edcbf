"""The data folder as a backend: one process, and one thread that does all work."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from filelock import BaseFileLock

from bot.domain.deliveries import Claim
from bot.domain.unchanged import Unchanged
from bot.errors import StoreUnwritable
from bot.store.backend import ChangeHeld, Held, Work, change_held
from bot.store.tinydb.files import ACCOUNTS, CHATS, STORE_FILE, DataFolder
from bot.store.tinydb.memory import ChatIndex, Leases, PaymentIndex, TokenBuckets
from bot.store.tinydb.one_thread import OneThread
from bot.store.tinydb.transaction import TinyTransaction

T = TypeVar("T")


class TinyBackend:
    """Implement :class:`bot.store.backend.Backend`.

    Transactions run in one thread, one after the other, so the event loop never waits for the disk, and a customer for
    no more than one of them. ``first_key`` is the id of the key that tokens are sealed with. ``lock`` keeps other
    processes out of the folder.
    """

    def __init__(self, data_dir: Path, first_key: str, lock: BaseFileLock | None = None) -> None:
        self.name = f"the folder {data_dir}"
        self.secret_place = f"the file {data_dir / STORE_FILE}"
        self.folder = DataFolder(data_dir)
        self.chats = ChatIndex(first_key)
        self.payments = PaymentIndex()
        leases = Leases()
        self.take_lease, self.give_back_lease = leases.take, leases.give_back
        self.take_from_bucket = TokenBuckets().take
        self._lock = lock
        self._thread = OneThread("store")
        self._doubtful: set[str] = set()
        self._closed = False

    def run(self, work: Work[T]) -> Awaitable[T]:
        return self._thread.run(partial(self._run, work))

    def change_held(self, what: Held, claim: Claim, change: ChangeHeld) -> Awaitable[bool]:
        return self.run(lambda t: change_held(t, what, claim, change))

    def _run(self, work: Work[T]) -> T:
        """Run ``work``. Raise :class:`StoreUnwritable`: nothing of it is kept, or a later recovery finishes it."""
        try:
            return self.transact(work)
        except OSError as error:
            raise StoreUnwritable(error.strerror or str(error)) from error

    def transaction(self) -> TinyTransaction:
        """Begin a transaction, without looking at what a failed one left."""
        return TinyTransaction(self.folder, self.chats, self.payments, self._doubtful)

    def transact(self, work: Work[T]) -> T:
        """Run ``work`` in this thread. It never waits for anything, so it runs to its end at once."""
        self.recover()
        transaction = self.transaction()
        result = run_to_end(work(transaction))
        transaction.commit()
        return result

    def recover(self) -> None:
        """After a write that failed halfway, finish what was decided, and look again at the files that it touched."""
        self._doubtful |= set(self.folder.recover())
        for name in sorted(self._doubtful):
            folder, _, stem = name.removesuffix(".json").partition("/")
            transaction = self.transaction()
            if folder == CHATS:
                self.chats.checks.revoke(int(stem))  # it may have read a link that is gone
                self.chats.last_checks.forget(int(stem))
                self.chats.sync(int(stem), transaction.chat(int(stem)))
            elif folder == ACCOUNTS:
                self.payments.sync(stem, run_to_end(transaction.payments_of(stem)))
            self._doubtful.discard(name)

    async def end_glance(self, claim: Claim, now: datetime, next_check_at: datetime, seen: Unchanged) -> bool:
        return await self.run(lambda t: cast("TinyTransaction", t).end_glance(claim, now, next_check_at, seen))

    async def is_running(self) -> bool:
        return False  # nobody else could have opened the folder then

    async def close(self) -> None:
        """Finish what was begun, and let go of the folder. Nothing is written that isn't on the disk already."""
        if not self._closed:
            self._closed = True
            if self._lock is not None:
                await self._thread.run(self._lock.release)
            self._thread.close()


def run_to_end(work: Awaitable[T]) -> T:
    """Run a coroutine that never waits. Raise :class:`RuntimeError` if it does."""
    coroutine = cast("Coroutine[Any, Any, T]", work)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    raise RuntimeError("a transaction on the data folder waited for something")
