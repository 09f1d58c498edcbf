"""Check the accounts that are due: read, compare, and save what is known together with what to tell."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.domain.account_watch import watch_reading, watch_week
from bot.domain.alerts import Alert, AlertKind, undated
from bot.domain.board import state_of
from bot.domain.chats import Chat, Link, Trouble, Watch
from bot.domain.collectives import with_parts
from bot.domain.credit import CLOSELY, CreditWatch, Debt, Funds, coverage, suffices, watches_closely
from bot.domain.invoices import UNREADABLE_NAMED, Invoice, Listing
from bot.domain.knowledge import mark_missing, mark_reminded, mark_unread, missing_from
from bot.domain.packs.calendar import due_periods, next_pack, ordered, still_told
from bot.domain.reminders import decide, next_look, with_prices
from bot.domain.schedule import CheckPlan, Schedule
from bot.errors import (
    BotError,
    CheckUnderWay,
    ClearRefusal,
    ForeignAnswer,
    LinkNotServed,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    RateLimited,
    TokenRefused,
)
from bot.offload import HEAVY_COUNT, in_turn, off_loop
from bot.ports import Check, Checked, CheckStore, Clock, Provider
from bot.services.credit import CREDIT_EVERY, read_credit
from bot.services.failures import log_failure
from bot.services.permissions import link_of
from bot.services.redrawing import Redrawing
from bot.services.workers import Workers

T = TypeVar("T")

log = structlog.get_logger()

READ_WITHIN = timedelta(seconds=60)
"""How long one check may ask the provider, all calls together. Calls without an answer by then have failed."""
CHECK_LEASE = READ_WITHIN + timedelta(seconds=30)
"""Longer than a check takes, with what the store needs. Not much longer: after a kill the chat waits until it ends."""

LOOK_FOR_TURN_EVERY = 0.5
"""Seconds between two looks whether another check of the chat has ended."""

MISSING_READ_PER_CHECK = 5
"""How many invoices that vanished from the list one check asks for singly. The others wait for the next check."""
LOOK_FOR_UNASKED_AFTER = timedelta(minutes=5)
"""Then that check comes at the latest: until an invoice was asked for, nothing can be said of it."""


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
        """Start the checks that are due, as many as there is room for. Return whether there may be more."""
        started = 0
        if room := self._workers.free:
            for check in await self._store.claim_checks(self._clock(), room, CHECK_LEASE):
                self._workers.start(self._check(check))
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
            await self._workers.some_room(left)

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
        began, end = self._clock(), "failed"
        try:
            await in_turn()  # many are begun at once
            if not self._plan.serves(link):
                end = "not served"
                return await self._dismiss(check, link)
            link = replace(link, watch=replace(link.watch, dismissed=False))
            reading = await self._read(check, link, asked=asked)
            end = reading.end if await self._save(check, link, reading) else "late"
            if self._redrawing is not None and end != "late" and reading.listing is not None:
                await self._redrawing.after_check(check.chat, reading.listing, reading.found, self._clock())
        except Exception:
            # It would most likely fail again at once: the chat waits for its next turn.
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

    async def _dismiss(self, check: Check, link: Link) -> AccountReading:
        """Say once that the operator does not let this owner use the bot any more. Their token is left alone."""
        now = self._clock()
        farewell = [] if link.watch.dismissed else [Alert("", link.place, link.account, AlertKind.NOT_SERVED, now)]
        watch = replace(link.watch, dismissed=True)
        checked = Checked(check.known, with_ids(farewell, now), watch, self._plan.after(now), known_is_new=False)
        await self._store.finish_check(check.claim, checked)
        return AccountReading()

    async def _read(self, check: Check, link: Link, *, asked: bool) -> AccountReading:
        """Ask the provider. If it refused the token, leave it alone for a while, unless somebody asks."""
        if not asked and not self._plan.may_ask(link.watch, self._clock()):
            return AccountReading()
        end = asyncio.get_running_loop().time() + self._read_within
        begin = "" if asked else link.watch.next_page
        reading = await self._reader.read(check.chat, link, end, begin)
        if reading.listing is None:
            return reading
        schedule = self._plan.schedule(check.chat)
        listed, heavy = reading.listing.invoices, len(reading.listing.invoices) > HEAVY_COUNT
        missing = await off_loop(heavy, missing_from, check.known, listed, schedule, self._clock())
        reading = await self._reader.ask_for(missing, check.chat, link, reading, end)
        if any(invoice.may_be_owed for invoice in reading.found):
            with suppress(TimeoutError):
                async with asyncio.timeout_at(end):
                    every = timedelta(0) if link.credit_wishes else CREDIT_EVERY
                    credit = await read_credit(self._provider, check.chat, link, self._clock(), every)
                    # What was not read anew may be older than what somebody has read meanwhile.
                    return reading if credit is link.credit else replace(reading, credit=credit)
        return reading

    async def _save(self, check: Check, link: Link, reading: AccountReading) -> bool:
        """Compare and save. Return False if too late."""
        now = self._clock()
        heavy = max(len(check.known), len(reading.found)) > HEAVY_COUNT
        checked = await off_loop(heavy, self._compared, check, link, reading, now)
        if not await self._store.finish_check(check.claim, checked):
            log.info("check result came too late", chat=check.chat.id)
            return False
        if link.watch.is_refused and not checked.watch.is_refused:
            await self._store.end_refusal(link.account, now)  # in other chats of the account
        return True

    def _compared(self, check: Check, link: Link, reading: AccountReading, now: datetime) -> Checked:
        """Return what follows from a reading. If the provider could not be read, remind of what is known."""
        chat, schedule = check.chat, self._plan.schedule(check.chat)
        held = {number: check.known[number] for number in reading.unasked}
        speakable = {number: known for number, known in check.known.items() if number not in held}
        reminded = mark_reminded(speakable, check.sent, schedule, now)
        fulfilled = self._fulfilled(link, reading, schedule, now)
        decision = decide(
            mark_unread(mark_missing(reminded, reading.gone, now), reading.unread, now),
            reading.found,
            link=link,
            silences=chat.silences,
            shown={shown.invoice_id for message in check.sent for shown in message.shown if not shown.is_over},
            schedule=schedule,
            now=now,
            funds=Funds(self._covered(link, reading), fulfilled),
        )
        if reading.listing is not None and reading.listing.lacks_nothing:
            decision = with_prices(decision, reading.found)
        known = {**decision.known, **held}
        watch, of_account = self._watch(link.watch, reading, len(undated(known.values())), now)
        watch, of_week = watch_week(watch, schedule, now, any_open=any(k.can_be_due for k in known.values()))
        told = link.watch.packs_told
        periods = due_periods(schedule, link.linked_at, told, now)
        watch = replace(watch, packs_told=still_told(told, periods, schedule, now))
        looks = [
            next_pack(schedule, now),
            next_look(known, chat.silences, schedule, now),
            schedule.next_week(now) if watch.digest_told else None,
            self._plan.asks_again_at(watch),
            now + CLOSELY if watches_closely(link.credit_wishes, now) else None,
            now + LOOK_FOR_UNASKED_AFTER if reading.unasked else None,
        ]
        present = replace(chat, link=replace(link, watch=watch, credit=reading.credit or link.credit))
        if state_of(present, known.values(), schedule, now) != (chat.board.state if chat.board is not None else ""):
            of_week = [*of_week, AlertKind.BOARD]
        look = min((at for at in looks if at is not None and at > now), default=None)
        late = chat.key if self._piled_up and self._plan.is_late(link.next_check_at, now) else None

        def about_account(kind: AlertKind) -> Alert:
            return Alert("", link.place, link.account, kind, now)

        return Checked(
            known=known,
            alerts=with_ids([*map(about_account, of_account), *decision.alerts, *map(about_account, of_week)], now),
            watch=watch,
            next_check_at=self._plan.after(now, reading.wait, look, late=late),
            credit=reading.credit,
            packs=ordered(periods, link, now),
            ended_wishes=[*fulfilled, *(n for n in _wished(link) if n not in known or not known[n].may_be_owed)],
            known_is_new=known != check.known,
        )

    def _watch(
        self, before: Watch, reading: AccountReading, undated: int, now: datetime
    ) -> tuple[Watch, list[AlertKind]]:
        if not reading.was_asked_for:
            return before, []
        listing, unreadable = reading.listing, reading.unreadable + undated
        broken = reading.unreadable_ids
        if listing is not None and (listing.resumed or not listing.is_read_to_end):  # the others may be in another part
            unreadable = max(unreadable, before.unreadable_told)
            broken = tuple(dict.fromkeys((*before.unreadable_ids, *broken)))[:UNREADABLE_NAMED]
        after, kinds = watch_reading(
            before,
            now,
            good=listing is not None,
            partial=listing is not None and not listing.is_read_to_end,
            trouble=reading.trouble,
            unreadable=unreadable,
            doubt=self._plan.doubts_refusal_for,
        )
        if listing is not None:
            return replace(after, next_page=listing.rest or "", unreadable_ids=broken), kinds
        said = reading.error.reason if isinstance(reading.error, ClearRefusal) else before.said
        return replace(after, next_page="", said=said), kinds

    def _covered(self, link: Link, reading: AccountReading) -> Sequence[int]:
        """Return the invoices for which the credit suffices, as far as that is known: others may be due before them."""
        if reading.listing is None or not reading.listing.lacks_nothing:
            return ()
        owed = [invoice.debt for invoice in reading.found if invoice.may_be_owed]
        found = coverage((reading.credit or link.credit).credit, owed, self._plan.currency)
        return found.covered if found is not None else ()

    def _fulfilled(self, link: Link, reading: AccountReading, schedule: Schedule, now: datetime) -> Sequence[int]:
        """Return the invoices for which somebody waits for credit, and for which it suffices now.

        Where it would come too late, the wish rests and does not end: the clock may be ahead.
        """
        if reading.credit is None:
            return ()
        wished = [i for i in reading.found if i.id in _wished(link) and i.is_open]
        in_time = [i for i in wished if i.due is None or not schedule.is_lost(i.due, i.types, now)]
        debts = [Debt(i.id, i.due, i.left_to_pay) for i in in_time]
        return [debt.id for debt in debts if suffices(reading.credit.credit, debt, self._plan.currency)]


def _wished(link: Link) -> frozenset[int]:
    return frozenset(wish.invoice_id for wish in link.credit_wishes)


def with_ids(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Give new alerts their ids, which grow with time and in this order."""
    micros = int(now.timestamp() * 1_000_000)
    return [replace(alert, id=f"{micros:016x}{n:04x}{secrets.token_hex(3)}") for n, alert in enumerate(alerts)]


