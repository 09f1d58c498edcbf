"""The calls, over real HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pypdf import PdfReader
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from bot.domain.chats import Token
from bot.domain.credit import Credit
from bot.domain.invoices import Listing
from bot.errors import AnswerNotUnderstood, PermissionMissing
from bot.ports import InvoiceFilter, Provider
from bot.provider.client import ProviderClient
from bot.provider.schema import read_credit
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.page_forms import PageForm
from bot.sandbox.server import serve
from tests.provider.wire import head_of, listen
from tests.provider.world import BERLIN, NOW, QUICK_RETRIES, SECRET, World, open_quickly


async def test_the_reference_s_paid_domain_is_read_with_the_right_dates_and_sums(world: World) -> None:
    domain = await world.client.invoice(world.token, "de", 212032)
    assert domain.due == date(2022, 12, 27)
    assert domain.issued == date(2022, 11, 17)
    assert domain.paid_at == datetime(2022, 11, 17, 3, 0, 32, tzinfo=UTC)
    assert (domain.status, domain.status_label, domain.is_open) == ("Paid", "Bezahlt", False)
    assert domain.total == domain.left_to_pay == Decimal(0)
    assert domain.title == "Domain Verlängerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023)"
    assert domain.items[0].amount == Decimal("0.00")


async def test_the_reference_s_cancelled_server_is_due_on_its_day_and_was_never_paid(world: World) -> None:
    server = await world.client.invoice(world.token, "de", 130348)
    assert server.due == date(2020, 6, 27)
    assert server.paid_at is None
    assert (server.subtotal, server.tax, server.total) == (Decimal("6.68"), Decimal("1.27"), Decimal("7.95"))
    assert (server.credit, server.tax_rate) == (Decimal(1), Decimal(19))
    assert (server.status_label, server.is_open) == ("Storniert", False)
    assert server.left_to_pay == Decimal(0)  # 6.95 if it were open, but it is cancelled
    assert server.title == "KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020)"
    assert server.items[0].description.splitlines()[-1] == "Netzwerkgeschwindigkeit: bis zu 200 MBit/s"


async def test_the_client_fits_the_port_provider(world: World) -> None:
    provider: Provider = world.client
    assert (await provider.invoice(world.token, "en", 212032)).id == 212032


async def test_the_list_holds_all_invoices(world: World) -> None:
    new = world.sandbox.create_invoice(world.account, Decimal("11.90"), due_in_days=3)
    listing = await world.client.list_invoices(world.token, "en")
    assert {invoice.id for invoice in listing.invoices} == {212032, 130348, new.id}
    assert listing.unreadable == 0


async def test_the_credit_is_read_and_nothing_else_of_that_answer(world: World) -> None:
    world.account.shows_credit, world.account.credit = True, Decimal("5.02")
    assert await world.client.credit(world.token, "en") == Credit(Decimal("5.02"), "EUR")


async def test_a_token_may_lack_the_permission_to_read_the_credit(world: World) -> None:
    with pytest.raises(PermissionMissing):
        await world.client.credit(world.token, "en")
    assert (await world.client.list_invoices(world.token, "en")).invoices


@pytest.mark.parametrize(
    ("data", "credit"),
    [
        ({"credit": "5.02", "currency": "eur"}, Credit(Decimal("5.02"), "EUR")),
        ({"credit": 0}, Credit(Decimal(0), "")),
        ({"credit": -3.5, "currency": {"code": "XYZ!"}}, Credit(Decimal("-3.5"), "")),
        ({"credit": None}, None),
        ({"credit": "a lot"}, None),
        ([], None),
        (None, None),
    ],
)
def test_credit_comes_in_several_spellings_or_is_not_understood(data: object, credit: Credit | None) -> None:
    body = json.dumps({"data": data}).encode()
    if credit is None:
        with pytest.raises(AnswerNotUnderstood):
            read_credit(body)
    else:
        assert read_credit(body) == credit


@pytest.mark.parametrize(
    ("only", "query"),
    [
        (InvoiceFilter(), ""),
        (InvoiceFilter(status="Unpaid"), "status=Unpaid"),
        (InvoiceFilter(type="Hosting"), "type=Hosting"),
        (InvoiceFilter(with_transactions=True), "transactions=1"),
        (InvoiceFilter("Paid", "Domain", with_transactions=True), "status=Paid&type=Domain&transactions=1"),
    ],
)
async def test_filters_are_sent_under_the_reference_s_names(world: World, only: InvoiceFilter, query: str) -> None:
    await world.client.list_invoices(world.token, "en", only)
    async with world.client.archive(world.token, "en", only):
        pass
    assert [request.query for request in world.sandbox.requests] == [query, query]


async def test_every_call_sends_the_reference_s_headers(world: World) -> None:
    invoice = world.sandbox.create_invoice(world.account, Decimal(5))
    await world.client.list_invoices(world.token, "de")
    await world.client.invoice(world.token, "de", invoice.id)
    async with world.client.pdf(world.token, "de", invoice.id), world.client.archive(world.token, "de"):
        pass
    await world.client.pay(world.token, "de", invoice.id)
    invoice.status, invoice.paid_at = "Unpaid", None
    await world.client.remove_credit(world.token, "de", invoice.id)
    world.account.shows_credit = True
    await world.client.credit(world.token, "de")
    assert len(world.sandbox.requests) == len(Call)
    for request in world.sandbox.requests:
        assert request.headers["authorization"] == f"Bearer {SECRET}"
        assert request.headers["accept"] == "application/json"
        assert request.headers["accept-language"] == "de; *;q=0.5"


async def test_the_label_has_the_requested_language(world: World) -> None:
    german = await world.client.invoice(world.token, "de", 130348)
    english = await world.client.invoice(world.token, "en", 130348)
    assert (german.status_label, english.status_label) == ("Storniert", "Cancelled")


async def test_a_pdf_is_complete_and_has_the_provider_s_name(world: World) -> None:
    async with world.client.pdf(world.token, "de", 212032) as document:
        content = document.content.read()
    assert document.name == "Rechnung-212032.pdf"
    assert document.size == len(content)
    assert "Rechnung 212032" in PdfReader(io.BytesIO(content)).pages[0].extract_text()
    assert document.content.closed


async def test_the_archive_holds_the_chosen_invoices(world: World) -> None:
    async with world.client.archive(world.token, "de", InvoiceFilter(type="Domain")) as document:
        names = zipfile.ZipFile(document.content).namelist()
    assert document.name == "Rechnungen.zip"
    assert names == ["Rechnung-212032.pdf"]


async def test_paying_moves_credit_and_settles_the_invoice(world: World) -> None:
    invoice = world.sandbox.create_invoice(world.account, Decimal("11.90"))
    await world.client.pay(world.token, "en", invoice.id)
    read = await world.client.invoice(world.token, "en", invoice.id)
    assert (read.is_open, read.status, read.paid_at) == (False, "Paid", NOW)
    assert world.account.credit == Decimal("88.10")
    assert world.sandbox.executed(Call.PAY, invoice.id) == 1


async def test_credit_taken_back_returns_to_the_account(world: World) -> None:
    world.account.credit = Decimal(5)
    invoice = world.sandbox.create_invoice(world.account, Decimal("11.90"))
    await world.client.pay(world.token, "en", invoice.id)
    assert (await world.client.invoice(world.token, "en", invoice.id)).left_to_pay == Decimal("6.90")
    await world.client.remove_credit(world.token, "en", invoice.id)
    assert (await world.client.invoice(world.token, "en", invoice.id)).left_to_pay == Decimal("11.90")
    assert world.account.credit == Decimal(5)


async def test_all_pages_of_a_list_are_read_with_its_filter(world: World) -> None:
    ids = {world.sandbox.create_invoice(world.account, Decimal(5)).id for _ in range(5)}
    world.sandbox.faults.switch_on(Fault.PAGED)
    listing = await world.client.list_invoices(world.token, "en", InvoiceFilter(status="Unpaid"))
    assert {invoice.id for invoice in listing.invoices} == ids
    assert [request.query for request in world.sandbox.requests] == [
        "status=Unpaid",
        "status=Unpaid&page=2",
        "status=Unpaid&page=3",
    ]


async def list_with_next(links: Iterator[str], begin: str = "") -> tuple[list[str], Listing]:
    """Read a list whose pages link to these next pages. Return the requested URLs, and what was read."""
    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(str(Request(scope).url))
        await JSONResponse({"data": [], "links": {"next": next(links, None)}})(scope, receive, send)

    async with serve(app) as root, open_quickly() as http:
        client = ProviderClient(http, f"{root}/shop/api", BERLIN)
        listing = await client.list_invoices(Token(SECRET), "en", begin=begin)
    return [url.removeprefix(root) for url in asked], listing


async def test_a_link_to_a_next_page_elsewhere_is_followed_at_the_base_url_only() -> None:
    asked, listing = await list_with_next(iter(["http://elsewhere.invalid/other/path?page=2"]))
    assert listing.is_whole
    assert asked == ["/shop/api/client/invoices", "/shop/api/client/invoices?page=2"]


@pytest.mark.parametrize("link", ["?page=2", "https:///client/invoices?page=2"])
async def test_a_relative_or_hostless_next_page_is_understood(link: str) -> None:
    asked, listing = await list_with_next(iter([link]))
    assert listing.is_whole
    assert asked[1] == "/shop/api/client/invoices?page=2"


@pytest.mark.parametrize("links", [["?page=2", "?page=3", "?page=2"], ["http://[broken"], ["/page/2"]])
async def test_pages_in_a_circle_or_without_an_address_are_not_all(links: list[str]) -> None:
    asked, listing = await list_with_next(iter(links))
    assert (listing.rest, listing.is_whole) == ("", False)
    assert len(asked) == len(links)


async def test_a_circle_of_pages_that_hold_all_that_is_counted_is_whole(world: World) -> None:
    page = {"data": [{"id": 7, "total": 1, "is_open": True}], "total": 1, "next_page_url": "?page=2"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(page)(scope, receive, send)

    async with serve(app) as root, open_quickly() as http:
        listing = await ProviderClient(http, root, BERLIN).list_invoices(world.token, "en")
    assert listing.is_whole


async def test_pages_that_bring_nothing_new_are_a_circle(world: World) -> None:
    """The provider takes no notice of the number that is asked for, and counts on."""
    asked = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += 1
        page = {"data": [{"id": 7, "total": 1, "is_open": True}], "current_page": asked, "per_page": 1}
        await JSONResponse(page)(scope, receive, send)

    async with serve(app) as root, open_quickly() as http:
        listing = await ProviderClient(http, root, BERLIN).list_invoices(world.token, "en")
    assert (len(listing.invoices), listing.is_whole) == (1, False)
    assert asked == 2


async def test_endless_pages_are_read_up_to_a_limit_and_then_from_there() -> None:
    endless = [f"?page={number}" for number in range(2, 10_000)]
    asked, listing = await list_with_next(iter(endless))
    assert len(asked) == 100
    assert (listing.rest, listing.is_whole) == ("page=101", False)
    asked, listing = await list_with_next(iter(endless[100:102]), begin="page=101")
    assert [url.partition("?")[2] for url in asked] == ["page=101", "page=102", "page=103"]
    assert (listing.is_read_to_end, listing.is_whole) == (True, False)


@pytest.mark.parametrize("form", PageForm)
async def test_all_pages_are_read_in_every_form_of_them(world: World, form: PageForm) -> None:
    ids = {world.sandbox.create_invoice(world.account, Decimal(5)).id for _ in range(3)} | {212032, 130348}
    world.sandbox.faults.switch_on(Fault.PAGED, form=form)
    listing = await world.client.list_invoices(world.token, "en")
    assert {invoice.id for invoice in listing.invoices} == ids
    assert listing.is_whole
    assert len(world.sandbox.requests) == 3


async def test_a_page_that_fails_leaves_what_was_read_before_and_the_place(world: World) -> None:
    ids = {world.sandbox.create_invoice(world.account, Decimal(5)).id for _ in range(3)} | {212032, 130348}
    world.sandbox.faults.switch_on(Fault.LATER_PAGES_BROKEN)
    first = await world.client.list_invoices(world.token, "en")
    assert (len(first.invoices), first.missing, first.rest, first.is_whole) == (2, 3, "page=2", False)
    world.sandbox.faults.switch_off()
    world.sandbox.faults.switch_on(Fault.PAGED)
    rest = await world.client.list_invoices(world.token, "en", begin="page=2")
    assert {invoice.id for invoice in (*first.invoices, *rest.invoices)} == ids
    assert (rest.missing, rest.rest, rest.is_whole) == (0, None, False)


async def test_pages_that_take_too_long_leave_what_was_read_before(world: World) -> None:
    for _ in range(3):
        world.sandbox.create_invoice(world.account, Decimal(5))
    world.sandbox.faults.switch_on(Fault.HANG_AFTER)
    world.sandbox.faults.switch_on(Fault.PAGED, times=2)
    async with world.other_client(replace(QUICK_RETRIES, deadline=0.3)) as client:
        listing = await client.list_invoices(world.token, "en")
    assert (len(listing.invoices), listing.rest) == (4, "page=3")


@pytest.mark.parametrize("only", [InvoiceFilter(), InvoiceFilter(type="Hosting")])
async def test_a_list_that_counts_more_than_it_holds_is_not_whole(world: World, only: InvoiceFilter) -> None:
    for _ in range(2):
        world.sandbox.create_invoice(world.account, Decimal(5))
    world.sandbox.faults.switch_on(Fault.COUNTS_MORE)
    listing = await world.client.list_invoices(world.token, "en", only)
    assert (listing.missing, listing.is_read_to_end, listing.is_whole) == (1, True, False)


async def test_a_place_in_a_list_never_holds_the_token(world: World) -> None:
    pages = [{"data": [], "links": {"next": f"?cursor=2-{SECRET}"}}]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(pages.pop())(scope, receive, send)

    async with serve(app) as root, open_quickly() as http:
        client = ProviderClient(http, root, BERLIN, retries=QUICK_RETRIES)
        listing = await client.list_invoices(Token(SECRET), "en")
    assert (listing.rest, listing.is_whole) == ("", False)


@pytest.mark.parametrize(
    "fault", [Fault.ITEMS_AS_OBJECT, Fault.BROKEN_ITEMS, Fault.DATES_AS_OBJECTS, Fault.LONG_NUMBERS, Fault.TOO_DEEP]
)
async def test_odd_spellings_cost_no_invoice_and_change_none(world: World, fault: Fault) -> None:
    invoice = world.sandbox.create_invoice(world.account, Decimal("23.80"), due_in_days=4)
    plain = await world.client.list_invoices(world.token, "en")
    world.sandbox.faults.switch_on(fault)
    odd = await world.client.list_invoices(world.token, "en")
    assert [replace(one, items_unreadable=False) for one in odd.invoices] == list(plain.invoices)
    assert odd.is_whole
    single = await world.client.invoice(world.token, "en", invoice.id)
    assert single in odd.invoices
    assert single.items_unreadable is (fault is Fault.BROKEN_ITEMS)


async def test_a_due_date_that_cannot_be_read_costs_no_invoice(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.DATES_UNREADABLE)
    listing = await world.client.list_invoices(world.token, "en")
    assert [(one.due, one.due_unreadable) for one in listing.invoices] == [(None, True)] * 2


async def test_an_invoice_on_two_pages_is_listed_once(world: World) -> None:
    pages = [
        json.dumps({"data": [{"id": 7, "total": 1, "is_open": True}], "links": {"next": link}})
        for link in ("?page=2", None)
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(json.loads(pages.pop(0)))(scope, receive, send)

    async with serve(app) as root, open_quickly() as http:
        listing = await ProviderClient(http, root, BERLIN).list_invoices(world.token, "en")
    assert [invoice.id for invoice in listing.invoices] == [7]


async def test_the_wrong_invoice_is_refused() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"data": {"id": 8, "total": 1, "is_open": True}})(scope, receive, send)

    async with serve(app) as root, open_quickly() as http:
        with pytest.raises(AnswerNotUnderstood, match="got 8"):
            await ProviderClient(http, root, BERLIN).invoice(Token(SECRET), "en", 7)


async def test_cookies_of_one_account_are_not_sent_for_another() -> None:
    cookies: list[str | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        cookies.append(Request(scope).headers.get("cookie"))
        await JSONResponse({"data": []}, headers={"set-cookie": "session=of-the-first; Path=/"})(scope, receive, send)

    async with serve(app) as root, open_quickly() as http:
        client = ProviderClient(http, root, BERLIN)
        await client.list_invoices(Token("first"), "en")
        await client.list_invoices(Token("second"), "en")
    assert cookies == [None, None]


async def test_compressed_json_is_read(world: World) -> None:
    import gzip

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = gzip.compress(b'{"data": []}')
        headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with serve(app) as root, open_quickly() as http:
        assert (await ProviderClient(http, root, BERLIN).list_invoices(world.token, "en")).invoices == ()


@asynccontextmanager
async def answered_by(body: bytes) -> AsyncIterator[ProviderClient]:
    """Yield a client of a server that answers the head of every request with this JSON."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await reader.read()

    async with listen(answer) as port, open_quickly() as http:
        yield ProviderClient(http, f"http://127.0.0.1:{port}", BERLIN)


