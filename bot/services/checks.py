"""Check the accounts whose turn has come: read, compare, and save what is known together with what to tell."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.account_watch import watch_reading, watch_week
from bot.domain.alerts import Alert, AlertKind
from bot.domain.chats import Chat, Link
from bot.domain.invoices import Listing
from bot.domain.reminders import decide, doubt, forget, missing_from, next_look
from bot.domain.schedule import CheckPlan
from bot.errors import BotError, CheckUnderWay
from bot.ports import Check, Checked, CheckStore, Clock, Provider
from bot.services.account_reader import AccountReader, AccountReading
from bot.services.permissions import link_of
from bot.services.workers import Workers

log = structlog.get_logger()

READ_WITHIN = timedelta(seconds=60)
"""All that one check asks the provider has this long together; what is not answered then is unread."""
CHECK_LEASE = READ_WITHIN + timedelta(seconds=30)
"""Longer than a check takes, with what the store needs; not much, as a chat whose check a kill cut off waits for it."""


class Checker:
    """Finds out. Telling is the work of :class:`bot.services.delivery.AlertSender`."""

    def __init__(
        self,
        store: CheckStore,
        provider: Provider,
        clock: Clock,
        plan: CheckPlan,
        workers: Workers,
        *,
        read_within: timedelta = READ_WITHIN,
    ) -> None:
        self._store = store
        self._reader = AccountReader(provider)
        self._read_within = read_within.total_seconds()
        self._clock = clock
        self._plan = plan
        self._workers = workers
        self.looked_at: datetime | None = None
        self.ended_at: datetime | None = None
        """When this last looked for due checks, and when a check last came to its end."""

    async def tick(self) -> None:
        """Start the checks that are due, as many as there is room for."""
        if room := self._workers.free:
            for check in await self._store.claim_checks(self._clock(), room, CHECK_LEASE):
                self._workers.start(self._check(check))
        self.looked_at = self._clock()

    async def check_now(self, chat: Chat) -> Listing:
        """Check this chat because somebody asks, also where a trouble lets its checks rest.

        Gives what the provider lists; what is new comes as alerts. Raises :class:`NotLinked`, :class:`CheckUnderWay`
        or a :class:`bot.errors.ProviderError`, whose consequences are saved.
        """
        link_of(chat)
        check = await self._store.claim_check(chat.id, self._clock(), CHECK_LEASE)
        if check is None:
            raise CheckUnderWay
        reading = await self._check(check, asked=True)
        if reading.listing is None:
            raise reading.error or BotError()
        return reading.listing

    async def _check(self, check: Check, *, asked: bool = False) -> AccountReading:
        link = check.chat.link
        if link is None:
            return AccountReading()
        began, end = self._clock(), "failed"
        try:
            reading = await self._read(check, link, asked=asked)
            end = reading.end if await self._save(check, link, reading) else "late"
        except Exception:
            # Whatever it is, it will most likely happen again at once: the chat waits for its next turn.
            await self._store.postpone_check(check.claim, self._plan.after(self._clock()))
            raise
        except asyncio.CancelledError:
            end = "cut off"
            await self._store.postpone_check(check.claim, began)  # for another process, or the next start
            raise
        finally:
            self.ended_at = self._clock()
            lag = None if asked else (began - link.next_check_at).total_seconds()
            log.debug("check ended", end=end, seconds=(self.ended_at - began).total_seconds(), lag=lag)
        return reading

    async def _read(self, check: Check, link: Link, *, asked: bool) -> AccountReading:
        """Ask the provider, unless it refused the token: then it is left alone until somebody asks or links anew."""
        if link.watch.trouble is not None and not asked:
            return AccountReading()
        end = asyncio.get_running_loop().time() + self._read_within
        reading = await self._reader.read(check.chat, link, end)
        if reading.listing is None:
            return reading
        schedule = self._plan.schedule(check.chat)
        missing = missing_from(check.known, reading.listing.invoices, schedule, self._clock())
        return await self._reader.ask_for(missing, check.chat, link, reading, end)

    async def _save(self, check: Check, link: Link, reading: AccountReading) -> bool:
        """Compare and save; False: too late. Reminders come from what is known where the provider could not be read."""
        now, chat, schedule = self._clock(), check.chat, self._plan.schedule(check.chat)
        held = {number: check.known[number] for number in reading.unasked}
        speakable = {number: known for number, known in check.known.items() if number not in held}
        decision = decide(
            doubt(forget(speakable, reading.gone), reading.unread, now),
            reading.found,
            link=link,
            silences=chat.silences,
            shown={shown.invoice_id for message in check.sent for shown in message.shown if not shown.resolved},
            schedule=schedule,
            now=now,
        )
        known = {**decision.known, **held}
        unreadable = reading.unreadable
        good = reading.listing is not None

        def of_link(kind: AlertKind) -> Alert:
            return Alert("", link.place, link.account, kind, now)

        watch, of_account = watch_reading(link.watch, now, good=good, trouble=reading.trouble, unreadable=unreadable)
        watch, of_week = watch_week(watch, schedule, now, any_open=any(k.can_be_due for k in known.values()))
        looks = [next_look(known, chat.silences, schedule, now), schedule.next_week(now) if watch.digest_told else None]
        look = min((at for at in looks if at is not None), default=None)
        checked = Checked(
            known=known,
            alerts=with_ids([*map(of_link, of_account), *decision.alerts, *map(of_link, of_week)], now),
            watch=watch,
            next_check_at=self._plan.after(now, reading.wait, look),
        )
        if await self._store.finish_check(check.claim, checked):
            return True
        log.info("check result came too late", chat=chat.id)
        return False


def with_ids(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Give new alerts their ids, which grow with time."""
    micros = int(now.timestamp() * 1_000_000)
    return [replace(alert, id=f"{micros:016x}{order:04x}{secrets.token_hex(3)}") for order, alert in enumerate(alerts)]
