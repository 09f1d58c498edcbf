"""The sandbox provider: its samples, its state, its documents."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from bot.provider.schema import read_page
from bot.sandbox.provider.app import BASE_PATH, SandboxProvider
from bot.sandbox.provider.faults import Call
from bot.sandbox.provider.invoices import SandboxInvoice
from bot.sandbox.provider.ledger import BERLIN, Account
from bot.sandbox.server import serve

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # the 23rd in Berlin

PAID_DOMAIN = r"""{
    "id": 212032,
    "duedate": "2022-12-26T23:00:00.000000Z",
    "datepaid": "2022-11-17T03:00:32.000000Z",
    "date": "2022-11-16T23:00:00.000000Z",
    "subtotal": 0,
    "credit": 0,
    "tax": 0,
    "taxrate": 19,
    "total": 0,
    "status": "Paid",
    "status_label": "Bezahlt",
    "is_open": false,
    "items": [{
        "id": 246676,
        "invoiceid": 212032,
        "type": "Domain",
        "short_description": "Domain Verl\u00e4ngerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023)",
        "description": "Domain Verl\u00e4ngerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023)",
        "relid": 5373,
        "amount": "0.00",
        "taxed": 1
    }],
    "resources": {
        "invoice": "BASE\/client\/invoices\/212032",
        "download": "BASE\/client\/invoices\/212032\/download"
    }
}"""

CANCELLED_SERVER = r"""{
    "id": 130348,
    "duedate": "2020-06-26T22:00:00.000000Z",
    "datepaid": "-000001-11-29T23:06:32.000000Z",
    "date": "2020-06-27T22:00:00.000000Z",
    "subtotal": 6.68,
    "credit": 1,
    "tax": 1.27,
    "taxrate": 19,
    "total": 7.95,
    "status": "Cancelled",
    "status_label": "Storniert",
    "is_open": false,
    "items": [{
        "id": 140373,
        "invoiceid": 130348,
        "type": "Hosting",
        "short_description": "KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020)",
        "description": "KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020)\nBetriebssystem: Windows (Log-In ready)\nProzessor: 2 Kerne\nRAM: 4GB RAM\nNVMe SSD Speicher: 50GB SSD\nNetzwerkgeschwindigkeit: bis zu 200 MBit\/s",
        "relid": 23633,
        "amount": 7.95,
        "taxed": 1,
        "donation": false
    }],
    "donation_invoice": false,
    "resources": {
        "invoice": "BASE\/client\/invoices\/130348",
        "download": "BASE\/client\/invoices\/130348\/download"
    }
}"""  # noqa: E501  # as in the reference


@dataclass
class Shop:
    """The provider, an account, and a plain HTTP client with its token."""

    sandbox: SandboxProvider
    account: Account
    http: httpx.AsyncClient

    async def post(self, invoice: SandboxInvoice, action: str) -> httpx.Response:
        return await self.http.post(f"/client/invoices/{invoice.id}/{action}", json={"id": invoice.id})

    async def ids(self, **query: str) -> set[int]:
        answer = await self.http.get("/client/invoices", params=query)
        return {invoice["id"] for invoice in answer.json()["data"]}


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    sandbox = SandboxProvider(clock=lambda: NOW)
    account = sandbox.add_account("secret", credit=Decimal(10))
    headers = {"Authorization": "Bearer secret", "Accept-Language": "de; *;q=0.5"}
    async with serve(sandbox.app) as root, httpx.AsyncClient(trust_env=False, headers=headers) as http:
        http.base_url = httpx.URL(root + BASE_PATH)
        yield Shop(sandbox, account, http)


def compact(sample: str, base_url: httpx.URL) -> str:
    """Return the sample without the white space between its parts. White space within texts stays."""
    lines = "".join(line.strip() for line in sample.splitlines()).replace('": ', '":')
    return lines.replace("BASE", str(base_url).rstrip("/").replace("/", "\\/"))


@pytest.mark.parametrize(("invoice_id", "sample"), [(212032, PAID_DOMAIN), (130348, CANCELLED_SERVER)])
async def test_the_references_samples_are_served_byte_for_byte(shop: Shop, invoice_id: int, sample: str) -> None:
    answer = await shop.http.get(f"/client/invoices/{invoice_id}")
    assert answer.text == f'{{"data":{compact(sample, shop.http.base_url)}}}'


async def test_the_label_follows_the_language(shop: Shop) -> None:
    answer = await shop.http.get("/client/invoices/130348", headers={"Accept-Language": "en; *;q=0.5"})
    assert answer.json()["data"]["status_label"] == "Cancelled"


async def test_a_new_invoice_is_open_and_due_at_midnight_in_berlin(shop: Shop) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal("11.90"), due_in_days=3)
    fields = (await shop.http.get(f"/client/invoices/{invoice.id}")).json()["data"]
    assert (fields["date"], fields["duedate"]) == ("2026-11-22T23:00:00.000000Z", "2026-11-25T23:00:00.000000Z")
    assert fields["datepaid"] == "-000001-11-29T23:06:32.000000Z"
    assert (fields["subtotal"], fields["tax"], fields["total"]) == (10, 1.9, 11.9)
    assert (fields["status"], fields["is_open"]) == ("Unpaid", True)


async def test_an_invoice_can_be_due_on_a_day_be_paid_on_creation_and_be_a_donation(shop: Shop) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal(5), due=date(2027, 7, 1), kind="Donation", paid=True)
    fields = (await shop.http.get(f"/client/invoices/{invoice.id}")).json()["data"]
    assert fields["duedate"] == "2027-06-30T22:00:00.000000Z"
    assert (fields["status"], fields["datepaid"]) == ("Paid", "2026-11-22T23:30:00.000000Z")
    assert fields["donation_invoice"] is True


async def test_paying_in_full_settles_the_invoice(shop: Shop) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal("7.95"))
    assert (await shop.post(invoice, "pay")).status_code == 200
    assert (invoice.status, invoice.is_open, invoice.paid_at, invoice.left) == ("Paid", False, NOW, Decimal(0))
    assert shop.account.credit == Decimal("2.05")
    assert shop.sandbox.executed(Call.PAY, invoice.id) == 1


async def test_credit_that_falls_short_is_put_on_the_invoice(shop: Shop) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal("11.90"))
    await shop.post(invoice, "pay")
    assert (invoice.credit, invoice.is_open, invoice.left) == (Decimal(10), True, Decimal("1.90"))
    assert shop.account.credit == 0
    refused = await shop.post(invoice, "pay")
    assert (refused.status_code, refused.json()) == (422, {"message": "There is not enough credit on your account."})
    assert shop.sandbox.executed(Call.PAY, invoice.id) == 1


async def test_an_invoice_that_is_not_open_is_neither_paid_nor_loses_its_credit(shop: Shop) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal(5))
    invoice.credit = Decimal(1)
    shop.sandbox.cancel(invoice.id)
    for action in ("pay", "remove-credit"):
        assert (await shop.post(invoice, action)).status_code == 422
    assert shop.sandbox.executions == []


async def test_credit_is_taken_back_from_unpaid_invoices(shop: Shop) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal("11.90"))
    await shop.post(invoice, "pay")
    assert (await shop.post(invoice, "remove-credit")).status_code == 200
    assert (invoice.credit, shop.account.credit) == (Decimal(0), Decimal(10))
    assert shop.sandbox.executed(Call.REMOVE_CREDIT, invoice.id) == 1
    assert (await shop.post(invoice, "remove-credit")).status_code == 422


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"id": 1}', b'{"id": "x"}'])
async def test_a_post_needs_the_invoices_id_in_its_body(shop: Shop, body: bytes) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal(5))
    assert (await shop.http.post(f"/client/invoices/{invoice.id}/pay", content=body)).status_code == 422
    assert shop.sandbox.executions == []


async def test_filters_choose_by_status_type_and_transactions(shop: Shop) -> None:
    paid = shop.sandbox.create_invoice(shop.account, Decimal(5), kind="Domain", paid=True).id
    unpaid = shop.sandbox.create_invoice(shop.account, Decimal(5)).id
    assert await shop.ids() == {212032, 130348, paid, unpaid}
    assert await shop.ids(status="Unpaid") == {unpaid}
    assert await shop.ids(type="Domain") == {212032, paid}
    assert await shop.ids(transactions="1") == {paid}
    assert await shop.ids(transactions="0") == await shop.ids()


async def test_the_word_true_is_no_boolean(shop: Shop) -> None:
    assert (await shop.http.get("/client/invoices", params={"transactions": "true"})).status_code == 422


async def test_a_pdf_is_real_and_named(shop: Shop) -> None:
    answer = await shop.http.get("/client/invoices/130348/download")
    assert answer.headers["content-disposition"] == 'attachment; filename="Rechnung-130348.pdf"'
    text = PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "Rechnung 130348" in text
    assert "Gesamt: 7.95 EUR" in text
    assert "Betriebssystem: Windows" in text


async def test_the_archive_holds_a_pdf_for_each_chosen_invoice(shop: Shop) -> None:
    answer = await shop.http.get("/client/invoices/download/archive")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert sorted(bundle.namelist()) == ["Rechnung-130348.pdf", "Rechnung-212032.pdf"]
        assert bundle.read("Rechnung-130348.pdf").startswith(b"%PDF-")


async def test_accounts_are_told_apart_by_their_token(shop: Shop) -> None:
    other = shop.sandbox.add_account("other", credit=Decimal(1))
    invoice = shop.sandbox.create_invoice(other, Decimal(5))
    assert (await shop.http.get(f"/client/invoices/{invoice.id}")).status_code == 404
    assert (await shop.http.get("/client/invoices", headers={"Authorization": "Bearer x"})).status_code == 401
    other.permitted = False
    assert (await shop.http.get("/client/invoices", headers={"Authorization": "Bearer other"})).status_code == 403


async def test_an_unknown_path_is_not_found_in_json(shop: Shop) -> None:
    answer = await shop.http.get("/client/nothing")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


async def test_the_examples_show_what_the_reference_lacks(shop: Shop) -> None:
    shop.sandbox.add_account("rich", with_examples=True)
    answer = await shop.http.get("/client/invoices", headers={"Authorization": "Bearer rich"})
    page = read_page(answer.content, BERLIN)
    assert page.unreadable == 0
    today = NOW.astimezone(BERLIN).date()
    opened = [invoice for invoice in page.invoices if invoice.is_open]
    assert {invoice.due - today for invoice in opened if invoice.due} >= {timedelta(3), timedelta(-2)}
    assert sorted(invoice.left_to_pay or 0 for invoice in opened if invoice.credit) == [Decimal("6.95"), Decimal(20)]
    assert {invoice.status for invoice in page.invoices} == {"Unpaid", "Paid", "Cancelled", "Refunded"}
    assert any(invoice.has_type("donation") for invoice in opened)
    assert any("<b>" in invoice.title for invoice in opened)
    assert any("\n" in invoice.items[0].description for invoice in opened)


async def test_requests_are_recorded(shop: Shop) -> None:
    await shop.http.get("/client/invoices", params={"status": "Paid"})
    recorded = shop.sandbox.requests[0]
    assert (recorded.method, recorded.path, recorded.query) == ("GET", f"{BASE_PATH}/client/invoices", "status=Paid")
    assert recorded.headers["authorization"] == "Bearer secret"


async def test_invoices_may_be_changed_from_outside_at_any_time(shop: Shop) -> None:
    invoice = shop.sandbox.create_invoice(shop.account, Decimal(5))
    invoice.due += timedelta(days=1)
    invoice.extra["surprise"] = [1]
    fields: dict[str, Any] = json.loads((await shop.http.get(f"/client/invoices/{invoice.id}")).text)["data"]
    assert fields["duedate"].startswith("2026-12-07T23:00")
    assert fields["surprise"] == [1]
