"""HTTP answers of the sandbox provider, and unusual ways to give them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def json_answer(status: int, content: object, **headers: str) -> Answer:
    body = json.dumps(content).encode()
    return Answer(status, {"content-type": "application/json"} | headers, body)


async def answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Let the application carry the call out, and keep its answer."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in messages[0]["headers"]}
    headers.pop("content-length", None)
    return Answer(messages[0]["status"], headers, b"".join(message.get("body", b"") for message in messages))


async def hang(receive: Receive) -> None:
    """Until the other side has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_drip(answer: Answer, interval: float, receive: Receive, send: Send) -> None:
    gone = asyncio.create_task(hang(receive))
    await _begin(answer, len(answer.body), send)
    for byte in answer.body:
        await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        await asyncio.wait([gone], timeout=interval)
        if gone.done():
            return
    gone.cancel()
    await send({"type": "http.response.body"})


async def send_huge(answer: Answer, size: int, send: Send, *, size_told: bool) -> None:
    """Send the answer's beginning, blown up to ``size`` bytes, which the head tells or not."""
    await _begin(answer, size if size_told else None, send)
    for start in range(0, size, PIECE):
        piece = answer.body[:PIECE] if start == 0 else b""
        body = piece.ljust(min(PIECE, size - start), b" ")
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body"})


async def send_whole(answer: Answer, send: Send) -> None:
    await send_parts(answer, [answer.body], send)
    await send({"type": "http.response.body"})


async def send_parts(answer: Answer, parts: Iterable[bytes], send: Send) -> None:
    """Send the head, which tells the length of the whole, and these parts of the body."""
    await _begin(answer, None if answer.status == 204 else len(answer.body), send)  # noqa: PLR2004  # No Content
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})


async def _begin(answer: Answer, length: int | None, send: Send) -> None:
    headers = answer.headers if length is None else {**answer.headers, "content-length": str(length)}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
