"""A Telegram that costs next to nothing: it hands out messages, takes the answers, and checks nothing."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from bot.sandbox.telegram.html import parse_html

MOST = 100
"""Updates in the answer to a poll."""
LENGTH = re.compile(r"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
BOT = {"id": 1, "is_bot": True, "first_name": "Bot", "username": "stand_in_bot"}


class Message(NamedTuple):
    """What the person of a private chat writes. Both have the same id."""

    chat_id: int
    text: str


class TelegramStandIn:
    """The Bot API for one bot at a time, whatever its token."""

    def __init__(self) -> None:
        self.url = ""
        self.polls = 0
        self.answers = 0
        self._updates: list[dict[str, Any]] = []
        self._ids = count(1)
        self._changed = asyncio.Event()

    async def ask(self, messages: Sequence[Message]) -> None:
        """Let all these messages come at once. Return when there is an answer to each."""
        wanted = self.answers + len(messages)
        self._updates += [{"update_id": next(self._ids), "message": self._sent(each)} for each in messages]
        self._change()
        await self.until(lambda: self.answers >= wanted)

    async def until(self, condition: Callable[[], bool], timeout: float = 60) -> None:
        """Return as soon as the condition holds. Raise :class:`TimeoutError`."""
        async with asyncio.timeout(timeout):
            while not condition():
                await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _sent(self, message: Message) -> dict[str, Any]:
        """Return a message as Telegram describes it."""
        name = {
            "id": message.chat_id,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "username": f"ada{message.chat_id}",
        }
        sent = {
            "message_id": next(self._ids),
            "from": {**name, "is_bot": False, "language_code": "en"},
            "chat": {**name, "type": "private"},
            "date": int(time.time()),
            "text": message.text,
        }
        if message.text.startswith("/"):
            command = message.text.partition(" ")[0]
            sent["entities"] = [{"type": "bot_command", "offset": 0, "length": len(command)}]
        return sent

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                method = head.split(maxsplit=2)[1].rpartition("/")[2]
                given = json.loads(body) if body.startswith(b"{") else dict(parse_qsl(body.decode()))
                result = await self._result(method, given)
                answer = json.dumps({"ok": True, "result": result}).encode()
                start = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
                writer.write(start.encode() + answer)
                await writer.drain()
        writer.close()

    async def _result(self, method: str, given: dict[str, Any]) -> object:
        match method:
            case "getMe":
                return BOT
            case "getMyDescription" | "getMyShortDescription":
                return {"description": "", "short_description": ""}
            case "getUpdates":
                return await self._poll(int(given.get("offset") or 0), float(given.get("timeout") or 0))
            case "sendMessage":
                return self._take(given)
        return True

    async def _poll(self, offset: int, timeout: float) -> list[dict[str, Any]]:
        self.polls += 1
        self._change()
        self._updates = [each for each in self._updates if each["update_id"] >= offset]
        with suppress(TimeoutError):
            await self.until(lambda: bool(self._updates), timeout)
        return self._updates[:MOST]

    def _take(self, given: dict[str, Any]) -> dict[str, Any]:
        """Take a message of the bot's, and describe it."""
        shown = parse_html(given["text"]) if given.get("parse_mode") == "HTML" else None
        sent = self._sent(Message(int(given["chat_id"]), given["text"])) | {"from": BOT}
        sent.pop("entities", None)
        if shown is not None:
            sent |= {"text": shown.text, "entities": [each.as_json() for each in shown.entities]}
        if "reply_markup" in given:
            markup = given["reply_markup"]
            sent["reply_markup"] = json.loads(markup) if isinstance(markup, str) else markup
        self.answers += 1
        self._change()
        return sent


@asynccontextmanager
async def telegram_stand_in() -> AsyncIterator[TelegramStandIn]:
    """Yield a stand-in that is served on loopback while the context lasts."""
    stand_in = TelegramStandIn()
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    stand_in.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stand_in
    finally:
        server.close()
