"""Measure what becomes of customers' services: ``python -m tests.outcome.run --customers 1000 --months 12``."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random

import click

from bot.chat.texts import Translations, load_translations, make_texts_for
from bot.domain.chats import Preferences
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import CheckPlan
from tests.outcome.customers import Customer, Kind
from tests.outcome.hosting import CALENDAR, DAY
from tests.outcome.reading import ReadTelegram
from tests.outcome.statements import Verdict, claims
from tests.simulation import faults
from tests.simulation.evidence import Evidence
from tests.simulation.process import fast_files
from tests.simulation.provider import SimAccount
from tests.simulation.run import IN_MEMORY, silence
from tests.simulation.world import BERLIN, World, utc
from tests.simulation.wrong_clocks import plan_wrong_clocks

PER_WORLD = 12
LOSSES = ("suspended", "deleted", "lost")
MUTED = "muted: suspended or lost"
INTERVAL = 7 * DAY
"""Between two checks of an account at which nothing has changed."""
START = utc(2026, 2, 1)
STOPS_A_MONTH = 1
STOPPED_FOR = [0.01, 0.1, 2, 24]
"""Hours without the bot at most."""
FADES_OUT = 30 * DAY
"""Invoices that were made so late may not be settled at the end. They don't count for the messages."""


@dataclass
class Tally:
    """What became of some worlds. ``messages`` counts invoices by how many messages spoke of them until settled."""

    customers: Counter[Kind] = field(default_factory=Counter)
    invoices: Counter[Kind] = field(default_factory=Counter)
    losses: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    messages: Counter[int] = field(default_factory=Counter)
    arrived: Counter[Kind] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for mine, its in zip(vars(self).values(), vars(other).values(), strict=True):
            mine += its  # noqa: PLW2901  # counters and lists grow in place

    def lost(self, what: str) -> int:
        return sum(count for (_, lost), count in self.losses.items() if lost == what)

    def percentile(self, share: float) -> int:
        """Return how many messages at most this share of the invoices had."""
        wanted, seen = share * self.messages.total(), 0
        for count, invoices in sorted(self.messages.items()):
            seen += invoices
            if seen >= wanted:
                return count
        return 0


def run(number: int, *, people: int, months: int, with_bot: bool, trace: Callable[[str], None] | None = None) -> Tally:
    """Let the customers of one world live, and count. Without ``with_bot`` it is the bot with the rhythm of before."""
    failures: list[str] = []
    silence(failures)
    fast_files()
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        world = World(number, Path(folder), START, START + months * faults.MONTH * DAY, trace)
        customers = _settle(world, number, people, with_bot=with_bot)
        world.live()
    tally = Tally(broken=[f"the bot logged an error: {failure}" for failure in failures])
    for customer in customers:
        _count(tally, customer, Evidence(world, customer.person), with_bot=with_bot)
    tally.broken = [f"world {number}: {words}" for words in tally.broken]
    return tally


@cache
def _translations() -> Translations:
    return load_translations("EUR", BERLIN)


def _settle(world: World, number: int, people: int, *, with_bot: bool) -> list[Customer]:
    """Fill a world with people and faults. Both rhythms get the same ones."""
    calendar = CALENDAR if with_bot else ProviderCalendar()
    world.plan = CheckPlan(INTERVAL, BERLIN, Preferences(), calendar=calendar, currency="EUR")
    texts_for = make_texts_for(_translations(), world.plan)
    telegram = ReadTelegram(Random(f"telegram {number}"), world.clock, world.note, texts_for, world.plan)
    world.telegram = telegram
    world.provider.slow_rate = telegram.slow_rate = 0
    customers = []
    for place in range(people):
        kind = list(Kind)[(number * PER_WORLD + place) % len(Kind)]
        person = world.add_person(f"token-{place}-0000", 100 + place, SimAccount())
        customer = Customer(world, person, kind, f"{number}/{place}", with_bot=with_bot)
        telegram.on_message[person.chat] = customer.read
        faults.account_troubles(world, person.account)
        customers.append(customer)
    faults.provider_outages(world)
    faults.telegram_outages(world)
    stops = Random(f"stops {number}")
    world.downtime = lambda: timedelta(hours=stops.choice(STOPPED_FOR) * stops.random())
    for at in faults.times(world, STOPS_A_MONTH):
        world.at(at, lambda: _stop(world))
    plan_wrong_clocks(world, Random(f"clock {number}"), kills=False)
    return customers


def _stop(world: World) -> None:
    if world.process is not None:
        world.process.kill_switch.trigger("while it waited")


