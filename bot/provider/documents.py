"""Downloads: the expected type of a file, its safe name, and a temporary file for its content."""

from __future__ import annotations

import unicodedata
import warnings
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO

import aiohttp
import httpx
import structlog
from pathvalidate import sanitize_filename

from bot.errors import AnswerNotUnderstood, DocumentTooLarge, NoSpaceLeft
from bot.ports import Document
from bot.provider import values
from bot.provider.space import Share

log = structlog.get_logger()

MEGABYTE = 1024 * 1024
MAX_NAME_BYTES = 120
"""In UTF-8, ending included. File systems allow 255."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file: its possible content types, its first bytes, and the ending of its name."""

    media_types: frozenset[str]
    magic: bytes
    ending: str


_ANY_FILE = "application/octet-stream"
PDF = FileType(frozenset({"application/pdf", "application/x-pdf", _ANY_FILE}), b"%PDF-", ".pdf")
ZIP = FileType(frozenset({"application/zip", "application/x-zip-compressed", _ANY_FILE}), b"PK", ".zip")


async def download(response: httpx.Response, file_type: FileType, fallback: str, limit: int, share: Share) -> Document:
    """Stream an answer to an anonymous temporary file, which the caller closes. It needs its ``share`` of the folder.

    Raise :class:`AnswerNotUnderstood` if it has another type, and :class:`DocumentTooLarge` above ``limit`` bytes:
    before reading if the answer states its length, else while reading. Raise :class:`NoSpaceLeft` if it does not fit.
    """
    media_type = values.media_type(response.headers.get("content-type", ""))
    if media_type not in file_type.media_types:
        raise AnswerNotUnderstood(f"content type {media_type!r} for a {file_type.ending}")
    length = response.headers.get("content-length", "")
    if length.isdecimal():
        if int(length) > limit:
            raise DocumentTooLarge(limit // MEGABYTE)
        share.shrink(int(length))
    try:
        content, size = await _stored(response, limit)
        share.shrink(size)
        if content.read(len(file_type.magic)) != file_type.magic:
            content.close()
            raise AnswerNotUnderstood(f"not the beginning of a {file_type.ending}")
        content.seek(0)
    except OSError as error:
        log.warning("download can't be stored", error=str(error))
        raise NoSpaceLeft from error
    return Document(
        safe_name(response.headers.get("content-disposition", ""), file_type.ending, fallback), content, size
    )


async def _stored(response: httpx.Response, limit: int) -> tuple[BinaryIO, int]:
    """Return a temporary file with the answer's body, at its start, and its size."""
    content = TemporaryFile()  # noqa: SIM115  # the caller closes it, and so removes it
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > limit:
                raise DocumentTooLarge(limit // MEGABYTE)
            content.write(chunk)
        content.seek(0)
    except BaseException:
        with suppress(OSError):  # where the disk is full, the last bytes can't be written now either
            content.close()
        raise
    return content, size


def safe_name(disposition: str, ending: str, fallback: str) -> str:
    """Return the file name of a ``Content-Disposition`` (RFC 6266), safe on any system, always with this ending.

    Of a path only the last part counts, with either kind of slash. If nothing is left, return ``fallback``.
    """
    name = "".join(" " if c.isspace() else c for c in _given_name(disposition))
    name = name.replace("\\", "/").rpartition("/")[2]
    # Control, formatting (such as the override that reverses the reading direction), private, unassigned characters.
    name = "".join(c for c in name if not unicodedata.category(c).startswith("C"))
    if name.casefold().endswith(ending):
        name = name[: -len(ending)]
    short = name.encode()[: MAX_NAME_BYTES - len(ending) - 1].decode(errors="ignore")  # 1: what pathvalidate may add
    stem = sanitize_filename(short, platform="universal").strip(". ")
    return f"{stem}{ending}" if stem else fallback


def _given_name(disposition: str) -> str:
    """Return the name in the header: ``filename*`` before ``filename``, as RFC 6266 asks; empty if it can't be read."""
    with warnings.catch_warnings(action="ignore"):  # aiohttp warns of each fault of a header that it finds
        _, parameters = aiohttp.parse_content_disposition(disposition)
    return aiohttp.content_disposition_filename(parameters) or ""
