"""Choose several open invoices, to pay them after one confirmation."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from decimal import Decimal

from bot.domain.chats import Chat, Member, Place
from bot.domain.invoices import Invoice, open_first
from bot.domain.payments import Action, Offer, Payment, PaymentRules, Selection, amount_of
from bot.domain.waits import still_lasts
from bot.errors import (
    ConfirmationExpired,
    NoneOfThese,
    NoneToPay,
    NotAllRead,
    NotFound,
    NothingChosen,
    PressByOther,
    QuestionOver,
)
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Clock, PendingStore
from bot.services.payments.quote import Quoter
from bot.services.permissions import check_may_pay
from bot.services.reading import AccountReads

MAX_OFFERS = 10
"""So that a message's buttons stay within a phone's screen."""


class PaymentSelection:
    """Leads from the open invoices to one question about several of them."""

    def __init__(
        self, store: PendingStore, reads: AccountReads, quoter: Quoter, clock: Clock, rules: PaymentRules
    ) -> None:
        self._store = store
        self._reads = reads
        self._quoter = quoter
        self._clock = clock
        self._rules = rules

    async def begin(self, chat: Chat, place: Place, user: Member, wanted: Collection[int] = ()) -> Selection:
        """Offer the open invoices by due date. Those ``wanted`` are chosen already, and offered before others.

        Raise as :func:`check_may_pay` does, :class:`NoneToPay` or a :class:`bot.errors.ProviderError`.
        """
        link = check_may_pay(self._rules, chat, user.id)
        open_ones = await self._open_ones(chat, wanted)
        payable, now = self._allowed(open_ones), self._clock()
        first = sorted((one.id for one, _ in payable), key=lambda number: number not in wanted)[:MAX_OFFERS]
        offered = [(one, amount) for one, amount in payable if one.id in first]
        selection = Selection(
            id=secrets.token_urlsafe(9),
            place=place,
            account=link.account,
            user_id=user.id,
            expires_at=now + self._rules.lifetime,
            offers=tuple(Offer(one.id, amount, one.due, one.title, one.title_service) for one, amount in offered),
            more=len(payable) - len(offered),
            too_large=len(open_ones) - len(payable),
        ).with_choice(wanted, chosen=True)
        await self._store.put_pending(selection, now)
        return selection

    async def ask_these(
        self, chat: Chat, place: Place, user: Member, wanted: Collection[int]
    ) -> Sequence[tuple[Payment, Invoice]]:
        """Ask about those of the ``wanted`` invoices that can be paid here.

        Return as :meth:`Quoter.ask_about`. Raise as :meth:`begin` does, or :class:`NoneOfThese`.
        """
        check_may_pay(self._rules, chat, user.id)
        payable = self._allowed(await self._open_ones(chat, wanted))
        chosen = [invoice for invoice, _ in payable if invoice.id in wanted]
        if not chosen:
            raise NoneOfThese
        return await self._quoter.ask_about(chosen, Action.PAY, chat, place, user)

    async def choose(
        self, selection_id: str, place: Place, user: Member, invoice_id: int | None, *, chosen: bool
    ) -> Selection:
        """Choose an invoice, or with None all of them, or take that back.

        Raise :class:`PressByOther` or :class:`ConfirmationExpired`.
        """
        selection = await self._mine(selection_id, place, user)
        ids = [offer.id for offer in selection.offers] if invoice_id is None else [invoice_id]
        changed = selection.with_choice(ids, chosen=chosen)
        await self._store.put_pending(changed, self._clock())
        return changed

    async def drop(self, selection_id: str, place: Place, user: Member) -> None:
        """Choose nothing after all. Raise as :meth:`choose` does."""
        await self._mine(selection_id, place, user)
        await self._store.take_pending(Selection, selection_id)

    async def ask(self, selection_id: str, chat: Chat, place: Place, user: Member) -> Sequence[tuple[Payment, Invoice]]:
        """Read the chosen invoices again and ask about them; leave out those that can't be paid any more.

        Return as :meth:`Quoter.ask_about`. Raise as :meth:`begin` and :meth:`choose` do, or :class:`NothingChosen`.
        """
        link = check_may_pay(self._rules, chat, user.id)
        selection = await self._mine(selection_id, place, user)
        if selection.account != link.account:
            raise QuestionOver
        if not selection.chosen:
            raise NothingChosen
        payable = self._allowed(await self._open_ones(chat, selection.chosen))
        chosen = [invoice for invoice, _ in payable if invoice.id in selection.chosen]
        if not chosen:
            raise NoneToPay
        if not await self._store.take_pending(Selection, selection_id):
            raise ConfirmationExpired
        return await self._quoter.ask_about(chosen, Action.PAY, chat, place, user)

    async def _open_ones(self, chat: Chat, wanted: Collection[int]) -> list[tuple[Invoice, Decimal]]:
        """Return what could be paid, with its amount, also where that is more than the operator allows.

        Raise :class:`NoneToPay` if nothing can, or :class:`NotAllRead` if nobody knows that.
        """
        listing = await self._reads.listing(chat)
        found = {invoice.id: invoice for invoice in listing.invoices}
        if not listing.is_whole:
            for number in [number for number in wanted if number not in found]:
                with suppress(NotFound):
                    found[number] = await self._reads.invoice(chat, number)
        open_ones = await off_loop(len(found) > HEAVY_COUNT, _with_amounts, list(found.values()))
        if not open_ones:
            raise NoneToPay if listing.lacks_nothing else NotAllRead
        return open_ones

    def _allowed(self, open_ones: Sequence[tuple[Invoice, Decimal]]) -> list[tuple[Invoice, Decimal]]:
        return [(invoice, amount) for invoice, amount in open_ones if self._rules.allow(amount)]

    async def _mine(self, selection_id: str, place: Place, user: Member) -> Selection:
        selection = await self._store.pending(Selection, selection_id)
        if selection is None or selection.place.chat_id != place.chat_id:
            raise ConfirmationExpired  # it may have led to a question
        if not still_lasts(selection.expires_at, self._clock(), self._rules.lifetime):
            raise QuestionOver
        if selection.user_id != user.id:
            raise PressByOther
        return selection


def _with_amounts(invoices: Sequence[Invoice]) -> list[tuple[Invoice, Decimal]]:
    amounts = [(invoice, amount_of(Action.PAY, invoice)) for invoice in open_first(invoices)]
    return [(invoice, amount) for invoice, amount in amounts if amount is not None]
