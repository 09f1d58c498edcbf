"""Downloads: their size, their type and their names."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import example, given, strategies as st
from pathvalidate import validate_filename

from bot.errors import DocumentTooLarge
from bot.provider.documents import MAX_NAME_BYTES, safe_name
from bot.sandbox.provider.faults import Fault
from tests.provider.world import MAX_DOCUMENT, World

BEGINNINGS = ["", "attachment; filename=", 'attachment; filename="', "attachment; filename*=UTF-8''", "a; filename*0*="]


@pytest.mark.parametrize("told", [True, False])
async def test_a_download_above_the_limit_is_refused_with_or_without_a_stated_length(world: World, told: bool) -> None:
    world.sandbox.faults.switch_on(Fault.HUGE, size=MAX_DOCUMENT + 1, size_told=told)
    with pytest.raises(DocumentTooLarge) as caught:
        async with world.client.pdf(world.token, "en", 212032):
            pass
    assert caught.value.arguments == {"limit_mb": 1}
    assert len(world.sandbox.requests) == 1


@pytest.mark.parametrize("told", [True, False])
async def test_a_download_of_exactly_the_limit_is_complete(world: World, told: bool) -> None:
    world.sandbox.faults.switch_on(Fault.HUGE, size=MAX_DOCUMENT, size_told=told)
    async with world.client.pdf(world.token, "en", 212032) as document:
        assert document.size == MAX_DOCUMENT
        assert len(document.content.read()) == MAX_DOCUMENT


async def test_a_document_is_an_anonymous_file_and_gone_afterwards(world: World) -> None:
    async with world.client.pdf(world.token, "en", 212032) as document:
        assert os.fstat(document.content.fileno()).st_nlink == 0
    assert document.content.closed


async def test_a_document_is_closed_when_its_use_fails(world: World) -> None:
    with pytest.raises(RuntimeError):
        async with world.client.pdf(world.token, "en", 212032) as document:
            raise RuntimeError
    assert document.content.closed


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="Rechnung-212032.pdf"', "Rechnung-212032.pdf"),
        ("attachment; filename=Rechnung-212032.pdf", "Rechnung-212032.pdf"),
        ("attachment; filename=\"a.pdf\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf", "Rechnung März.pdf"),
        ("attachment; filename*=UTF-8''%E2%82%AC.pdf; filename=b.pdf", "€.pdf"),
        ("attachment; filename*=ISO-8859-1''M%E4rz.pdf", "März.pdf"),
        ("attachment; filename*=no-charset''%ff.pdf", "invoice-1.pdf"),
        ('attachment; filename="Rechnung.PDF"', "Rechnung.pdf"),
        ('attachment; filename="Rechnung"', "Rechnung.pdf"),
        ('attachment; filename="Rechnung.exe"', "Rechnung.exe.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd.pdf"),
        ('attachment; filename="C:\\\\Temp\\\\Rechnung.pdf"', "Rechnung.pdf"),
        ("attachment; filename*=UTF-8''..%2F..%2Fx%5Cy.pdf", "y.pdf"),
        ('attachment; filename=".pdf"', "invoice-1.pdf"),
        ('attachment; filename="..."', "invoice-1.pdf"),
        ('attachment; filename=""', "invoice-1.pdf"),
        ('attachment; filename="a\u202efdp.exe"', "afdp.exe.pdf"),
        ("attachment; filename*=UTF-8''a%00b%0Ac.pdf", "ab c.pdf"),
        ('attachment; filename="CON.pdf"', "CON_.pdf"),
        ('attachment; filename="a:b*c?.pdf"', "abc.pdf"),
        ("inline", "invoice-1.pdf"),
        ("", "invoice-1.pdf"),
        (f'attachment; filename="{"ä" * 200}.pdf"', "ä" * 57 + ".pdf"),
    ],
)
def test_the_file_name_is_the_header_s_but_safe(header: str, name: str) -> None:
    assert safe_name(header, ".pdf", "invoice-1.pdf") == name


@given(st.sampled_from(BEGINNINGS), st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@example("attachment; filename*=", "''")
@example("attachment; filename*=hex''", "61")
def test_any_header_becomes_a_name_that_is_valid_on_any_system(beginning: str, rest: str) -> None:
    name = safe_name(beginning + rest, ".pdf", "invoice-1.pdf")
    assert name.endswith(".pdf")
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert not any(character in name for character in '/\\:*?"<>|')
    assert not any(unicodedata.category(character).startswith("C") for character in name)
    assert not name.startswith((".", " "))
    validate_filename(name, platform="universal")
