"""Read the XML of an e-invoice from a document, in a process of its own that can do no harm."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib import resources
from typing import Any, BinaryIO

import structlog

from bot.domain.einvoices import Check, EInvoice
from bot.errors import EInvoiceUnread
from bot.ports import Document
from bot.provider.values import MAX_AMOUNT, text

PROGRAM = str(resources.files("bot.provider") / "einvoice_reader.py")
AT_ONCE = 2
TIMEOUT = 15.0
"""Seconds. The process itself ends after less time on the processor."""

SIGNS = (b"/EmbeddedFile", b"/ObjStm", b"CrossIndustry", b"urn:oasis:names:specification:ubl")
"""One of these is in each file that can hold an e-invoice, unless its names are hidden on purpose."""

BLOCK = 1024 * 1024
PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""What the process gets of the environment. The bot's secrets are in the rest."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FoundXml:
    """An e-invoice, and its XML as it came."""

    einvoice: EInvoice
    xml: bytes


class EInvoices:
    """Implements :class:`bot.ports.EInvoiceReader`."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def read(self, document: Document) -> EInvoice | None:
        found = await self._found(document)
        return None if found is None else found.einvoice

    async def xml(self, document: Document) -> bytes | None:
        found = await self._found(document)
        return None if found is None or found.einvoice.check is Check.UNREADABLE else found.xml

    async def _found(self, document: Document) -> FoundXml | None:
        try:
            if not await asyncio.to_thread(_may_hold_one, document.content):
                return None
            async with self._turns:
                return _understood(await _output_of(document.content))
        except Exception as error:  # whatever it is, the document is sent
            log.warning("a document can't be searched for an e-invoice", error=f"{type(error).__name__}: {error}")
            raise EInvoiceUnread from error
        finally:
            document.content.seek(0)


def _may_hold_one(content: BinaryIO) -> bool:
    content.seek(0)
    kept = b""
    while block := content.read(BLOCK):
        window = kept + block
        if any(sign in window for sign in SIGNS):
            return True
        kept = window[-64:]
    return False


async def _output_of(content: BinaryIO) -> bytes:
    """Return what the process writes. Raise OSError if it fails, and TimeoutError if it takes too long."""
    content.seek(0)
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", PROGRAM),
        stdin=content,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise OSError(f"the reader ended with {process.returncode}")
    return output


def _understood(output: bytes) -> FoundXml | None:
    if not output:
        return None
    line, _, xml = output.partition(b"\n")
    facts = json.loads(line)
    einvoice = EInvoice(
        form=text(facts["form"])[:60],
        check=Check(facts["check"]),
        number=text(facts.get("number"))[:60],
        total=_amount(facts.get("total")),
        tax=_amount(facts.get("tax")),
        credit_note=facts.get("credit_note") is True,
        embedded=facts.get("embedded") is True,
    )
    return FoundXml(einvoice, xml)


def _amount(value: Any) -> Decimal | None:
    with suppress(InvalidOperation, TypeError):
        amount = Decimal(value)
        if amount.is_finite() and abs(amount) <= MAX_AMOUNT:
            return amount
    return None
