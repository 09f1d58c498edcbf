"""The client of the provider's API: the six calls of its reference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar
from zoneinfo import ZoneInfo

import httpx
import structlog

from bot import __version__
from bot.domain.chats import Token
from bot.domain.collectives import with_parts
from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Listing, size_of
from bot.domain.unchanged import ListAnswer
from bot.errors import AnswerNotUnderstood, ForeignAnswer, NotFound, ProviderError, WrongAddress
from bot.limiter import Limiter
from bot.offload import HEAVY_BYTES, HEAVY_COUNT, off_loop
from bot.ports import Clock, Document, InvoiceFilter, utc_now
from bot.provider import documents, schema
from bot.provider.exchange import ExchangeClient
from bot.provider.list_reading import ListReading
from bot.provider.request import Call, Caller, ReadBody, RetryPolicy, deadline, json_body
from bot.provider.space import TemporarySpace
from bot.provider.transport import make_transport

NO_FILTER = InvoiceFilter()
DEFAULT_RETRIES = RetryPolicy()
MAX_DOCUMENT_BYTES = 50 * documents.MEGABYTE
"""The largest file that a bot can send over Telegram."""

T = TypeVar("T")

log = structlog.get_logger()


def open_http_client(
    max_connections: int = 100, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Return the HTTP client that all calls share. The caller closes it.

    Each call has a deadline. Apart from it only connecting, and waiting for a connection, have time-outs of their own.
    The transport looks after proxies, and keeps cookies out.
    """
    return ExchangeClient(
        transport or make_transport(max_connections),
        timeout=httpx.Timeout(None, connect=5, pool=15),
        headers={"User-Agent": f"invoice-bot/{__version__}"},
    )


