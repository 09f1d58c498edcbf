"""Check the accounts whose turn has come: read, compare, and save what is known together with what to tell."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from bot.domain.alerts import Alert, AlertKind
from bot.domain.chats import Link, Trouble
from bot.domain.invoices import Invoice
from bot.domain.reminders import Notice, decide, forget, missing_from, reminder_day
from bot.errors import (
    NotFound,
    PermissionMissing,
    ProviderDown,
    RateLimited,
    TokenRefused,
)
from bot.ports import Check, Checked, CheckStore, Clock, Provider
from bot.services.failures import log_failure
from bot.services.plan import CheckPlan
from bot.services.workers import Workers

log = structlog.get_logger()

LEASE = timedelta(minutes=5)
MISSING_AT_ONCE = 5
"""How many invoices that vanished from the list one check asks for singly; the rest have their turn next time."""

TROUBLE_PAUSE = 3600.0
"""Seconds until a refused token is tried again. It is tried at all since a refusal can be the provider's mistake, and
then nobody links anew."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the provider said: ``invoices`` is empty where it could not be read.

    ``gone`` and ``unasked`` are invoices that vanished from the list: the provider no longer has them, or was not
    asked for them yet, so that nothing can be said of them now.
    """

    invoices: tuple[Invoice, ...] = ()
    gone: tuple[int, ...] = ()
    unasked: tuple[int, ...] = ()
    good: bool = False
    trouble: Trouble | None = None
    wait: float = 0


class Monitor:
    """Finds out. Telling is the work of :class:`bot.services.delivering.Courier`."""

    def __init__(self, store: CheckStore, provider: Provider, clock: Clock, plan: CheckPlan, workers: Workers) -> None:
        self._store = store
        self._provider = provider
        self._clock = clock
        self._plan = plan
        self._workers = workers
        self._down = False
        self._unreadable: set[int] = set()

    async def tick(self) -> None:
        """Start the checks that are due, as many as there is room for."""
        if room := self._workers.free:
            for check in await self._store.claim_checks(self._clock(), room, LEASE):
                self._workers.start(self._check(check))

    async def _check(self, check: Check) -> None:
        link = check.chat.link
        if link is None:
            return
        try:
            await self._compare(check, link)
        except Exception:
            # Whatever it is, it will most likely happen again at once: the chat waits for its next turn.
            await self._store.postpone_check(check.claim, self._plan.after(self._clock()))
            raise

    async def _compare(self, check: Check, link: Link) -> None:
        today = reminder_day(self._clock(), self._plan.zone, self._plan.schedule)
        reading = await self._read(check, link, today)
        held = {number: check.known[number] for number in reading.unasked}
        speakable = {number: known for number, known in check.known.items() if number not in held}
        decision = decide(forget(speakable, reading.gone), reading.invoices, today, self._plan.schedule)
        now = self._clock()
        # An outage in between is no sign that a trouble has ended.
        trouble = reading.trouble or (None if reading.good else link.trouble)
        news = [Notice(AlertKind(trouble.value))] if trouble is not None and trouble is not link.trouble else []
        checked = Checked(
            known={**decision.known, **held},
            alerts=make_alerts(link, [*news, *decision.notices], now),
            checked_at=now if reading.good else link.checked_at,
            next_check_at=self._plan.after(now, reading.wait),
            trouble=trouble,
        )
        if not await self._store.finish_check(check.claim, checked):
            log.info("check result came too late", chat=check.chat.id)

    async def _read(self, check: Check, link: Link, today: date) -> _Reading:
        """Ask the provider. Reminders still come from what is known where it can't be read."""
        try:
            listing = await self._provider.list_invoices(link.token, check.chat.speaks)
        except Exception as error:  # noqa: BLE001  # _unread logs it
            return self._unread(check, error)
        missing = missing_from(check.known, listing.invoices, today, self._plan.schedule)
        return await self._ask_for_missing(check, link, listing.invoices, missing)

    async def _ask_for_missing(
        self, check: Check, link: Link, listed: tuple[Invoice, ...], missing: Sequence[int]
    ) -> _Reading:
        """Complete the reading of the list. One invoice that can't be read counts as it was known."""
        found, gone = list(listed), []
        for number in missing[:MISSING_AT_ONCE]:
            try:
                found.append(await self._provider.invoice(link.token, check.chat.speaks, number))
            except NotFound:
                gone.append(number)
                log.warning("open invoice is gone at the provider", chat=check.chat.id, invoice=number)
            except (ProviderDown, RateLimited) as error:
                return replace(self._unread(check, error), invoices=tuple(found), gone=tuple(gone))
            except Exception as error:  # noqa: BLE001  # it is logged
                log_failure("vanished invoice can't be read", error, chat=check.chat.id, invoice=number)
        self._note_recovery(check)
        return _Reading(tuple(found), tuple(gone), tuple(missing[MISSING_AT_ONCE:]), good=True)

    def _unread(self, check: Check, error: Exception) -> _Reading:
        """What a failure means for the account."""
        match error:
            case TokenRefused():
                return _Reading(trouble=Trouble.TOKEN_REFUSED, wait=TROUBLE_PAUSE)
            case PermissionMissing():
                return _Reading(trouble=Trouble.PERMISSION_MISSING, wait=TROUBLE_PAUSE)
            case RateLimited():
                return _Reading(wait=error.retry_after or 0)
            case ProviderDown():
                self._note_outage(error)
            case _:
                self._note_unreadable(check, error)
        return _Reading()

    def _note_outage(self, error: ProviderDown) -> None:
        if not self._down:
            self._down = True
            log.warning("provider can't be read", error=str(error))

    def _note_unreadable(self, check: Check, error: Exception) -> None:
        if check.chat.id not in self._unreadable:
            self._unreadable.add(check.chat.id)
            log_failure("account can't be read", error, chat=check.chat.id)

    def _note_recovery(self, check: Check) -> None:
        if self._down:
            self._down = False
            log.info("provider can be read again")
        if check.chat.id in self._unreadable:
            self._unreadable.remove(check.chat.id)
            log.info("account can be read again", chat=check.chat.id)


def make_alerts(link: Link, notices: Iterable[Notice], now: datetime) -> list[Alert]:
    """Alerts for what is to be told, with ids that grow with time."""
    return [
        Alert(
            id=f"{int(now.timestamp() * 1_000_000):016x}{order:04x}{secrets.token_hex(3)}",
            place=link.place,
            account=link.account,
            kind=notice.kind,
            created_at=now,
            invoice_id=notice.invoice_id,
            threshold=notice.threshold,
            due=notice.due,
        )
        for order, notice in enumerate(notices)
    ]