@pytest.mark.parametrize("fault", [Fault.BYTE_ORDER_MARK, Fault.LONG_HEADER])
async def test_a_byte_order_mark_and_a_long_header_are_nothing(world: World, fault: Fault) -> None:
    right = await world.client.list_invoices(world.token, "en")
    world.sandbox.faults.switch_on(fault)
    assert await world.client.list_invoices(world.token, "en") == right
    assert (await world.client.invoice(world.token, "en", 212032)).id == 212032


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
async def test_a_byte_order_mark_says_how_json_is_encoded(encoding: str) -> None:
    async with answered_by('{"data": []}'.encode(encoding)) as client:
        assert (await client.list_invoices(Token(SECRET), "en")).invoices == ()


@pytest.mark.parametrize("fault", [Fault.BREAKS_HTTP, Fault.CODED_TWICE])
async def test_what_the_http_library_refuses_is_no_outage(world: World, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault)
    with pytest.raises(AnswerNotUnderstood, match=r"Duplicate Content-Length|gzip, gzip"):
        await world.client.list_invoices(world.token, "en")
    assert len(world.sandbox.requests) == 1


async def test_something_in_between_is_asked_for_no_kept_answer(world: World) -> None:
    await world.client.list_invoices(world.token, "en")
    assert world.sandbox.requests[0].headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("told", "is_about_another"),
    [
        ({"id": 7}, False),
        ({"id": "7"}, False),
        ({"id": 8}, True),
        ({"id": None}, True),
    ],
)
async def test_a_payment_s_answer_about_another_invoice_is_not_believed(
    told: dict[str, object], is_about_another: bool
) -> None:
    invoice = {"total": 1, "duedate": "2026-11-26", **told}
    async with answered_by(json.dumps({"data": invoice}).encode()) as client:
        with pytest.raises(AnswerNotUnderstood) if is_about_another else nullcontext():
            await client.pay(Token(SECRET), "en", 7)
