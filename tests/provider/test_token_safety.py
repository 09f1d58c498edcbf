"""The token goes to the base URL only: to no other host, no log, no exception."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from bot.errors import ProviderError, Refused
from bot.provider.client import ProviderClient
from bot.sandbox.provider.app import SandboxProvider
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.server import serve
from tests.provider.world import BERLIN, QUICK_RETRIES, SECRET, World, open_quickly


async def all_calls(world: World, client: ProviderClient) -> list[BaseException]:
    """Make every call, and return the errors."""
    invoice_id = world.sandbox.create_invoice(world.account, Decimal(5)).id
    calls = [
        client.list_invoices(world.token, "en"),
        client.invoice(world.token, "en", invoice_id),
        client.pdf(world.token, "en", invoice_id).__aenter__(),
        client.archive(world.token, "en").__aenter__(),
        client.pay(world.token, "en", invoice_id),
        client.remove_credit(world.token, "en", invoice_id),
        client.credit(world.token, "en"),
    ]
    errors: list[BaseException] = []
    for call in calls:
        try:
            await call
        except ProviderError as error:
            errors.append(error)
    return errors


def chain_of(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and current not in found:
            found.append(current)
            waiting += [current.__cause__, current.__context__]
    return found


@pytest.mark.parametrize("where", ["http://127.0.0.1:{}/api/v1/client/invoices", "//127.0.0.1:{}/api/v1/x"])
async def test_a_redirect_to_another_origin_gets_neither_a_request_nor_the_token(world: World, where: str) -> None:
    other = SandboxProvider()
    async with serve(other.app) as elsewhere:
        world.sandbox.faults.switch_on(Fault.REDIRECT, location=where.format(elsewhere.rpartition(":")[2]))
        errors = await all_calls(world, world.client)
    assert len(errors) == len(Call)
    assert other.requests == []


@pytest.mark.parametrize("fault", [*Fault, None])
async def test_neither_errors_nor_logs_hold_the_token(
    world: World, fault: Fault | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if fault:
        world.sandbox.faults.switch_on(fault, message=f"Bad token {SECRET}", size=2 * 1024 * 1024)
    retries = replace(QUICK_RETRIES, deadline=0.3, download_deadline=0.3, attempts=2)
    with capture_logs() as logs:
        async with world.other_client(retries) as client:
            errors = await all_calls(world, client)
    for error in errors:
        assert SECRET not in "".join(traceback.format_exception(error))
        for each in chain_of(error):
            assert SECRET not in repr(each) + str(vars(each))
    assert SECRET not in str(logs) + caplog.text
    assert logs


async def test_a_connect_failure_does_not_hold_the_token(world: World) -> None:
    async with open_quickly() as http:
        errors = await all_calls(world, ProviderClient(http, "http://127.0.0.1:1", BERLIN, retries=QUICK_RETRIES))
    assert len(errors) == len(Call)
    for error in errors:
        assert [type(each).__module__ for each in chain_of(error)] == ["bot.errors"]
        assert SECRET not in "".join(traceback.format_exception(error))


async def test_a_token_echoed_in_a_refusal_is_masked(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.REFUSED, message=f"Token {SECRET} may not do this")
    with pytest.raises(Refused) as caught:
        await world.client.pay(world.token, "en", 212032)
    assert caught.value.reason == "Token *** may not do this"
