"""The comparison with docs/provider-openapi.yaml finds what deviates, and the client makes all calls of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from openapi_spec_validator import validate

from bot.ports import InvoiceFilter
from tests.provider.world import open_world
from tests.provider_api.contract import (
    Fields,
    Request,
    Response,
    description,
    deviations_of_request,
    deviations_of_response,
)

LIST = "/api/v1/client/invoices"
HEADERS: Fields = (
    ("authorization", "Bearer x"),
    ("accept", "application/json"),
    ("accept-language", "de; *;q=0.5"),
)
JSON: Fields = (("content-type", "application/json"),)
INVOICE: dict[str, Any] = {
    "id": 5, "duedate": "2026-12-26T23:00:00.000000Z", "datepaid": "-000001-11-29T23:06:32.000000Z",
    "date": "2026-11-16T23:00:00.000000Z", "subtotal": 6.68, "credit": 0, "tax": "1.27", "taxrate": 19, "total": 7.95,
    "status": "Unpaid", "status_label": "Offen", "is_open": True, "items": [], "new_field": None,
}  # fmt: skip


def answer(content: object, status: int = 200, headers: Fields = JSON) -> Response:
    return Response(status, headers, json.dumps(content).encode())


def test_the_description_is_valid() -> None:
    validate(description().spec.read_value())


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request("get", LIST, (("status", "paid"),), HEADERS), "'paid' is not one of"),
        (Request("get", LIST, (("transactions", "true"),), HEADERS), "transactions"),
        (Request("get", LIST, (("sort", "id"),), HEADERS), "unknown parameter 'sort'"),
        (Request("get", LIST, (), HEADERS[1:]), "Security not found"),
        (Request("get", LIST, (), HEADERS[:2]), "Missing required header parameter: Accept-Language"),
        (Request("get", f"{LIST}/x", (), HEADERS), "id"),
        (Request("get", f"{LIST}es", (), HEADERS), "Path not found"),
        (Request("delete", f"{LIST}/5", (), HEADERS), "Operation delete not found"),
        (Request("post", f"{LIST}/5/pay", (), (*HEADERS, *JSON)), "Missing required request body"),
        (Request("post", f"{LIST}/5/pay", (), (*HEADERS, *JSON), b'{"id":"5"}'), "$.id: '5' is not of type 'integer'"),
        (Request("post", f"{LIST}/5/pay", (), (*HEADERS, *JSON), b'{"id":5,"amount":1}'), "'amount'"),
    ],
)
def test_a_request_that_deviates_is_found(request_: Request, words: str) -> None:
    assert any(words in text for text in deviations_of_request(request_))


@pytest.mark.parametrize(
    ("answer_", "words"),
    [
        (answer({"data": [INVOICE | {"total": "7,95"}]}), "$.data[0].total"),
        (answer({"data": [INVOICE | {"is_open": "no"}]}), "'no' is not of type 'boolean'"),
        (answer({"data": [INVOICE | {"duedate": "2026-12-27"}]}), "'2026-12-27' does not match"),
        (answer({"data": {}}), "is not of type 'array'"),
        (answer([]), "is not of type 'object'"),
        (answer({"data": []}, 302), "Unknown response http status"),
        (answer({"oops": True}, 404), "is not valid under any of the given schemas"),
        (answer({"data": []}, headers=(("content-type", "text/html"),)), "text/html"),
    ],
)
def test_an_answer_that_deviates_is_found(answer_: Response, words: str) -> None:
    assert any(words in text for text in deviations_of_response(Request("get", LIST, (), HEADERS), answer_))


@pytest.mark.parametrize(
    "answer_",
    [
        answer({"data": [INVOICE]}),
        answer({"data": [], "links": {"next": None}, "meta": {"total": 0}}),
        answer({"message": "Unauthenticated."}, 401),
        answer({"data": {"error": True, "type": "request_refused", "message": "No."}}, 400),
        answer({"message": "Server Error"}, 500),
    ],
)
def test_an_answer_as_described_passes(answer_: Response) -> None:
    assert deviations_of_response(Request("get", LIST, (), HEADERS), answer_) == ()


async def test_the_client_makes_every_call_that_is_described() -> None:
    async with open_world() as world:
        world.account.shows_credit = True
        invoice = world.sandbox.create_invoice(world.account, world.account.credit / 2)
        await world.client.list_invoices(world.token, "de", InvoiceFilter("Unpaid", "Hosting", with_transactions=True))
        await world.client.invoice(world.token, "en", invoice.id)
        async with world.client.pdf(world.token, "en", invoice.id), world.client.archive(world.token, "en"):
            await world.client.credit(world.token, "en")
        invoice.credit = Decimal(1)
        await world.client.remove_credit(world.token, "en", invoice.id)
        await world.client.pay(world.token, "en", invoice.id)
        made = {(asked.method.lower(), asked.path.replace(str(invoice.id), "{id}")) for asked in world.sandbox.requests}
    paths = description().spec.read_value()["paths"]
    assert made == {(method, f"/api/v1{path}") for path, methods in paths.items() for method in methods}
