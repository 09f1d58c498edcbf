"""Measure what a search costs in an account of 30,000 invoices, beside the list that it is searched in.

    python -m benchmarks.searching [INVOICES]

The baseline puts the same invoices into the list's order, as /invoices does. All of it is processor time of the thread
that does the work, so that other programs on a busy machine don't count. Reading the list from the provider and
drawing a page are left out: a search does neither more often than a list.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from benchmarks.figures import Figure, show
from bot.chat.search_words import vocabulary_of
from bot.chat.texts import load_translations
from bot.domain.invoices import Invoice, Item, open_first
from bot.domain.search.finding import find
from bot.domain.search.parsing import conditions_in
from bot.services.searching import similar
from tests.fakes import invoice, settled

TODAY = date(2026, 11, 29)
ROUNDS = 5
COUNT = 30_000
LIST = "putting the list into order"
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


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds of processor time."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def measure(count: int = COUNT) -> list[Figure]:
    """Return the milliseconds of each search, beside those for putting the list into order, in turns."""
    invoices = account(count)
    vocabulary = vocabulary_of(load_translations("EUR", ZoneInfo("Europe/Berlin")))

    def search(text: str) -> None:
        conditions = conditions_in(text, vocabulary, TODAY)
        find(invoices, conditions, vocabulary, similar, TODAY, lambda due: due < TODAY)

    works: dict[str, Callable[[], object]] = {LIST: partial(open_first, invoices)}
    works |= {text: partial(search, text) for text in SEARCHES}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(ROUNDS + 1):
        for name, work in works.items():
            seconds = seconds_of(work)
            if number:  # the first round does not count
                taken[name].append(1000 * seconds)
    base = tuple(taken.pop(LIST))
    return [Figure(f"searching.{text}", f"`{text}`", "ms", tuple(found), base, LIST) for text, found in taken.items()]


if __name__ == "__main__":
    show(measure(int(sys.argv[1]) if sys.argv[1:] else COUNT))
