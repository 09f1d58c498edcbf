"""The cost of a change in the embedded store and of its start, by the number of chats.

    python -m benchmarks.store [--quick]

The baseline, in the same run on the same disk, is TinyDB unchanged: one JSON file for all chats, rewritten in place
without a sync at each change. Ratios mean the same on every machine, unlike seconds.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from tinydb import TinyDB
from tinydb.table import Document

from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Link, Place, Token, Watch
from bot.domain.standings import Standing
from bot.ports import Checked
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from bot.store.tinydb.transaction import chat_file
from bot.store.vault import new_key

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = 5 * MINUTE
INVOICES = 17  # about 5 KB a chat
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


async def fill(folder: Path, key: str, chats: int) -> None:
    """Link chats through the store itself, each with its knowledge."""
    store = open_store(folder, [key])
    for chat_id in range(1, chats + 1):
        token = Token(f"token-of-{chat_id}")
        link = Link(
            account=store.account_of("https://provider.example", token),
            place=Place(chat_id),
            token=token,
            linked_by=chat_id,
            linked_at=NOW,
            next_check_at=NOW,
            watch=Watch(checked_at=NOW),
        )
        await store.link(link, knowledge())
    await store.close()


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


def plain_tinydb(folder: Path, chats: int, rounds: int) -> float:
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
    return statistics.median(figures)


def in_ms(work: Callable[[], object]) -> float:
    """Return the milliseconds of a call."""
    gc.collect()
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


async def measure(root: Path, chats: int) -> None:
    """Print one line of results."""
    folder, key, rounds = root / str(chats), new_key(), min(chats, 300)
    await fill(folder, key, chats)
    size = sum(path.stat().st_size for path in (folder / "chats").iterdir()) / chats
    opened: list[Store] = []
    start = in_ms(lambda: opened.append(open_store(folder, [key])))
    (store,) = opened
    half = rounds // 2
    news = [await check(store, NOW + (1 + n) * MINUTE, news=True) for n in range(half)]
    same = [await check(store, NOW + (1 + n) * MINUTE, news=False) for n in range(half, 2 * half)]
    claim = statistics.median(figure for figure, _ in news + same)
    save, keep = (statistics.median(figure for _, figure in part) for part in (news, same))
    await store.close()
    plain = plain_tinydb(folder, chats, max(3, min(50, 20_000 // chats)))
    print(
        f"{chats:>6} chats of {size / 1024:.1f} KB | claim {claim:6.2f} ms | check with news {save:6.2f} ms"
        f" | without {keep:6.2f} ms | one file, plain TinyDB {plain:7.2f} ms = x {plain / save:.1f}"
        f" | start {start:7.1f} ms"
    )
    assert (folder / chat_file(1)).exists()


def main() -> None:
    sizes = [10, 100] if "--quick" in sys.argv else [10, 100, 10_000]
    with tempfile.TemporaryDirectory() as root:
        for chats in sizes:
            asyncio.run(measure(Path(root), chats))


if __name__ == "__main__":
    main()
