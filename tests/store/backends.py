"""The backend below a store, for tests that look inside."""

from __future__ import annotations

from typing import Any

from bot.store.postgres.backend import PostgresBackend
from bot.store.postgres.connections import Connections
from bot.store.rules.records import ChatRecord, PaymentRow
from bot.store.tinydb.backend import TinyBackend, run_to_end
from bot.store.tinydb.transaction import TinyTransaction


def folder_of(store: Any) -> TinyBackend:
    """The backend of a store on a folder."""
    assert isinstance(store._backend, TinyBackend)
    return store._backend


def database_of(store: Any) -> Connections:
    """The connections of a store on a database."""
    assert isinstance(store._backend, PostgresBackend)
    return store._backend.connections


def chat_in_file(store: Any, chat_id: int) -> ChatRecord | None:
    """A chat as its file has it."""
    return TinyTransaction(folder_of(store)).load_chat(chat_id)


def payments_in_file(store: Any, account: str) -> list[PaymentRow]:
    """An account's payments as their file has them."""
    return run_to_end(TinyTransaction(folder_of(store)).payments_of(account))
