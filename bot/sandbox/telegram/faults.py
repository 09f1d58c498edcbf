"""Fault injection for the sandbox's Bot API."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.server import CUT
from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import NO_RIGHT_TO_WRITE, ApiError, bad_request, flood_limit
from bot.sandbox.telegram.models import Chat

_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
_MESSAGES = ("send", "edit")


@dataclass(slots=True)
class TelegramFault:
    """A response that replaces the real one. If ``carried_out``, the call takes effect all the same.

    It affects calls of ``method`` (None: all that send or edit a message) to ``chat`` (None: any). ``left`` is how many
    more calls it affects (None: until it is switched off).
    """

    response: Response
    status: int
    carried_out: bool = False
    method: str | None = None
    chat: Chat | None = None
    left: int | None = 1

    def affects(self, call: Call) -> bool:
        named = call.method.startswith(_MESSAGES) if self.method is None else call.method == self.method
        return named and self.left != 0 and (self.chat is None or self.chat.id == call.chat_id)


class TelegramFaults:
    """Switches for faults. All take ``times`` (None: until :meth:`clear`), and may be limited to a method or a chat.

    A refused connection needs no switch: stop serving.
    """

    def __init__(self) -> None:
        self._faults: list[TelegramFault] = []

    def flood(
        self,
        retry_after: int,
        *,
        said: Literal["as usual", "in words", "in the header"] = "as usual",
        times: int | None = 1,
        method: str | None = None,
        chat: Chat | None = None,
    ) -> TelegramFault:
        """Answer 429: come back in ``retry_after`` seconds. Not every server in between leaves all that says so."""
        body = flood_limit(retry_after).as_json()
        if said != "as usual":
            del body["parameters"]
        if said == "in the header":
            body["description"] = "Too Many Requests"
        headers = {"Retry-After": str(retry_after)} if said == "in the header" else None
        return self.answer(JSONResponse(body, 429, headers), times=times, method=method, chat=chat)

    def refuse(
        self, error: ApiError, *, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Refuse calls with any error, for example one with an unknown text."""
        return self.answer(JSONResponse(error.as_json(), error.code), times=times, method=method, chat=chat)

    def close(self, *, times: int | None = 1, chat: Chat | None = None) -> TelegramFault:
        """Refuse messages as in a group that is closed for the night."""
        return self.refuse(bad_request(NO_RIGHT_TO_WRITE), times=times, chat=chat)

    def page(
        self,
        status: int,
        *,
        delivered: bool = False,
        times: int | None = 1,
        method: str | None = None,
        chat: Chat | None = None,
    ) -> TelegramFault:
        """Answer with an HTML page, as a firewall, a captive portal or a proxy does, with any status."""
        return self.answer(html_page(status), delivered=delivered, times=times, method=method, chat=chat)

    def server_error(
        self,
        status: int = 502,
        *,
        delivered: bool = False,
        times: int | None = 1,
        method: str | None = None,
        chat: Chat | None = None,
    ) -> TelegramFault:
        """Answer 5xx with an HTML page, as a proxy does, before or after the call is carried out."""
        return self.page(status, delivered=delivered, times=times, method=method, chat=chat)

    def cut(
        self, *, delivered: bool, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Cut the connection instead of answering, before or after the call is carried out."""
        return self.answer(_Cut(status_code=0), delivered=delivered, times=times, method=method, chat=chat)

    def silence(
        self, *, delivered: bool, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Never answer, so that the caller's read times out."""
        return self.answer(_Silence(status_code=0), delivered=delivered, times=times, method=method, chat=chat)

    def clear(self) -> None:
        self._faults.clear()

    def take(self, call: Call) -> TelegramFault | None:
        """Return the oldest fault that affects this call, and count it as used once."""
        fault = next((fault for fault in self._faults if fault.affects(call)), None)
        if fault and fault.left is not None:
            fault.left -= 1
        return fault

    def answer(
        self,
        response: Response,
        *,
        delivered: bool = False,
        times: int | None = 1,
        method: str | None = None,
        chat: Chat | None = None,
    ) -> TelegramFault:
        """Give any answer at all."""
        fault = TelegramFault(response, response.status_code, delivered, method, chat, times)
        self._faults.append(fault)
        return fault


NGINX_SAYS = {413: "Request Entity Too Large"}
"""Where the server in front of the Bot API has other words than newer versions of Python."""


def html_page(status: int) -> Response:
    words = NGINX_SAYS.get(status) or HTTPStatus(status).phrase
    return HTMLResponse(_PAGE.format(f"{status} {words}"), status)


class _Cut(Response):
    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        await scope["extensions"][CUT]()


class _Silence(Response):
    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
