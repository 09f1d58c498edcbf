"""A file's content says whether it is a PDF or a ZIP, and whether it is whole. Labels don't."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import zipfile
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings, strategies as st

from bot.domain.chats import Token
from bot.errors import AnswerCut, AnswerNotUnderstood, ProviderDown, Refused
from bot.provider.client import ProviderClient
from bot.provider.documents import ARCHIVE, pdf_of
from tests.provider.wire import head_of, listen
from tests.provider.world import BERLIN, MAX_DOCUMENT, QUICK_RETRIES, SECRET, open_quickly

PDF = b"%PDF-1.7\n" + b"1 0 obj\n<<>>\nendobj\n" * 200 + b"startxref\n9\n%%EOF\n"
WARNING = b"<br />\n<b>Warning</b>:  Undefined variable in <b>x.php</b> on line <b>3</b><br />\n"
NUMBER = 101


def a_zip(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in names:
            bundle.writestr(name, b"" if name.endswith("/") else PDF)
    return file.getvalue()


ZIP = a_zip("Rechnung-101.pdf", "Rechnung-102.pdf")
FILES = {"pdf": PDF, "archive": ZIP}


def answer(content: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """Return an answer whose end is where the connection ends, unless a line tells its length."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + content


@dataclass
class Downloaded:
    name: str
    content: bytes
    is_empty: bool


@asynccontextmanager
async def downloading(*answers: bytes) -> AsyncIterator[tuple[Callable[[str], Awaitable[Downloaded]], list[bytes]]]:
    """Yield a function that downloads from a server, and the requests that came in.

    Request after request gets the next of these answers, and then the last one for ever. Each ends its connection.
    """
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await head_of(reader))
        writer.write(answers[min(len(heads), len(answers)) - 1])
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with listen(serve) as port, open_quickly() as http:
        url = f"http://127.0.0.1:{port}"
        client = ProviderClient(http, url, BERLIN, retries=QUICK_RETRIES, max_document=MAX_DOCUMENT)

        async def download(kind: str) -> Downloaded:
            token = Token(SECRET)
            opened = client.pdf(token, "en", NUMBER) if kind == "pdf" else client.archive(token, "en")
            async with opened as document:
                return Downloaded(document.name, document.content.read(), document.is_empty)

        yield download, heads


@pytest.mark.parametrize(
    "content_type",
    ["application/pdf", "application/octet-stream", "text/html; charset=UTF-8", "application/json", "nonsense", None],
)
@pytest.mark.parametrize("kind", FILES)
async def test_a_file_is_taken_whatever_its_content_type(kind: str, content_type: str | None) -> None:
    lines = [] if content_type is None else [f"content-type: {content_type}"]
    async with downloading(answer(FILES[kind], *lines)) as (download, heads):
        assert (await download(kind)).content == FILES[kind]
    assert len(heads) == 1


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"\r\n" * 500, b""),
        (b"\xef\xbb\xbf", b""),
        (WARNING, b""),
        (b"j" * 1023, b""),
        (b"", b"\r\n" * 5000),
        (b"", bytes(100_000)),
        (b"", b"<!-- served in 3 ms -->"),
    ],
)
async def test_little_before_and_behind_a_pdf_does_not_matter(before: bytes, behind: bytes) -> None:
    async with downloading(answer(before + PDF + behind)) as (download, _):
        assert (await download("pdf")).content == before + PDF + behind


@pytest.mark.parametrize("kind", FILES)
async def test_a_warning_of_the_provider_s_program_before_a_file_does_not_matter(kind: str) -> None:
    async with downloading(answer(WARNING + FILES[kind], "content-type: text/html")) as (download, _):
        assert (await download(kind)).content == WARNING + FILES[kind]


def multipart(content: bytes) -> bytes:
    return b"--b\r\nContent-Type: application/pdf\r\n\r\n" + content + b"\r\n--b--\r\n"


WRAPPERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": b64encode,
    "base64 in JSON": lambda content: json.dumps({"data": b64encode(content).decode()}).encode(),
    "text in JSON": lambda content: json.dumps({"data": content.decode("latin-1")}).encode(),
    "a text of JSON": lambda content: json.dumps(content.decode("latin-1")).encode(),
    "a page": lambda content: b"<!DOCTYPE html><html><body><pre>" + content + b"</pre></body></html>",
    "a multipart body": multipart,
    "gzip": gzip.compress,
    "far behind": lambda content: b"j" * 1024 + content,
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("kind", FILES)
async def test_a_file_within_something_else_is_none(kind: str, wrapper: str) -> None:
    async with downloading(answer(WRAPPERS[wrapper](FILES[kind]))) as (download, heads):
        with pytest.raises(AnswerNotUnderstood):
            await download(kind)
    assert len(heads) == 1


