"""The surroundings of the client's tests: a sandbox provider on loopback, and a client with quick retries."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx

from bot.domain.chats import Token
from bot.provider.client import ProviderClient, open_http_client
from bot.provider.request import RetryPolicy
from bot.provider.transport import make_transport
from bot.sandbox.provider.app import BASE_PATH, SandboxProvider
from bot.sandbox.provider.ledger import Account
from bot.sandbox.server import serve

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MAX_DOCUMENT = 1024 * 1024
SECRET = "7|pK3vQx9sandboxSecret"
QUICK_RETRIES = RetryPolicy(
    deadline=5, download_deadline=5, attempts=3, first_wait=0.001, longest_wait=0.01, jitter=0, drain_timeout=0.2
)


def open_quickly() -> httpx.AsyncClient:
    """Open the client without loading certificates, which takes 20 ms."""
    return open_http_client(transport=make_transport(10, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))


@dataclass
class World:
    """The provider, its URL, an account there, and a client with that account's token."""

    sandbox: SandboxProvider
    base_url: str
    account: Account
    client: ProviderClient
    token: Token

    def asked(self, path: str) -> int:
        """Return the number of requests for this path, relative to the base."""
        return sum(1 for request in self.sandbox.requests if request.path == f"{BASE_PATH}/{path}")

    @asynccontextmanager
    async def other_client(self, retries: RetryPolicy) -> AsyncIterator[ProviderClient]:
        """Open a client with another retry policy."""
        async with open_quickly() as http:
            yield ProviderClient(http, self.base_url, BERLIN, retries=retries, clock=lambda: NOW)


@asynccontextmanager
async def open_world() -> AsyncIterator[World]:
    sandbox = SandboxProvider(clock=lambda: NOW)
    account = sandbox.add_account(SECRET, credit=Decimal(100))
    async with serve(sandbox.app) as root, open_quickly() as http:
        base_url = root + BASE_PATH
        client = ProviderClient(
            http, base_url, BERLIN, retries=QUICK_RETRIES, max_document=MAX_DOCUMENT, clock=lambda: NOW
        )
        yield World(sandbox, base_url, account, client, Token(SECRET))
