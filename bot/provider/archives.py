"""The provider's own archive, taken apart: single documents of it, by their invoices' numbers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection
from itertools import islice
from tempfile import TemporaryFile
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

import structlog

from bot.errors import AnswerNotUnderstood
from bot.ports import Document
from bot.provider.documents import BLOCK, pdf_of
from bot.provider.zips import NoDirectory, names_in

MAX_ENTRIES = 20_000
"""``zipfile`` takes half a kilobyte of memory for each."""

BROKEN = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
"""What ``zipfile`` raises of an archive that is damaged, sealed, or written in a way that it does not know."""

log = structlog.get_logger()


class ProviderArchive:
    """Implements :class:`bot.ports.Archive`. What is in it is checked like a download: a name proves nothing.

    All methods read and write files, so they are called in threads.
    """

    def __init__(self, content: BinaryIO, wanted: Collection[int], limit: int) -> None:
        """Take the documents of the ``wanted`` invoices, up to ``limit`` bytes each. Others are not looked at."""
        self._limit = limit
        self._zip: ZipFile | None = None
        self._entries: dict[int, ZipInfo] = {}
        try:
            if sum(1 for _ in islice(names_in(content), MAX_ENTRIES + 1)) <= MAX_ENTRIES:
                self._zip = ZipFile(content)
                self._entries = _by_number(self._zip.infolist(), wanted)
        except (NoDirectory, *BROKEN) as error:
            log.info("provider's archive can't be taken apart", error=str(error))

    def document(self, number: int) -> Document | None:
        """Return an invoice's document, whose content the caller closes. None: it is not there, or not whole."""
        info = self._entries.get(number)
        if self._zip is None or info is None or info.file_size > self._limit:
            return None
        content = TemporaryFile()  # noqa: SIM115  # the caller closes it, and so removes it
        try:
            size = self._unpack(self._zip, info, content)
            content.seek(0)
            pdf_of(number).is_empty(content)
            content.seek(0)
        except (AnswerNotUnderstood, *BROKEN) as error:
            content.close()
            log.info("document in the provider's archive can't be used", invoice=number, error=str(error))
            return None
        return Document(f"invoice-{number}.pdf", content, size)

    def _unpack(self, archive: ZipFile, info: ZipInfo, content: BinaryIO) -> int:
        size = 0
        with archive.open(info) as entry:
            while block := entry.read(BLOCK):
                size += len(block)
                if size > self._limit:
                    raise ValueError("an entry is larger than it says")
                content.write(block)
        return size


def _by_number(entries: Collection[ZipInfo], wanted: Collection[int]) -> dict[int, ZipInfo]:
    """Return the PDFs whose name holds the number of one wanted invoice, which no other one has."""
    found: dict[int, ZipInfo] = {}
    twice, known = set[int](), frozenset(wanted)
    for info in entries:
        name = info.filename.rpartition("/")[2]
        numbers = {int(digits) for digits in re.findall(r"\d{1,18}", name)} & known
        if name.casefold().endswith(".pdf") and len(numbers) == 1:
            number = numbers.pop()
            twice |= {number} & found.keys()
            found[number] = info
    return {number: info for number, info in found.items() if number not in twice}
