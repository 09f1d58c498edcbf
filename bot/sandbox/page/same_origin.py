"""What keeps other websites away from the page: it can change much, and asks nobody for a password."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "cache-control": "no-store",  # a reload shows the latest change
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class SameOriginGuard:
    """An ASGI application in front of another: only pages that it served itself get through.

    A foreign page can't know this address by name (its name, bound to loopback, comes in ``Host``), nor send anything
    from where it was loaded (that comes in ``Origin``).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self._app if _is_at_home(scope) else PlainTextResponse("This page is for this machine only.", 403)
        await app(scope, receive, send_with_headers)


def _is_at_home(scope: Scope) -> bool:
    headers, port = Headers(scope=scope), scope["server"][1]
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    host = headers.get("host", "")
    return host in hosts and headers.get("origin", f"http://{host}") == f"http://{host}"
