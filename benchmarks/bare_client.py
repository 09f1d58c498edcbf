"""A client that costs next to nothing: it shows how many requests a stand-in answers alone."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.figures import Figure

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
REQUESTS, AT_ONCE = 5000, 50


@dataclass(frozen=True, slots=True)
class StandInLoad:
    """How many requests a second a stand-in answers alone, and which part of its core it used in each round."""

    alone: float
    shares: tuple[float, ...]

    def figures(self, name: str, what: str) -> list[Figure]:
        """Return both. The part shows that it is not the stand-in that is measured."""
        return [
            Figure(name, f"{what}: part of its core", "", self.shares),
            Figure(f"{name}.alone", f"{what} alone", "answers a second", (self.alone,)),
        ]


async def bare_rate(url: str, request: bytes) -> float:
    """Return how many such requests a second are answered to clients that only count bytes."""
    address = urlsplit(url)
    assert address.port is not None

    async def client(share: int) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for _ in range(share):
            writer.write(request)
            length = LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
            assert length is not None
            await reader.readexactly(int(length[1]))
        writer.close()

    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(client(REQUESTS // AT_ONCE) for _ in range(AT_ONCE)))
    return REQUESTS / (loop.time() - began)
