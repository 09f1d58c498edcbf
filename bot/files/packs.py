"""ZIP files with many documents, written without holding them in memory.

The documents are kept as they are: PDFs are compressed already, and so the size of a ZIP is known before it is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from tempfile import TemporaryFile
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

BLOCK = 256 * 1024
EARLIEST = date(1980, 1, 1)
LATEST = date(2107, 12, 31)
"""What a ZIP can say of a file's date."""
READABLE = 0o644 << 16
"""Rights of what is unpacked, where the system has such rights."""


class DocumentSpool:
    """Documents that wait for their part, one behind the other in a temporary file. Implement :class:`bot.ports.Spool`.

    All methods read and write files, so they are called in threads.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115  # close() closes it, and so removes it
        self._sizes: list[int] = []

    def add(self, content: BinaryIO, size: int) -> None:
        """Put a document behind the others."""
        self._file.seek(sum(self._sizes))
        content.seek(0)
        _copy(content, self._file, size)
        self._sizes.append(size)

    def zip(self, names: Sequence[tuple[str, date | None]], beside: Iterable[tuple[str, BinaryIO]]) -> BinaryIO:
        """Take the first documents away, and return a ZIP of them, which the caller closes.

        ``names`` are theirs, with their dates. ``beside`` are other files, such as a table.
        """
        written = TemporaryFile()  # noqa: SIM115  # as above
        try:
            with ZipFile(written, "w", ZIP_STORED) as archive:
                self._file.seek(0)
                for (name, day), size in zip(names, self._sizes, strict=False):
                    with archive.open(_entry(name, day, size), "w") as entry:
                        _copy(self._file, entry, size)
                for name, content in beside:
                    content.seek(0)
                    info = ZipInfo(name)
                    info.external_attr, info.compress_type = READABLE, ZIP_DEFLATED
                    with archive.open(info, "w") as entry:
                        shutil.copyfileobj(content, entry, BLOCK)
            self._drop(len(names))
            written.seek(0)
        except BaseException:
            written.close()
            raise
        return written

    def close(self) -> None:
        """Remove the temporary file."""
        self._file.close()

    def _drop(self, count: int) -> None:
        """Move what is left to the beginning. It never overlaps with where it is read, as it moves forward only."""
        at, self._sizes = sum(self._sizes[:count]), self._sizes[count:]
        to = 0
        while to < sum(self._sizes):
            self._file.seek(at + to)
            block = self._file.read(min(BLOCK, sum(self._sizes) - to))
            self._file.seek(to)
            self._file.write(block)
            to += len(block)
        self._file.truncate(to)


def _entry(name: str, day: date | None, size: int) -> ZipInfo:
    shown = min(max(day or EARLIEST, EARLIEST), LATEST)
    info = ZipInfo(name, (shown.year, shown.month, shown.day, 0, 0, 0))
    info.external_attr, info.file_size = READABLE, size
    return info


def _copy(source: BinaryIO, target: object, size: int) -> None:
    while size:
        block = source.read(min(BLOCK, size))
        if not block:
            raise OSError("a document is shorter than it was")
        target.write(block)  # type: ignore[attr-defined]  # a file, or an entry of a ZIP
        size -= len(block)
