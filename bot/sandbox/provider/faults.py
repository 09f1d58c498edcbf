"""Fault injection for the sandbox provider: an ASGI middleware, so that the application itself has no faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox.provider import odd_http
from bot.sandbox.provider.odd_json import (
    counting_more,
    with_broken_invoice,
    with_broken_items,
    with_dates_as_objects,
    with_depths,
    with_entities,
    with_items_as_object,
    with_list,
    with_long_numbers,
    with_more_digits,
    with_odd_status,
    with_unreadable_dates,
    without_invoices,
)
from bot.sandbox.provider.page_forms import PageForm, paged
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
from bot.sandbox.server import CUT, END, WRITE

HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
HTML_TYPE = {"content-type": "text/html"}
CHALLENGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking</body></html>"


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
    REFUSED_IN_DATA = "refused_in_data"
    FAILURE_AS_SUCCESS = "failure_as_success"
    RESULT_ERROR = "result_error"
    CHALLENGE = "challenge"
    GATEWAY_JSON = "gateway_json"
    REDIRECT = "redirect"
    HANG_BEFORE = "hang_before"
    CUT_BEFORE = "cut_before"
    SLOW = "slow"
    HANG_AFTER = "hang_after"
    CUT_AFTER = "cut_after"
    ERROR_AFTER = "error_after"
    HTML_INSTEAD = "html_instead"
    EMPTY = "empty"
    NO_INVOICES = "no_invoices"
    NO_CONTENT = "no_content"
    CUT_JSON = "cut_json"
    WRONG_TYPE = "wrong_type"
    HTML_AS_FILE = "html_as_file"
    BROKEN_INVOICE = "broken_invoice"
    BROKEN_ITEMS = "broken_items"
    ITEMS_AS_OBJECT = "items_as_object"
    DATES_AS_OBJECTS = "dates_as_objects"
    DATES_UNREADABLE = "dates_unreadable"
    LONG_NUMBERS = "long_numbers"
    MORE_DIGITS = "more_digits"
    ODD_STATUS = "odd_status"
    TOO_DEEP = "too_deep"
    ENTITIES = "entities"
    PAGED = "paged"
    LATER_PAGES_BROKEN = "later_pages_broken"
    COUNTS_MORE = "counts_more"
    CUT_BODY = "cut_body"
    DRIP = "drip"
    HUGE = "huge"
    ANSWERED_TWICE = "answered_twice"
    IDLE_408 = "idle_408"
    LATE_CONTINUE = "late_continue"
    BREAKS_HTTP = "breaks_http"
    LONG_HEADER = "long_header"
    BYTE_ORDER_MARK = "byte_order_mark"
    CODED_TWICE = "coded_twice"
    CUT_FILE = "cut_file"
    OTHER_NAME = "other_name"
    EMPTY_ARCHIVE = "empty_archive"
    WRAPPED_FILE = "wrapped_file"
    OTHER_TOTAL = "other_total"


@dataclass(slots=True)
class ActiveFault:
    """A fault that is on: for which call (None: all), for how many more requests (None: until it is switched off).

    ``retry_after`` is the text of the header, ``location`` the target of a redirect, ``message`` the words of a
    refusal, ``status`` that of a refusal or of a page which is not the API's (None: the usual one). ``form`` is how
    pages are written. ``interval`` is in seconds: between the bytes of a drip, before a slow response, or before what
    nobody asked for. ``size`` is in bytes; the header of a huge response states it if ``size_told``.
    """

    fault: Fault
    on: Call | None = None
    times: int | None = None
    retry_after: str | None = None
    location: str = "https://elsewhere.invalid/"
    message: str = "This is not possible."
    status: int | None = None
    form: PageForm = PageForm.RESOURCE
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
        case Fault.PAGED | Fault.LATER_PAGES_BROKEN:
            await send_whole(_paged(response, active, scope), send)
        case Fault.ANSWERED_TWICE | Fault.IDLE_408 | Fault.LATE_CONTINUE:
            await send_whole(response, send)
            await asyncio.sleep(active.interval)
            scope["extensions"][WRITE](_UNASKED.get(active.fault) or response.raw())
        case Fault.CUT_FILE | Fault.BREAKS_HTTP if scope["method"] == "GET":
            spoil = odd_http.half_without_length if active.fault is Fault.CUT_FILE else odd_http.breaking_http
            scope["extensions"][WRITE](spoil(response))
            await scope["extensions"][END]()
        case Fault.CUT_FILE | Fault.BREAKS_HTTP:
            await send_whole(response, send)
        case fault:
            await send_whole(_CHANGED[fault](response), send)


_UNASKED = {Fault.IDLE_408: odd_http.IDLE_408, Fault.LATE_CONTINUE: odd_http.LATE_CONTINUE}
"""What comes after an answer, on the idle connection."""


def _words(active: ActiveFault) -> dict[str, object]:
    return {"message": active.message}


def _refusal(active: ActiveFault) -> dict[str, object]:
    """Return a refusal as the provider writes it, according to its own client."""
    return {"error": True, "type": "request_refused"} | _words(active)


def _try_later(status: int, message: str, active: ActiveFault) -> BufferedResponse:
    wait = {} if active.retry_after is None else {"retry-after": active.retry_after}
    return json_response(status, {"message": message}, **wait)


_INSTEAD: Mapping[Fault, Callable[[ActiveFault], BufferedResponse]] = {
    Fault.DOWN: lambda active: _try_later(503, "Service Unavailable", active),
    Fault.DOWN_HTML: lambda _: BufferedResponse(500, HTML_TYPE, HTML),
    Fault.RATE_LIMIT: lambda active: _try_later(429, "Too Many Attempts.", active),
    Fault.TOKEN_REVOKED: lambda _: json_response(401, {"message": "Unauthenticated."}),
    Fault.PERMISSION_MISSING: lambda _: json_response(403, {"message": "Invalid ability provided."}),
    Fault.REFUSED: lambda active: json_response(active.status or 422, _words(active)),
    Fault.REFUSED_IN_DATA: lambda active: json_response(active.status or 400, {"data": _refusal(active)}),
    Fault.FAILURE_AS_SUCCESS: lambda active: json_response(200, {"success": False, "data": []} | _words(active)),
    Fault.RESULT_ERROR: lambda active: json_response(200, {"result": "error"} | _words(active)),
    Fault.CHALLENGE: lambda active: BufferedResponse(active.status or 403, HTML_TYPE, CHALLENGE),
    Fault.GATEWAY_JSON: lambda active: json_response(
        active.status or 403, {"title": "Access denied", "status": active.status, "detail": "You have been blocked."}
    ),
    Fault.REDIRECT: lambda active: BufferedResponse(302, {**HTML_TYPE, "location": active.location}, HTML),
}


_CHANGED: Mapping[Fault, Callable[[BufferedResponse], BufferedResponse]] = {
    Fault.ERROR_AFTER: lambda _: json_response(500, {"message": "Server Error"}),
    Fault.HTML_INSTEAD: lambda _: BufferedResponse(200, {"content-type": "text/html; charset=UTF-8"}, HTML),
    Fault.EMPTY: lambda response: replace(response, body=b""),
    Fault.NO_INVOICES: without_invoices,
    Fault.NO_CONTENT: lambda _: BufferedResponse(204, {}, b""),
    Fault.CUT_JSON: lambda response: replace(response, body=response.body[: len(response.body) // 2]),
    Fault.WRONG_TYPE: lambda response: replace(response, headers={"content-type": "text/plain"}),
    Fault.HTML_AS_FILE: lambda response: replace(response, body=HTML),
    Fault.BROKEN_INVOICE: with_broken_invoice,
    Fault.BROKEN_ITEMS: with_broken_items,
    Fault.ITEMS_AS_OBJECT: with_items_as_object,
    Fault.DATES_AS_OBJECTS: with_dates_as_objects,
    Fault.DATES_UNREADABLE: with_unreadable_dates,
    Fault.LONG_NUMBERS: with_long_numbers,
    Fault.MORE_DIGITS: with_more_digits,
    Fault.ODD_STATUS: with_odd_status,
    Fault.TOO_DEEP: with_depths,
    Fault.ENTITIES: with_entities,
    Fault.COUNTS_MORE: counting_more,
    Fault.LONG_HEADER: odd_http.with_long_header,
    Fault.BYTE_ORDER_MARK: odd_http.with_byte_order_mark,
    Fault.CODED_TWICE: odd_http.coded_twice,
    Fault.OTHER_NAME: odd_http.named_otherwise,
    Fault.EMPTY_ARCHIVE: odd_http.without_files,
    Fault.WRAPPED_FILE: odd_http.wrapped,
    Fault.OTHER_TOTAL: odd_http.with_other_total,
}


def _paged(response: BufferedResponse, active: ActiveFault, scope: Scope) -> BufferedResponse:
    """Return one page of the list."""
    query = scope["query_string"].decode()
    if active.fault is Fault.LATER_PAGES_BROKEN and "page" in query:
        return replace(response, body=response.body[: len(response.body) // 2])
    url = f"http://{dict(scope['headers'])[b'host'].decode()}{scope['path']}"
    return with_list(response, lambda entries: paged(entries, query, url, active.form))
