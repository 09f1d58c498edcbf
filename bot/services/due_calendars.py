"""The calendar of due dates: what it shows, and the secret address under which it can be subscribed.

It is made of what the last check left, so nobody waits for the provider.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from bot.domain.calendar_addresses import CalendarAddress, new_address, read_address
from bot.domain.calendar_days import CalendarDay, days_of
from bot.domain.chats import Chat
from bot.domain.due_calendar import DayKey, DueCalendar, revised
from bot.domain.schedule import CheckPlan
from bot.errors import NotLinked, StoreAway
from bot.ports import ChatStore, Clock
from bot.services.permissions import check_in_charge, link_of

RANDOM_BYTES = 32
TRIES = 5
"""How often a change is begun anew because somebody else has changed the calendar meanwhile."""

Change = Callable[[DueCalendar], DueCalendar]


class DueCalendars:
    """``public_url`` is where others reach this bot by HTTP. Empty: nowhere, so no address is given away."""

    def __init__(self, store: ChatStore, plan: CheckPlan, clock: Clock, public_url: str) -> None:
        self._store = store
        self._plan = plan
        self._clock = clock
        self._public_url = public_url

    @property
    def can_be_subscribed(self) -> bool:
        return bool(self._public_url)

    async def days(self, chat: Chat) -> list[CalendarDay]:
        """Return the days to show. Raise :class:`NotLinked`."""
        link_of(chat)
        known = await self._store.known_invoices(chat.key)
        return days_of(known.values(), self._plan.calendar)

    async def draw(self, chat: Chat, said: Mapping[DayKey, tuple[date, str]], *, filed: bool) -> DueCalendar:
        """Return the calendar that says this of each day, with its numbers. Raise :class:`NotLinked`."""
        now = self._clock()
        return await self._change(chat, lambda calendar: revised(calendar, said, now, filed=filed))

    async def new_address(self, chat: Chat, user_id: int) -> str:
        """Make an address, and return it. An older one opens nothing any more.

        Raise :class:`NotLinked` or :class:`NotInCharge`.
        """
        check_in_charge(chat, user_id)
        random = secrets.token_urlsafe(RANDOM_BYTES).replace("-", "_")
        address = new_address(chat.key, random, self._store.sign)
        await self._change(chat, lambda calendar: replace(calendar, address_hash=address.hash))
        return f"{self._public_url}/calendar/{address.text}.ics"

    async def revoke(self, chat: Chat, user_id: int) -> DueCalendar:
        """Let the address open nothing any more. Raise :class:`NotLinked` or :class:`NotInCharge`."""
        check_in_charge(chat, user_id)
        return await self._change(chat, lambda calendar: replace(calendar, address_hash=""))

    async def show_sums(self, chat: Chat, user_id: int, *, on: bool) -> DueCalendar:
        """Let sums stand in the calendar, or not. Raise :class:`NotLinked` or :class:`NotInCharge`."""
        check_in_charge(chat, user_id)
        return await self._change(chat, lambda calendar: replace(calendar, with_sums=on))

    def read(self, text: str) -> CalendarAddress | None:
        """Return an address. None: this bot has not made it. Nothing is looked up for that."""
        return read_address(text, self._store.sign)

    async def at(self, address: CalendarAddress) -> Chat | None:
        """Return the chat whose calendar is there. None: the address was revoked, or the owner is not served."""
        chat = await self._store.chat(address.key)
        link = chat.link
        address_hash = link.calendar.address_hash if link is not None and link.calendar is not None else ""
        if not address.opens(address_hash) or link is None or not self._plan.serves(link):
            return None
        return chat

    async def _change(self, chat: Chat, change: Change) -> DueCalendar:
        """Change the calendar, and return it as it is then. Where nothing changes, nothing is written."""
        account = link_of(chat).account
        for _ in range(TRIES):
            link = chat.link
            if link is None or link.account != account:
                raise NotLinked
            before = link.calendar
            after = change(before or DueCalendar(secrets.token_hex(8)))
            if after == before or await self._store.set_calendar(chat.key, account, before, after):
                return after
            chat = await self._store.chat(chat.key)
        raise StoreAway