@dataclass(frozen=True, slots=True)
class AccountReading:
    """What the provider said. ``listing`` is None if its list was not asked for, or could not be read (``error``).

    ``found`` are the listed invoices and those read singly. The others vanished from the list: the provider says that
    it has none (``gone``), could not say (``unread``), or was not asked yet (``unasked``), so nothing can be said.
    ``wait`` is how many seconds the provider wants to be left alone. ``credit`` is None if it was not asked for.
    """

    listing: Listing | None = None
    found: tuple[Invoice, ...] = ()
    gone: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()
    unasked: tuple[int, ...] = ()
    trouble: Trouble | None = None
    wait: float = 0
    error: Exception | None = None
    credit: CreditWatch | None = None

    @property
    def was_asked_for(self) -> bool:
        """Whether the provider was asked for its list."""
        return self.listing is not None or self.error is not None

    @property
    def unreadable(self) -> int:
        """How many invoices of the list could not be read, not even singly."""
        if self.listing is None:
            return 0
        return max(0, self.listing.lost - (len(self.found) - len(self.listing.invoices)))

    @property
    def unreadable_ids(self) -> tuple[int, ...]:
        """The numbers of those, as far as they are known."""
        if self.listing is None:
            return ()
        found = {invoice.id for invoice in self.found}
        return tuple(number for number in self.listing.unreadable_ids if number not in found)

    @property
    def end(self) -> str:
        """The result in a word, for the log."""
        if self.listing is not None:
            return "good"
        return "refused" if self.trouble or not self.was_asked_for else "unread"


