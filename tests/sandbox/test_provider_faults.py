"""The sandbox provider's faults: which requests they affect, and whether those are carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from bot.sandbox.provider.app import BASE_PATH, SandboxProvider
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.server import serve

LIST = "/client/invoices"
NOT_CARRIED_OUT = [
    Fault.DOWN,
    Fault.DOWN_HTML,
    Fault.RATE_LIMIT,
    Fault.TOKEN_REVOKED,
    Fault.PERMISSION_MISSING,
    Fault.REFUSED,
    Fault.REFUSED_IN_DATA,
    Fault.FAILURE_AS_SUCCESS,
    Fault.RESULT_ERROR,
    Fault.CHALLENGE,
    Fault.GATEWAY_JSON,
    Fault.REDIRECT,
    Fault.HANG_BEFORE,
    Fault.CUT_BEFORE,
]
FOR_LISTS = [Fault.BROKEN_INVOICE, Fault.PAGED, Fault.LATER_PAGES_BROKEN, Fault.COUNTS_MORE]
IN_DISGUISE = {Fault.FAILURE_AS_SUCCESS, Fault.RESULT_ERROR}
"""Refusals with status 200."""


@pytest.fixture
def sandbox() -> SandboxProvider:
    provider = SandboxProvider()
    provider.add_account("secret", credit=Decimal(100))
    return provider


@pytest.fixture
async def http(sandbox: SandboxProvider) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer secret"}
    timeout = httpx.Timeout(5, read=0.2)
    async with serve(sandbox.app) as root:
        base_url = root + BASE_PATH
        async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=timeout, trust_env=False) as client:
            yield client


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in {*FOR_LISTS, Fault.SLOW}])
async def test_a_post_is_carried_out_or_not_as_the_fault_says(
    sandbox: SandboxProvider, http: httpx.AsyncClient, fault: Fault
) -> None:
    invoice = sandbox.create_invoice(sandbox.accounts["secret"], Decimal(5))
    sandbox.faults.switch_on(fault, size=100_000, interval=0.5)
    try:
        status = (await http.post(f"{LIST}/{invoice.id}/pay", json={"id": invoice.id})).status_code
    except httpx.TransportError:
        status = 0
    assert sandbox.executed(Call.PAY, invoice.id) == (0 if fault in NOT_CARRIED_OUT else 1)
    unanswered = {Fault.HANG_AFTER, Fault.CUT_AFTER, Fault.ERROR_AFTER, Fault.CUT_BODY, Fault.DRIP}
    assert (status in {0, 302} or status >= 400) is (fault in {*NOT_CARRIED_OUT, *unanswered} - IN_DISGUISE)


async def test_a_fault_lasts_for_so_many_requests(sandbox: SandboxProvider, http: httpx.AsyncClient) -> None:
    sandbox.faults.switch_on(Fault.DOWN, times=2)
    assert [(await http.get(LIST)).status_code for _ in range(3)] == [503, 503, 200]


async def test_a_fault_lasts_until_it_is_switched_off(sandbox: SandboxProvider, http: httpx.AsyncClient) -> None:
    sandbox.faults.switch_on(Fault.DOWN)
    sandbox.faults.switch_on(Fault.TOKEN_REVOKED)
    assert [(await http.get(LIST)).status_code for _ in range(2)] == [401, 401]
    sandbox.faults.switch_off(Fault.TOKEN_REVOKED)
    assert (await http.get(LIST)).status_code == 503
    sandbox.faults.switch_off()
    assert (await http.get(LIST)).status_code == 200


async def test_a_fault_affects_only_its_own_call(sandbox: SandboxProvider, http: httpx.AsyncClient) -> None:
    paths = {
        Call.LIST: LIST,
        Call.INVOICE: f"{LIST}/212032",
        Call.PDF: f"{LIST}/212032/download",
        Call.ARCHIVE: f"{LIST}/download/archive",
        Call.PAY: f"{LIST}/212032/pay",
        Call.REMOVE_CREDIT: f"{LIST}/212032/remove-credit",
    }
    for call, path in paths.items():
        sandbox.faults.switch_on(Fault.DOWN, on=call, times=1)
        method = "POST" if call in {Call.PAY, Call.REMOVE_CREDIT} else "GET"
        for other, other_path in paths.items():
            if other is not call:
                assert (await http.request("GET", other_path)).status_code != 503
        assert (await http.request(method, path)).status_code == 503
    assert sandbox.faults.on == []


@pytest.mark.parametrize("wait", [None, "7", "Sun, 22 Nov 2026 12:01:00 GMT"])
async def test_a_rate_limit_names_its_wait_or_not(
    sandbox: SandboxProvider, http: httpx.AsyncClient, wait: str | None
) -> None:
    sandbox.faults.switch_on(Fault.RATE_LIMIT, retry_after=wait)
    answer = await http.get(LIST)
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, wait)


async def test_a_slow_answer_is_the_right_one_but_late(sandbox: SandboxProvider, http: httpx.AsyncClient) -> None:
    right = (await http.get(LIST)).json()
    sandbox.faults.switch_on(Fault.SLOW, interval=0.1)
    answer = await http.get(LIST)
    assert answer.json() == right
    assert answer.elapsed.total_seconds() >= 0.1


async def test_a_list_in_pages_links_to_the_next(sandbox: SandboxProvider, http: httpx.AsyncClient) -> None:
    for _ in range(3):
        sandbox.create_invoice(sandbox.accounts["secret"], Decimal(5))
    sandbox.faults.switch_on(Fault.PAGED)
    first = (await http.get(LIST)).json()
    assert first["links"]["next"] == f"{http.base_url}client/invoices?page=2"
    last = (await http.get(LIST, params={"page": "3"})).json()
    assert (len(last["data"]), last["links"]["next"]) == (1, None)


async def test_a_drip_stops_when_the_client_has_hung_up(sandbox: SandboxProvider, http: httpx.AsyncClient) -> None:
    sandbox.faults.switch_on(Fault.DRIP, interval=0.01)
    async with http.stream("GET", LIST) as response:
        assert await anext(response.aiter_bytes()) == b"{"
    sandbox.faults.switch_off()
    assert (await http.get(LIST)).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.ANSWERED_TWICE, b"200"), (Fault.IDLE_408, b"408"), (Fault.LATE_CONTINUE, b"100")],
)
async def test_something_that_nobody_asked_for_follows_an_answer(
    sandbox: SandboxProvider, http: httpx.AsyncClient, fault: Fault, status: bytes
) -> None:
    sandbox.faults.switch_on(fault, interval=0.01)
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    writer.write(f"GET {BASE_PATH}{LIST} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\n\r\n".encode())
    await reader.readuntil(b"HTTP/1.1 200")
    await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 " + status), 5)
    writer.close()


async def test_a_stopped_server_drops_its_requests_and_can_come_back(sandbox: SandboxProvider) -> None:
    sandbox.faults.switch_on(Fault.HANG_BEFORE)
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serve(sandbox.app) as root, client.stream("GET", root):
            pass
        with pytest.raises(httpx.ConnectError):
            await client.get(root)
        async with serve(sandbox.app, int(root.rpartition(":")[2])) as again:
            assert again == root
            assert (await client.get(f"{root}/nowhere")).status_code == 404
