"""Measure what a search costs in an account of 30,000 invoices, beside the list that it is searched in.

    python -m benchmarks.searching [INVOICES]

The baseline puts the same invoices into the list's order, as /invoices does. All of it is processor time of the thread
that does the work, so that other programs on a busy machine don't count. Reading the list from the provider and
drawing a page are left out: a search does neither more often than a list.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from bot.chat.search_words import vocabulary_of
from bot.chat.texts import load_translations
from bot.domain.invoices import Invoice, Item, open_first
from bot.domain.search.finding import find
from bot.domain.search.parsing import conditions_in
from bot.services.searching import similar
from tests.fakes import invoice, settled

TODAY = date(2026, 11, 29)
ROUNDS = 5
SEARCHES = (
    "4711", "2025", "49,90", ">20", "März", "Q1 2026", "unbezahlt", "Hosting", "shop4711.example.org", "exmaple.org",
    "Betriebsystem", "Überraschungen", "domain 2025 bezahlt", "7,77 März Hosting shop4711.example.org", "4711 4712",
)  # fmt: skip
KINDS = ("Hosting", "Domain", "Donation")
DETAILS = (
    "Betriebssystem: Windows (Log-In ready)\nProzessor: 2 Kerne\nRAM: 4GB RAM\nNVMe SSD Speicher: 50GB SSD\n"
    "Netzwerkgeschwindigkeit: bis zu 200 MBit/s\nStandort: Köln, Größe S"
)


def account(count: int) -> list[Invoice]:
    """Return invoices of many years and services, with texts as long as in the provider's reference."""
    dice, made = random.Random(1), []
    for number in range(1, count + 1):
        kind, day = dice.choice(KINDS), date(2010, 1, 1) + timedelta(days=dice.randrange(6000))
        total = Decimal(dice.randrange(100, 20_000)) / 100
        title = f"{kind} shop{dice.randrange(count)}.example.org ({day:%d.%m.%Y} - {day + timedelta(days=30):%d.%m.%Y})"
        items = (Item(kind, title, f"{title}\n{DETAILS}", total, dice.randrange(9000)),)
        one = replace(invoice(300_000 + number, day), issued=day, total=total, subtotal=total, items=items)
        made.append(settled(one) if dice.randrange(20) else one)
    return made


def median_of(work: Callable[[], object]) -> float:
    """Return the seconds of processor time, after one round that does not count."""
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return statistics.median(taken[1:])


def main() -> None:
    invoices = account(int(sys.argv[1]) if sys.argv[1:] else 30_000)
    vocabulary = vocabulary_of(load_translations("EUR", ZoneInfo("Europe/Berlin")))

    def search(text: str) -> None:
        conditions = conditions_in(text, vocabulary, TODAY)
        find(invoices, conditions, vocabulary, similar, TODAY, lambda due: due < TODAY)

    baseline = median_of(lambda: open_first(invoices))
    print(f"{len(invoices):,} invoices put into order: {baseline * 1000:.0f} ms")
    for text in SEARCHES:
        taken = median_of(partial(search, text))
        print(f"{text:<40} {taken * 1000:7.0f} ms {taken / baseline:6.1f} × that")


if __name__ == "__main__":
    main()
