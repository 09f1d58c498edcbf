"""Which PDF may go again as it was sent: the one of an invoice of which the provider says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.documents import DOCUMENTS_KEPT, SentDocument, mark_of, sent_as, with_document
from bot.domain.invoices import Item
from tests.fakes import invoice

INVOICE = invoice(7, date(2026, 6, 15), "10.00")
SENT = SentDocument(7, mark_of(INVOICE, "en"), "file 7")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "Paid"},
        {"status_label": "Bezahlt"},
        {"is_open": False},
        {"issued": date(2026, 1, 2)},
        {"due": None},
        {"paid_at": datetime(2026, 6, 2, tzinfo=UTC)},
        {"subtotal": Decimal(9)},
        {"tax": Decimal(1)},
        {"tax_rate": Decimal(19)},
        {"credit": Decimal(1)},
        {"total": Decimal(11)},
        {"items": (Item("Hosting", "Another title", "", Decimal(10)),)},
    ],
)
def test_a_changed_invoice_has_another_document(change: dict[str, Any]) -> None:
    assert sent_as([SENT], 7, mark_of(replace(INVOICE, **change), "en")) is None


def test_an_unchanged_one_has_the_same_though_it_was_read_with_the_invoices_that_it_collects() -> None:
    read_again = replace(INVOICE, parts=(8,), in_parts=Decimal(3))
    assert sent_as([SENT], 7, mark_of(read_again, "en")) == SENT


def test_each_language_and_each_invoice_has_its_own() -> None:
    assert sent_as([SENT], 7, mark_of(INVOICE, "de")) is None
    assert sent_as([SENT], 8, mark_of(INVOICE, "en")) is None


def test_a_newer_document_takes_the_older_ones_place_and_only_the_newest_are_kept() -> None:
    documents: tuple[SentDocument, ...] = ()
    for number in range(DOCUMENTS_KEPT):
        documents = with_document(documents, SentDocument(number, "a", ""))
    documents = with_document(documents, SentDocument(0, "b", ""))
    documents = with_document(documents, SentDocument(1000, "a", ""))
    assert [d.invoice_id for d in documents] == [*range(2, DOCUMENTS_KEPT), 0, 1000]
