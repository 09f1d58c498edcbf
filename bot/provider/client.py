"""The client of the provider's API: the six calls of its reference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from zoneinfo import ZoneInfo

import httpx

from bot import __version__
from bot.domain.chats import Token
from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Listing
from bot.errors import AnswerNotUnderstood
from bot.limiter import Limiter
from bot.ports import Clock, Document, InvoiceFilter, utc_now
from bot.provider import documents, schema
from bot.provider.request import Call, Caller, RetryPolicy, deadline, json_body
from bot.provider.transport import make_transport

NO_FILTER = InvoiceFilter()
DEFAULT_RETRIES = RetryPolicy()
MAX_DOCUMENT_BYTES = 50 * documents.MEGABYTE
"""The largest file that a bot can send over Telegram."""

MAX_PAGES = 100


def open_http_client(
    max_connections: int = 100, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Return the HTTP client that all calls share. The caller closes it.

    Its time-outs apply to each step of a request. It keeps no cookies, because it serves many accounts. The transport
    looks after proxies.
    """
    return httpx.AsyncClient(
        transport=transport or make_transport(max_connections),
        timeout=httpx.Timeout(15, connect=5),
        headers={"User-Agent": f"invoice-bot/{__version__}"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=False,
    )


class ProviderClient:
    """Implements :class:`bot.ports.Provider`.

    ``base_url`` may hold a path. The provider's dates are midnights of ``zone``. ``max_document`` is in bytes. ``http``
    is shared, and stays open. Each read first waits for ``limiter``.
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
    ) -> None:
        self._caller = Caller(http, base_url, retries, clock, limiter)
        self._zone = zone
        self._retries = retries
        self._max_document = max_document

    async def list_invoices(self, token: Token, language: str, only: InvoiceFilter = NO_FILTER) -> Listing:
        """Return all invoices that pass the filter, each once, from all pages."""
        call = Call("list", "GET", "client/invoices", token, language, _parameters(only))
        async with deadline(self._retries.deadline, call) as ends:
            return await self._all_pages(call, ends)

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice:
        call = Call("invoice", "GET", f"client/invoices/{invoice_id:d}", token, language)
        async with deadline(self._retries.deadline, call) as ends:
            invoice = schema.read_invoice(await self._caller.read(call, json_body, ends), self._zone)
        if invoice.id != invoice_id:
            raise AnswerNotUnderstood(f"asked for invoice {invoice_id}, got {invoice.id}")
        return invoice

    async def credit(self, token: Token, language: str) -> Credit:
        """Return the account's credit. The token needs a permission that the other calls don't: ``read``."""
        call = Call("credit", "GET", "client", token, language)
        async with deadline(self._retries.deadline, call) as ends:
            return schema.read_credit(await self._caller.read(call, json_body, ends))

    def pdf(self, token: Token, language: str, invoice_id: int) -> AbstractAsyncContextManager[Document]:
        path = f"client/invoices/{invoice_id:d}/download"
        call = Call("pdf", "GET", path, token, language, accept_encoding="identity")
        return self._download(call, documents.PDF, f"invoice-{invoice_id}.pdf")

    def archive(
        self, token: Token, language: str, only: InvoiceFilter = NO_FILTER
    ) -> AbstractAsyncContextManager[Document]:
        """Download all invoices that pass the filter, zipped. Inference: the archive takes the list's filters."""
        path = "client/invoices/download/archive"
        call = Call("archive", "GET", path, token, language, _parameters(only), accept_encoding="identity")
        return self._download(call, documents.ZIP, "invoices.zip")

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

    @asynccontextmanager
    async def _download(self, call: Call, file_type: documents.FileType, fallback: str) -> AsyncIterator[Document]:
        async def save(response: httpx.Response) -> Document:
            return await documents.download(response, file_type, fallback, self._max_document)

        async with deadline(self._retries.download_deadline, call) as ends:
            document = await self._caller.read(call, save, ends)
        with document.content:
            yield document

    async def _all_pages(self, call: Call, ends: float) -> Listing:
        """Follow ``links.next``, so that no invoice is missed. Inference: pages have Laravel's form.

        Only the link's query is used, on the list's own address. So no link can lead the token elsewhere, and links
        that begin with ``http://`` because the provider does not know of its own proxy still work.
        """
        invoices: dict[int, Invoice] = {}
        unreadable = 0
        asked = [dict(call.parameters)]
        while len(asked) <= MAX_PAGES:
            body = await self._caller.read(replace(call, parameters=asked[-1]), json_body, ends)
            page = schema.read_page(body, self._zone)
            invoices |= {invoice.id: invoice for invoice in page.invoices}
            unreadable += page.unreadable
            if page.next is None:
                return Listing(tuple(invoices.values()), unreadable)
            following = asked[0] | _query_of(page.next)
            if following in asked:
                raise AnswerNotUnderstood("list: its pages form a circle")
            asked.append(following)
        raise AnswerNotUnderstood(f"list: more than {MAX_PAGES} pages")


def _parameters(only: InvoiceFilter) -> dict[str, str]:
    """Return the filters as query parameters. Inference: a boolean is ``1``, as Laravel doesn't accept ``true``."""
    named = {"status": only.status, "type": only.type, "transactions": "1" if only.with_transactions else None}
    return {name: value for name, value in named.items() if value is not None}


def _query_of(link: str) -> dict[str, str]:
    try:
        return dict(httpx.URL(link).params)
    except httpx.InvalidURL:
        raise AnswerNotUnderstood("list: the link to the next page is no URL") from None
