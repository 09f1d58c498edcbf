"""Fault injection for the sandbox's Bot API."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.server import CUT
from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import ApiError, flood_limit
from bot.sandbox.telegram.models import Chat

_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
_TITLES = {413: "413 Request Entity Too Large", 500: "500 Internal Server Error", 502: "502 Bad Gateway"}
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
        self, retry_after: int, *, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Answer 429: come back in ``retry_after`` seconds."""
        return self.refuse(flood_limit(retry_after), times=times, method=method, chat=chat)

    def refuse(
        self, error: ApiError, *, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Refuse calls with any error, for example one with an unknown text."""
        response = JSONResponse(error.as_json(), error.code)
        return self._add(TelegramFault(response, error.code, False, method, chat, times))

    def server_error(
        self, status: int = 502, *, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Answer 500 or 502 with an HTML page, as a proxy does. The call is not carried out."""
        return self._add(TelegramFault(html_page(status), status, False, method, chat, times))

    def cut(
        self, *, delivered: bool, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Cut the connection instead of answering, before or after the call is carried out."""
        return self._add(TelegramFault(_Cut(), 0, delivered, method, chat, times))

    def silence(
        self, *, delivered: bool, times: int | None = 1, method: str | None = None, chat: Chat | None = None
    ) -> TelegramFault:
        """Never answer, so that the caller's read times out."""
        return self._add(TelegramFault(_Silence(), 0, delivered, method, chat, times))

    def clear(self) -> None:
        self._faults.clear()

    def take(self, call: Call) -> TelegramFault | None:
        """Return the oldest fault that affects this call, and count it as used once."""
        fault = next((fault for fault in self._faults if fault.affects(call)), None)
        if fault and fault.left is not None:
            fault.left -= 1
        return fault

    def _add(self, fault: TelegramFault) -> TelegramFault:
        self._faults.append(fault)
        return fault


def html_page(status: int) -> Response:
    return HTMLResponse(_PAGE.format(_TITLES[status]), status)


class _Cut(Response):
    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        await scope["extensions"][CUT]()


class _Silence(Response):
    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
