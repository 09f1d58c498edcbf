"""A pack while one process makes it: what is written of it counts only as long as the process holds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.chats import Chat
from bot.domain.packs.pack import LONGEST_PACK_WAIT, PACK_LEASE, Pack
from bot.errors import PackLost, StoreAway
from bot.ports import Clock, PackClaim, PackStore

RENEW_EVERY = 15.0
"""Seconds after which the lease is renewed, and it is looked whether another process has cancelled."""


class PackStopped(Exception):
    """Somebody has cancelled the pack."""


class HeldPack:
    """A claimed pack. ``pack`` is as it stands now. Methods that write raise :class:`PackLost` if it is not held."""

    def __init__(self, claim: PackClaim, store: PackStore, clock: Clock) -> None:
        self.chat: Chat = claim.chat
        self.pack: Pack = claim.pack
        self._store = store
        self._clock = clock
        self._turn = asyncio.Lock()
        self._scope: asyncio.Timeout | None = None

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Renew the lease all the time."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(RENEW_EVERY)
                with suppress(StoreAway):
                    await self.save()

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)  # the next one to write finds that it is lost

    async def save(self, **changes: Any) -> None:
        """Change the pack, and renew the lease."""
        async with self._turn:
            await self._put(replace(self.pack, leased_until=self._clock() + PACK_LEASE, **changes))

    async def note(self, *, may_be_missing: bool = False) -> None:
        """Keep that a file was sent, or that nobody knows whether it arrived."""
        async with self._turn:
            await self._put(self.pack.noted(may_be_missing=may_be_missing))

    async def give_back(self) -> None:
        """Let another process, or the next start, go on with it. What was being sent may have arrived."""
        async with self._turn:
            await self._put(replace(self.pack, leased_until=None))

    async def rest(self, until: datetime) -> None:
        """Give it back until then, without counting that as a failure."""
        async with self._turn:
            until = min(until, self._clock() + LONGEST_PACK_WAIT)
            await self._put(replace(self.pack, leased_until=None, not_before=until))

    async def later(self, at_least: timedelta = timedelta(0)) -> None:
        """Give it back for a while after a failure, or end it, if that was often enough."""
        async with self._turn:
            pack = self.pack.later(self._clock(), at_least)
            if pack.is_given_up:
                await self._store.end_pack(self.chat.key, pack)
            else:
                await self._put(pack)

    async def end(self) -> None:
        """Forget it: its end was told."""
        async with self._turn:
            await self._store.end_pack(self.chat.key, self.pack)

    @asynccontextmanager
    async def unless_stopped(self) -> AsyncIterator[None]:
        """Break off what is done within as soon as somebody cancels. Raise :class:`PackStopped`."""
        try:
            async with asyncio.timeout(0 if self.pack.stopped else None) as self._scope:
                yield
        except TimeoutError:
            if self._scope is not None and self._scope.expired():
                raise PackStopped from None
            raise
        finally:
            self._scope = None

    def stop(self) -> None:
        """Note that somebody has cancelled it. That is stored already."""
        self.pack = replace(self.pack, stopped=True)
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def _put(self, pack: Pack) -> None:
        saved = await self._store.save_pack(self.chat.key, pack)
        if saved is None:
            raise PackLost
        was_stopped, self.pack = self.pack.stopped, saved
        if saved.stopped or was_stopped:
            self.stop()
