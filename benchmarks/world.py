"""The whole bot as a process of its own, in the sandbox, with people who are linked already."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from bot.domain.chats import Link, Place, Token, Watch
from bot.factories import open_store
from bot.ports import Store, utc_now
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import BOT_TOKEN, Chat, Person
from bot.store.vault import new_key
from tests.store.cluster import temporary_cluster

ROOT = Path(__file__).parents[1]


Fill = Callable[[Store], Awaitable[None]]


class Talk(NamedTuple):
    """A person and their chat with the bot."""

    person: Person
    chat: Chat


def meet(sandbox: Sandbox, name: str) -> Talk:
    """Add a person who has not linked anything yet."""
    person = sandbox.telegram.add_user(name, language_code="en")
    return Talk(person, sandbox.telegram.private_chat(person))


@contextmanager
def database(wanted: str) -> Iterator[dict[str, str]]:
    """Yield the setting for a temporary PostgreSQL if it is wanted, else no setting."""
    if wanted != "postgres":
        yield {}
        return
    with temporary_cluster(fsync="on", full_page_writes="on") as cluster:
        yield {"DATABASE_URL": cluster.make_database("benchmark")}


@asynccontextmanager
async def running_bot(
    sandbox: Sandbox, folder: Path, linked: Mapping[Talk, int], fill: Fill | None = None, /, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot while the context lasts. ``linked``: who is linked, with how many open invoices.

    ``fill`` puts more into the store before.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "PROVIDER_URL": sandbox.provider_url,
        "DATA_DIR": str(folder),
        "TOKEN_KEYS": new_key(),
        "QUIET_HOURS": "",
        "LOG_LEVEL": "WARNING",
        **settings,
    }
    store = await open_store(
        sandbox.settings(folder, token_keys=environment["TOKEN_KEYS"], database_url=settings.get("DATABASE_URL"))
    )
    for number, (talk, invoices) in enumerate(linked.items()):
        await link(sandbox, store, talk, f"sandbox-token-of-customer-{number:06}", invoices)
    if fill is not None:
        await fill(store)
    await store.close()
    bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=environment, cwd=folder)
    try:
        yield bot
    finally:
        bot.kill()
        await bot.wait()


async def link(sandbox: Sandbox, store: Store, talk: Talk, token: str, invoices: int) -> None:
    """Link a chat to a new account, as if that had been done before."""
    account = sandbox.provider.add_account(token)
    for _ in range(invoices):
        sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=200)
    now = utc_now()
    await store.link(
        Link(
            account=store.account_of(sandbox.provider_url, Token(token)),
            place=Place(talk.chat.id),
            token=Token(token),
            linked_by=talk.person.user.id,
            linked_at=now,
            next_check_at=now,
            watch=Watch(checked_at=now),
        ),
        {},
    )
