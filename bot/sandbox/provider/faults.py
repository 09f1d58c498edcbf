"""Fault injection for the sandbox provider: an ASGI middleware, so that the application itself has no faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox.provider.responses import (
    BufferedResponse,
    buffered,
    hang,
    json_response,
    send_drip,
    send_huge,
    send_parts,
    send_whole,
)
from bot.sandbox.server import CUT

HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
HTML_TYPE = {"content-type": "text/html"}
INVOICES_PER_PAGE = 2


class Call(StrEnum):
    """The calls of the API."""

    LIST = "list"
    INVOICE = "invoice"
    PDF = "pdf"
    ARCHIVE = "archive"
    PAY = "pay"
    REMOVE_CREDIT = "remove_credit"
    CLIENT = "client"


class Fault(StrEnum):
    """What goes wrong.

    Up to CUT_BEFORE the call is not carried out. From HANG_AFTER on it is, and only the response goes wrong. SLOW
    carries the call out too, but answers late.
    """

    DOWN = "down"
    DOWN_HTML = "down_html"
    RATE_LIMIT = "rate_limit"
    TOKEN_REVOKED = "token_revoked"
    PERMISSION_MISSING = "permission_missing"
    REFUSED = "refused"
    REDIRECT = "redirect"
    HANG_BEFORE = "hang_before"
    CUT_BEFORE = "cut_before"
    SLOW = "slow"
    HANG_AFTER = "hang_after"
    CUT_AFTER = "cut_after"
    ERROR_AFTER = "error_after"
    HTML_INSTEAD = "html_instead"
    EMPTY = "empty"
    NO_CONTENT = "no_content"
    CUT_JSON = "cut_json"
    WRONG_TYPE = "wrong_type"
    HTML_AS_FILE = "html_as_file"
    BROKEN_INVOICE = "broken_invoice"
    PAGED = "paged"
    CUT_BODY = "cut_body"
    DRIP = "drip"
    HUGE = "huge"


@dataclass(slots=True)
class ActiveFault:
    """A fault that is on: for which call (None: all), for how many more requests (None: until it is switched off).

    ``retry_after`` is the text of the header, ``location`` the target of a redirect, ``message`` the words of a
    refusal. ``interval`` is in seconds: between the bytes of a drip, or before a slow response. ``size`` is in bytes;
    the header of a huge response states it if ``size_told``.
    """

    fault: Fault
    on: Call | None = None
    times: int | None = None
    retry_after: str | None = None
    location: str = "https://elsewhere.invalid/"
    message: str = "This is not possible."
    interval: float = 0.05
    size: int = 60 * 1024 * 1024
    size_told: bool = True


class FaultMiddleware:
    """ASGI middleware. At most one fault affects a request: the one that was switched on last."""

    def __init__(self, app: ASGIApp, call_of: Callable[[Scope], Call | None]) -> None:
        self._app = app
        self._call_of = call_of
        self.on: list[ActiveFault] = []

    def switch_on(self, fault: Fault, on: Call | None = None, times: int | None = None, **details: Any) -> None:
        """Switch a fault on. The arguments are the fields of :class:`ActiveFault`."""
        self.on.insert(0, ActiveFault(fault, on, times, **details))

    def switch_off(self, fault: Fault | None = None) -> None:
        """End this fault, or all faults."""
        self.on = [] if fault is None else [active for active in self.on if active.fault is not fault]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        active = self._take(self._call_of(scope))
        if active is None:
            await self._app(scope, receive, send)
        elif active.fault in _INSTEAD:
            await send_whole(_INSTEAD[active.fault](active), send)
        elif active.fault is Fault.HANG_BEFORE:
            await hang(receive)
        elif active.fault is Fault.CUT_BEFORE:
            await scope["extensions"][CUT]()
        elif active.fault is Fault.SLOW:
            await asyncio.sleep(active.interval)
            await self._app(scope, receive, send)
        else:
            await _spoil(await buffered(self._app, scope, receive), active, scope, receive, send)

    def _take(self, call: Call | None) -> ActiveFault | None:
        for active in self.on:
            if call is not None and active.on in {None, call}:
                if active.times is not None:
                    active.times -= 1
                self.on = [other for other in self.on if other.times != 0]
                return active
        return None


async def _spoil(response: BufferedResponse, active: ActiveFault, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the response of a call that was carried out, spoiled as the fault says."""
    match active.fault:
        case Fault.HANG_AFTER:
            await hang(receive)
        case Fault.CUT_AFTER:
            await scope["extensions"][CUT]()
        case Fault.CUT_BODY:
            await send_parts(response, [response.body[: len(response.body) // 2]], send)
            await scope["extensions"][CUT]()
        case Fault.DRIP:
            await send_drip(response, active.interval, receive, send)
        case Fault.HUGE:
            await send_huge(response, active.size, send, size_told=active.size_told)
        case Fault.PAGED:
            await send_whole(_paged(response, scope), send)
        case fault:
            await send_whole(_CHANGED[fault](response), send)


def _try_later(status: int, message: str, active: ActiveFault) -> BufferedResponse:
    wait = {} if active.retry_after is None else {"retry-after": active.retry_after}
    return json_response(status, {"message": message}, **wait)


_INSTEAD: Mapping[Fault, Callable[[ActiveFault], BufferedResponse]] = {
    Fault.DOWN: lambda active: _try_later(503, "Service Unavailable", active),
    Fault.DOWN_HTML: lambda _: BufferedResponse(500, HTML_TYPE, HTML),
    Fault.RATE_LIMIT: lambda active: _try_later(429, "Too Many Attempts.", active),
    Fault.TOKEN_REVOKED: lambda _: json_response(401, {"message": "Unauthenticated."}),
    Fault.PERMISSION_MISSING: lambda _: json_response(403, {"message": "Invalid ability provided."}),
    Fault.REFUSED: lambda active: json_response(422, {"message": active.message}),
    Fault.REDIRECT: lambda active: BufferedResponse(302, {**HTML_TYPE, "location": active.location}, HTML),
}


def _with_broken_invoice(response: BufferedResponse) -> BufferedResponse:
    content = json.loads(response.body)
    broken = {"id": 99, "total": "a lot", "is_open": True, "items": "none"}
    return replace(response, body=json.dumps(content | {"data": [broken, *content["data"]]}).encode())


_CHANGED: Mapping[Fault, Callable[[BufferedResponse], BufferedResponse]] = {
    Fault.ERROR_AFTER: lambda _: json_response(500, {"message": "Server Error"}),
    Fault.HTML_INSTEAD: lambda _: BufferedResponse(200, {"content-type": "text/html; charset=UTF-8"}, HTML),
    Fault.EMPTY: lambda response: replace(response, body=b""),
    Fault.NO_CONTENT: lambda _: BufferedResponse(204, {}, b""),
    Fault.CUT_JSON: lambda response: replace(response, body=response.body[: len(response.body) // 2]),
    Fault.WRONG_TYPE: lambda response: replace(response, headers={"content-type": "text/plain"}),
    Fault.HTML_AS_FILE: lambda response: replace(response, body=HTML),
    Fault.BROKEN_INVOICE: _with_broken_invoice,
}


def _paged(response: BufferedResponse, scope: Scope) -> BufferedResponse:
    """Return one page of the list, in Laravel's form. As in Laravel, the link to the next page lacks the filters."""
    if response.status != 200:  # noqa: PLR2004  # OK
        return response
    page = int(parse_qs(scope["query_string"].decode()).get("page", ["1"])[0])
    data = json.loads(response.body)["data"]
    rest = data[(page - 1) * INVOICES_PER_PAGE :]
    host = dict(scope["headers"])[b"host"].decode()
    more = f"http://{host}{scope['path']}?page={page + 1}" if len(rest) > INVOICES_PER_PAGE else None
    content = {
        "data": rest[:INVOICES_PER_PAGE],
        "links": {"next": more},
        "meta": {"current_page": page, "total": len(data)},
    }
    return replace(response, body=json.dumps(content).encode())
