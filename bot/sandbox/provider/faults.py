"""What can go wrong at the sandbox provider: switched on by call, before an application that knows nothing of it."""

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
    Answer,
    answer_of,
    hang,
    json_answer,
    send_drip,
    send_huge,
    send_parts,
    send_whole,
)
from bot.sandbox.server import CUT

HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
PAGE_LENGTH = 2


class Call(StrEnum):
    """The six calls of the API."""

    LIST = "list"
    INVOICE = "invoice"
    PDF = "pdf"
    ARCHIVE = "archive"
    PAY = "pay"
    REMOVE_CREDIT = "remove_credit"


class Fault(StrEnum):
    """What goes wrong.

    Up to CUT_BEFORE nothing is carried out; from HANG_AFTER on the call is, and then comes this. SLOW is only late.
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
class Switched:
    """A fault that is on: for which call (None: all), for how many more requests (None: until switched off).

    ``retry_after`` is the header's text; ``location`` where a redirect leads; ``message`` what a refusal says;
    ``interval`` the seconds between the bytes of a drip, or before a slow answer; ``size`` the bytes of a huge answer,
    told in its head or not.
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


class Faults:
    """An ASGI application in front of another. At most one fault meets a request: the one switched on last."""

    def __init__(self, app: ASGIApp, call_of: Callable[[Scope], Call | None]) -> None:
        self._app = app
        self._call_of = call_of
        self.on: list[Switched] = []

    def switch_on(self, fault: Fault, on: Call | None = None, times: int | None = None, **details: Any) -> None:
        """Let this go wrong: at one call or all, for so many requests or until switched off. See :class:`Switched`."""
        self.on.insert(0, Switched(fault, on, times, **details))

    def switch_off(self, fault: Fault | None = None) -> None:
        """End this fault, or all."""
        self.on = [] if fault is None else [switched for switched in self.on if switched.fault is not fault]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        switched = self._take(self._call_of(scope))
        if switched is None:
            await self._app(scope, receive, send)
        elif switched.fault in _INSTEAD:
            await send_whole(_INSTEAD[switched.fault](switched), send)
        elif switched.fault is Fault.HANG_BEFORE:
            await hang(receive)
        elif switched.fault is Fault.CUT_BEFORE:
            await scope["extensions"][CUT]()
        elif switched.fault is Fault.SLOW:
            await asyncio.sleep(switched.interval)
            await self._app(scope, receive, send)
        else:
            await _spoil(await answer_of(self._app, scope, receive), switched, scope, receive, send)

    def _take(self, call: Call | None) -> Switched | None:
        for switched in self.on:
            if call is not None and switched.on in {None, call}:
                if switched.times is not None:
                    switched.times -= 1
                self.on = [other for other in self.on if other.times != 0]
                return switched
        return None


async def _spoil(answer: Answer, switched: Switched, scope: Scope, receive: Receive, send: Send) -> None:
    """Give an answer, of a call that was carried out, in the way the fault has it."""
    match switched.fault:
        case Fault.HANG_AFTER:
            await hang(receive)
        case Fault.CUT_AFTER:
            await scope["extensions"][CUT]()
        case Fault.CUT_BODY:
            await send_parts(answer, [answer.body[: len(answer.body) // 2]], send)
            await scope["extensions"][CUT]()
        case Fault.DRIP:
            await send_drip(answer, switched.interval, receive, send)
        case Fault.HUGE:
            await send_huge(answer, switched.size, send, size_told=switched.size_told)
        case Fault.PAGED:
            await send_whole(_paged(answer, scope), send)
        case fault:
            await send_whole(_CHANGED[fault](answer), send)


def _rate_limited(switched: Switched) -> Answer:
    wait = {} if switched.retry_after is None else {"retry-after": switched.retry_after}
    return json_answer(429, {"message": "Too Many Attempts."}, **wait)


def _down(switched: Switched) -> Answer:
    wait = {} if switched.retry_after is None else {"retry-after": switched.retry_after}
    return json_answer(503, {"message": "Service Unavailable"}, **wait)


_INSTEAD: Mapping[Fault, Callable[[Switched], Answer]] = {
    Fault.DOWN: _down,
    Fault.DOWN_HTML: lambda _: Answer(500, {"content-type": "text/html"}, HTML),
    Fault.RATE_LIMIT: _rate_limited,
    Fault.TOKEN_REVOKED: lambda _: json_answer(401, {"message": "Unauthenticated."}),
    Fault.PERMISSION_MISSING: lambda _: json_answer(403, {"message": "Invalid ability provided."}),
    Fault.REFUSED: lambda switched: json_answer(422, {"message": switched.message}),
    Fault.REDIRECT: lambda switched: Answer(302, {"location": switched.location, "content-type": "text/html"}, HTML),
}


def _with_broken_invoice(answer: Answer) -> Answer:
    content = json.loads(answer.body)
    broken = {"id": 99, "total": "a lot", "is_open": True, "items": "none"}
    return replace(answer, body=json.dumps(content | {"data": [broken, *content["data"]]}).encode())


_CHANGED: Mapping[Fault, Callable[[Answer], Answer]] = {
    Fault.ERROR_AFTER: lambda _: json_answer(500, {"message": "Server Error"}),
    Fault.HTML_INSTEAD: lambda _: Answer(200, {"content-type": "text/html; charset=UTF-8"}, HTML),
    Fault.EMPTY: lambda answer: replace(answer, body=b""),
    Fault.NO_CONTENT: lambda _: Answer(204, {}, b""),
    Fault.CUT_JSON: lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
    Fault.WRONG_TYPE: lambda answer: replace(answer, headers={"content-type": "text/plain"}),
    Fault.HTML_AS_FILE: lambda answer: replace(answer, body=HTML),
    Fault.BROKEN_INVOICE: _with_broken_invoice,
}


def _paged(answer: Answer, scope: Scope) -> Answer:
    """The list in pages of Laravel's form. Like Laravel's, the link forgets the filters."""
    if answer.status != 200:  # noqa: PLR2004  # OK
        return answer
    page = int(parse_qs(scope["query_string"].decode()).get("page", ["1"])[0])
    data = json.loads(answer.body)["data"]
    rest = data[(page - 1) * PAGE_LENGTH :]
    host = dict(scope["headers"])[b"host"].decode()
    more = f"http://{host}{scope['path']}?page={page + 1}" if len(rest) > PAGE_LENGTH else None
    content = {"data": rest[:PAGE_LENGTH], "links": {"next": more}, "meta": {"current_page": page, "total": len(data)}}
    return replace(answer, body=json.dumps(content).encode())
