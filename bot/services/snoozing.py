"""Snooze the reminders of invoices, mute them, or let them come again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bot.domain.alerts import KnownInvoice
from bot.domain.chats import Chat, Silence, Until
from bot.domain.schedule import CheckPlan
from bot.errors import NothingToRemind, NotLinked
from bot.ports import ChatStore, Clock
from bot.services.permissions import link_of


class Snoozing:
    """Silences single invoices as a person wishes.

    Every change raises :class:`NotLinked`, or :class:`NothingToRemind` if the chat knows none of the invoices as open.
    """

    def __init__(self, store: ChatStore, clock: Clock, plan: CheckPlan) -> None:
        self._store = store
        self._clock = clock
        self._plan = plan

    async def told_in(self, chat: Chat, message_id: int) -> Sequence[int]:
        """Return the invoices in a message of ours that are still open."""
        messages = await self._store.sent_messages(chat.key)
        return [s.invoice_id for m in messages if m.message_id == message_id for s in m.shown if not s.is_over]

    async def knows(self, chat: Chat, invoice_id: int) -> bool:
        """Return whether the chat can be reminded of the invoice: it knows it as open."""
        return bool(await self._open(chat, [invoice_id]))

    async def choices(self, chat: Chat, invoice_ids: Collection[int]) -> Mapping[Until, datetime]:
        """Return until when the reminders of these invoices can be put off. None of these times is in quiet hours."""
        known = await self._to_remind_of(chat, invoice_ids)
        now, schedule = self._clock(), self._plan.schedule(chat)
        ends = {
            Until.HOURS: now + timedelta(hours=3),
            Until.TOMORROW: schedule.morning(now, 1),
            Until.DAYS: schedule.morning(now, 3),
        }
        dues = [k.due for k in known.values()]
        if len(dues) == 1 and dues[0] is not None and schedule.morning_of(dues[0]) > ends[Until.TOMORROW]:
            ends[Until.DUE] = schedule.morning_of(dues[0])
        return {choice: schedule.quiet_end(end) for choice, end in ends.items()}

    async def snooze(self, chat: Chat, invoice_ids: Collection[int], until: Until) -> Silence:
        """Put reminders off. Raise :class:`NothingToRemind` if that is no choice any more."""
        choices = await self.choices(chat, invoice_ids)
        if until not in choices:
            raise NothingToRemind
        silence = Silence(until=choices[until])
        await self._silence(chat, invoice_ids, silence)
        return silence

    async def mute(self, chat: Chat, invoice_ids: Collection[int]) -> Collection[KnownInvoice]:
        """Stop the reminders and warnings for good. Return what is known of these invoices."""
        return await self._silence(chat, invoice_ids, Silence(muted=True))

    async def wake(self, chat: Chat, invoice_ids: Collection[int]) -> None:
        """Let the reminders come as usual again."""
        await self._silence(chat, invoice_ids, None)

    async def _silence(
        self, chat: Chat, invoice_ids: Collection[int], silence: Silence | None
    ) -> Collection[KnownInvoice]:
        known = await self._to_remind_of(chat, invoice_ids)
        account = chat.link.account if chat.link else ""
        if not await self._store.silence(chat.key, account, dict.fromkeys(known, silence), self._clock()):
            raise NotLinked
        return known.values()

    async def _to_remind_of(self, chat: Chat, invoice_ids: Collection[int]) -> Mapping[int, KnownInvoice]:
        link_of(chat)
        known = await self._open(chat, invoice_ids)
        if not known:
            raise NothingToRemind
        return known

    async def _open(self, chat: Chat, invoice_ids: Collection[int]) -> Mapping[int, KnownInvoice]:
        known = await self._store.known_invoices(chat.key)
        return {number: known[number] for number in invoice_ids if number in known and known[number].is_open}
