"""Reads are retried, after the wait that the provider asks for. POSTs never are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime

import httpx
import pytest

from bot.domain.chats import Token
from bot.errors import ProviderDown, ProviderError, RateLimited
from bot.provider.client import ProviderClient, open_http_client
from bot.sandbox.provider.faults import Call, Fault
from tests.provider.wire import head_of, listen
from tests.provider.world import BERLIN, NOW, QUICK_RETRIES, SECRET, World, open_quickly

TOKEN = Token(SECRET)
EMPTY_LIST = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"data": []}'

PASSING = [Fault.DOWN, Fault.DOWN_HTML, Fault.RATE_LIMIT, Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.CUT_BODY]
UNCLEAR = [Fault.DOWN, Fault.RATE_LIMIT, Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.ERROR_AFTER]


@pytest.mark.parametrize("fault", PASSING)
async def test_a_read_is_retried_until_it_succeeds(world: World, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault, times=2)
    assert len((await world.client.list_invoices(world.token, "en")).invoices) == 2
    assert len(world.sandbox.requests) == 3


@pytest.mark.parametrize("fault", PASSING)
async def test_a_download_is_retried_from_its_beginning(world: World, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault, times=2)
    async with world.client.pdf(world.token, "en", 212032) as document:
        assert document.content.read(5) == b"%PDF-"
        assert document.content.seek(0, 2) == document.size


async def test_a_read_gives_up_after_its_tries_with_the_last_error(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.DOWN)
    with pytest.raises(ProviderDown):
        await world.client.list_invoices(world.token, "en")
    assert len(world.sandbox.requests) == QUICK_RETRIES.attempts


@pytest.mark.parametrize("fault", [Fault.TOKEN_REVOKED, Fault.PERMISSION_MISSING, Fault.REFUSED, Fault.HTML_INSTEAD])
async def test_a_hopeless_read_is_not_retried(world: World, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault)
    with pytest.raises(ProviderError):
        await world.client.list_invoices(world.token, "en")
    assert len(world.sandbox.requests) == 1


@pytest.mark.parametrize("fault", UNCLEAR)
@pytest.mark.parametrize("call", [Call.PAY, Call.REMOVE_CREDIT])
async def test_a_post_is_never_retried(world: World, call: Call, fault: Fault) -> None:
    invoice = world.sandbox.create_invoice(world.account, Decimal("11.90"))
    invoice.credit = Decimal(1)
    world.sandbox.faults.switch_on(fault, times=1)
    post = world.client.pay if call is Call.PAY else world.client.remove_credit
    with pytest.raises(ProviderError):
        await post(world.token, "en", invoice.id)
    assert len(world.sandbox.requests) == 1


@pytest.mark.parametrize("fault", [Fault.RATE_LIMIT, Fault.DOWN])
async def test_the_provider_s_wait_is_kept(world: World, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault, times=1, retry_after="0.15")
    begin = asyncio.get_running_loop().time()
    await world.client.list_invoices(world.token, "en")
    assert 0.14 < asyncio.get_running_loop().time() - begin < 2


async def test_the_provider_s_wait_may_be_a_date(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.RATE_LIMIT, retry_after=format_datetime(NOW + timedelta(hours=1), usegmt=True))
    with pytest.raises(RateLimited) as caught:
        await world.client.list_invoices(world.token, "en")
    assert caught.value.retry_after == 3600


async def test_a_wait_beyond_the_deadline_is_passed_on_at_once(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.RATE_LIMIT, retry_after="6")
    with pytest.raises(RateLimited) as caught:
        await world.client.list_invoices(world.token, "en")
    assert caught.value.retry_after == 6
    assert len(world.sandbox.requests) == 1


async def test_a_post_passes_on_the_provider_s_wait(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.RATE_LIMIT, retry_after="0.1")
    with pytest.raises(RateLimited) as caught:
        await world.client.pay(world.token, "en", 212032)
    assert caught.value.retry_after == 0.1


async def test_the_deadline_covers_all_tries_together(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.DOWN)
    retries = replace(QUICK_RETRIES, deadline=0.2, attempts=1000, first_wait=0.05, longest_wait=0.05)
    begin = asyncio.get_running_loop().time()
    async with world.other_client(retries) as client:
        with pytest.raises(ProviderDown):
            await client.list_invoices(world.token, "en")
    assert asyncio.get_running_loop().time() - begin < 2
    assert 2 <= len(world.sandbox.requests) <= 6


async def test_no_post_is_sent_twice_when_the_server_closes_a_kept_connection() -> None:
    """The server closes as the request arrives, so the client can't know whether it was carried out."""
    posts: list[bytes] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n" + b'{"data": []}'
        )
        posts.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, open_quickly() as http:
        client = ProviderClient(http, url, BERLIN, retries=QUICK_RETRIES)
        await client.list_invoices(TOKEN, "en")
        with pytest.raises(ProviderDown) as caught:
            await client.pay(TOKEN, "en", 7)
    assert type(caught.value) is ProviderDown
    assert len(posts) == 1
    assert posts[0].startswith(b"POST /client/invoices/7/pay ")


