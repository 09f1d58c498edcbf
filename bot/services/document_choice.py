"""Choose several invoices, to get their PDFs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.domain.chats import Chat, Member, Place
from bot.domain.invoices import Invoice
from bot.domain.months import start_of
from bot.domain.queries import ListPage
from bot.domain.selections import OFFERED_AT_MOST, Purpose, Selection, offer_of
from bot.errors import CommandNeeded
from bot.offload import HEAVY_COUNT, off_loop
from bot.services.searching import Searching
from bot.services.selecting import Selecting, ticked


class DocumentChoice:
    """Offers the invoices of a list, from the page that somebody looks at, and keeps what is ticked."""

    def __init__(self, searching: Searching, selecting: Selecting) -> None:
        self._searching = searching
        self._selecting = selecting

    async def begin(
        self, chat: Chat, place: Place, user: Member, page: ListPage | None, per_page: int, message_id: int | None
    ) -> Selection:
        """Offer a list's invoices. None: all there are, the newest first.

        Raise :class:`CommandNeeded` if there are none, or a :class:`bot.errors.ProviderError`.
        """
        listing = await self._searching.listed(chat, page or ListPage())
        if not listing.invoices:
            raise CommandNeeded
        if page is None:
            invoices: Sequence[Invoice] = await off_loop(len(listing.invoices) > HEAVY_COUNT, _newest, listing.invoices)
            first = 0
        else:
            invoices = listing.invoices
            first = max(0, start_of(invoices, page.month) + page.number * per_page)
        begin = max(0, min(first, len(invoices) - OFFERED_AT_MOST))
        offers = [offer_of(each, each.display_amount) for each in invoices[begin : begin + OFFERED_AT_MOST]]
        more = len(invoices) - len(offers)
        selection = self._selecting.begun(
            chat, place, user, offers, more=more, purpose=Purpose.PDF, message_id=message_id
        )
        shown = offers[min(first - begin, len(offers) - 1)].id
        return await self._selecting.keep(selection, page=selection.page_of(shown))

    async def tick(self, selection: Selection, number: int | None, *, chosen: bool) -> Selection:
        """Choose an invoice, or with None all of them, or take that back.

        Raise :class:`bot.errors.TooManyChosen`.
        """
        changed = ticked(selection, number, chosen=chosen)
        return await self._selecting.keep(changed)


def _newest(invoices: Sequence[Invoice]) -> list[Invoice]:
    return sorted(invoices, key=lambda invoice: (invoice.issued or date.min, invoice.id), reverse=True)
