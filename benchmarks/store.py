"""The cost of a change in the embedded store and of its start, by the number of chats.

    python -m benchmarks.store [CHATS …]

The baseline, in the same run on the same disk, is TinyDB unchanged: one JSON file for all chats, rewritten in place
without a sync at each change. Ratios mean the same on every machine, unlike seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from tinydb import TinyDB
from tinydb.table import Document

from benchmarks.chats import fill
from benchmarks.figures import Figure, show
from benchmarks.provider import listed
from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Watch
from bot.domain.standings import Standing
from bot.ports import Checked, utc_now
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from bot.store.tinydb.transaction import chat_file
from bot.store.vault import new_key

NOW = utc_now()
MINUTE = timedelta(minutes=1)
LEASE = 5 * MINUTE
INVOICES = 17  # about 5 KB a chat
SIZES = (100, 10_000)
PLAIN = "TinyDB with one file"
TITLE = "KVM Konfigurierbar (SSD) - (27.06.2026 - 26.07.2026)"


def knowledge(total: str = "7.95") -> dict[int, KnownInvoice]:
    """Return the knowledge of a chat with a few years of invoices."""
    return {
        number: KnownInvoice(
            id=number,
            standing=Standing.OPEN if number % 10 == 0 else Standing.PAID,
            due=date(2026, 3, 27),
            left=Decimal("6.95"),
            total=Decimal(total),
            title=TITLE,
            gross=Decimal("9.4605"),
            announced=True,
            told_gross=Decimal("9.4605"),
            told_due=date(2026, 3, 27),
            told=7,
            settled_told=number % 10 != 0,
        )
        for number in range(130348, 130348 + INVOICES)
    }


async def check(store: Store, now: datetime, *, news: bool) -> tuple[float, float]:
    """Return the milliseconds for claiming a check and for saving it."""
    begin = time.perf_counter()
    (claimed,) = await store.claim_checks(now, 1, LEASE)
    middle = time.perf_counter()
    link = claimed.chat.link
    assert link is not None
    alert = Alert(now.isoformat(), link.place, link.account, AlertKind.DUE, now, 130350, 3, date(2026, 3, 27))
    result = Checked(
        known=knowledge(f"{now:%M.%S}") if news else claimed.known,
        alerts=[alert] if news else [],
        watch=Watch(checked_at=now) if news else link.watch,
        next_check_at=now + timedelta(days=30),
    )
    ready = time.perf_counter()
    assert await store.finish_check(claimed.claim, result)
    return (middle - begin) * 1000, (time.perf_counter() - ready) * 1000


def plain_tinydb(folder: Path, chats: int, rounds: int) -> list[float]:
    """Return the milliseconds for changing one chat if all chats share one file."""
    database = TinyDB(folder / "all.json")
    row = {"known": [msgspec.to_builtins(invoice) for invoice in knowledge().values()]}
    database.insert_multiple(Document(row, number) for number in range(1, chats + 1))

    def change(number: int) -> float:
        begin = time.perf_counter()
        database.update({"checked_at": str(number)}, doc_ids=[number % chats + 1])
        return (time.perf_counter() - begin) * 1000

    figures = [change(number) for number in range(rounds)]
    database.close()
    return figures


async def of(root: Path, chats: int) -> list[Figure]:
    """Return what a check costs in the store of so many chats."""
    folder, key, rounds = root / str(chats), new_key(), min(chats, 300)
    await fill(folder, key, chats, listed(), lambda _: NOW - utc_now())
    store = open_store(folder, [key])
    half = rounds // 2
    news = [await check(store, NOW + (1 + n) * MINUTE, news=True) for n in range(half)]
    same = [await check(store, NOW + (1 + n) * MINUTE, news=False) for n in range(half, 2 * half)]
    await store.close()
    plain = plain_tinydb(folder, chats, min(half, max(3, min(50, 20_000 // chats))))
    works = {
        "claim": [claim for claim, _ in news + same],
        "check with news saved": [save for _, save in news],
        "check without news saved": [save for _, save in same],
    }
    assert (folder / chat_file(1)).exists()
    return [
        Figure(
            f"store.{chats}.{name}", f"{chats:,} chats: {name}", "ms", tuple(found[: len(plain)]), tuple(plain), PLAIN
        )
        for name, found in works.items()
    ]


def measure(*sizes: int) -> list[Figure]:
    """Return what a check costs in the store, beside a change in one file for all chats."""
    with TemporaryDirectory() as root:
        return [figure for chats in sizes or SIZES for figure in asyncio.run(of(Path(root), chats))]


if __name__ == "__main__":
    show(measure(*map(int, sys.argv[1:])))