async def test_a_kept_connection_closed_in_time_is_replaced(world: World) -> None:
    """The server closes an idle connection between two calls. The POST uses a new one."""
    served = asyncio.Event()

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            await reader.readexactly(len(b'{"id":7}'))
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n" + b'{"data": []}'
        )
        writer.close()
        await writer.wait_closed()
        served.set()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, open_quickly() as http:
        client = ProviderClient(http, url, BERLIN, retries=replace(QUICK_RETRIES, attempts=1))
        await client.list_invoices(TOKEN, "en")
        await served.wait()
        await asyncio.sleep(0.01)
        await client.pay(TOKEN, "en", 7)


def test_no_step_of_a_call_has_a_limit_but_connecting_and_waiting_for_a_connection() -> None:
    timeout = open_http_client(transport=httpx.MockTransport(lambda _: httpx.Response(200))).timeout
    assert (timeout.read, timeout.write) == (None, None)
    assert timeout.connect is not None
    assert timeout.pool is not None


@pytest.mark.parametrize("call", [Call.LIST, Call.PDF, Call.ARCHIVE])
async def test_what_timed_out_is_not_asked_for_again(world: World, call: Call) -> None:
    world.sandbox.faults.switch_on(Fault.SLOW, interval=2)
    async with world.other_client(replace(QUICK_RETRIES, deadline=0.2, download_deadline=0.2)) as client:
        with pytest.raises(ProviderDown, match=r"no answer within 0\.2 s"):
            await read(client, call)
    assert len(world.sandbox.requests) == 1


async def read(client: ProviderClient, call: Call) -> None:
    match call:
        case Call.PDF:
            await client.pdf(TOKEN, "en", 212032).__aenter__()
        case Call.ARCHIVE:
            await client.archive(TOKEN, "en").__aenter__()
        case _:
            await client.list_invoices(TOKEN, "en")


@pytest.mark.parametrize("call", [Call.LIST, Call.PDF, Call.ARCHIVE])
@pytest.mark.parametrize("status", [b"504 Gateway Timeout", b"504 Gateway Timeout\r\nretry-after: 0", b"524 A Timeout"])
async def test_what_timed_out_at_a_gateway_is_not_asked_for_again(call: Call, status: bytes) -> None:
    requests = 0

    async def time_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while True:
            await head_of(reader)
            requests += 1
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

    async with listen(time_out) as port, open_quickly() as http:
        client = ProviderClient(http, f"http://127.0.0.1:{port}", BERLIN, retries=QUICK_RETRIES)
        with pytest.raises(ProviderDown):
            await read(client, call)
    assert requests == 1


async def test_a_try_that_took_longer_than_what_is_left_is_the_last() -> None:
    """Otherwise each try would end in the middle of the provider's work."""
    requests = 0

    async def fail_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while True:
            await head_of(reader)
            requests += 1
            await asyncio.sleep(0.3)
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")

    retries = replace(QUICK_RETRIES, download_deadline=0.5, attempts=10)
    async with listen(fail_late) as port, open_quickly() as http:
        client = ProviderClient(http, f"http://127.0.0.1:{port}", BERLIN, retries=retries)
        with pytest.raises(ProviderDown, match="503"):
            await read(client, Call.ARCHIVE)
    assert requests == 1
