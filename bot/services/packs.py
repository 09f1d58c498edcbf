"""Packs: order and cancel them, and make those that were ordered.

Whoever makes a pack holds it by a lease, and keeps what was sent. After a stop, the next one goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from bot.domain.chats import Chat, Place
from bot.domain.invoices import Invoice, Listing
from bot.domain.packs.choices import PackChoice, chosen
from bot.domain.packs.names import file_names
from bot.domain.packs.pack import OUTAGE_WAIT, PACK_LEASE, PACKS_AT_MOST, Pack, pack_id
from bot.domain.schedule import CheckPlan
from bot.errors import (
    BotError,
    ChatGone,
    ChatMigrated,
    FloodLimited,
    MessengerError,
    NotSent,
    PackLost,
    QuestionOver,
    RateLimited,
    SendRefused,
    StoreAway,
    TooManyPacks,
)
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock, PackClaim, PackEnd, PackStore
from bot.services.failures import log_failure, note_unreachable
from bot.services.held_packs import HeldPack, PackStopped
from bot.services.pack_documents import PackTools
from bot.services.packing import PackContent, Packing
from bot.services.permissions import link_of
from bot.services.workers import Workers

log = structlog.get_logger()


class PackSender:
    """Makes the packs that were ordered."""

    def __init__(self, store: PackStore, chats: ChatStore, tools: PackTools, plan: CheckPlan, workers: Workers) -> None:
        self._store = store
        self._chats = chats
        self._tools = tools
        self._clock = tools.clock
        self._plan = plan
        self._workers = workers
        self._held: dict[str, HeldPack] = {}

    async def tick(self) -> None:
        """Start the packs that are due, as many as there is room for."""
        if room := self._workers.free:
            for claim in await self._store.claim_packs(self._clock(), room, PACK_LEASE):
                self._workers.start(self._make(claim))

    def note_stop(self, at: str) -> None:
        """Note at once that a pack was cancelled, if it is made here."""
        if (held := self._held.get(at)) is not None:
            held.stop()

    async def _make(self, claim: PackClaim) -> None:
        """Make a pack from where it is. Whatever goes wrong, it is given back or ended."""
        held = self._held[claim.pack.id] = HeldPack(claim, self._store, self._clock)
        try:
            async with held.renewed():
                await self._make_held(held)
        except PackLost:
            log.info("pack is made by another process, or its chat was unlinked", chat=claim.chat.id)
        except asyncio.CancelledError:
            await held.give_back()
            raise
        except FloodLimited as error:
            await held.rest(self._clock() + timedelta(seconds=error.retry_after))
        except NotSent as error:
            log_failure("pack can't be sent now", error, chat=claim.chat.id)
            await held.rest(self._clock() + OUTAGE_WAIT)
        except RateLimited as error:
            await held.later(timedelta(seconds=error.retry_after or 0))
        except Exception as error:
            log_failure("pack can't be made now", error, chat=claim.chat.id)
            if isinstance(error, ChatGone | ChatMigrated):
                await note_unreachable(self._chats, claim.chat.id, error)
            await held.later()
            if not isinstance(error, BotError):
                raise
        finally:
            if self._held.get(claim.pack.id) is held:
                del self._held[claim.pack.id]

    async def _make_held(self, held: HeldPack) -> None:
        schedule, now = self._plan.schedule(held.chat), self._clock()
        if not self._plan.serves(link_of(held.chat)):
            await held.end()
        elif not held.pack.is_awaited and schedule.is_quiet(now):
            await held.rest(schedule.quiet_end(now))
        elif held.pack.telling:
            pack = held.pack
            await self._tell(held, PackEnd(len(pack.done) or pack.parts + pack.tables), again=True)
        else:
            await self._tell(held, await self._packed(held))

    async def _packed(self, held: HeldPack) -> PackEnd:
        """Pack and send what is left. Raise an error if it is to be tried again later."""
        invoices: list[Invoice] = []
        try:
            async with held.unless_stopped():
                listing = await self._tools.reads.listing(held.chat)
            heavy = len(listing.invoices) > HEAVY_COUNT
            invoices = await off_loop(heavy, chosen, listing.invoices, held.pack.choice)
            if invoices:
                await self._pack(held, listing, invoices)
        except PackStopped:
            return PackEnd(len(invoices))
        except (MessengerError, PackLost, StoreAway):
            raise
        except Exception as error:
            if not held.pack.is_last_try:
                raise
            log_failure("pack is given up", error, chat=held.chat.id)
            return PackEnd(len(invoices), why=error if isinstance(error, BotError) else BotError())
        return PackEnd(len(invoices), lost=not listing.lacks_nothing)

    async def _pack(self, held: HeldPack, listing: Listing, invoices: Sequence[Invoice]) -> None:
        files = self._tools.files
        words = self._tools.messenger.words(held.chat, listing)
        async with held.unless_stopped():
            book = await self._tools.tables.book_of(held.chat, words.account, listing, held.pack.choice.fits)
        names = await off_loop(len(invoices) > HEAVY_COUNT, file_names, invoices, words.style, files.safe)
        async with files.space.share(2 * files.part_limit):
            await Packing(held, PackContent(invoices, names, words, book), self._tools).run()

    async def _tell(self, held: HeldPack, end: PackEnd, *, again: bool = False) -> None:
        """Say how it ended. If a crash comes between, it is said once more, marked: nobody should wait for nothing."""
        await held.save(telling=True)
        try:
            await self._tools.messenger.tell_end(held.chat, held.pack, end, again=again)
        except SendRefused as error:
            log_failure("end of a pack is refused", error, chat=held.chat.id)
        except (FloodLimited, NotSent):
            await held.save(telling=again)  # it did not arrive now; an earlier try may have
            raise
        await held.end()


class Packs:
    """Orders of packs. ``sender`` makes them, in this process or in another one."""

    def __init__(self, store: PackStore, sender: PackSender, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock

    def ordered(self, chat: Chat, place: Place, user_id: int, choice: PackChoice, press: str) -> Pack:
        """Return an order, not kept yet. The same press comes to the same one, also after a crash.

        Raise :class:`TooManyPacks` or :class:`NotLinked`.
        """
        if sum(pack.is_awaited for pack in link_of(chat).packs) >= PACKS_AT_MOST:
            raise TooManyPacks
        return Pack(pack_id(chat.key, press), choice, self._clock(), place.topic_id, user_id)

    async def order(self, chat: Chat, pack: Pack) -> None:
        """Keep an order, and begin with it if there is room. Raise as :meth:`ordered`."""
        if not await self._store.add_pack(chat.key, link_of(chat).account, pack):
            raise TooManyPacks
        await self._sender.tick()

    async def stop(self, chat: Chat, at: str) -> None:
        """Cancel a pack. A file that is being sent still arrives. Raise :class:`QuestionOver`."""
        if not await self._store.stop_pack(chat.key, at):
            raise QuestionOver
        self._sender.note_stop(at)
