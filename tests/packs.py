"""Packs for tests: a messenger that records what it sends, and everything that a pack is made with."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from bot.chat.texts import load_translations
from bot.chat.views import pack_settings
from bot.chat.views.packs import file_name
from bot.chat.views.tables import table_words
from bot.domain.chats import Chat, Preferences
from bot.domain.invoices import Listing
from bot.domain.packs.pack import Pack
from bot.errors import BotError
from bot.files.csv_tables import write_texts
from bot.files.names import safe_name
from bot.files.packs import DocumentSpool
from bot.files.workbooks import write_workbook
from bot.ports import Clock, PackEnd, PackFile, PackWords, Store, TableWriters
from bot.provider.archives import ProviderArchive
from bot.provider.space import TemporarySpace
from bot.services.pack_documents import PackFiles, PackTools
from bot.services.reading import AccountReads
from bot.services.tables import Tables

BERLIN = ZoneInfo("Europe/Berlin")
TEXTS = load_translations("EUR", BERLIN)["en"]


@dataclass(frozen=True)
class Sent:
    """A file that arrived in a chat. ``content`` are the names in it, if it is a ZIP."""

    chat_id: int
    name: str
    size: int
    content: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """That a chat was told the end of a pack."""

    chat_id: int
    pack: Pack
    end: PackEnd
    again: bool


@dataclass
class FakePackMessenger:
    """Implements :class:`bot.ports.PackMessenger`. ``errors`` are raised one after the other when a file is sent."""

    sent: list[Sent] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    drawn: list[tuple[int, int]] = field(default_factory=list)
    errors: list[BotError | None] = field(default_factory=list)
    end_errors: list[BotError] = field(default_factory=list)

    def words(self, chat: Chat, listing: Listing) -> PackWords:
        style = pack_settings.style(TEXTS, chat.preferences or Preferences())
        return PackWords(style, "Missing", "These are missing:", "", table_words(TEXTS, [listing]))

    def file_name(self, chat: Chat, pack: Pack, part: int | None = None) -> str:
        del chat
        return file_name(TEXTS, pack.choice, part)

    def why(self, chat: Chat, error: BotError) -> str:
        del chat
        return error.key

    async def draw(self, chat: Chat, pack: Pack, at: int, of: int) -> int | None:
        del chat, pack
        self.drawn.append((at, of))
        return 500

    async def send(self, chat: Chat, pack: Pack, file: PackFile) -> None:
        del pack
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        document = file.document
        names: tuple[str, ...] = ()
        if document.name.endswith(".zip"):
            document.content.seek(0)
            with zipfile.ZipFile(io.BytesIO(document.content.read())) as archive:
                assert archive.testzip() is None
                names = tuple(archive.namelist())
        self.sent.append(Sent(chat.id, document.name, document.size, names))

    async def tell_end(self, chat: Chat, pack: Pack, end: PackEnd, *, again: bool) -> None:
        if self.end_errors:
            raise self.end_errors.pop()
        self.told.append(Told(chat.id, pack, end, again))

    def zips(self, chat_id: int) -> list[Sent]:
        return [each for each in self.sent if each.chat_id == chat_id and each.name.endswith(".zip")]


def tools(provider: Any, store: Store, messenger: Any, clock: Clock, part_limit: int = 49 * 1024 * 1024) -> PackTools:
    """Return what packs are made with, on fakes of the world outside."""
    reads = AccountReads(provider, store, clock)
    tables = Tables(reads, TableWriters(write_workbook, write_texts), BERLIN)
    files = PackFiles(DocumentSpool, ProviderArchive, safe_name, TemporarySpace(), part_limit)
    return PackTools(reads, tables, messenger, files, clock)
