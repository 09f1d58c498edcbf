"""Downloads: what kind of file is expected, its safe name, and its way to a temporary file."""

from __future__ import annotations

import unicodedata
import warnings
from dataclasses import dataclass
from tempfile import TemporaryFile

import aiohttp
import httpx
from pathvalidate import sanitize_filename

from bot.errors import AnswerNotUnderstood, DocumentTooLarge
from bot.ports import Document

MEGABYTE = 1024 * 1024
MAX_NAME_BYTES = 120
"""Bytes of UTF-8, ending included; file systems take 255."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file: the content types it may come as, how it begins, and the ending of its name."""

    types: frozenset[str]
    magic: bytes
    ending: str


_ANY_FILE = "application/octet-stream"
PDF = FileType(frozenset({"application/pdf", "application/x-pdf", _ANY_FILE}), b"%PDF-", ".pdf")
ZIP = FileType(frozenset({"application/zip", "application/x-zip-compressed", _ANY_FILE}), b"PK", ".zip")


async def download(response: httpx.Response, file_type: FileType, fallback: str, limit: int) -> Document:
    """Stream an answer to an anonymous temporary file, which the caller closes.

    Raises :class:`AnswerNotUnderstood` where it isn't of this kind, and :class:`DocumentTooLarge` above ``limit``
    bytes: before reading where the answer tells its length, else while reading.
    """
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if content_type not in file_type.types:
        raise AnswerNotUnderstood(f"content type {content_type!r} for a {file_type.ending}")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise DocumentTooLarge(limit // MEGABYTE)
    # Closed by the caller, and removed by closing it.
    content = TemporaryFile()  # noqa: SIM115
    try:
        size = 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > limit:
                raise DocumentTooLarge(limit // MEGABYTE)
            content.write(chunk)
        content.seek(0)
        if content.read(len(file_type.magic)) != file_type.magic:
            raise AnswerNotUnderstood(f"not the beginning of a {file_type.ending}")
        content.seek(0)
    except BaseException:
        content.close()
        raise
    return Document(
        safe_name(response.headers.get("content-disposition", ""), file_type.ending, fallback), content, size
    )


def safe_name(disposition: str, ending: str, fallback: str) -> str:
    """The file name of a ``Content-Disposition`` (RFC 6266), made safe for any system, always with this ending.

    Only the last part of a path counts, of either kind of slash. ``fallback`` stands in where nothing is left.
    """
    name = "".join(" " if c.isspace() else c for c in _given_name(disposition))
    name = name.replace("\\", "/").rpartition("/")[2]
    # Control, formatting (such as the override that turns reading direction round), private and unassigned characters.
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
