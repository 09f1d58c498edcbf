"""Open and read the kept files. Only this module uses names of the store's code, so that the tests survive renames.

The results have the names of this module, or those that are stored.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bot.domain.chat_keys import key_of
from bot.domain.chats import Token
from bot.domain.invitations import Invitation
from bot.domain.selections import Selection
from bot.ports import Claim, Store
from bot.store.backend import Backend
from bot.store.move import Content, content_of, move
from bot.store.postgres.opening import open_database as open_whole_database, open_store as open_database_store
from bot.store.tinydb.opening import open_folder as open_whole_folder, open_store as open_folder_store
from bot.store.vault import Vault

KEPT = Path(__file__).parent / "kept"
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
"""The key that sealed the kept tokens."""

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""When the kept files are opened. The bot that wrote them was killed a minute earlier."""

LEASE = timedelta(minutes=5)
URL = "https://provider.example/api/v1"
FORGOTTEN = (4725,)
"""Chats that are no longer stored but still have payments under way."""

INVITATIONS = (
    "7474c1e7ed929af580fe66e460b0603960defee0c8399f3c40a2a1660b7d6f09",
    "9e3f156324d42f0ea4b6f4fce81d56fbd64a2143a3fdd60a130d9c90e5b4d688",
)
SELECTIONS = ("s1",)
DOCUMENTS = ("chat", "link", "known", "alerts", "silences", "sent")
"""The columns in which a database stores a chat."""


# --- Opening ---


@asynccontextmanager
async def opened_folder(folder: Path, *keys: str) -> AsyncIterator[Store]:
    """Open the store in a folder as a bot does."""
    store = open_folder_store(folder, keys or (KEY,), lambda: NOW)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_database(url: str, *keys: str) -> AsyncIterator[Store]:
    """Open the store in a database as a bot does."""
    store = await open_database_store(url, keys or (KEY,), connections=2, clock=lambda: NOW)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def folder_backend(folder: Path) -> AsyncIterator[Backend]:
    """Open a folder for a move. No bot uses it."""
    with open_whole_folder(folder, Vault([KEY])) as backend:
        yield backend


@asynccontextmanager
async def database_backend(url: str) -> AsyncIterator[Backend]:
    """Open a database for a move. No bot uses it."""
    async with open_whole_database(url, 2, 10) as backend:
        yield backend


async def hash_of(place: Backend) -> Content:
    """Count and hash everything."""
    return await content_of(place)


async def move_all(source: Backend, target: Backend) -> Content:
    """Move everything into an empty place."""
    return await move(source, target, Vault([KEY]), lambda _, __: None)


# --- Stored data, read without the store ---


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of all files of a folder, except for the lock."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def documents_in(folder: Path) -> dict[str, Any]:
    """Return all files of a folder, decoded from JSON."""
    return {name: json.loads(content) for name, content in files_in(folder).items()}


