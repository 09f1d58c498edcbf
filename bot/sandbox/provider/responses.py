"""HTTP responses of the sandbox provider, and unusual ways to send them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class BufferedResponse:
    """A whole HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def head(self) -> bytes:
        """Return the head's bytes, with the headers as they are."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"HTTP/1.1 {self.status} \r\n{fields}\r\n".encode("latin-1")

    def raw(self) -> bytes:
        """Return all bytes of the response on the connection."""
        told = {**self.headers, "content-length": str(len(self.body))}
        return BufferedResponse(self.status, told, b"").head() + self.body


def json_response(status: int, content: object, **headers: str) -> BufferedResponse:
    body = json.dumps(content).encode()
    return BufferedResponse(status, {"content-type": "application/json"} | headers, body)


async def buffered(app: ASGIApp, scope: Scope, receive: Receive) -> BufferedResponse:
    """Let the application carry the call out. Return its response instead of sending it."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in messages[0]["headers"]}
    headers.pop("content-length", None)
    return BufferedResponse(messages[0]["status"], headers, b"".join(message.get("body", b"") for message in messages))


async def hang(receive: Receive) -> None:
    """Wait until the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_drip(response: BufferedResponse, interval: float, receive: Receive, send: Send) -> None:
    gone = asyncio.create_task(hang(receive))
    await _begin(response, len(response.body), send)
    for byte in response.body:
        await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        await asyncio.wait([gone], timeout=interval)
        if gone.done():
            return
    gone.cancel()
    await send({"type": "http.response.body"})


async def send_huge(response: BufferedResponse, size: int, send: Send, *, size_told: bool) -> None:
    """Send the response padded with spaces to ``size`` bytes. Its header states the size if ``size_told``."""
    await _begin(response, size if size_told else None, send)
    for start in range(0, size, PIECE):
        piece = response.body[:PIECE] if start == 0 else b""
        body = piece.ljust(min(PIECE, size - start), b" ")
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body"})


async def send_whole(response: BufferedResponse, send: Send) -> None:
    await send_parts(response, [response.body], send)
    await send({"type": "http.response.body"})


async def send_parts(response: BufferedResponse, parts: Iterable[bytes], send: Send) -> None:
    """Send the header, with the length of the whole body, and then only these parts of it."""
    await _begin(response, None if response.status == 204 else len(response.body), send)  # noqa: PLR2004  # No Content
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})


async def _begin(response: BufferedResponse, length: int | None, send: Send) -> None:
    headers = response.headers if length is None else {**response.headers, "content-length": str(length)}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
