"""The capacity of one process: the processor time of a check and of an answer by the whole bot in the sandbox.

    python -m benchmarks.capacity [people] [postgres]

The bot runs unchanged, over real HTTP, in a process of its own, on the embedded store or on PostgreSQL. The load of
sandbox and database does not count. A busy machine changes the time that passes, but hardly the processor time. So
processor time shows how much work a core can do.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.domain.chats import Link, Place, Token, Watch
from bot.factories import open_store
from bot.ports import utc_now
from bot.sandbox.sandbox import open_sandbox
from bot.sandbox.telegram import BOT_TOKEN, Chat, Person
from bot.store.vault import new_key
from tests.store.cluster import temporary_cluster

ROOT = Path(__file__).parents[1]
INVOICES = 17
TICKS = os.sysconf("SC_CLK_TCK")


def processor_time(pid: int) -> float:
    """Return the processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def database(wanted: str) -> Iterator[dict[str, str]]:
    """Yield the setting for a temporary PostgreSQL if it is wanted, else no setting."""
    if wanted != "postgres":
        yield {}
        return
    with temporary_cluster(fsync="on", full_page_writes="on") as cluster:
        yield {"DATABASE_URL": cluster.make_database("capacity")}


async def main(people: int = 200, wanted: str = "") -> None:
    """Measure checks, then answers during checks."""
    async with open_sandbox() as sandbox:
        with TemporaryDirectory() as folder, database(wanted) as setting:
            key = new_key()
            url = setting.get("DATABASE_URL")
            store = await open_store(sandbox.settings(Path(folder), token_keys=key, database_url=url))
            conversations: list[tuple[Person, Chat]] = []
            for number in range(people):
                token = f"sandbox-token-of-customer-{number:06}"
                account = sandbox.provider.add_account(token)
                for _ in range(INVOICES):
                    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=200)
                person = sandbox.telegram.add_user(f"Customer {number}", language_code="en")
                chat = sandbox.telegram.private_chat(person)
                now = utc_now()
                fingerprint = store.account_of(sandbox.provider_url, Token(token))
                link = Link(
                    account=fingerprint,
                    place=Place(chat.id),
                    token=Token(token),
                    linked_by=person.user.id,
                    linked_at=now,
                    next_check_at=now,
                    watch=Watch(checked_at=now),
                )
                await store.link(link, {})
                conversations.append((person, chat))
            await store.close()
            environment = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
                "TELEGRAM_API_URL": sandbox.telegram_url,
                "PROVIDER_URL": sandbox.provider_url,
                "DATA_DIR": folder,
                "TOKEN_KEYS": key,
                "CHECK_INTERVAL": "5",
                "QUIET_HOURS": "",
                "LOG_LEVEL": "WARNING",
                **setting,
            }
            bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=environment, cwd=folder)
            try:
                await measure(sandbox.provider.requests, conversations, bot.pid)
            finally:
                bot.kill()
                await bot.wait()


async def measure(requests: Sequence[object], conversations: list[tuple[Person, Chat]], pid: int) -> None:
    """Wait for the first alerts. Then measure checks without news. Then measure answers during such checks."""
    people = len(conversations)
    while not all(chat.messages for _, chat in conversations):  # noqa: ASYNC110  # until every chat has its alerts
        await asyncio.sleep(0.1)
    await asyncio.sleep(10)
    began, count, at = processor_time(pid), len(requests), time.monotonic()
    await asyncio.sleep(30)
    checks = len(requests) - count
    check = (processor_time(pid) - began) / max(1, checks)
    rate = checks / (time.monotonic() - at)
    began, count = processor_time(pid), len(requests)
    sent = [(chat, person.send(chat, "/help")) for person, chat in conversations]
    while not all(any(m.sender.is_bot and m.id > q.id for m in chat.messages) for chat, q in sent):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    answer = (processor_time(pid) - began - (len(requests) - count) * check) / people
    print(f"{people} chats, {INVOICES} invoices each; {rate:.0f} checks a second were asked for")
    print(f"a check without news {check * 1000:6.2f} ms of a core: {1 / check:6.0f} a second at most")
    print(f"an answer to /help   {answer * 1000:6.2f} ms of a core: {1 / answer:6.0f} a second at most")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 200, *sys.argv[2:3]))
