"""Check the accounts whose turn has come: read, compare, and save what is known together with what to tell."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Link, Trouble
from bot.domain.invoices import Invoice
from bot.domain.reminders import Notice, decide, forget, missing_from, reminder_day
from bot.errors import NotFound, PermissionMissing, ProviderDown, ProviderError, RateLimited, TokenRefused
from bot.ports import Check, Checked, CheckStore, Clock, Provider
from bot.services.plan import CheckPlan
from bot.services.workers import Workers

log = structlog.get_logger()

LEASE = timedelta(minutes=5)
MISSING_AT_ONCE = 5
"""How many invoices that vanished from the list one check asks for singly; the rest have their turn next time."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the provider said: ``invoices`` is empty where it could not be read."""

    invoices: tuple[Invoice, ...] = ()
    gone: tuple[int, ...] = ()
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
            reading = await self._read(link, check)
        except Exception:
            # Whatever it is, it will most likely happen again at once: the chat waits for its next turn.
            await self._store.postpone_check(check.claim, self._plan.after(self._clock()))
            raise
        now = self._clock()
        today = reminder_day(now, self._plan.zone, self._plan.schedule)
        decision = decide(forget(check.known, reading.gone), reading.invoices, today, self._plan.schedule)
        news = [Notice(AlertKind(reading.trouble.value))] if reading.trouble and link.trouble is None else []
        checked = Checked(
            known=decision.known,
            alerts=make_alerts(link, [*news, *decision.notices], now),
            checked_at=now if reading.good else link.checked_at,
            next_check_at=self._plan.after(now, reading.wait),
            trouble=reading.trouble,
        )
        if not await self._store.finish_check(check.claim, checked):
            log.info("check result came too late", chat=check.chat.id)

    async def _read(self, link: Link, check: Check) -> _Reading:
        """Ask the provider. Reminders still come from what is known where it can't be read."""
        if link.trouble is not None:
            return _Reading(trouble=link.trouble)
        language = check.chat.speaks
        try:
            listing = await self._provider.list_invoices(link.token, language)
            found, gone = await self._ask_for_missing(link, language, check.known, listing.invoices)
        except TokenRefused:
            return _Reading(trouble=Trouble.TOKEN_REFUSED)
        except PermissionMissing:
            return _Reading(trouble=Trouble.PERMISSION_MISSING)
        except RateLimited as error:
            return _Reading(wait=error.retry_after or 0)
        except ProviderDown as error:
            self._note_outage(error)
            return _Reading()
        except ProviderError as error:
            log.warning("account can't be read", chat=check.chat.id, error=str(error))
            return _Reading()
        self._note_recovery()
        return _Reading((*listing.invoices, *found), gone, good=True)

    async def _ask_for_missing(
        self, link: Link, language: str, known: Mapping[int, KnownInvoice], listed: Iterable[Invoice]
    ) -> tuple[list[Invoice], tuple[int, ...]]:
        found, gone = [], []
        for number in missing_from(known, listed)[:MISSING_AT_ONCE]:
            try:
                found.append(await self._provider.invoice(link.token, language, number))
            except NotFound:
                gone.append(number)
                log.warning("open invoice is gone at the provider", chat=link.place.chat_id, invoice=number)
        return found, tuple(gone)

    def _note_outage(self, error: ProviderError) -> None:
        if not self._down:
            self._down = True
            log.warning("provider can't be read", error=str(error))

    def _note_recovery(self) -> None:
        if self._down:
            self._down = False
            log.info("provider can be read again")


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
