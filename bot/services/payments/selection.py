"""Choose several open invoices, to pay them after one confirmation: each tick asks anew about what is ticked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from bot.domain.chats import Chat, Member, Place
from bot.domain.invoices import Invoice, open_first
from bot.domain.payments import Action, Payment, PaymentRules, amount_of
from bot.domain.selections import CHOSEN_AT_MOST, Offer, Purpose, Selection, offer_of
from bot.errors import ConfirmationExpired, NoneOfThese, NoneToPay, NotAllRead, NotFound, QuestionOver
from bot.offload import HEAVY_COUNT, off_loop
from bot.services.payments.quote import Quoter
from bot.services.permissions import check_may_pay
from bot.services.reading import AccountReads
from bot.services.selecting import Selecting, ticked

Asked = Sequence[tuple[Payment, Offer]]
"""A question about several invoices. Empty: none is chosen, so there is none."""


class PaymentSelection:
    """Leads from the open invoices to one question about several of them."""

    def __init__(self, selecting: Selecting, reads: AccountReads, quoter: Quoter, rules: PaymentRules) -> None:
        self._selecting = selecting
        self._reads = reads
        self._quoter = quoter
        self._rules = rules

    async def begin(
        self,
        chat: Chat,
        place: Place,
        user: Member,
        wanted: Collection[int] = (),
        *,
        everything: bool = False,
        message_id: int | None = None,
    ) -> tuple[Selection, Asked]:
        """Offer the open invoices by due date, and ask about those ``wanted``. They are offered in any case.

        ``message_id`` is the message that shows it. Raise as :func:`check_may_pay` does, :class:`NoneToPay` or a
        :class:`bot.errors.ProviderError`.
        """
        check_may_pay(self._rules, chat, user.id)
        open_ones = await self._open_ones(chat, wanted)
        payable = [offer for offer in open_ones if self._rules.allow(offer.amount)]
        begun = self._selecting.begun(
            chat,
            place,
            user,
            sorted(payable, key=lambda offer: offer.id not in wanted),
            too_large=len(open_ones) - len(payable),
            message_id=message_id,
        )
        kept = {offer.id for offer in begun.offers}
        begun = replace(begun, offers=tuple(offer for offer in payable if offer.id in kept))
        chosen = kept if everything else kept.intersection(wanted)
        most = [offer.id for offer in begun.offers if offer.id in chosen][: CHOSEN_AT_MOST[Purpose.PAY]]
        begun = begun.with_choice(most, chosen=True)
        return await self._ask(replace(begun, page=begun.page_of(most[0]) if most else 0), chat, place, user)

    async def ask_these(self, chat: Chat, place: Place, user: Member, wanted: Collection[int]) -> Asked:
        """Ask about those of the ``wanted`` invoices that can be paid here.

        Return as :meth:`Quoter.ask_about`. Raise as :meth:`begin` does, or :class:`NoneOfThese`.
        """
        check_may_pay(self._rules, chat, user.id)
        open_ones = await self._open_ones(chat, wanted)
        chosen = [offer for offer in open_ones if offer.id in wanted and self._rules.allow(offer.amount)]
        if not chosen:
            raise NoneOfThese
        return await self._quoter.ask_about(chosen, Action.PAY, chat, place, user)

    async def choose(
        self, selection: Selection, chat: Chat, place: Place, user: Member, invoice_id: int | None, *, chosen: bool
    ) -> tuple[Selection, Asked]:
        """Choose an invoice, or with None all of them, or take that back, and ask about what is chosen now.

        What is ticked is read anew. Raise :class:`ConfirmationExpired` if the question was answered meanwhile,
        :class:`bot.errors.TooManyChosen`, or as :meth:`Quoter.ask` does. Nothing has changed then.
        """
        check_may_pay(self._rules, chat, user.id)
        changed = ticked(selection, invoice_id, chosen=chosen)
        if invoice_id in changed.chosen and invoice_id is not None:
            invoice = await self._reads.invoice(chat, invoice_id)
            changed = changed.with_offer(self._quoter.offer(invoice, Action.PAY))
        return await self._ask(changed, chat, place, user)

    async def show(self, selection: Selection, chat: Chat, place: Place, user: Member) -> tuple[Selection, Asked]:
        """Ask once more about what is chosen, as it was read. Raise as :meth:`choose` does."""
        return await self._ask(selection, chat, place, user)

    async def drop(self, selection: Selection) -> None:
        """Choose nothing after all. Raise :class:`ConfirmationExpired` if the question was answered meanwhile."""
        if not await self._quoter.withdraw(selection.asked, selection.account):
            raise ConfirmationExpired
        await self._selecting.end(selection)

    async def _ask(self, selection: Selection, chat: Chat, place: Place, user: Member) -> tuple[Selection, Asked]:
        """Ask about what is chosen, in the place of the question before."""
        if not selection.chosen:
            if not await self._quoter.withdraw(selection.asked, selection.account):
                raise ConfirmationExpired
            return await self._selecting.keep(selection, asked=()), ()
        if not all(offer.is_read for offer in selection.chosen_offers):
            raise QuestionOver
        asked = await self._quoter.ask_about(
            selection.chosen_offers,
            Action.PAY,
            chat,
            place,
            user,
            instead_of=selection.asked,
            message_id=selection.message_id,
        )
        return await self._selecting.keep(selection, asked=tuple(payment.id for payment, _ in asked)), asked

    async def _open_ones(self, chat: Chat, wanted: Collection[int]) -> list[Offer]:
        """Return what could be paid, also where that is more than the operator allows, the first due first.

        Raise :class:`NoneToPay` if nothing can, or :class:`NotAllRead` if nobody knows that.
        """
        listing = await self._reads.listing(chat)
        found = {invoice.id: invoice for invoice in listing.invoices}
        if not listing.is_whole:
            for number in [number for number in wanted if number not in found]:
                with suppress(NotFound):
                    found[number] = await self._reads.invoice(chat, number)
        open_ones = await off_loop(len(found) > HEAVY_COUNT, _offers, list(found.values()))
        if not open_ones:
            raise NoneToPay if listing.lacks_nothing else NotAllRead
        return open_ones


def _offers(invoices: Sequence[Invoice]) -> list[Offer]:
    amounts = [(invoice, amount_of(Action.PAY, invoice)) for invoice in open_first(invoices)]
    return [offer_of(invoice, amount) for invoice, amount in amounts if amount is not None]
