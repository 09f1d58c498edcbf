"""Show for how long the heaviest accounts hold the event loop. The provider is another process on loopback.

    python -m benchmarks.weight

Each line is something that the bot does with such an account. First comes the longest step of the event loop meanwhile,
in the processor time of its thread, so that other programs on a busy machine don't count. Then comes for how long the
loop had no turn at most, by the clock: also because another thread did not let go, or the machine was busy.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio import events
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Never
from zoneinfo import ZoneInfo

from benchmarks.figures import Figure, show
from benchmarks.processes import first_line, python_module
from bot import logs
from bot.chat.search_words import vocabulary_of
from bot.chat.texts import load_translations
from bot.chat.views.invoice_choice import invoice_choice
from bot.chat.views.invoice_details import invoice_details
from bot.chat.views.invoice_list import invoice_list
from bot.chat.views.jumping import jump_menu
from bot.domain.chats import Chat, Member, Place, Token
from bot.domain.invoices import Listing, open_first, size_of
from bot.domain.queries import ListPage, Query
from bot.domain.schedule import CheckPlan
from bot.garbage import no_full_collections
from bot.offload import HEAVY_COUNT, off_loop
from bot.provider.client import ProviderClient, open_http_client
from bot.sandbox.provider.invoices import make_invoice
from bot.services.browsing import Browsing
from bot.services.checks import Checker
from bot.services.linking import Linking
from bot.services.reading import AccountReads
from bot.services.searching import Searching
from bot.services.workers import Workers
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

INVOICES, ITEMS, BROKEN, TEXT = 30_000, 100_000, 100_000, 10 * 1024 * 1024


def wire(number: int) -> dict[str, Any]:
    made = make_invoice(number, Decimal("7.95"), issued=date(2026, 11, 1), due=date(2027, 6, 1))
    return made.as_json("en", ZONE, "http://localhost")


def write_answers(folder: Path) -> None:
    """Write what the provider answers: a list for each token, and two heavy invoices."""
    item = wire(1)["items"][0]
    answers = {
        "many": {"data": [wire(1 + n) for n in range(INVOICES)]},
        "broken": {"data": [{"id": n} for n in range(BROKEN)]},
        "1": {"data": wire(1) | {"items": [item] * ITEMS}},
        "2": {"data": wire(2) | {"items": [item | {"description": "word " * (TEXT // 5)}]}},
    }
    for name, answer in answers.items():
        (folder / name).write_text(json.dumps(answer))


async def serve(folder: Path) -> None:
    """Print the port, and answer requests until the end of standard input. A list is named by the token."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path, token = head.split()[1], head.casefold().partition("bearer ")[2].split()[0]
                last = path.rpartition("/")[2]
                content = (folder / (last if last.isdecimal() else token)).read_bytes()
                size = f"content-length: {len(content)}\r\n\r\n"
                writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{size}".encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@asynccontextmanager
async def provider(folder: Path) -> AsyncIterator[str]:
    """Run the provider in a process of its own. Yield its URL."""
    async with python_module("benchmarks.weight", str(folder)) as process:
        yield f"http://127.0.0.1:{await first_line(process)}"


