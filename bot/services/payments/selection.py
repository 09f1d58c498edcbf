"""Choose several open invoices, to pay them after one confirmation."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from bot.domain.chats import Chat, Link, Member, Place
from bot.domain.invoices import Invoice, open_first
from bot.domain.payments import Action, Payment
from bot.domain.selections import Offer, Selection
from bot.errors import ConfirmationExpired, NoneToPay, NothingChosen, PressByOther
from bot.ports import Clock, DeskStore, PaymentStore, Provider
from bot.services.payments.flow import Payments

OFFERED = 10
"""So that a message's buttons stay within a phone's screen."""


class SelectionStore(DeskStore, PaymentStore, Protocol):
    """What selecting needs of the store."""


class PaymentSelection:
    """From the open invoices to a question about several. :class:`.flow.Payments` moves the money."""

    def __init__(self, store: SelectionStore, provider: Provider, payments: Payments, clock: Clock) -> None:
        self._store = store
        self._provider = provider
        self._payments = payments
        self._clock = clock

    async def begin(self, chat: Chat, place: Place, user: Member) -> Selection:
        """Offer the open invoices, those that are due first.

        Raises as :meth:`Payments.check` does, :class:`NoneToPay` or a :class:`bot.errors.ProviderError`.
        """
        link = self._payments.check(chat, user)
        payable = await self._payable(chat, link)
        if not payable:
            raise NoneToPay
        now = self._clock()
        selection = Selection(
            id=secrets.token_urlsafe(9),
            place=place,
            account=link.account,
            user_id=user.id,
            expires_at=now + self._payments.rules.lifetime,
            offers=tuple(_offer(invoice) for invoice in payable[:OFFERED]),
            more=len(payable[OFFERED:]),
        )
        await self._store.put_selection(selection, now)
        return selection

    async def choose(
        self, selection_id: str, place: Place, user: Member, invoice_id: int | None, *, chosen: bool
    ) -> Selection:
        """Choose an invoice or no longer, or (None) all. Raises :class:`PressByOther`, :class:`ConfirmationExpired`."""
        selection = await self._mine(selection_id, place, user)
        ids = [offer.id for offer in selection.offers] if invoice_id is None else [invoice_id]
        changed = selection.with_choice(ids, chosen=chosen)
        await self._store.put_selection(changed, self._clock())
        return changed

    async def drop(self, selection_id: str, place: Place, user: Member) -> None:
        """Choose nothing after all. Raises as :meth:`choose` does."""
        await self._mine(selection_id, place, user)
        await self._store.take_selection(selection_id)

    async def ask(self, selection_id: str, chat: Chat, place: Place, user: Member) -> Sequence[tuple[Payment, Invoice]]:
        """Store the question whether to pay what was chosen, as the invoices stand now; those settled are left out.

        Raises as :meth:`begin` and :meth:`choose` do, or :class:`NothingChosen`.
        """
        link = self._payments.check(chat, user)
        selection = await self._mine(selection_id, place, user)
        if selection.account != link.account:
            raise ConfirmationExpired
        if not selection.chosen:
            raise NothingChosen
        chosen = [invoice for invoice in await self._payable(chat, link) if invoice.id in selection.chosen]
        if not chosen:
            raise NoneToPay
        if not await self._store.take_selection(selection_id):
            raise ConfirmationExpired
        batch = secrets.token_urlsafe(12) if len(chosen) > 1 else ""
        ask, now = self._payments.quoter.question, self._clock()
        asked = [(ask(link, place, user, Action.PAY, invoice, now, batch), invoice) for invoice in chosen]
        doubts = await self._payments.in_doubt(chat)
        asked = [(replace(payment, doubtful=payment.invoice_id in doubts), invoice) for payment, invoice in asked]
        for payment, _ in asked:
            await self._store.add_payment(payment)
        return asked

    async def _payable(self, chat: Chat, link: Link) -> list[Invoice]:
        listing = await self._provider.list_invoices(link.token, chat.reply_language)
        return [invoice for invoice in open_first(listing.invoices) if self._can_be_paid(invoice)]

    def _can_be_paid(self, invoice: Invoice) -> bool:
        left = invoice.left_to_pay
        return invoice.can_be_paid and left is not None and self._payments.rules.allow(left)

    async def _mine(self, selection_id: str, place: Place, user: Member) -> Selection:
        selection = await self._store.selection(selection_id)
        if selection is None or selection.place.chat_id != place.chat_id or selection.expires_at <= self._clock():
            raise ConfirmationExpired
        if selection.user_id != user.id:
            raise PressByOther
        return selection


def _offer(invoice: Invoice) -> Offer:
    return Offer(invoice.id, invoice.left_to_pay or invoice.total, invoice.due, invoice.title)
