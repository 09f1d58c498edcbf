"""What a person needs for topping up: the missing sum, and the reference of a bank transfer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from bot.domain.alerts import KnownInvoice
from bot.domain.answers import Awaited, Question
from bot.domain.chats import TOKEN_WAIT, Chat
from bot.domain.credit import Debt
from bot.domain.invoices import Invoice
from bot.domain.queries import Query, StatusFilter
from bot.domain.topping_up import REFERENCE_LENGTH, Needed, TopUpSubject, as_reference, is_plain
from bot.errors import NotFound, NotLinked, ProviderError, ReferenceTooLong, ReferenceUnreadable
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock
from bot.services.browsing import Browsing
from bot.services.credit import Credits
from bot.services.permissions import link_of


class ToppingUp:
    """The missing sum is read anew, and taken from what is known while the provider can't be read."""

    def __init__(self, browsing: Browsing, credit: Credits, store: ChatStore, clock: Clock) -> None:
        self._browsing = browsing
        self._credits = credit
        self._store = store
        self._clock = clock

    async def needed(self, chat: Chat, subject: TopUpSubject) -> Needed:
        """Return what is there and what is to be paid. Raise :class:`NotLinked`."""
        link_of(chat)
        debts, credit = await asyncio.gather(self._debts(chat, subject), self._credits.of(chat))
        return Needed(credit, debts)

    async def _debts(self, chat: Chat, subject: TopUpSubject) -> tuple[Debt, ...] | None:
        """Return what is to be paid. None: the list lacks some of it."""
        try:
            invoices = await self._invoices(chat, subject)
        except NotFound:
            return ()
        except ProviderError:
            known = await self._store.known_invoices(chat.key)
            return await off_loop(len(known) > HEAVY_COUNT, _chosen, subject, known.values())
        return None if invoices is None else await off_loop(len(invoices) > HEAVY_COUNT, _chosen, subject, invoices)

    async def _invoices(self, chat: Chat, subject: TopUpSubject) -> Sequence[Invoice] | None:
        if subject.invoice_id is not None and not subject.earlier:
            return [await self._browsing.invoice(chat, subject.invoice_id)]
        listing = await self._browsing.listing(chat, Query(StatusFilter.OPEN))
        return listing.invoices if listing.lacks_nothing else None

    async def ask_for_reference(self, chat: Chat, subject: str = "") -> None:
        """Take the chat's next message as the reference. ``subject`` is shown then. Raise :class:`NotLinked`."""
        awaited = Awaited(Question.REFERENCE, self._clock() + TOKEN_WAIT, subject)
        if not await self._store.await_answer(chat.key, link_of(chat).account, awaited):
            raise NotLinked

    async def set_reference(self, chat: Chat, text: str) -> str:
        """Remember the reference, and return it. An empty text: transfers need none.

        Raise :class:`NotLinked`, :class:`ReferenceTooLong`, or :class:`ReferenceUnreadable` if no bank carries it.
        """
        reference = as_reference(text)
        if len(reference) > REFERENCE_LENGTH:
            raise ReferenceTooLong(len(reference), REFERENCE_LENGTH)
        if text and not is_plain(reference):
            raise ReferenceUnreadable
        if not await self._store.set_reference(chat.key, link_of(chat).account, reference):
            raise NotLinked
        return reference


def _chosen(subject: TopUpSubject, invoices: Iterable[Invoice | KnownInvoice]) -> tuple[Debt, ...]:
    return tuple(subject.chosen(invoice.debt for invoice in invoices if invoice.may_be_owed))