def _count(tally: Tally, customer: Customer, evidence: Evidence, *, with_bot: bool) -> None:
    kind, account = customer.kind, customer.person.account
    tally.customers[kind] += 1
    tally.invoices[kind] += len(account.history)
    tally.arrived[kind] += len(customer.messages)
    for loss in customer.hosting.losses:
        if loss.number not in customer.muted:
            tally.losses[kind, loss.what] += 1
        elif loss.what != "deleted":  # it was suspended before
            tally.losses[kind, MUTED] += 1
    for number, history in account.history.items():
        states = list(zip(history.times, history.values, strict=True))[1:]
        made, settled = states[0][0], next((at for at, i in states if i is not None and not i.is_open), None)
        if settled == made or made > evidence.end - FADES_OUT:
            continue
        told = [m for m in customer.messages if number in m.words and m.at <= (settled or evidence.end)]
        tally.messages[len(told)] += 1
    verdict = Verdict(customer, evidence)
    broken = [*(verdict.broken() if with_bot else ()), *claims(customer, calendar_is_set=with_bot)]
    tally.broken += [f"chat {customer.person.chat.id}: {words}" for words in broken]
    tally.checked.update(losses=verdict.losses, wishes=verdict.wishes)


def replay(number: int, months: int) -> str:
    """Return the command that runs one world again and shows what happened."""
    return f"replay with: python -m tests.outcome.run --months {months} --trace {number}"


def both(number: int, people: int, months: int) -> tuple[Tally, Tally]:
    """Run a world with the bot as it is, and with its rhythm of before."""
    now, before = (run(number, people=people, months=months, with_bot=with_bot) for with_bot in (True, False))
    return now, before


def many(customers: int, months: int, processes: int) -> Iterator[tuple[Tally, Tally]]:
    """Run so many customers, on several cores."""
    sizes = [min(PER_WORLD, customers - begin) for begin in range(0, customers, PER_WORLD)]
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(both, number, size, months) for number, size in enumerate(sizes)]
        yield from (job.result() for job in jobs)


def report(now: Tally, before: Tally) -> Iterator[str]:
    """Yield the outcome, with a table in Markdown. In brackets is the rhythm of before."""
    yield f"| person | customers | invoices | {' | '.join(LOSSES)} | {MUTED} |"
    yield f"| --- {'| ---: ' * (len(LOSSES) + 3)}|"
    for kind in Kind:
        cells = [f"{now.losses[kind, what]} ({before.losses[kind, what]})" for what in (*LOSSES, MUTED)]
        yield f"| {kind} | {now.customers[kind]} | {now.invoices[kind]} | {' | '.join(cells)} |"
    sums = [f"{now.lost(what)} ({before.lost(what)})" for what in (*LOSSES, MUTED)]
    yield f"| **all** | {now.customers.total()} | {now.invoices.total()} | {' | '.join(sums)} |"
    yield ""
    for name, tally in (("Now", now), ("Before", before)):
        yield (
            f"{name}: messages about an invoice until it is settled: median {tally.percentile(0.5)}, 95th percentile "
            f"{tally.percentile(0.95)}, of {tally.messages.total()} invoices; {tally.arrived.total()} messages in all"
        )
    checked = now.checked
    yield f"Checked: the warnings of {checked['losses']} losses, and {checked['wishes']} times that credit was told"


@click.command()
@click.option("--customers", default=1000, show_default=True)
@click.option("--months", default=12, show_default=True)
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="How many processes.")
@click.option("--trace", type=int, help="Show everything that happens in this world, and nothing else.")
@click.option("--chat", help="With --trace: show only this chat.")
@click.option("--before", "is_before", is_flag=True, help="With --trace: with the rhythm of before.")
def main(*, customers: int, months: int, jobs: int, trace: int | None, chat: str | None, is_before: bool) -> None:
    """Measure the outcome, with the bot and with its rhythm of before. Exit with status 1 if a statement is broken."""

    def show(line: str) -> None:
        if chat is None or line.split()[3] in {chat, "-"}:
            click.echo(line)

    if trace is not None:
        size = min(PER_WORLD, customers - trace * PER_WORLD)
        click.echo("\n".join(run(trace, people=size, months=months, with_bot=not is_before, trace=show).broken))
        return
    now, before, begun = Tally(), Tally(), time.monotonic()
    for done, tallies in enumerate(many(customers, months, jobs), start=1):
        now.add(tallies[0])
        before.add(tallies[1])
        for words in tallies[0].broken + tallies[1].broken:
            click.echo(words)
        if done % 10 == 0:
            click.echo("\n".join([f"After {time.monotonic() - begun:.0f} s:", *report(now, before), ""]), err=True)
    click.echo("\n".join(report(now, before)))
    raise SystemExit(1 if now.broken or before.broken else 0)


if __name__ == "__main__":
    main()