def rows_in(url: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a database by table and key, without the columns that only serve searches."""
    documents = ", ".join(f"{name}::text" for name in DOCUMENTS)
    queries = {
        "chats": f"SELECT id, {documents} FROM chats",
        "payments": "SELECT id, number, payment::text FROM payments",
        "papers": "SELECT kind || ' ' || id, paper::text FROM papers",
        "leases": "SELECT name, holder, until FROM leases",
        "budgets": "SELECT name, full_at FROM budgets",
        "store": "SELECT '', fingerprint_secret, moving FROM store",
        "replicas": "SELECT id FROM replicas",
    }
    with psycopg.connect(url) as connection:
        return {
            table: {str(key): rest for key, *rest in connection.execute(query.encode())}
            for table, query in queries.items()
        }


# --- Reading through the port ---


def expected() -> dict[str, Any]:
    """Return what the version that wrote the files read from them."""
    content: dict[str, Any] = json.loads((KEPT / "expected.json").read_text(encoding="utf-8"))
    return content


async def read(store: Store) -> dict[str, Any]:
    """Return everything that can be read from a store without changing it."""
    overviews = await store.overviews()
    chat_ids = [*(overview.chat_id for overview in overviews), *FORGOTTEN]
    chats = {chat_id: await _read_chat(store, chat_id) for chat_id in chat_ids}
    payment_ids = sorted(payment["id"] for chat in chats.values() for payment in chat["everything"]["payments"])
    tokens = await _tokens(store, chat_ids)
    backlog = await store.backlog(NOW)
    content: dict[str, Any] = _plain(
        {
            "accounts": {token: store.account_of(URL, Token(token)) for token in tokens.values()},
            "alerts": [
                {"chat": one.chat_id, "alert": one.alert, "again": one.again, "not_before": one.not_before}
                for one in await store.alerts()
            ],
            "batches": {number: [one.id for one in await store.batch_of(number)] for number in payment_ids},
            "chats": chats,
            "in_all": {"waiting": backlog.waiting, "given_up": backlog.set_aside},
            "invitations": [await store.pending(Invitation, number) for number in INVITATIONS],
            "overviews": [
                {
                    "chat": one.chat_id,
                    "account": one.account,
                    "resting": one.resting,
                    "trouble": one.trouble,
                    "checked_at": one.checked_at,
                    "next_check_at": one.next_check_at,
                    "waiting": one.waiting,
                    "given_up": one.set_aside,
                }
                for one in overviews
            ],
            "payments": {number: await store.payment(number) for number in payment_ids},
            "selections": [await store.pending(Selection, number) for number in SELECTIONS],
            "tokens": tokens,
            "unsettled": [payment.id for payment in await store.unsettled_payments()],
        }
    )
    found: dict[str, Any] = without_new_fields(content, expected())
    return found


async def _read_chat(store: Store, chat_id: int) -> dict[str, Any]:
    chat, waiting = _plain(await store.chat(chat_id)), await store.waiting_alerts(key_of(chat_id))
    if chat["link"] is not None:
        del chat["link"]["token"]  # it is read separately
    return {
        "chat": chat,
        "everything": await store.everything_of(chat_id),
        "known": await store.known_invoices(key_of(chat_id)),
        "payments": [payment.id for payment in await store.payments_of_chat(chat_id)],
        "sent": await store.sent_messages(key_of(chat_id)),
        "waiting": waiting.waiting,
        "given_up": waiting.set_aside,
    }


async def _tokens(store: Store, chat_ids: list[int]) -> dict[int, str]:
    links = {chat_id: (await store.chat(chat_id)).link for chat_id in chat_ids}
    return {chat_id: link.token.reveal() for chat_id, link in links.items() if link is not None}


def without_new_fields(found: Any, kept: Any) -> Any:
    """Leave out fields that were added since ``kept`` was written. Names of fields are identifiers; ids are not."""
    if isinstance(found, dict) and isinstance(kept, dict):
        return {
            key: without_new_fields(value, kept.get(key))
            for key, value in found.items()
            if key in kept or not key.isidentifier()
        }
    if isinstance(found, list) and isinstance(kept, list) and len(found) == len(kept):
        return [without_new_fields(*pair) for pair in zip(found, kept, strict=True)]
    return found


def _plain(value: object) -> Any:
    """Return a value after a round trip through JSON."""
    return json.loads(json.dumps(msgspec.to_builtins(value, str_keys=True)))


# --- Claiming work ---


@dataclass(frozen=True, slots=True)
class Message:
    """A claimed message: its chat, its alerts, and whether it may have arrived before."""

    chat: int
    alerts: tuple[str, ...]
    again: bool
    paid_here: tuple[int, ...] = ()


async def due_checks(store: Store, now: datetime) -> list[int]:
    """Claim all due checks, and return their chats, the longest overdue first."""
    checks = await store.claim_checks(now, 100, LEASE)
    for check in checks:
        assert check.known == await store.known_invoices(key_of(check.chat.id))
        assert check.sent == await store.sent_messages(key_of(check.chat.id))
    return [check.chat.id for check in checks]


async def due_messages(store: Store, now: datetime) -> list[Message]:
    """Claim all due messages, and return them ordered by chat."""
    deliveries = sorted(await store.claim_alerts(now, 100, LEASE), key=lambda delivery: delivery.chat.id)
    return [
        Message(one.chat.id, tuple(alert.id for alert in one.alerts), one.again, tuple(sorted(one.paid_here)))
        for one in deliveries
    ]


def claims_of_the_killed_bot(url: str, chat_id: int) -> tuple[Claim, Claim]:
    """Return the killed bot's claims on a chat's check and on its message."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT check_epoch, message_epoch, alerts->0->>'batch' FROM chats WHERE id = %s", [chat_id]
        ).fetchone()
    assert row is not None
    check, message, batch = row
    return Claim(str(chat_id), check), Claim(batch, message)


async def report_as_sent(store: Store, claim: Claim) -> bool:
    """Report that a claimed message was sent."""
    return await store.alerts_sent(claim, None, ())


async def give_back_check(store: Store, claim: Claim) -> bool:
    """Give a claimed check back without a result."""
    return await store.postpone_check(claim, NOW)


async def take_lease(store: Store, name: str, holder: str) -> int | None:
    """Take a leader lease, and return its fencing token. None: another holder has it."""
    lease = await store.take_lease(name, holder, NOW, LEASE)
    return None if lease is None else lease.fencing_token


async def seconds_to_wait(store: Store, bucket: str) -> float:
    """Take from a token bucket that gets one token every ten minutes. Return the wait in seconds, or 0 for success."""
    return await store.take_from_bucket(bucket, NOW, 1 / 600, 1)