async def test_an_archive_that_lacks_something_in_its_middle_is_cut() -> None:
    async with downloading(answer(ZIP[:50] + ZIP[60:]), answer(ZIP)) as (download, heads):
        assert (await download("archive")).content == ZIP
    assert len(heads) == 2


async def test_the_other_kind_of_file_is_none() -> None:
    async with downloading(answer(ZIP), answer(PDF)) as (download, _):
        for kind in FILES:
            with pytest.raises(AnswerNotUnderstood):
                await download(kind)


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "br"])
async def test_a_coded_file_is_refused_as_none_was_asked_for(coding: str) -> None:
    async with downloading(answer(gzip.compress(PDF), f"content-encoding: {coding}")) as (download, _):
        with pytest.raises(AnswerNotUnderstood):
            await download("pdf")


CUT: dict[str, Callable[[bytes], bytes]] = {
    "half, without a length": lambda content: answer(content[: len(content) // 2]),
    "half, and the length of that": lambda content: answer(
        content[: len(content) // 2], f"content-length: {len(content) // 2}"
    ),
    "its last bytes are missing": lambda content: answer(content[:-12]),
    "nothing": lambda content: answer(content[:0], "content-length: 0"),
    "half of a stated length": lambda content: answer(content[: len(content) // 2], f"content-length: {len(content)}"),
    "a chunk, and no end": lambda content: answer(
        b"%x\r\n%s\r\n" % (len(content), content), "transfer-encoding: chunked"
    ),
}


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("kind", FILES)
async def test_a_cut_file_is_asked_for_once_more(kind: str, cut: str) -> None:
    async with downloading(CUT[cut](FILES[kind]), answer(FILES[kind])) as (download, heads):
        assert (await download(kind)).content == FILES[kind]
    assert len(heads) == 2


@pytest.mark.parametrize("kind", FILES)
async def test_a_file_that_is_cut_again_is_not_understood(kind: str) -> None:
    async with downloading(CUT["half, without a length"](FILES[kind])) as (download, heads):
        with pytest.raises(AnswerNotUnderstood):
            await download(kind)
    assert len(heads) == 2


@pytest.mark.parametrize("status", ["206 Partial Content", "204 No Content", "203 Non-Authoritative", "201 Created"])
async def test_only_200_is_a_whole_file(status: str) -> None:
    async with downloading(answer(b"" if status.startswith("204") else PDF, status=status)) as (download, heads):
        with pytest.raises(AnswerNotUnderstood):
            await download("pdf")
    assert len(heads) == 1


async def test_more_than_the_stated_length_is_no_part_of_the_file() -> None:
    async with downloading(answer(PDF + b"more", f"content-length: {len(PDF)}")) as (download, _):
        assert (await download("pdf")).content == PDF


@pytest.mark.parametrize("names", [(), ("Rechnungen/",), ("a/", "a/b/")])
async def test_an_archive_without_files_is_empty(names: tuple[str, ...]) -> None:
    async with downloading(answer(a_zip(*names))) as (download, heads):
        assert (await download("archive")).is_empty
    assert len(heads) == 1


async def test_a_file_with_something_in_it_is_not_empty() -> None:
    async with downloading(answer(PDF), answer(ZIP)) as (download, _):
        assert [(await download(kind)).is_empty for kind in FILES] == [False, False]


async def test_a_failure_in_place_of_a_file_is_told_in_the_provider_s_words() -> None:
    body = json.dumps({"success": False, "message": "The invoice has no PDF yet."}).encode()
    async with downloading(answer(body, "content-type: application/json")) as (download, heads):
        for kind in FILES:
            with pytest.raises(Refused) as caught:
                await download(kind)
            assert caught.value.reason == "The invoice has no PDF yet."
    assert len(heads) == 2


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Rechnung-101.pdf", "Rechnung-101.pdf"),
        ("Rechnung-000101.pdf", "Rechnung-000101.pdf"),
        ("2026-11-22 Rechnung 101.pdf", "2026-11-22 Rechnung 101.pdf"),
        ("Rechnung.pdf", "Rechnung.pdf"),
        ("Rechnung-102.pdf", "invoice-101.pdf"),
        ("Rechnung-1011.pdf", "invoice-101.pdf"),
        ("2026-11-22.pdf", "invoice-101.pdf"),
    ],
)
async def test_a_name_with_the_number_of_another_invoice_is_not_used(given: str, name: str) -> None:
    async with downloading(answer(PDF, f'content-disposition: attachment; filename="{given}"')) as (download, _):
        assert (await download("pdf")).name == name


async def test_an_archive_s_name_may_have_any_number() -> None:
    async with downloading(answer(ZIP, 'content-disposition: attachment; filename="2026.zip"')) as (download, _):
        assert (await download("archive")).name == "2026.zip"


@given(st.binary(max_size=200), st.integers(0, len(ZIP)), st.booleans())
@settings(max_examples=200)
def test_any_bytes_are_a_file_or_are_refused(junk: bytes, at: int, cut: bool) -> None:
    for kind, content in ((pdf_of(NUMBER), PDF), (ARCHIVE, ZIP)):
        changed = content[:at] + junk + (b"" if cut else content[at + len(junk) :])
        with suppress(AnswerNotUnderstood):
            kind.is_empty(io.BytesIO(changed))


@given(st.integers(0, len(PDF) - 7), st.integers(0, len(ZIP) - 1))
def test_no_part_of_a_file_is_a_file(pdf_length: int, zip_length: int) -> None:
    for kind, part in ((pdf_of(NUMBER), PDF[:pdf_length]), (ARCHIVE, ZIP[:zip_length])):
        with pytest.raises(AnswerNotUnderstood):
            kind.is_empty(io.BytesIO(part))


def test_what_is_cut_is_told_from_what_is_something_else() -> None:
    for kind, content in ((pdf_of(NUMBER), PDF), (ARCHIVE, ZIP)):
        with pytest.raises(AnswerCut):
            kind.is_empty(io.BytesIO(content[: len(content) // 2]))
        with pytest.raises(AnswerNotUnderstood) as caught:
            kind.is_empty(io.BytesIO(b"<html>" + content))
        assert not isinstance(caught.value, AnswerCut)


@pytest.mark.parametrize("kind", FILES)
async def test_a_connection_that_breaks_in_the_body_is_an_outage(kind: str) -> None:
    async with downloading(CUT["half of a stated length"](FILES[kind])) as (download, _):
        with pytest.raises(ProviderDown):
            await download(kind)


XML = b"""<?xml version="1.0"?>
<!-- made by a program -->
<ubl:Invoice xmlns:ubl="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>101</ID></ubl:Invoice>
"""


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n"])
async def test_the_xml_of_an_e_invoice_is_taken_in_the_place_of_a_pdf(before: bytes) -> None:
    header = 'content-disposition: attachment; filename="Rechnung-101.PDF"'
    async with downloading(answer(before + XML, header)) as (download, _):
        found = await download("pdf")
    assert (found.name, found.content) == ("Rechnung-101.xml", before + XML)


@pytest.mark.parametrize("cut", ["half, without a length", "its last bytes are missing", "a chunk, and no end"])
async def test_an_e_invoice_that_is_cut_is_asked_for_once_more(cut: str) -> None:
    long = XML.replace(b"<ID>", b"<Note>" + b"a" * 2000 + b"</Note><ID>")
    async with downloading(CUT[cut](long), answer(long)) as (download, heads):
        assert (await download("pdf")).content == long
    assert len(heads) == 2


@pytest.mark.parametrize(
    "other",
    [
        b'<?xml version="1.0"?><error>no</error>',
        b'<?xml version="1.0"?><Invoice><ID>101</ID></Invoice>',
        b'<html xmlns="http://www.w3.org/1999/xhtml"><Invoice xmlns="urn:oasis:names:specification:ubl:x"></Invoice>',
        b" " * 60_000 + b"<",
        b"<!-- a -->" * 6_000,
    ],
)
async def test_other_xml_is_no_e_invoice(other: bytes) -> None:
    async with downloading(answer(other)) as (download, _):
        with pytest.raises(AnswerNotUnderstood):
            await download("pdf")
