"""The embedded store: small TinyDB files, one process for each data folder. See :func:`open_store`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from filelock import BaseFileLock

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.chats import Chat, Link, Member, Silence, Token
from bot.domain.invitations import Invitation
from bot.domain.payments import Payment, State
from bot.domain.preferences import Preferences
from bot.domain.selections import Selection
from bot.ports import Backlog, Check, Checked, Claim, Clock, Delivery, Lease, Overview, Waiting, WaitingAlert, utc_now
from bot.store.chats import ChatRecords
from bot.store.checks import CheckQueue
from bot.store.database import Database
from bot.store.desk import Desk
from bot.store.outbox import AlertQueue
from bot.store.payments import PaymentRecords
from bot.store.rules.operators import dropped, retried
from bot.store.tinydb.opening import load, lock_folder
from bot.store.tinydb.shared import Leases, TokenBuckets
from bot.store.upkeep_records import UpkeepRecords
from bot.store.vault import Vault, account_fingerprint

P = ParamSpec("P")
T = TypeVar("T")


def open_store(data_dir: Path, keys: Sequence[str], clock: Clock = utc_now) -> TinyStore:
    """Open (or make) the store in a folder; ``keys`` as in :class:`bot.store.vault.Vault`.

    Reads every file once, seals with the first key what an older one sealed, and deletes what is over. Raises
    :class:`bot.errors.StartError` when another process has the folder, a file is damaged, or the keys are not those of
    the stored data.
    """
    vault = Vault(keys)
    lock = lock_folder(data_dir)
    try:
        now = clock()
        database, secret = load(data_dir, vault, now)
        Desk(database).sweep(now)
    except BaseException:
        lock.release()
        raise
    return TinyStore(database, secret, lock)


class TinyStore:
    """Implements :class:`bot.ports.Store`. What the methods promise stands there.

    All work is done in one thread, one method after the other: each is a transaction, and the event loop never waits
    for the disk. A cancelled caller's method is either not begun at all, or runs to its end.
    """

    def __init__(self, database: Database, secret: str, lock: BaseFileLock) -> None:
        self._db = database
        self._secret = secret
        self._lock = lock
        self._desk = Desk(database)
        self._chats = ChatRecords(database, self._desk)
        self._checks = CheckQueue(database)
        self._alerts = AlertQueue(database)
        self._upkeep = UpkeepRecords(database)
        self._payments = PaymentRecords(database)
        self._leases = Leases()
        self._budgets = TokenBuckets()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._closed = False

    def account_of(self, base_url: str, token: Token) -> str:
        return account_fingerprint(self._secret, base_url, token)

    async def chat(self, chat_id: int) -> Chat:
        return await self._run(self._chats.chat, chat_id)

    async def set_language(self, chat_id: int, language: str | None) -> None:
        await self._run(self._chats.set_language, chat_id, language)

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        await self._run(self._chats.note_telegram_language, chat_id, language)

    async def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        await self._run(self._chats.await_token, chat_id, until, invitation)

    async def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        await self._run(self._chats.set_preferences, chat_id, preferences, now)

    async def silence(self, chat_id: int, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        return await self._run(self._chats.silence, chat_id, account, silences, now)

    async def known_invoices(self, chat_id: int) -> Mapping[int, KnownInvoice]:
        return await self._run(self._chats.known_invoices, chat_id)

    async def sent_messages(self, chat_id: int) -> Sequence[SentMessage]:
        return await self._run(self._chats.sent_messages, chat_id)

    async def link(self, link: Link, known: Mapping[int, KnownInvoice], invitation_id: str | None = None) -> bool:
        return await self._run(self._chats.link, link, known, invitation_id)

    async def add_payer(self, chat_id: int, payer: Member) -> None:
        await self._run(self._chats.add_payer, chat_id, payer)

    async def remove_payer(self, chat_id: int, user_id: int) -> None:
        await self._run(self._chats.remove_payer, chat_id, user_id)

    async def everything_of(self, chat_id: int) -> Mapping[str, Any]:
        return await self._run(self._chats.everything, chat_id)

    async def unlink(self, chat_id: int) -> bool:
        return await self._run(self._chats.unlink, chat_id)

    async def move_chat(self, old_id: int, new_id: int) -> None:
        await self._run(self._chats.move_chat, old_id, new_id)

    async def rest(self, chat_id: int, reason: str) -> None:
        await self._run(self._chats.rest, chat_id, reason)

    async def wake(self, chat_id: int, now: datetime) -> bool:
        return await self._run(self._chats.wake, chat_id, now)

    async def waiting_alerts(self, chat_id: int) -> Waiting:
        return await self._run(self._chats.waiting_alerts, chat_id)

    async def claim_checks(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]:
        def give_back(check: Check) -> bool:
            return self._checks.postpone(check.claim, now)

        return await self._claim(partial(self._checks.claim, now, limit, lease), give_back)

    async def claim_check(self, chat_id: int, now: datetime, lease: timedelta) -> Check | None:
        def claim() -> Sequence[Check]:
            check = self._checks.claim_one(chat_id, now, lease)
            return [check] if check else []

        claimed = await self._claim(claim, lambda check: self._checks.postpone(check.claim, now))
        return claimed[0] if claimed else None

    async def hasten_checks(self, account: str, now: datetime) -> None:
        await self._run(self._checks.hasten, account, now)

    async def finish_check(self, claim: Claim, checked: Checked) -> bool:
        return await self._run(self._checks.finish, claim, checked)

    async def postpone_check(self, claim: Claim, until: datetime) -> bool:
        return await self._run(self._checks.postpone, claim, until)

    async def claim_alerts(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        def give_back(delivery: Delivery) -> bool:
            return self._alerts.failed(delivery.claim, now, uncertain=False, counts=False)

        return await self._claim(partial(self._alerts.claim, now, limit, lease), give_back)

    async def alerts_sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        return await self._run(self._alerts.sent, claim, message, resolved)

    async def message_edited(self, claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        return await self._run(self._alerts.edited, claim, message_id, resolved)

    async def alerts_failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        return await self._run(self._alerts.failed, claim, retry_at, uncertain=uncertain, counts=counts)

    async def hold_alerts(self, claim: Claim, until: datetime) -> bool:
        return await self._run(self._alerts.hold, claim, until)

    async def move_to_dead_letters(self, claim: Claim) -> bool:
        return await self._run(self._alerts.set_aside, claim)

    async def add_payment(self, payment: Payment) -> None:
        await self._run(self._payments.add, payment)

    async def payment(self, payment_id: str) -> Payment | None:
        return await self._run(self._payments.payment, payment_id)

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        return await self._run(self._payments.batch_of, payment_id)

    async def payments_of_chat(self, chat_id: int) -> Sequence[Payment]:
        return await self._run(self._payments.of_chat, chat_id)

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        return await self._run(self._payments.advance, [payment], expected)

    async def advance_payments(self, payments: Sequence[Payment], expected: State) -> bool:
        return await self._run(self._payments.advance, payments, expected)

    async def unsettled_payments(self) -> Sequence[Payment]:
        return await self._run(self._payments.unsettled)

    async def put_invitation(self, invitation: Invitation, now: datetime) -> None:
        await self._run(self._desk.put_invitation, invitation, now)

    async def invitation(self, invitation_id: str) -> Invitation | None:
        return await self._run(self._desk.invitation, invitation_id)

    async def take_invitation(self, invitation_id: str) -> bool:
        return await self._run(self._desk.take_invitation, invitation_id)

    async def put_selection(self, selection: Selection, now: datetime) -> None:
        await self._run(self._desk.put_selection, selection, now)

    async def selection(self, selection_id: str) -> Selection | None:
        return await self._run(self._desk.selection, selection_id)

    async def take_selection(self, selection_id: str) -> bool:
        return await self._run(self._desk.take_selection, selection_id)

    async def take_lease(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        return self._leases.take(name, holder, now, duration, free_only=free_only)

    async def give_back_lease(self, lease: Lease) -> bool:
        return self._leases.give_back(lease)

    async def take_from_bucket(self, name: str, now: datetime, rate: float, burst: int) -> float:
        return self._budgets.take(name, now, rate, burst)

    async def backlog(self, now: datetime) -> Backlog:
        return await self._run(self._db.chats.backlog, now)

    async def overviews(self) -> Sequence[Overview]:
        return await self._run(self._upkeep.overviews)

    async def overview(self, chat_id: int) -> Overview | None:
        return await self._run(self._upkeep.overview, chat_id)

    async def forget(self, chat_id: int) -> bool:
        return await self._run(self._chats.forget, chat_id)

    async def alerts(self) -> Sequence[WaitingAlert]:
        return await self._run(self._upkeep.alerts)

    async def retry_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._run(self._upkeep.change, alert_ids, retried)

    async def drop_alerts(self, alert_ids: Collection[str]) -> int:
        return await self._run(self._upkeep.change, alert_ids, dropped)

    async def close(self) -> None:
        """Finish what was begun, and give the data folder free. Nothing is written that isn't on the disk already."""
        if not self._closed:
            self._closed = True
            await asyncio.wrap_future(self._worker.submit(self._lock.release))
            self._worker.shutdown()

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.wrap_future(self._begin(partial(work, *args, **kwargs)))

    async def _claim(self, work: Callable[[], Sequence[T]], give_back: Callable[[T], object]) -> Sequence[T]:
        """Run a claim; if its caller is cancelled meanwhile, give back what was claimed: nobody will work on it."""
        future = self._begin(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancel():
                self._worker.submit(_give_back, future, give_back)
            raise

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        def recovered() -> T:
            self._db.recover()
            return work()

        return self._worker.submit(recovered)


def _give_back(claimed: Future[Sequence[T]], give_back: Callable[[T], object]) -> None:
    work: Iterable[T] = () if claimed.cancelled() or claimed.exception() else claimed.result()
    for item in work:
        give_back(item)
