"""Open the store of the settings directly, for the tests of the commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.factories import open_store
from bot.ports import Store
from bot.settings import load_settings

T = TypeVar("T")


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        store = await open_store(load_settings())
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
