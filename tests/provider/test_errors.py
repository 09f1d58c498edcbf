"""Every fault of the provider, and the error it becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.chats import Token
from bot.errors import (
    AnswerNotUnderstood,
    ForeignAnswer,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
    WrongAddress,
)
from bot.provider.client import ProviderClient
from bot.sandbox.provider.faults import Call, Fault
from tests.provider.wire import answer_all, listen, make_certificate
from tests.provider.world import BERLIN, QUICK_RETRIES, World, open_quickly

Work = Callable[[World, int], Awaitable[object]]


async def fetch_pdf(world: World, invoice_id: int) -> None:
    async with world.client.pdf(world.token, "en", invoice_id):
        pass


async def fetch_archive(world: World, _: int) -> None:
    async with world.client.archive(world.token, "en"):
        pass


READS: dict[str, Work] = {
    "list": lambda world, _: world.client.list_invoices(world.token, "en"),
    "invoice": lambda world, invoice_id: world.client.invoice(world.token, "en", invoice_id),
    "pdf": fetch_pdf,
    "archive": fetch_archive,
}
POSTS: dict[str, Work] = {
    "pay": lambda world, invoice_id: world.client.pay(world.token, "en", invoice_id),
    "remove_credit": lambda world, invoice_id: world.client.remove_credit(world.token, "en", invoice_id),
}
EVERY = READS | POSTS

SAME_FOR_ALL = {
    Fault.DOWN: ProviderDown,
    Fault.DOWN_HTML: ProviderDown,
    Fault.RATE_LIMIT: RateLimited,
    Fault.TOKEN_REVOKED: TokenRefused,
    Fault.PERMISSION_MISSING: PermissionMissing,
    Fault.REFUSED: Refused,
    Fault.CUT_BEFORE: ProviderDown,
    Fault.CUT_AFTER: ProviderDown,
    Fault.ERROR_AFTER: ProviderDown,
}
NOT_UNDERSTOOD_IN_JSON = [Fault.HTML_INSTEAD, Fault.EMPTY, Fault.NO_CONTENT, Fault.CUT_JSON, Fault.WRONG_TYPE]
NOT_UNDERSTOOD_IN_FILES = [Fault.HTML_INSTEAD, Fault.HTML_AS_FILE, Fault.EMPTY, Fault.NO_CONTENT]


def an_invoice(world: World) -> int:
    """Create an open invoice with credit on it, so that every call makes sense."""
    invoice = world.sandbox.create_invoice(world.account, Decimal("11.90"))
    invoice.credit = Decimal(1)
    return invoice.id


async def failure_of(work: Work, world: World, invoice_id: int) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await work(world, invoice_id)
    return caught.value


@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize("fault", SAME_FOR_ALL)
async def test_a_fault_becomes_its_error(world: World, call: str, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault)
    error = await failure_of(EVERY[call], world, an_invoice(world))
    assert isinstance(error, SAME_FOR_ALL[fault])
    assert not isinstance(error, ProviderUnreachable)


@pytest.mark.parametrize("call", EVERY)
async def test_the_missing_permission_is_named(world: World, call: str) -> None:
    world.account.permitted = False
    error = await failure_of(EVERY[call], world, 212032)
    assert error.arguments == {"permission": "access_invoices", "reason": "Invalid ability provided."}


@pytest.mark.parametrize("call", EVERY)
async def test_an_unknown_token_is_refused(world: World, call: str) -> None:
    stranger = replace(world, token=Token("nobody"))
    assert isinstance(await failure_of(EVERY[call], stranger, 212032), TokenRefused)


@pytest.mark.parametrize("call", ["invoice", "pdf", "pay", "remove_credit"])
async def test_an_unknown_invoice_is_not_found(world: World, call: str) -> None:
    assert isinstance(await failure_of(EVERY[call], world, 1), NotFound)


@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize(("fault", "status"), [(Fault.REFUSED, 422), (Fault.REFUSED_IN_DATA, 400)])
async def test_a_refusal_holds_the_provider_s_words(world: World, call: str, fault: Fault, status: int) -> None:
    world.sandbox.faults.switch_on(fault, message="Das Guthaben reicht nicht.")
    error = await failure_of(EVERY[call], world, 212032)
    assert error.arguments == {"status": status, "reason": "Das Guthaben reicht nicht."}


@pytest.mark.parametrize("call", EVERY)
async def test_a_refusal_may_be_long_and_its_words_are_cut(world: World, call: str) -> None:
    world.sandbox.faults.switch_on(Fault.REFUSED, message="Das Guthaben reicht nicht. " * 10_000)
    error = await failure_of(EVERY[call], world, 212032)
    assert isinstance(error, Refused)
    assert error.reason.startswith("Das Guthaben reicht nicht. Das")
    assert error.reason.endswith("…")


@pytest.mark.parametrize("call", ["list", "invoice", "pay", "remove_credit"])
@pytest.mark.parametrize("fault", [Fault.FAILURE_AS_SUCCESS, Fault.RESULT_ERROR])
async def test_a_failure_with_status_200_is_a_refusal_in_the_provider_s_words(
    world: World, call: str, fault: Fault
) -> None:
    world.sandbox.faults.switch_on(fault, message="Not enough credit.")
    error = await failure_of(EVERY[call], world, 212032)
    assert error.arguments == {"status": 200, "reason": "Not enough credit."}


@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize("fault", [Fault.CHALLENGE, Fault.GATEWAY_JSON])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
async def test_what_the_api_did_not_write_is_an_outage_whatever_its_status(
    world: World, call: str, fault: Fault, status: int
) -> None:
    world.sandbox.faults.switch_on(fault, status=status)
    error = await failure_of(EVERY[call], world, an_invoice(world))
    if status == 404 and call in {"list", "archive"}:
        assert isinstance(error, WrongAddress)
    else:
        assert isinstance(error, ForeignAnswer)
        assert str(status) in error.detail


@pytest.mark.odd_calls
@pytest.mark.parametrize("call", ["list", "archive"])
async def test_a_list_that_is_not_there_points_at_the_address(world: World, call: str) -> None:
    async with open_quickly() as http:
        beside = ProviderClient(http, world.base_url + "/beside", BERLIN, retries=QUICK_RETRIES)
        error = await failure_of(READS[call], replace(world, client=beside), 0)
    assert isinstance(error, WrongAddress)
    assert error.reason == "Not Found"


async def test_paying_without_credit_is_refused_in_the_provider_s_words(world: World) -> None:
    world.account.credit = Decimal(0)
    error = await failure_of(POSTS["pay"], world, an_invoice(world))
    assert error.arguments["reason"] == "There is not enough credit on your account."


@pytest.mark.parametrize("call", ["list", "invoice"])
@pytest.mark.parametrize("fault", NOT_UNDERSTOOD_IN_JSON)
async def test_a_body_without_json_is_not_understood(world: World, call: str, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault)
    assert isinstance(await failure_of(READS[call], world, 212032), AnswerNotUnderstood)
    assert len(world.sandbox.requests) == 1


@pytest.mark.parametrize("call", ["pdf", "archive"])
@pytest.mark.parametrize("fault", NOT_UNDERSTOOD_IN_FILES)
async def test_a_body_that_is_no_such_file_is_not_understood(world: World, call: str, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault)
    assert isinstance(await failure_of(READS[call], world, 212032), AnswerNotUnderstood)


@pytest.mark.parametrize("call", READS)
async def test_a_truncated_body_is_a_broken_connection(world: World, call: str) -> None:
    world.sandbox.faults.switch_on(Fault.CUT_BODY)
    assert type(await failure_of(READS[call], world, 212032)) is ProviderDown


@pytest.mark.parametrize(
    "fault",
    [Fault.HTML_INSTEAD, Fault.EMPTY, Fault.NO_CONTENT, Fault.CUT_JSON, Fault.WRONG_TYPE, Fault.CUT_BODY, Fault.DRIP],
)
@pytest.mark.parametrize("call", [Call.PAY, Call.REMOVE_CREDIT])
async def test_any_2xx_to_a_post_is_success_whatever_its_body(world: World, call: Call, fault: Fault) -> None:
    invoice_id = an_invoice(world)
    world.sandbox.faults.switch_on(fault, interval=0.5)
    await POSTS[call](world, invoice_id)
    assert world.sandbox.executed(call, invoice_id) == 1


@pytest.mark.parametrize("call", READS)
async def test_a_redirect_of_a_read_is_not_followed(world: World, call: str) -> None:
    world.sandbox.faults.switch_on(Fault.REDIRECT, times=1, location="/api/v1/client/invoices")
    assert isinstance(await failure_of(READS[call], world, 212032), AnswerNotUnderstood)
    assert len(world.sandbox.requests) == 1


@pytest.mark.parametrize("call", POSTS)
async def test_a_redirected_post_may_have_been_carried_out(world: World, call: str) -> None:
    world.sandbox.faults.switch_on(Fault.REDIRECT, location="/api/v1/client/invoices")
    assert type(await failure_of(POSTS[call], world, an_invoice(world))) is ProviderDown
    assert len(world.sandbox.requests) == 1


@pytest.mark.parametrize("call", EVERY)
async def test_no_server_there_is_unreachable(world: World, call: str) -> None:
    async with open_quickly() as http:
        nowhere = ProviderClient(http, "http://127.0.0.1:1/api", BERLIN, retries=QUICK_RETRIES)
        error = await failure_of(EVERY[call], replace(world, client=nowhere), 212032)
    assert isinstance(error, ProviderUnreachable)


@pytest.mark.parametrize("call", EVERY)
async def test_a_failure_of_tls_bears_its_name_and_nothing_was_sent(world: World, tmp_path: Path, call: str) -> None:
    server, _ = make_certificate(tmp_path, "localhost")
    async with listen(answer_all, server) as port, open_quickly() as http:
        there = ProviderClient(http, f"https://localhost:{port}/api", BERLIN, retries=QUICK_RETRIES)
        error = await failure_of(EVERY[call], replace(world, client=there), 212032)
    assert isinstance(error, ProviderUnreachable)
    assert f"SSL: localhost:{port}: self-signed certificate" in str(error)


@pytest.mark.parametrize("call", EVERY)
async def test_a_failure_of_a_proxy_bears_the_name_of_its_variable_and_nothing_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setenv("all_proxy", "socks://127.0.0.1:1")
    async with open_quickly() as http:
        there = ProviderClient(http, "https://provider.invalid/api", BERLIN, retries=QUICK_RETRIES)
        error = await failure_of(EVERY[call], replace(world, client=there), 212032)
    assert isinstance(error, ProviderUnreachable)
    assert "the proxy in all_proxy has the scheme 'socks'" in str(error)


@pytest.mark.parametrize("fault", [Fault.HANG_BEFORE, Fault.HANG_AFTER])
@pytest.mark.parametrize("call", EVERY)
async def test_a_missing_answer_ends_at_the_deadline(world: World, call: str, fault: Fault) -> None:
    world.sandbox.faults.switch_on(fault)
    async with world.other_client(replace(QUICK_RETRIES, deadline=0.1, download_deadline=0.1)) as client:
        error = await failure_of(EVERY[call], replace(world, client=client), an_invoice(world))
    assert type(error) is ProviderDown


@pytest.mark.parametrize("call", READS)
async def test_a_dripping_body_ends_at_the_deadline(world: World, call: str) -> None:
    world.sandbox.faults.switch_on(Fault.DRIP, interval=0.01)
    begin = asyncio.get_running_loop().time()
    async with world.other_client(replace(QUICK_RETRIES, deadline=0.2, download_deadline=0.2)) as client:
        error = await failure_of(READS[call], replace(world, client=client), 212032)
    assert type(error) is ProviderDown
    assert asyncio.get_running_loop().time() - begin < 2


@pytest.mark.parametrize("fault", [Fault.HANG_AFTER, Fault.CUT_AFTER, Fault.ERROR_AFTER])
async def test_a_payment_without_an_answer_is_uncertain_and_sent_once(world: World, fault: Fault) -> None:
    invoice_id = an_invoice(world)
    world.sandbox.faults.switch_on(fault, on=Call.PAY)
    async with world.other_client(replace(QUICK_RETRIES, deadline=0.1)) as client:
        error = await failure_of(POSTS["pay"], replace(world, client=client), invoice_id)
    assert type(error) is ProviderDown
    assert world.asked(f"client/invoices/{invoice_id}/pay") == 1
    assert world.sandbox.executed(Call.PAY, invoice_id) == 1


async def test_one_broken_invoice_does_not_hide_the_others(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.BROKEN_INVOICE)
    with capture_logs() as logs:
        listing = await world.client.list_invoices(world.token, "en")
    assert {invoice.id for invoice in listing.invoices} == {212032, 130348}
    assert (listing.unreadable, listing.unreadable_ids) == (1, (99,))
    assert [(entry["event"], entry["count"]) for entry in logs if entry["log_level"] == "warning"] == [
        ("invoices can't be read", 1)
    ]


@pytest.mark.parametrize("secret", ["", "with space", "line\nbreak", "nul\0", "ümlaut", "emoji🙂"])
async def test_a_token_that_no_header_can_carry_is_refused_without_asking(world: World, secret: str) -> None:
    with pytest.raises(TokenRefused):
        await world.client.list_invoices(Token(secret), "en")
    assert world.sandbox.requests == []


async def test_endless_json_is_refused(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.HUGE, size=65 * 1024 * 1024)
    assert isinstance(await failure_of(READS["list"], world, 0), AnswerNotUnderstood)


async def test_after_a_cancelled_call_the_client_still_works(world: World) -> None:
    world.sandbox.faults.switch_on(Fault.HANG_BEFORE, times=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.client.list_invoices(world.token, "en"), 0.1)
    assert len((await world.client.list_invoices(world.token, "en")).invoices) == 2
