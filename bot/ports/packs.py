"""What packs need of the world: where they are kept, who tells of them, and where their files are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import BinaryIO, Protocol

from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat
from bot.domain.invoices import Invoice, Listing
from bot.domain.ledger import Total
from bot.domain.packs.names import NameStyle
from bot.domain.packs.pack import Missing, Pack
from bot.errors import BotError
from bot.ports.outside import Document
from bot.ports.tables import TableWords


@dataclass(frozen=True, slots=True)
class PackClaim:
    """A pack that is to be made, for a chat with the account that it is about."""

    chat: Chat
    pack: Pack


class PackStore(Protocol):
    """Packs that were ordered, each kept with the link of its account until its end was told.

    What a process writes of a pack counts only as long as it holds it, by its fencing token.
    """

    async def add_pack(self, key: ChatKey, account: str, pack: Pack) -> bool:
        """Keep an order. One that is there already, by its id, stays as it is.

        Return False if the chat has another link now, or too many packs under way.
        """

    async def claim_packs(self, now: datetime, limit: int, lease: timedelta) -> Sequence[PackClaim]:
        """Lease and return up to ``limit`` packs that are to be made, of different accounts."""

    async def save_pack(self, key: ChatKey, pack: Pack) -> Pack | None:
        """Save how far a pack has come. Return it as it is stored: somebody may have stopped it.

        None: it is not held any more, so its files must not be sent.
        """

    async def end_pack(self, key: ChatKey, pack: Pack) -> bool:
        """Forget a pack whose end was told. Return False if it is not held any more."""

    async def stop_pack(self, key: ChatKey, pack_id: str) -> bool:
        """Note that somebody has cancelled a pack. Return False if it has ended."""


class Spool(Protocol):
    """Documents that wait for their part. The methods read and write files: they are called in threads."""

    def add(self, content: BinaryIO, size: int) -> None: ...

    def zip(self, names: Sequence[tuple[str, date | None]], beside: Iterable[tuple[str, BinaryIO]]) -> BinaryIO:
        """Take the first documents away, and return a ZIP of them, which the caller closes."""

    def close(self) -> None: ...


class Archive(Protocol):
    """A ZIP of the provider. The method reads and writes files: it is called in threads."""

    def document(self, number: int) -> Document | None:
        """Return an invoice's document, whose content the caller closes. None: it has none that can be used."""


class Space(Protocol):
    """Hands out shares of the temporary folder."""

    def share(self, size: int) -> AbstractAsyncContextManager[object]:
        """Wait until so many bytes are free. Raise :class:`bot.errors.NoSpaceLeft` after long."""


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file of a pack on its way to the chat. ``part`` counts from 1; None: it is a table.

    ``totals`` are those of its ``invoices``, as in the table. ``is_only``: there is no other part. ``missing`` could
    not be had.
    """

    document: Document
    invoices: Sequence[Invoice]
    totals: Sequence[Total]
    part: int | None = None
    is_only: bool = True
    missing: Sequence[Missing] = ()


@dataclass(frozen=True, slots=True)
class PackEnd:
    """How a pack ended: with so many invoices of those that were chosen, or early because of ``why``.

    ``lost``: the provider's list has invoices that can't be read, or was not read to its end.
    """

    count: int = 0
    why: BotError | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class PackWords:
    """What is written in a pack's files, in the chat's language.

    ``missing_name`` is the name of the text that lists what could not be had, and ``missing_head`` stands above it.
    ``account`` is the name of the chat's account in tables.
    """

    style: NameStyle
    missing_name: str
    missing_head: str
    account: str
    table: TableWords


class PackMessenger(Protocol):
    """Tells a chat of its packs, and sends their files. All raise :class:`bot.errors.MessengerError`."""

    def words(self, chat: Chat, listing: Listing) -> PackWords:
        """Return the words of a pack's files. Tables say what the ``listing`` lacks."""

    def file_name(self, chat: Chat, pack: Pack, part: int | None = None) -> str:
        """Return the name of a pack's ZIP without its ending. ``part``: it is one of several."""

    def why(self, chat: Chat, error: BotError) -> str:
        """Return what an error means for the reader."""

    async def draw(self, chat: Chat, pack: Pack, at: int, of: int) -> int | None:
        """Let the message that shows the progress say so. Send it if there is none. Return its id."""

    async def send(self, chat: Chat, pack: Pack, file: PackFile) -> None: ...

    async def tell_end(self, chat: Chat, pack: Pack, end: PackEnd, *, again: bool) -> None:
        """Say how a pack ended, if its files don't say it. ``again``: an earlier try may have arrived."""
