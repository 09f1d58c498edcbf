"""Keep other websites away from the page, which is powerful and has no password."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "cache-control": "no-store",  # a reload shows the latest change
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class SameOriginGuard:
    """ASGI middleware that serves only its own pages.

    Another site may bind its own name to loopback, but that name is then in ``Host``. It may send requests to this
    address, but its own address is then in ``Origin``.
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

        app = self._app if _is_same_origin(scope) else PlainTextResponse("This page is for this machine only.", 403)
        await app(scope, receive, send_with_headers)


def _is_same_origin(scope: Scope) -> bool:
    headers, port = Headers(scope=scope), scope["server"][1]
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    host = headers.get("host", "")
    return host in hosts and headers.get("origin", f"http://{host}") == f"http://{host}"
