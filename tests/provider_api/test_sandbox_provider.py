"""The sandbox's provider keeps to docs/provider-openapi.yaml, whatever it is asked: schemathesis asks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Mount, Route

from bot.sandbox.provider.app import SandboxProvider
from tests.provider_api.contract import DESCRIPTION
from tests.sandbox_bot import TOKEN

provider = SandboxProvider()
account = provider.add_account(TOKEN, credit=Decimal(1000), with_examples=True)
account.shows_credit = True
app = Starlette(routes=[Route("/description", lambda _: FileResponse(DESCRIPTION)), Mount("/", provider.app)])
schema = schemathesis.openapi.from_asgi("/description", app)

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
CHECKS = [
    content_type_conformance, ignored_auth, not_a_server_error, response_headers_conformance,
    response_schema_conformance, status_code_conformance,
]  # fmt: skip
"""All but those that need a refusal of odd parameters: the provider passes over what it does not know."""
EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@schema.parametrize()
@EXAMPLES
def test_every_answer_is_as_described(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=AUTHORIZED, checks=CHECKS)


@schema.include(path_regex="{id}").parametrize()
@EXAMPLES
def test_so_it_is_about_an_invoice_that_is_there(case: schemathesis.Case[Any]) -> None:
    invoice = provider.create_invoice(account, Decimal("5.00"), use_credit="credit" in case.path)
    case.path_parameters["id"] = invoice.id
    if case.method == "POST":
        case.body = {"id": invoice.id}
    case.call_and_validate(headers=AUTHORIZED, checks=CHECKS)
