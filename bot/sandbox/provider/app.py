"""The provider's invoice API over HTTP, as its reference describes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from bot.ports import Clock, utc_now
from bot.sandbox.provider import documents
from bot.sandbox.provider.faults import Call, FaultMiddleware
from bot.sandbox.provider.invoices import ZERO, SandboxInvoice
from bot.sandbox.provider.ledger import BERLIN, Account, Ledger, Refusal

BASE_PATH = "/api/v1"
TOP_UP_PATH = "/topup"
BOOLEANS = {"0": False, "1": True}
"""The booleans that Laravel accepts in a query. The word ``true`` is none."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it came in, even if a fault kept it from being carried out. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class SandboxProvider(Ledger):
    """Serve ``app``. The API's base URL is the server's URL followed by ``BASE_PATH``.

    ``faults`` can be switched on and off at any time. ``requests`` lists what came in, ``executions`` what was done.
    """

    def __init__(self, clock: Clock = utc_now, zone: ZoneInfo = BERLIN) -> None:
        super().__init__(clock, zone)
        self.requests: list[Recorded] = []
        self.faults = FaultMiddleware(_application(self), _call_of)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.receive_transfers()
        self.requests.append(Recorded(scope["method"], scope["path"], scope["query_string"].decode(), headers))
        await self.faults(scope, receive, send)


class _Api:
    """The endpoints."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def client(self, request: Request) -> Response:
        account = self._account(request)
        if not account.shows_credit:
            raise HTTPException(403, "Invalid ability provided.")
        person = {"firstname": "Ada", "lastname": "Lovelace", "email": "ada@example.org"}
        on_open = sum((i.credit for i in account.invoices.values() if i.is_open), start=ZERO)
        money = {"credit": float(account.credit), "credit_on_open_invoices": float(on_open)}
        return _json_response({"data": {**person, **money, "currency": {"code": account.currency}}})

    async def list_invoices(self, request: Request) -> Response:
        return _json_response({"data": [self._json(invoice, request) for invoice in self._chosen(request)]})

    async def one_invoice(self, request: Request) -> Response:
        return _json_response({"data": self._json(self._invoice(request), request)})

    async def download(self, request: Request) -> Response:
        invoice = self._invoice(request)
        language = _language(request)
        document = documents.document(invoice, self._ledger.clock(), language)
        headers = {"content-disposition": f'attachment; filename="{document.name}"'}
        return Response(document.content, headers=headers, media_type=document.media_type)

    async def archive(self, request: Request) -> Response:
        language = _language(request)
        content = documents.archive(self._chosen(request), self._ledger.clock(), language)
        headers = {"content-disposition": f'attachment; filename="{documents.archive_name(language)}"'}
        return Response(content, headers=headers, media_type="application/zip")

    async def pay(self, request: Request) -> Response:
        account, invoice = await self._named_in_body(request)
        self._ledger.pay(account, invoice)
        return _json_response({"success": True})

    async def remove_credit(self, request: Request) -> Response:
        account, invoice = await self._named_in_body(request)
        self._ledger.remove_credit(account, invoice)
        return _json_response({"success": True})

    async def _named_in_body(self, request: Request) -> tuple[Account, SandboxInvoice]:
        """Return the invoice of a POST. The reference requires its id in the body too."""
        account, invoice = self._account(request), self._invoice(request)
        try:
            given = (await request.json())["id"]
        except (ValueError, TypeError, KeyError):
            given = None
        if given != invoice.id:
            raise Refusal("The id field is required.")
        return account, invoice

    def _account(self, request: Request) -> Account:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        account = self._ledger.accounts.get(token)
        if scheme != "Bearer" or account is None:
            raise HTTPException(401, "Unauthenticated.")
        if not account.permitted:
            raise HTTPException(403, "Invalid ability provided.")
        return account

    def _invoice(self, request: Request) -> SandboxInvoice:
        invoice = self._account(request).invoices.get(request.path_params["id"])
        if invoice is None:
            raise HTTPException(404, "No query results for model [Invoice].")
        return invoice

    def _chosen(self, request: Request) -> Sequence[SandboxInvoice]:
        """Return the account's invoices that match the filters, newest first."""
        status, kind = request.query_params.get("status"), request.query_params.get("type")
        transactions = request.query_params.get("transactions", "0")
        if transactions not in BOOLEANS:
            raise Refusal("The transactions field must be true or false.")
        chosen = [
            invoice
            for invoice in self._account(request).invoices.values()
            if status in {None, invoice.status}
            and (kind is None or any(item.type == kind for item in invoice.items))
            and (invoice.has_transactions or not BOOLEANS[transactions])
        ]
        return sorted(chosen, key=lambda invoice: (invoice.issued, invoice.id), reverse=True)

    def _json(self, invoice: SandboxInvoice, request: Request) -> dict[str, Any]:
        base_url = f"http://{request.headers['host']}{BASE_PATH}"
        return invoice.as_json(_language(request), self._ledger.zone, base_url)


def _language(request: Request) -> str:
    return request.headers.get("accept-language", "en")[:2]


async def website(_: Request) -> Response:
    """The provider's website, as far as a demo needs one: a person who follows a button has come to the right place."""
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>The provider</title>"
        "<h1>The provider's website</h1><p>In this demo, credit is topped up beside the chat, at the bank."
    )


def _application(ledger: Ledger) -> Starlette:
    api = _Api(ledger)
    routes = [
        Route("/client", api.client),
        Route("/client/invoices", api.list_invoices),
        Route("/client/invoices/download/archive", api.archive),
        Route("/client/invoices/{id:int}", api.one_invoice),
        Route("/client/invoices/{id:int}/download", api.download),
        Route("/client/invoices/{id:int}/pay", api.pay, methods=["POST"]),
        Route("/client/invoices/{id:int}/remove-credit", api.remove_credit, methods=["POST"]),
    ]
    pages = [Route(path, website) for path in ("/", TOP_UP_PATH)]
    return Starlette(
        routes=[Mount(BASE_PATH, routes=routes), *pages], exception_handlers={Refusal: _refused, HTTPException: _failed}
    )


def _call_of(scope: Scope) -> Call | None:
    match scope["path"].removeprefix(BASE_PATH).strip("/").split("/"):
        case ["client"]:
            return Call.CLIENT
        case ["client", "invoices"]:
            return Call.LIST
        case ["client", "invoices", "download", "archive"]:
            return Call.ARCHIVE
        case ["client", "invoices", _]:
            return Call.INVOICE
        case ["client", "invoices", _, "download"]:
            return Call.PDF
        case ["client", "invoices", _, "pay"]:
            return Call.PAY
        case ["client", "invoices", _, "remove-credit"]:
            return Call.REMOVE_CREDIT
        case _:
            return None


async def _refused(_: Request, error: Exception) -> Response:
    return _json_response({"message": str(error)}, 422)


async def _failed(_: Request, error: Exception) -> Response:
    status, words = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "Server Error")
    return _json_response({"message": words}, status)


def _json_response(content: object, status: int = 200) -> Response:
    """Return JSON in PHP's spelling: ASCII only, slashes escaped."""
    text = json.dumps(content, separators=(",", ":")).replace("/", "\\/")
    return Response(text, status, media_type="application/json")
