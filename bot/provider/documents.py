"""Downloads: what a file is by its content, its safe name, and a temporary file for its content."""

from __future__ import annotations

import asyncio
import os
import re
import unicodedata
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import BinaryIO

import aiohttp
import httpx
import structlog
from pathvalidate import sanitize_filename

from bot.errors import AnswerCut, AnswerNotUnderstood, DocumentTooLarge, NoSpaceLeft
from bot.ports import Document
from bot.provider import error_mapping
from bot.provider.space import Share
from bot.provider.zips import NoDirectory, names_in

MEGABYTE = 1024 * 1024
MAX_NAME_BYTES = 120
"""In UTF-8, ending included. File systems allow 255."""

PDF_BEGIN, PDF_END = b"%PDF-", b"%%EOF"
ZIP_BEGINS = (b"PK\x03\x04", b"PK\x05\x06")
EINVOICE_BEGIN = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^>]{0,200}\?>)?(?:\s|<!--[^>]{0,2000}-->)*+"
    rb"<(?:[\w.-]{1,40}:)?(?P<root>CrossIndustryInvoice|CrossIndustryDocument|Invoice|CreditNote)\s"
    rb"[^>]*urn:(?:un:unece:uncefact|ferd|oasis:names:specification:ubl):"
)
"""How the XML of an e-invoice begins. Any other XML is a page, or somebody else's answer."""
NEAR = 1024
"""How far from its first byte a file may begin, and from its last byte end, as PDF readers allow."""

WRAPPINGS = (b"{", b"[", b'"', b"--", b"<!doctype", b"<html", b"<?xml")
"""With one of these begins something that holds a file and is none: JSON, a multipart body, a page."""

BLANKS = b"\0\t\n\f\r "
BLOCK = 64 * 1024

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its ending, its name if the provider gives none, and how its content is checked.

    ``is_empty`` reads the file, and raises :class:`AnswerNotUnderstood` if it is something else. A name with other
    numbers than ``number`` is not used. A file of the kind ``instead`` may come in its place.
    """

    ending: str
    fallback: str
    is_empty: Callable[[BinaryIO], bool]
    number: int | None = None
    instead: Kind | None = None


def pdf_of(invoice_id: int) -> Kind:
    """Return what an invoice's document is: a PDF, or the XML of an e-invoice."""
    xml = Kind(".xml", f"invoice-{invoice_id}.xml", _is_empty_einvoice, invoice_id)
    return Kind(".pdf", f"invoice-{invoice_id}.pdf", _is_empty_pdf, invoice_id, instead=xml)


async def download(response: httpx.Response, kind: Kind, limit: int, share: Share) -> Document:
    """Stream an answer to an anonymous temporary file, which the caller closes. It needs its ``share`` of the folder.

    Raise :class:`AnswerNotUnderstood` if it is something else, whatever its ``Content-Type``, and
    :class:`DocumentTooLarge` above ``limit`` bytes: before reading if the answer states its length, else while reading.
    Raise :class:`NoSpaceLeft` if it does not fit.
    """
    if response.status_code != HTTPStatus.OK:
        raise AnswerNotUnderstood(f"status {response.status_code} for a {kind.ending}")
    length = response.headers.get("content-length", "")
    if length.isdecimal():
        if int(length) > limit:
            raise DocumentTooLarge(limit // MEGABYTE)
        share.shrink(int(length))
    try:
        content, size = await _stored(response, limit)
    except OSError as error:
        log.warning("download can't be stored", error=str(error))
        raise NoSpaceLeft from error
    share.shrink(size)
    try:
        kind, is_empty = await asyncio.to_thread(_recognised, kind, content, response)
        content.seek(0)
    except BaseException:
        content.close()
        raise
    return Document(_name(response, kind), content, size, is_empty=is_empty)


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


def _recognised(kind: Kind, content: BinaryIO, response: httpx.Response) -> tuple[Kind, bool]:
    """Return of which kind a file is, and whether it is empty."""
    try:
        content.seek(0)
        return kind, kind.is_empty(content)
    except AnswerNotUnderstood:
        if kind.instead is not None:
            with suppress(_OtherKind):
                content.seek(0)
                return kind.instead, kind.instead.is_empty(content)
        content.seek(0)
        if refusal := error_mapping.in_success(response, content.read(BLOCK)):
            raise refusal from None
        raise


def _is_empty_pdf(content: BinaryIO) -> bool:
    beginning = _beginning_of(content, NEAR + len(PDF_BEGIN) - 1)
    before, found, _ = beginning.partition(PDF_BEGIN)
    if not found or _is_wrapping(before):
        raise AnswerNotUnderstood("not the beginning of a PDF")
    if PDF_END not in _end_of(content):
        raise AnswerCut("a PDF without its end")
    return False


class _OtherKind(AnswerNotUnderstood):
    """It is not even the beginning of such a file."""


def _is_empty_einvoice(content: BinaryIO) -> bool:
    found = EINVOICE_BEGIN.match(_beginning_of(content, BLOCK))
    if found is None:
        raise _OtherKind("not the beginning of an e-invoice")
    if not re.search(rb"</([\w.-]+:)?" + found["root"] + rb"\s*>", _end_of(content)):
        raise AnswerCut("an e-invoice without its end")
    return False


def _is_empty_zip(content: BinaryIO) -> bool:
    beginning = _beginning_of(content, NEAR)
    found = [at for begin in ZIP_BEGINS if (at := beginning.find(begin)) >= 0]
    if not found or _is_wrapping(beginning[: min(found)]):
        raise AnswerNotUnderstood("not the beginning of a ZIP")
    try:
        return all(name.endswith(b"/") for name in names_in(content))
    except NoDirectory:
        raise AnswerCut("a ZIP without a directory") from None


ARCHIVE = Kind(".zip", "invoices.zip", _is_empty_zip)


def _beginning_of(content: BinaryIO, length: int) -> bytes:
    if beginning := content.read(length):
        return beginning
    raise AnswerCut("an empty file")


def _is_wrapping(before: bytes) -> bool:
    """Return whether something else begins here. A warning of the provider's program may stand before a file."""
    return before.lstrip(BLANKS + b"\xef\xbb\xbf").lower().startswith(WRAPPINGS)


def _end_of(content: BinaryIO) -> bytes:
    """Return the last bytes, without the blanks with which some servers pad a file."""
    end = content.seek(0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - BLOCK)
        content.seek(begin)
        if block := content.read(end - begin).rstrip(BLANKS):
            end = begin + len(block)
            break
        end = begin
    content.seek(max(0, end - NEAR))
    return content.read(min(end, NEAR))


def _name(response: httpx.Response, kind: Kind) -> str:
    """Return the name that the provider gives, unless it names another invoice."""
    name = safe_name(response.headers.get("content-disposition", ""), kind.ending, kind.fallback)
    name = re.sub(rf"\.pdf(?={re.escape(kind.ending)}$)", "", name, flags=re.IGNORECASE)
    numbers = {int(digits) for digits in re.findall(r"\d+", name)}
    if kind.number is None or not numbers or kind.number in numbers:
        return name
    log.info("a document's name has another number", invoice=kind.number)
    return kind.fallback


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
