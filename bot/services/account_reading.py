"""Read an account from the provider, and say what the answer, or its absence, means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from bot.domain.chats import Chat, Link, Trouble
from bot.domain.collectives import with_parts
from bot.domain.credit import CreditWatch
from bot.domain.invoices import Invoice, Listing
from bot.errors import (
    ForeignAnswer,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    RateLimited,
    TokenRefused,
)
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Glance, Provider
from bot.services.failures import log_failure

T = TypeVar("T")

log = structlog.get_logger()

MISSING_READ_PER_CHECK = 5
"""How many invoices that vanished from the list one check asks for singly. The others wait for the next check."""


@dataclass(frozen=True, slots=True)
class AccountReading:
    """What the provider said. ``listing`` is None if its list was not asked for, or could not be read (``error``).

    ``found`` are the listed invoices and those read singly. The others vanished from the list: the provider says that
    it has none (``gone``), could not say (``unread``), or was not asked yet (``unasked``), so nothing can be said.
    ``wait`` is how many seconds the provider wants to be left alone. ``credit`` is None if it was not asked for.
    """

    listing: Listing | None = None
    found: tuple[Invoice, ...] = ()
    gone: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()
    unasked: tuple[int, ...] = ()
    trouble: Trouble | None = None
    wait: float = 0
    error: Exception | None = None
    credit: CreditWatch | None = None

    @property
    def was_asked_for(self) -> bool:
        """Whether the provider was asked for its list."""
        return self.listing is not None or self.error is not None

    @property
    def has_asked_singly(self) -> bool:
        """Whether invoices vanished from the list."""
        listed = self.listing.invoices if self.listing is not None else ()
        return bool(self.gone or self.unread or self.unasked) or len(self.found) > len(listed)

    @property
    def unreadable(self) -> int:
        """How many invoices of the list could not be read, not even singly."""
        if self.listing is None:
            return 0
        return max(0, self.listing.lost - (len(self.found) - len(self.listing.invoices)))

    @property
    def unreadable_ids(self) -> tuple[int, ...]:
        """The numbers of those, as far as they are known."""
        if self.listing is None:
            return ()
        found = {invoice.id for invoice in self.found}
        return tuple(number for number in self.listing.unreadable_ids if number not in found)

    @property
    def end(self) -> str:
        """The result in a word, for the log."""
        if self.listing is not None:
            return "good"
        return "refused" if self.trouble or not self.was_asked_for else "unread"


class AccountReader:
    """Reads from the provider until ``end``, by the loop's clock. A provider that has not answered by then is down.

    Outages are logged when they begin and when they end, not at every check.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._down = False
        self._unreadable: set[int] = set()

    async def read(self, chat: Chat, link: Link, end: float, begin: str) -> AccountReading:
        """Read the account's list from this place on. Never raise a :class:`ProviderError`."""
        return await self._reading(chat.id, self._list(chat, link, end, begin))

    async def read_if_changed(self, glance: Glance, end: float) -> AccountReading | None:
        """Read the account's list, but return None if the provider answers as it did the last time."""
        last = glance.unchanged.answer
        call = self._provider.list_if_changed(glance.access.token, glance.access.language, last)
        reading = await self._reading(glance.access.chat_id, _answer_by(end, call))
        return None if reading.listing is None and reading.error is None else reading

    async def _reading(self, chat_id: int, call: Awaitable[Listing | None]) -> AccountReading:
        try:
            listing = await call
        except Exception as error:  # noqa: BLE001  # _unread logs it
            return self._unread(chat_id, error)
        self._note_recovery(chat_id)
        return AccountReading() if listing is None else AccountReading(listing, listing.invoices)

    async def _list(self, chat: Chat, link: Link, end: float, begin: str) -> Listing:
        """Read the list from this place on, or from its beginning if that can't be read."""
        if begin:
            try:
                return await self._list_from(begin, chat, link, end)
            except RateLimited:
                raise
            except ProviderError as error:
                log.debug("list can't be read on", chat=chat.id, error=str(error))
        return await self._list_from("", chat, link, end)

    async def _list_from(self, begin: str, chat: Chat, link: Link, end: float) -> Listing:
        return await _answer_by(end, self._provider.list_invoices(link.token, chat.reply_language, begin=begin))

    async def ask_for(
        self, missing: Sequence[int], chat: Chat, link: Link, reading: AccountReading, end: float
    ) -> AccountReading:
        """Complete a reading: ask for each invoice ``missing`` from its list, until the provider can't be asked.

        From a list that is not whole nothing follows: what it lacks is as it was, and is spoken of as such.
        """
        is_whole = reading.listing is not None and reading.listing.is_whole
        found, wait = list(reading.found), 0.0
        gone, unread = list[int](), list[int]()
        asking = iter(missing[:MISSING_READ_PER_CHECK])
        for number in asking:
            try:
                found.append(await _answer_by(end, self._provider.invoice(link.token, chat.reply_language, number)))
            except NotFound:
                (gone if is_whole else unread).append(number)
                if is_whole:
                    log.warning("open invoice is gone at the provider", chat=chat.id, invoice=number)
            except Exception as error:  # noqa: BLE001  # it is logged
                unread.append(number)
                log_failure("vanished invoice can't be read", error, chat=chat.id, invoice=number)
                wait = (error.retry_after or 0) if isinstance(error, RateLimited) else wait
                if isinstance(error, RateLimited | ProviderDown):
                    break
        unasked = (*asking, *missing[MISSING_READ_PER_CHECK:])
        if not is_whole:
            unread, unasked = [*unread, *unasked], ()
        if len(found) > len(reading.found):
            found = list(await off_loop(len(found) > HEAVY_COUNT, with_parts, found))
        return replace(reading, found=tuple(found), gone=tuple(gone), unread=tuple(unread), unasked=unasked, wait=wait)

    def _unread(self, chat_id: int, error: Exception) -> AccountReading:
        """Return what a failure means for the account."""
        match error:
            case TokenRefused():
                return AccountReading(trouble=Trouble.TOKEN_REFUSED, error=error)
            case PermissionMissing():
                return AccountReading(trouble=Trouble.PERMISSION_MISSING, error=error)
            case ForeignAnswer():
                self._note_unreadable(chat_id, error)  # a firewall may stop one account only
                return AccountReading(wait=error.retry_after or 0, error=error)
            case RateLimited() | ProviderDown():
                self._note_outage(error)
                return AccountReading(wait=error.retry_after or 0, error=error)
            case _:
                self._note_unreadable(chat_id, error)
        return AccountReading(error=error)

    def _note_outage(self, error: ProviderError) -> None:
        if not self._down:
            self._down = True
            log.warning("provider can't be read", error=str(error))

    def _note_unreadable(self, chat_id: int, error: Exception) -> None:
        if chat_id not in self._unreadable:
            self._unreadable.add(chat_id)
            log_failure("account can't be read", error, chat=chat_id)

    def _note_recovery(self, chat_id: int) -> None:
        if self._down:
            self._down = False
            log.info("provider can be read again")
        if chat_id in self._unreadable:
            self._unreadable.remove(chat_id)
            log.info("account can be read again", chat=chat_id)


async def _answer_by(end: float, call: Awaitable[T]) -> T:
    """Return what the call returns. Raise :class:`ProviderDown` at ``end``."""
    try:
        async with asyncio.timeout_at(end):
            return await call
    except TimeoutError:
        raise ProviderDown from None
