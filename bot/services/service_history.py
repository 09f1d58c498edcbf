"""What a service has cost each time, and what people call it."""

from __future__ import annotations

from bot.domain.answers import Awaited, Question
from bot.domain.chats import TOKEN_WAIT, Chat
from bot.domain.invoices import Invoice
from bot.domain.prices import ServiceRow, row_of, services_of
from bot.domain.queries import Query
from bot.domain.service_names import NAME_LENGTH, Service, as_name
from bot.errors import NameTooLong, NoService, NotLinked
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock
from bot.services.browsing import Browsing
from bot.services.permissions import link_of


class ServiceHistory:
    """An invoice and a number, from 0, name a service: it may be for several. The list is read only when asked for."""

    def __init__(self, browsing: Browsing, store: ChatStore, clock: Clock) -> None:
        self._browsing = browsing
        self._store = store
        self._clock = clock

    async def services(self, chat: Chat, invoice_id: int) -> tuple[Invoice, tuple[Service, ...]]:
        """Return an invoice and the services that it is for. Raise :class:`NoService` if there are none."""
        invoice = await self._browsing.invoice(chat, invoice_id)
        if not (services := services_of(invoice)):
            raise NoService(invoice_id)
        return invoice, services

    async def service(self, chat: Chat, invoice_id: int, number: int) -> Service:
        """Return one of the services of an invoice. Raise :class:`NoService` if there are not so many."""
        _, services = await self.services(chat, invoice_id)
        if number >= len(services):
            raise NoService(invoice_id)
        return services[number]

    async def row(self, chat: Chat, service: Service) -> ServiceRow:
        """Return the invoices for a service."""
        listing = await self._browsing.listing(chat, Query())
        row = await off_loop(len(listing.invoices) > HEAVY_COUNT, row_of, listing.invoices, service)
        return ServiceRow(service, tuple(row), listing)

    async def ask_for_name(self, chat: Chat, service: Service) -> None:
        """Take the chat's next message as the service's name. Raise :class:`NotLinked`."""
        awaited = Awaited(Question.NAME, self._clock() + TOKEN_WAIT, written(service))
        if not await self._store.await_answer(chat.key, link_of(chat).account, awaited):
            raise NotLinked

    async def name(self, chat: Chat, service: Service, text: str) -> str:
        """Remember what a service is called, and return it. Empty: it has no name any more.

        Raise :class:`NotLinked` or :class:`NameTooLong`.
        """
        name = as_name(text)
        if len(name) > NAME_LENGTH:
            raise NameTooLong(len(name), NAME_LENGTH)
        if not await self._store.name_service(chat.key, link_of(chat).account, service, name):
            raise NotLinked
        return name


def written(service: Service) -> str:
    """Write a service as one word, to be read by :func:`read_service`."""
    return f"{service.id}:{service.type}"


def read_service(text: str) -> Service:
    """Read what :func:`written` wrote."""
    number, _, kind = text.partition(":")
    return Service(kind, int(number))
