"""Check the accounts that are due: read, compare, and save what is known together with what to tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts import Alert, AlertKind
from bot.domain.chats import Chat, Link
from bot.domain.credit import CreditWatch
from bot.domain.deliveries import Claim
from bot.domain.invoices import Listing
from bot.domain.knowledge import missing_from
from bot.domain.schedule import CheckPlan
from bot.errors import BotError, CheckUnderWay, LinkNotServed
from bot.offload import HEAVY_COUNT, in_turn, off_loop
from bot.ports import Access, Check, Checked, CheckStore, Clock, Glance, Provider
from bot.services.account_reading import AccountReader, AccountReading
from bot.services.comparing import Comparison, with_ids
from bot.services.credit import CREDIT_EVERY, read_credit
from bot.services.permissions import link_of
from bot.services.redrawing import Redrawing
from bot.services.workers import Workers
from bot.turns import Turn, taking_turn

log = structlog.get_logger()

READ_WITHIN = timedelta(seconds=60)
"""How long one check may ask the provider, all calls together. Calls without an answer by then have failed."""
CHECK_LEASE = READ_WITHIN + timedelta(seconds=30)
"""Longer than a check takes, with what the store needs. Not much longer: after a kill the chat waits until it ends."""

CLAIMED_TOGETHER = 10
"""At most. The embedded store reads the chats of a claim in one go, and answers to people wait meanwhile."""

LOOK_FOR_TURN_EVERY = 0.5
"""Seconds between two looks whether another check of the chat has ended."""


class Checker:
    """Finds what to tell. :class:`bot.services.delivery.AlertSender` tells it."""

    def __init__(
        self,
        store: CheckStore,
        provider: Provider,
        clock: Clock,
        plan: CheckPlan,
        workers: Workers,
        *,
        read_within: timedelta = READ_WITHIN,
        wait_for_turn: timedelta = CHECK_LEASE,
        redrawing: Redrawing | None = None,
    ) -> None:
        """``redrawing`` draws earlier messages anew after a check. Without it they stay as they are."""
        self._store = store
        self._provider = provider
        self._reader = AccountReader(provider)
        self._read_within = read_within.total_seconds()
        self._wait_for_turn = wait_for_turn.total_seconds()
        self._clock = clock
        self._plan = plan
        self._workers = workers
        self._redrawing = redrawing
        self._piled_up = False
        self.looked_at: datetime | None = None
        self.ended_at: datetime | None = None
        """When this last looked for due checks, and when a check last ended."""

    async def tick(self) -> bool:
        """Start checks that are due, as many as there is room for now. Return whether there may be more."""
        started = 0
        if room := min(self._workers.free, CLAIMED_TOGETHER):
            with taking_turn(Turn.ALERT):
                for due in await self._store.claim_checks(self._clock(), room, CHECK_LEASE, self._plan.rules):
                    self._workers.start(self._check(due) if isinstance(due, Check) else self._glance(due))
                    started += 1
        self.looked_at = self._clock()
        self._piled_up = started == room
        return self._piled_up

    async def work_off(self, seconds: float) -> None:
        """Start the checks that are due as soon as there is room for each, until none is left, but no longer than this.

        What has become due by then is the next call's. So the time between two calls is no limit to what is done in it.
        """
        end = asyncio.get_running_loop().time() + seconds
        while await self.tick() and (left := end - asyncio.get_running_loop().time()) > 0:
            await self._workers.some_room(left, CLAIMED_TOGETHER)

    async def check_now(self, chat: Chat, begin_to_wait: Callable[[], Awaitable[None]] | None = None) -> Listing:
        """Check this chat because somebody asks, even if the provider is left alone after a refusal.

        While another check of the chat runs, perhaps in another process, wait for its end. ``begin_to_wait`` is called
        then. Return what the provider lists. News is told by alerts. Raise :class:`NotLinked`, :class:`LinkNotServed`,
        a :class:`bot.errors.ProviderError` whose consequences are saved, or :class:`CheckUnderWay` after too long a
        wait.
        """
        if not self._plan.serves(link_of(chat)):
            raise LinkNotServed
        check = await self._claim(chat)
        if check is None:
            if begin_to_wait is not None:
                await begin_to_wait()
            check = await self._claim_in_turn(chat)
        reading = await self._check(check, asked=True)
        if reading.listing is None:
            raise reading.error or BotError()
        return reading.listing

    async def _claim(self, chat: Chat) -> Check | None:
        return await self._store.claim_check(chat.key, self._clock(), CHECK_LEASE)

    async def _claim_in_turn(self, chat: Chat) -> Check:
        """Claim the chat's check as soon as the one that runs has ended."""
        try:
            async with asyncio.timeout(self._wait_for_turn):
                while (check := await self._claim(chat)) is None:  # noqa: ASYNC110  # it may run in another process
                    await asyncio.sleep(LOOK_FOR_TURN_EVERY)
                return check
        except TimeoutError:
            raise CheckUnderWay from None

    async def _check(self, check: Check, *, asked: bool = False) -> AccountReading:
        link = check.chat.link
        if link is None:
            return AccountReading()
        async with self._turn(check.claim, None if asked else link.next_check_at) as turn:
            return await self._check_in_full(check, link, turn, asked=asked)

    async def _glance(self, glance: Glance) -> None:
        """See whether anything has changed. If so, check the chat in full."""
        async with self._turn(glance.claim, glance.due) as turn:
            reading = await self._reader.read_if_changed(glance, turn.reads_until)
            if reading is None and await self._is_unchanged(glance, turn):
                return
            check = await self._store.whole_check(glance.claim)
            if check is None or check.chat.link is None:
                turn.end = "late"
                return
            # Whoever has changed the chat may have seen something newer than this reading.
            await self._check_in_full(check, check.chat.link, turn, None if check.changed else reading)

    @asynccontextmanager
    async def _turn(self, claim: Claim, due: datetime | None) -> AsyncIterator[_Turn]:
        """The time in which a claimed check is made. ``due`` None: somebody asks for it."""
        began = self._clock()
        turn = _Turn(asyncio.get_running_loop().time() + self._read_within)
        try:
            await in_turn()  # many are begun at once
            yield turn
        except Exception:
            # It would most likely fail again at once: the chat waits for its next turn.
            await self._store.postpone_check(claim, self._plan.after(self._clock()))
            raise
        except asyncio.CancelledError:
            turn.end = "cut off"
            await self._store.postpone_check(claim, began)  # for another process, or the next start
            raise
        finally:
            self.ended_at = self._clock()
            lag = None if due is None else (began - due).total_seconds()
            log.debug("check ended", end=turn.end, seconds=(self.ended_at - began).total_seconds(), lag=lag)

    async def _check_in_full(
        self, check: Check, link: Link, turn: _Turn, reading: AccountReading | None = None, *, asked: bool = False
    ) -> AccountReading:
        """Read, compare and save. ``reading``: the list was read already."""
        if not self._plan.serves(link):
            turn.end = "not served"
            return await self._dismiss(check, link)
        if link.watch.dismissed:
            link = replace(link, watch=replace(link.watch, dismissed=False))
        reading = await self._read(check, link, turn, reading, asked=asked)
        turn.end = reading.end if await self._save(check, link, reading) else "late"
        if self._redrawing is not None and turn.end != "late" and reading.listing is not None:
            await self._redrawing.after_check(check.chat, reading.listing, reading.found, self._clock())
        return reading

    async def _is_unchanged(self, glance: Glance, turn: _Turn) -> bool:
        """Note that nothing has changed, if the credit has not either. False: the chat has to be checked in full."""
        last = glance.unchanged
        credit = await self._read_credit(glance.access, last.credit, turn) if last.is_owed else last.credit
        if not credit.says_as(last.credit):
            return False
        now = self._clock()
        late = glance.key if self._piled_up and self._plan.is_late(glance.due, now) else None
        next_check_at = self._plan.after(now, look=last.look, late=late)
        seen = last if credit is last.credit else replace(last, credit=credit)
        if not await self._store.end_glance(glance.claim, now, next_check_at, seen):
            return False
        turn.end = "unchanged"
        return True

    async def _dismiss(self, check: Check, link: Link) -> AccountReading:
        """Say once that the operator does not let this owner use the bot any more. Their token is left alone."""
        now = self._clock()
        farewell = [] if link.watch.dismissed else [Alert("", link.place, link.account, AlertKind.NOT_SERVED, now)]
        watch = replace(link.watch, dismissed=True)
        checked = Checked(check.known, with_ids(farewell, now), watch, self._plan.after(now), known_is_new=False)
        await self._store.finish_check(check.claim, checked)
        return AccountReading()

    async def _read(
        self, check: Check, link: Link, turn: _Turn, reading: AccountReading | None, *, asked: bool
    ) -> AccountReading:
        """Ask the provider. If it refused the token, leave it alone for a while, unless somebody asks."""
        if not asked and not self._plan.may_ask(link.watch, self._clock()):
            return AccountReading()
        end = turn.reads_until
        if reading is None:
            reading = await self._reader.read(check.chat, link, end, "" if asked else link.watch.next_page)
        if reading.listing is None:
            return reading
        schedule = self._plan.schedule(check.chat)
        listed, heavy = reading.listing.invoices, len(reading.listing.invoices) > HEAVY_COUNT
        missing = await off_loop(heavy, missing_from, check.known, listed, schedule, self._clock())
        reading = await self._reader.ask_for(missing, check.chat, link, reading, end)
        if any(invoice.may_be_owed for invoice in reading.found):
            every = timedelta(0) if link.credit_wishes else CREDIT_EVERY
            access = Access(check.chat.id, link.token, check.chat.reply_language)
            credit = await self._read_credit(access, link.credit, turn, every)
            # What was not read anew may be older than what somebody has read meanwhile.
            return reading if credit is link.credit else replace(reading, credit=credit)
        return reading

    async def _read_credit(
        self, access: Access, before: CreditWatch, turn: _Turn, every: timedelta = CREDIT_EVERY
    ) -> CreditWatch:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(turn.reads_until):
                return await read_credit(self._provider, access, before, self._clock(), every)
        return before

    async def _save(self, check: Check, link: Link, reading: AccountReading) -> bool:
        """Compare and save. Return False if too late."""
        now = self._clock()
        heavy = max(len(check.known), len(reading.found)) > HEAVY_COUNT
        comparison = Comparison(self._plan, check, link, reading, now, self._piled_up)
        checked = await off_loop(heavy, comparison.result)
        if not await self._store.finish_check(check.claim, checked):
            log.info("check result came too late", chat=check.chat.id)
            return False
        if link.watch.is_refused and not checked.watch.is_refused:
            await self._store.end_refusal(link.account, now)  # in other chats of the account
        return True


@dataclass(slots=True)
class _Turn:
    """One check. Until ``reads_until``, by the loop's clock, it asks the provider. ``end`` is its result in a word."""

    reads_until: float
    end: str = "failed"
