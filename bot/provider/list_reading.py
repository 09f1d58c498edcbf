"""Read a list page by page, or see that it is the same as the last time."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from bot.domain.invoices import UNREADABLE_NAMED, Invoice, Listing
from bot.domain.unchanged import ListAnswer
from bot.errors import ProviderError
from bot.offload import HEAVY_BYTES, off_loop
from bot.provider import schema
from bot.provider.request import Call, ReadBody, json_body

MAX_PAGES = 100
"""Of a list in one reading. The next reading goes on there."""

MAX_REST_LENGTH = 1000
"""Characters in which a place in the list is kept."""

REMEMBERED_BYTES = 1024 * 1024
REMEMBERED_PAGES = 10
"""A longer list is not remembered: all its pages are in memory until it is known whether one has changed."""

HASH_BYTES = 16

Read = Callable[[Call, ReadBody[bytes], float], Awaitable[bytes]]


class ListReading:
    """Reads a list page by page, and keeps what it has when it can't go on.

    Of the link to a next page only the query is used, on the list's own address. So no link can lead the token
    elsewhere, and links that begin with ``http://`` because the provider does not know of its own proxy still work.
    """

    def __init__(self, call: Call, begin: str, zone: ZoneInfo) -> None:
        self._call = call
        self._zone = zone
        self._resumed = bool(begin)
        self._asked: list[dict[str, str]] = []
        self._next: dict[str, str] | None = self._parameters(begin)
        self._is_lost = False
        self._invoices: dict[int, Invoice] = {}
        self._unreadable = 0
        self._broken: dict[int, None] = {}
        self._total = 0
        self._lacking = 0
        self._hashes: list[bytes] = []
        self._size = 0
        self._there: list[tuple[dict[str, str], bytes | ProviderError]] = []
        """Pages that were asked for and not decoded yet."""

    async def is_same(self, last: ListAnswer, read: Read, ends: float) -> bool:
        """Ask for the pages of the last answer, and return whether each has the same bytes.

        Once one has not, or can't be read, :meth:`read` goes on from them.
        """
        for place, expected in zip(("", *last.pages), last.hashes, strict=True):
            parameters = self._parameters(place)
            try:
                body = await read(self._call_for(parameters), json_body, ends)
            except ProviderError as error:
                self._there.append((parameters, error))
                return False
            self._there.append((parameters, body))
            if len(body) > REMEMBERED_BYTES or _hash(body) != expected:
                return False
        return True

    async def read(self, read: Read, ends: float) -> None:
        """Read pages until the last one. If a :class:`ProviderError` ends this, what was read before is kept."""
        while self._next is not None and len(self._asked) < MAX_PAGES:
            body = await self._page(self._next, read, ends)
            page = await off_loop(len(body) > HEAVY_BYTES, schema.read_page, body, self._zone)
            self._asked.append(self._next)
            self._remember(body)
            self._take(page)

    async def read_what_is_there(self, error: ProviderError) -> None:
        """Read no further than the pages that have come already, because of this error."""

        async def refuse(*_: object) -> bytes:
            raise error

        with suppress(ProviderError):
            await self.read(refuse, 0)

    async def _page(self, parameters: dict[str, str], read: Read, ends: float) -> bytes:
        there = self._there.pop(0) if self._there else None
        if there is None or there[0] != parameters:
            self._there.clear()  # the list has other pages now
            return await read(self._call_for(parameters), json_body, ends)
        if isinstance(there[1], ProviderError):
            raise there[1]
        return there[1]

    def _call_for(self, parameters: dict[str, str]) -> Call:
        return self._call if parameters == self._call.parameters else replace(self._call, parameters=parameters)

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
        listing = Listing(
            invoices, self._unreadable, max(missing, 0), self._rest(), resumed=self._resumed, unreadable_ids=broken
        )
        return replace(listing, answer=self._answer()) if listing.lacks_nothing else listing

    def _remember(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= REMEMBERED_BYTES:
            self._hashes.append(_hash(body))

    def _answer(self) -> ListAnswer | None:
        places = [self._place(parameters) for parameters in self._asked[1:]]
        if len(self._asked) > REMEMBERED_PAGES or self._size > REMEMBERED_BYTES or "" in places:
            return None
        return ListAnswer(tuple(self._hashes), tuple(places))

    def _rest(self) -> str | None:
        if self._next is None:
            return "" if self._is_lost else None
        return self._place(self._next)

    def _place(self, parameters: dict[str, str]) -> str:
        """Return a place in the list as it is kept. Empty: it can't be."""
        place = urlencode({name: value for name, value in parameters.items() if name not in self._call.parameters})
        # It is stored in the clear, and a link could hold anything.
        token = self._call.token.reveal()
        is_safe = len(place) <= MAX_REST_LENGTH and not any(token in value for value in parameters.values())
        return place if is_safe else ""

    def _parameters(self, place: str) -> dict[str, str]:
        return {**self._call.parameters, **dict(parse_qsl(place, keep_blank_values=True))}


def _hash(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:HASH_BYTES]  # processors have instructions for it
