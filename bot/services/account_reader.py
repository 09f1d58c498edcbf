"""Read an account's invoices for a check, and judge what a failure means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from bot.domain.chats import Chat, Link, Trouble
from bot.domain.invoices import Invoice, Listing
from bot.errors import NotFound, PermissionMissing, ProviderDown, ProviderError, RateLimited, TokenRefused
from bot.ports import Provider
from bot.services.failures import log_failure

T = TypeVar("T")

log = structlog.get_logger()

MISSING_READ_PER_CHECK = 5
"""How many invoices that vanished from the list one check asks for singly; the rest have their turn next time."""


@dataclass(frozen=True, slots=True)
class AccountReading:
    """What the provider said. ``listing`` is None where its list could not be read: because of ``error``, or not asked.

    ``found`` are the listed invoices and those asked for singly. ``gone``, ``unread`` and ``unasked`` are invoices that
    vanished from the list: the provider no longer has them; could not say; or was not asked for them yet, so that
    nothing can be said of them now. ``wait`` are the seconds that the provider wants to be left alone.
    """

    listing: Listing | None = None
    found: tuple[Invoice, ...] = ()
    gone: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()
    unasked: tuple[int, ...] = ()
    trouble: Trouble | None = None
    wait: float = 0
    error: Exception | None = None

    @property
    def unreadable(self) -> int:
        """How many invoices of the list could not be read, not even singly."""
        if self.listing is None:
            return 0
        return max(0, self.listing.unreadable - (len(self.found) - len(self.listing.invoices)))

    @property
    def end(self) -> str:
        """In a word, for the log."""
        if self.listing is not None:
            return "good"
        return "refused" if self.trouble else "unread"


class AccountReader:
    """Asks the provider, until an ``end`` by the loop's clock: a provider that has not answered by then is down.

    Outages are logged when they begin and when they end, not at every check.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._down = False
        self._unreadable: set[int] = set()

    async def read(self, chat: Chat, link: Link, end: float) -> AccountReading:
        """The account's list. Never raises a :class:`ProviderError`."""
        try:
            listing = await _until(end, self._provider.list_invoices(link.token, chat.reply_language))
        except Exception as error:  # noqa: BLE001  # _unread logs it
            return self._unread(chat, error)
        self._note_recovery(chat)
        return AccountReading(listing, listing.invoices)

    async def ask_for(
        self, missing: Sequence[int], chat: Chat, link: Link, reading: AccountReading, end: float
    ) -> AccountReading:
        """Complete a reading by what vanished from its list, until the provider can't be asked any more."""
        found, gone, unread, wait = list(reading.found), [], [], 0.0
        asking = iter(missing[:MISSING_READ_PER_CHECK])
        for number in asking:
            try:
                found.append(await _until(end, self._provider.invoice(link.token, chat.reply_language, number)))
            except NotFound:
                gone.append(number)
                log.warning("open invoice is gone at the provider", chat=chat.id, invoice=number)
            except Exception as error:  # noqa: BLE001  # it is logged
                unread.append(number)
                log_failure("vanished invoice can't be read", error, chat=chat.id, invoice=number)
                wait = (error.retry_after or 0) if isinstance(error, RateLimited) else wait
                if isinstance(error, RateLimited | ProviderDown):
                    break
        unasked = (*asking, *missing[MISSING_READ_PER_CHECK:])
        return replace(reading, found=tuple(found), gone=tuple(gone), unread=tuple(unread), unasked=unasked, wait=wait)

    def _unread(self, chat: Chat, error: Exception) -> AccountReading:
        """What a failure means for the account."""
        match error:
            case TokenRefused():
                return AccountReading(trouble=Trouble.TOKEN_REFUSED, error=error)
            case PermissionMissing():
                return AccountReading(trouble=Trouble.PERMISSION_MISSING, error=error)
            case RateLimited():
                self._note_outage(error)
                return AccountReading(wait=error.retry_after or 0, error=error)
            case ProviderDown():
                self._note_outage(error)
            case _:
                self._note_unreadable(chat, error)
        return AccountReading(error=error)

    def _note_outage(self, error: ProviderError) -> None:
        if not self._down:
            self._down = True
            log.warning("provider can't be read", error=str(error))

    def _note_unreadable(self, chat: Chat, error: Exception) -> None:
        if chat.id not in self._unreadable:
            self._unreadable.add(chat.id)
            log_failure("account can't be read", error, chat=chat.id)

    def _note_recovery(self, chat: Chat) -> None:
        if self._down:
            self._down = False
            log.info("provider can be read again")
        if chat.id in self._unreadable:
            self._unreadable.remove(chat.id)
            log.info("account can be read again", chat=chat.id)


async def _until(end: float, call: Awaitable[T]) -> T:
    """What the call gives. Raises :class:`ProviderDown` at ``end``."""
    try:
        async with asyncio.timeout_at(end):
            return await call
    except TimeoutError:
        raise ProviderDown from None
