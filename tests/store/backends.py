"""Access to the backend below a store, for tests that look inside."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from bot.store.backend import Work
from bot.store.postgres.backend import PostgresBackend
from bot.store.postgres.connections import Connections
from bot.store.rules.records import ChatRecord, PaymentRow
from bot.store.tinydb.backend import TinyBackend, run_to_end


def folder_of(store: Any) -> TinyBackend:
    """Return the backend of a store on a folder."""
    assert isinstance(store._backend, TinyBackend)
    return store._backend


def database_of(store: Any) -> Connections:
    """Return the connections of a store on a database."""
    assert isinstance(store._backend, PostgresBackend)
    return store._backend.connections


def chat_in_file(store: Any, chat_id: int) -> ChatRecord | None:
    """Return a chat as its file has it."""
    return folder_of(store).transaction().load_chat(chat_id)


def payments_in_file(store: Any, account: str) -> list[PaymentRow]:
    """Return an account's payments as their file has them."""
    return run_to_end(folder_of(store).transaction().payments_of(account))


async def cancel_once_claimed(store: Any, claim: Coroutine[Any, Any, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel ``claim`` after it is committed but before it returns. Wait until the claim is given back."""
    backend, committed, heard = store._backend, asyncio.Event(), asyncio.Event()
    run = backend.run

    async def run_slowly(work: Work[Any]) -> Any:
        result = await run(work)
        committed.set()
        await heard.wait()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(backend, "run", run_slowly)
        claiming = asyncio.create_task(claim)
        await committed.wait()
        claiming.cancel()
        await asyncio.gather(claiming, return_exceptions=True)
        assert claiming.cancelled()
    heard.set()
    await store._claims.settled()