def paid_over_ten_years(listing: Listing) -> Listing:
    """Return the list with all invoices paid, each month the same number of them."""
    dates = [date(2017 + n % 120 // 12, n % 12 + 1, 1) for n in range(len(listing.invoices))]
    paid = [replace(i, is_open=False, status="Paid", issued=d) for i, d in zip(listing.invoices, dates, strict=True)]
    return replace(listing, invoices=tuple(open_first(paid)))


LOOK_EVERY = 0.001
"""Seconds between two turns of the loop that does nothing."""


class Watchdog:
    """Measures the longest step of the event loop, and its longest wait for a turn."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self._longest = self._waited = 0.0
        self._looking = asyncio.create_task(self._look())
        run = events.Handle._run  # every step goes through it

        def measured(handle: events.Handle) -> None:
            began = time.thread_time()
            run(handle)
            self._longest = max(self._longest, time.thread_time() - began)

        events.Handle._run = measured  # type: ignore[method-assign, assignment]

    async def during(self, name: str, work: Awaitable[Any]) -> Any:
        """Note the longest step while ``work`` is done. It is done in steps of its own."""
        await asyncio.sleep(2 * LOOK_EVERY)
        self._longest, self._waited = 0.0, 0.0
        result = await asyncio.create_task(_awaited(work))
        await asyncio.sleep(2 * LOOK_EVERY)
        held, waited = self._longest * 1000, self._waited * 1000
        self.figures.append(Figure(f"weight.{name}", f"{name}: longest step", "ms", (held,)))
        self.figures.append(Figure(f"weight.{name}.no_turn", f"{name}: no turn at most", "ms", (waited,)))
        return result

    async def _look(self) -> Never:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LOOK_EVERY)
            self._waited = max(self._waited, time.perf_counter() - began - LOOK_EVERY)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


async def watched() -> list[Figure]:
    """Do what the bot does with such accounts. Return the steps."""
    logs.configure("WARNING", "console")
    t = load_translations("EUR", ZONE)["en"]
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        write_answers(folder)
        async with provider(folder) as url, open_http_client() as http:
            store = open_store(folder / "data", [new_key()])
            client = ProviderClient(http, url, ZONE)
            plan, clock = CheckPlan(timedelta(minutes=15), ZONE), lambda: NOW
            watchdog = Watchdog()
            linking = Linking(store, client, clock, plan, base_url=url)
            chat, place = Chat(1), Place(1)
            link = linking.link(chat, place, Member(1, "Ada"), Token("many"))
            await watchdog.during(f"link an account of {INVOICES:,}", link)
            checker = Checker(store, client, clock, plan, Workers(1))
            linked = await store.chat(1)
            for order in ("first", "second"):
                await watchdog.during(f"{order} check of {INVOICES:,} invoices", checker.check_now(linked))
            browsing = Browsing(AccountReads(client, store, clock))
            vocabulary = vocabulary_of(load_translations("EUR", ZONE))
            searching = Searching(browsing, store, clock, lambda: vocabulary, ZONE)
            listing = await watchdog.during(f"list {INVOICES:,} invoices", browsing.listing(linked, Query()))
            for text in ("shop 7,77 März", "Betriebsystem"):
                search = searching.run(linked, searching.read(text, NOW.date()), NOW.date(), Query())
                await watchdog.during(f"search them for {text}", search)
            paid = await asyncio.to_thread(paid_over_ten_years, listing)
            for what, shown in (("", listing), (" once paid", paid)):
                page = off_loop(True, invoice_list, t, shown, ListPage(), NOW)
                await watchdog.during(f"show a page of them{what}", page)
            for year, what in ((0, "years"), (NOW.year, "months of a year")):
                await watchdog.during(f"show their {what}", off_loop(True, jump_menu, t, shown, ListPage(), year))
            await watchdog.during("offer the newest of them", off_loop(True, invoice_choice, t, "pdf", shown, NOW, 1))
            for number, what in ((1, f"an invoice of {ITEMS:,} items"), (2, f"an invoice of {TEXT:,} letters")):
                invoice = await watchdog.during(f"read {what}", browsing.invoice(linked, number))
                heavy = size_of([invoice]) > HEAVY_COUNT
                await watchdog.during(f"show {what}", off_loop(heavy, invoice_details, t, invoice, NOW))
            broken = client.list_invoices(Token("broken"), "en")
            await watchdog.during(f"read a list of {BROKEN:,} that can't be read", broken)
            await store.close()
    return watchdog.figures


def measure() -> list[Figure]:
    """Return the longest step of all, and each by itself."""
    with no_full_collections():
        figures = asyncio.run(watched())
    longest = max(figure.median for figure in figures if not figure.name.endswith("no_turn"))
    return [Figure("weight.longest", "heavy accounts: the longest step", "ms", (longest,)), *figures]


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(Path(sys.argv[1])))
    else:
        show(measure())
