"""Firefox, driven by WebDriver BiDi, which it speaks by itself. Playwright knows only a build of its own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

STARTS_WITHIN = 30
"""Seconds."""


@dataclass
class FirefoxTab:
    """A tab in which scripts run. ``wrong`` is what the browser's console has as an error."""

    _socket: aiohttp.ClientWebSocketResponse
    _context: str = ""
    wrong: list[str] = field(default_factory=list)
    _sent: int = 0

    async def call(self, method: str, **params: Any) -> Any:
        self._sent += 1
        await self._socket.send_json({"id": self._sent, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.wrong.append(message["params"]["text"])
            if message.get("id") == self._sent:
                assert message["type"] == "success", message
                return message["result"]

    async def begin(self) -> None:
        await self.call("session.new", capabilities={})
        await self.call("session.subscribe", events=["log.entryAdded"])
        self._context = (await self.call("browsingContext.getTree"))["contexts"][0]["context"]

    async def open(self, address: str) -> None:
        await self.call("browsingContext.navigate", context=self._context, url=address, wait="complete")

    async def run(self, script: str) -> Any:
        """Return what the expression is, as JSON can say it."""
        target = {"context": self._context}
        expression = f"(async () => JSON.stringify((await ({script})) ?? null))()"
        answer = await self.call("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    async def wait_for(self, script: str, within: float = 20) -> None:
        """Wait until the expression is true. A page that is just being loaded again gives no answer."""
        async with asyncio.timeout(within):
            while True:
                with suppress(AssertionError):
                    if await self.run(f"Boolean({script})"):
                        return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def firefox(program: str, folder: Path) -> AsyncIterator[FirefoxTab]:
    """Start Firefox with a profile in this folder, and end it."""
    arguments = ["--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with aiohttp.ClientSession() as http:
            async with asyncio.timeout(STARTS_WITHIN):
                address = await _address(process)
            async with http.ws_connect(f"{address}/session") as socket:
                tab = FirefoxTab(socket)
                await tab.begin()
                yield tab
    finally:
        process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        if found := re.search(r"listening on (ws://\S+)", line.decode(errors="replace")):
            return found[1]
    raise AssertionError("Firefox has ended")