class AccountReader:
    """Reads from the provider until ``end``, by the loop's clock. A provider that has not answered by then is down.

    Outages are logged when they begin and when they end, not at every check.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._down = False
        self._unreadable: set[int] = set()

    async def read(self, chat: Chat, link: Link, end: float, begin: str) -> AccountReading:
        """Read the account's list from this place on. Never raise a :class:`ProviderError`."""
        try:
            listing = await self._list(chat, link, end, begin)
        except Exception as error:  # noqa: BLE001  # _unread logs it
            return self._unread(chat, error)
        self._note_recovery(chat)
        return AccountReading(listing, listing.invoices)

    async def _list(self, chat: Chat, link: Link, end: float, begin: str) -> Listing:
        """Read the list from this place on, or from its beginning if that can't be read."""
        if begin:
            try:
                return await self._list_from(begin, chat, link, end)
            except RateLimited:
                raise
            except ProviderError as error:
                log.debug("list can't be read on", chat=chat.id, error=str(error))
        return await self._list_from("", chat, link, end)

    async def _list_from(self, begin: str, chat: Chat, link: Link, end: float) -> Listing:
        return await _answer_by(end, self._provider.list_invoices(link.token, chat.reply_language, begin=begin))

    async def ask_for(
        self, missing: Sequence[int], chat: Chat, link: Link, reading: AccountReading, end: float
    ) -> AccountReading:
        """Complete a reading: ask for each invoice ``missing`` from its list, until the provider can't be asked.

        From a list that is not whole nothing follows: what it lacks is as it was, and is spoken of as such.
        """
        is_whole = reading.listing is not None and reading.listing.is_whole
        found, wait = list(reading.found), 0.0
        gone, unread = list[int](), list[int]()
        asking = iter(missing[:MISSING_READ_PER_CHECK])
        for number in asking:
            try:
                found.append(await _answer_by(end, self._provider.invoice(link.token, chat.reply_language, number)))
            except NotFound:
                (gone if is_whole else unread).append(number)
                if is_whole:
                    log.warning("open invoice is gone at the provider", chat=chat.id, invoice=number)
            except Exception as error:  # noqa: BLE001  # it is logged
                unread.append(number)
                log_failure("vanished invoice can't be read", error, chat=chat.id, invoice=number)
                wait = (error.retry_after or 0) if isinstance(error, RateLimited) else wait
                if isinstance(error, RateLimited | ProviderDown):
                    break
        unasked = (*asking, *missing[MISSING_READ_PER_CHECK:])
        if not is_whole:
            unread, unasked = [*unread, *unasked], ()
        if len(found) > len(reading.found):
            found = list(await off_loop(len(found) > HEAVY_COUNT, with_parts, found))
        return replace(reading, found=tuple(found), gone=tuple(gone), unread=tuple(unread), unasked=unasked, wait=wait)

    def _unread(self, chat: Chat, error: Exception) -> AccountReading:
        """Return what a failure means for the account."""
        match error:
            case TokenRefused():
                return AccountReading(trouble=Trouble.TOKEN_REFUSED, error=error)
            case PermissionMissing():
                return AccountReading(trouble=Trouble.PERMISSION_MISSING, error=error)
            case ForeignAnswer():
                self._note_unreadable(chat, error)  # a firewall may stop one account only
                return AccountReading(wait=error.retry_after or 0, error=error)
            case RateLimited() | ProviderDown():
                self._note_outage(error)
                return AccountReading(wait=error.retry_after or 0, error=error)
            case _:
                self._note_unreadable(chat, error)
        return AccountReading(error=error)

    def _note_outage(self, error: ProviderError) -> None:
        if not self._down:
            self._down = True
            log.warning("provider can't be read", error=str(error))

    def _note_unreadable(self, chat: Chat, error: Exception) -> None:
        if chat.id not in self._unreadable:
            self._unreadable.add(chat.id)
            log_failure("account can't be read", error, chat=chat.id)

    def _note_recovery(self, chat: Chat) -> None:
        if self._down:
            self._down = False
            log.info("provider can be read again")
        if chat.id in self._unreadable:
            self._unreadable.remove(chat.id)
            log.info("account can be read again", chat=chat.id)


async def _answer_by(end: float, call: Awaitable[T]) -> T:
    """Return what the call returns. Raise :class:`ProviderDown` at ``end``."""
    try:
        async with asyncio.timeout_at(end):
            return await call
    except TimeoutError:
        raise ProviderDown from None