class ProviderClient:
    """Implements :class:`bot.ports.Provider`.

    ``base_url`` may hold a path. The provider's dates are midnights of ``zone``. ``max_document`` is in bytes. ``http``
    is shared, and stays open. Each read first waits for ``limiter``. Downloads share ``space``.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        zone: ZoneInfo,
        *,
        retries: RetryPolicy = DEFAULT_RETRIES,
        max_document: int = MAX_DOCUMENT_BYTES,
        clock: Clock = utc_now,
        limiter: Limiter | None = None,
        space: TemporarySpace | None = None,
    ) -> None:
        self._caller = Caller(http, base_url, retries, clock, limiter)
        self._zone = zone
        self._retries = retries
        self._max_document = max_document
        self._space = space or TemporarySpace()

    async def list_invoices(
        self, token: Token, language: str, only: InvoiceFilter = NO_FILTER, begin: str = ""
    ) -> Listing:
        """Return all invoices that pass the filter, each once, from all pages that can be read in time.

        ``begin`` is where an earlier reading stopped: the :attr:`Listing.rest` of its listing.
        """
        call = Call("list", "GET", "client/invoices", token, language, _parameters(only))
        reading = ListReading(call, begin, self._zone)
        try:
            async with deadline(self._retries.deadline, call) as ends:
                await reading.read(self._read, ends)
        except ProviderError as error:
            return await _listing(reading, error)
        return await _listing(reading)

    async def list_if_changed(self, token: Token, language: str, last: ListAnswer) -> Listing | None:
        """Return None if the pages of the ``last`` answer have the same bytes again. They are not decoded then."""
        call = Call("list", "GET", "client/invoices", token, language)
        reading = ListReading(call, "", self._zone)
        try:
            async with deadline(self._retries.deadline, call) as ends:
                if await reading.is_same(last, self._read, ends):
                    return None
                await reading.read(self._read, ends)
        except ProviderError as error:
            await reading.read_what_is_there(error)
            return await _listing(reading, error)
        return await _listing(reading)

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice:
        call = Call("invoice", "GET", f"client/invoices/{invoice_id:d}", token, language)
        async with deadline(self._retries.deadline, call) as ends:
            body = await self._read(call, json_body, ends)
            invoice = await off_loop(len(body) > HEAVY_BYTES, schema.read_invoice, body, self._zone)
        if invoice.id != invoice_id:
            raise AnswerNotUnderstood(f"asked for invoice {invoice_id}, got {invoice.id}")
        return invoice

    async def credit(self, token: Token, language: str) -> Credit:
        """Return the account's credit. The token needs a permission that the other calls don't: ``read``."""
        call = Call("credit", "GET", "client", token, language)
        async with deadline(self._retries.deadline, call) as ends:
            body = await self._caller.read(call, json_body, ends)
            return await off_loop(len(body) > HEAVY_BYTES, schema.read_credit, body)

    def pdf(self, token: Token, language: str, invoice_id: int) -> AbstractAsyncContextManager[Document]:
        path = f"client/invoices/{invoice_id:d}/download"
        call = Call("pdf", "GET", path, token, language, accept_encoding="identity")
        return self._download(call, documents.pdf_of(invoice_id))

    def archive(
        self, token: Token, language: str, only: InvoiceFilter = NO_FILTER
    ) -> AbstractAsyncContextManager[Document]:
        """Download all invoices that pass the filter, zipped. Inference: the archive takes the list's filters."""
        path = "client/invoices/download/archive"
        call = Call("archive", "GET", path, token, language, _parameters(only), accept_encoding="identity")
        return self._download(call, documents.ARCHIVE)

    async def make_room(self) -> None:
        await self._caller.make_room()

    async def pay(self, token: Token, language: str, invoice_id: int) -> None:
        await self._post("pay", token, language, invoice_id)

    async def remove_credit(self, token: Token, language: str, invoice_id: int) -> None:
        await self._post("remove-credit", token, language, invoice_id)

    async def _post(self, action: str, token: Token, language: str, invoice_id: int) -> None:
        # Inference: the reference calls the id a field, so it goes into the body as well as into the path.
        path = f"client/invoices/{invoice_id:d}/{action}"
        call = Call(action, "POST", path, token, language, body={"id": invoice_id})
        async with deadline(self._retries.deadline, call):
            await self._caller.send_once(call)

    async def _read(self, call: Call, read_body: ReadBody[T], ends: float) -> T:
        """Make a call that changes nothing. Where it names no invoice, a 404 points at the address."""
        try:
            return await self._caller.read(call, read_body, ends)
        except NotFound as error:
            raise error if _names_invoice(call) else WrongAddress(error.reason) from None
        except ForeignAnswer as error:
            is_missing = error.status == HTTPStatus.NOT_FOUND and not _names_invoice(call)
            raise WrongAddress if is_missing else error from None

    @asynccontextmanager
    async def _download(self, call: Call, kind: documents.Kind) -> AsyncIterator[Document]:
        """Download a file, in its turn. Its share of the temporary folder is given back when the file is closed."""
        async with self._space.share(self._max_document) as share:

            async def save(response: httpx.Response) -> Document:
                return await documents.download(response, kind, self._max_document, share)

            async with deadline(self._retries.download_deadline, call) as ends:
                document = await self._read(call, save, ends)
            with document.content:
                yield document


async def _listing(reading: ListReading, error: ProviderError | None = None) -> Listing:
    """Return what was read before the ``error``. Raise it if that is nothing."""
    if error is not None and not reading.has_begun:
        raise error
    if error is not None:
        log.info("list is read in part", error=str(error))
    listing = reading.listing()
    heavy = size_of(listing.invoices) > HEAVY_COUNT
    return replace(listing, invoices=await off_loop(heavy, with_parts, listing.invoices))


def _names_invoice(call: Call) -> bool:
    return any(part.isdecimal() for part in call.path.split("/"))


def _parameters(only: InvoiceFilter) -> dict[str, str]:
    """Return the filters as query parameters. Inference: a boolean is ``1``, as Laravel doesn't accept ``true``."""
    named = {"status": only.status, "type": only.type, "transactions": "1" if only.with_transactions else None}
    return {name: value for name, value in named.items() if value is not None}
