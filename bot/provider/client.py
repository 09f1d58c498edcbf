"""The client of the provider's API: the six calls of its reference."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import httpx
import structlog

from bot import __version__
from bot.domain.chats import Token
from bot.domain.collectives import with_parts
from bot.domain.credit import Credit
from bot.domain.invoices import UNREADABLE_NAMED, Invoice, Listing, size_of
from bot.errors import AnswerNotUnderstood, ForeignAnswer, NotFound, ProviderError, WrongAddress
from bot.limiter import Limiter
from bot.offload import HEAVY_BYTES, HEAVY_COUNT, off_loop
from bot.ports import Clock, Document, InvoiceFilter, utc_now
from bot.provider import documents, schema
from bot.provider.exchange import ExchangeClient
from bot.provider.request import Call, Caller, ReadBody, RetryPolicy, deadline, json_body
from bot.provider.space import TemporarySpace
from bot.provider.transport import make_transport

NO_FILTER = InvoiceFilter()
DEFAULT_RETRIES = RetryPolicy()
MAX_DOCUMENT_BYTES = 50 * documents.MEGABYTE
"""The largest file that a bot can send over Telegram."""

MAX_PAGES = 100
"""Of a list in one reading. The next reading goes on there."""

MAX_REST_LENGTH = 1000
"""Characters in which a place in the list is kept."""

T = TypeVar("T")
Read = Callable[[Call, ReadBody[bytes], float], Awaitable[bytes]]

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
        reading = _ListReading(call, begin, self._zone)
        try:
            async with deadline(self._retries.deadline, call) as ends:
                await reading.read(self._read, ends)
        except ProviderError as error:
            if not reading.has_begun:
                raise
            log.info("list is read in part", error=str(error))
        listing = reading.listing()
        heavy = size_of(listing.invoices) > HEAVY_COUNT
        return replace(listing, invoices=await off_loop(heavy, with_parts, listing.invoices))

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


class _ListReading:
    """Reads a list page by page, and keeps what it has when it can't go on.

    Of the link to a next page only the query is used, on the list's own address. So no link can lead the token
    elsewhere, and links that begin with ``http://`` because the provider does not know of its own proxy still work.
    """

    def __init__(self, call: Call, begin: str, zone: ZoneInfo) -> None:
        self._call = call
        self._zone = zone
        self._resumed = bool(begin)
        self._asked: list[dict[str, str]] = []
        self._next: dict[str, str] | None = {**call.parameters, **dict(parse_qsl(begin, keep_blank_values=True))}
        self._is_lost = False
        self._invoices: dict[int, Invoice] = {}
        self._unreadable = 0
        self._broken: dict[int, None] = {}
        self._total = 0
        self._lacking = 0

    async def read(self, read: Read, ends: float) -> None:
        """Read pages until the last one. If a :class:`ProviderError` ends this, what was read before is kept."""
        while self._next is not None and len(self._asked) < MAX_PAGES:
            body = await read(replace(self._call, parameters=self._next), json_body, ends)
            page = await off_loop(len(body) > HEAVY_BYTES, schema.read_page, body, self._zone)
            self._asked.append(self._next)
            self._take(page)

    @property
    def has_begun(self) -> bool:
        """Whether at least one page was read."""
        return bool(self._asked)

    def _take(self, page: schema.InvoicePage) -> None:
        is_new = page.unreadable > 0 or any(invoice.id not in self._invoices for invoice in page.invoices)
        self._invoices |= {invoice.id: invoice for invoice in page.invoices}
        self._unreadable += page.unreadable
        self._broken |= dict.fromkeys(page.broken)
        self._lacking += page.lacking
        self._total = max(self._total, page.total or 0)
        self._next = None if page.following is None else {**self._call.parameters, **page.following}
        if self._next in self._asked or (page.invoices and not is_new):  # a circle
            self._next = None
        self._is_lost = page.goes_on and self._next is None and not self._has_all

    @property
    def _has_all(self) -> bool:
        """Whether there are as many as the list itself counts."""
        return not self._resumed and 0 < self._total <= len(self._invoices) + self._unreadable

    def listing(self) -> Listing:
        """Return what was read."""
        invoices = tuple(self._invoices.values())
        missing = max(self._lacking, 0 if self._resumed else self._total - len(invoices) - self._unreadable)
        broken = tuple(number for number in self._broken if number not in self._invoices)[:UNREADABLE_NAMED]
        return Listing(
            invoices, self._unreadable, max(missing, 0), self._rest(), resumed=self._resumed, unreadable_ids=broken
        )

    def _rest(self) -> str | None:
        if self._next is None:
            return "" if self._is_lost else None
        rest = urlencode({name: value for name, value in self._next.items() if name not in self._call.parameters})
        # It is stored in the clear, and a link could hold anything.
        token = self._call.token.reveal()
        is_safe = len(rest) <= MAX_REST_LENGTH and not any(token in value for value in self._next.values())
        return rest if is_safe else ""


def _names_invoice(call: Call) -> bool:
    return any(part.isdecimal() for part in call.path.split("/"))


def _parameters(only: InvoiceFilter) -> dict[str, str]:
    """Return the filters as query parameters. Inference: a boolean is ``1``, as Laravel doesn't accept ``true``."""
    named = {"status": only.status, "type": only.type, "transactions": "1" if only.with_transactions else None}
    return {name: value for name, value in named.items() if value is not None}
