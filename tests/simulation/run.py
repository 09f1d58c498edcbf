"""Run worlds and judge them: ``python -m tests.simulation.run --first 1 --seeds 100``. See ``--help``."""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click
import structlog

from tests.simulation.account_promises import AccountPromises
from tests.simulation.evidence import Evidence
from tests.simulation.life import create
from tests.simulation.nothing_lost import nothing_lost
from tests.simulation.nothing_too_much import nothing_too_much
from tests.simulation.process import fast_files

MONTHS = 4
NUMBER = re.compile(r"(?<=ARRIVED )\d+|(?<=edited )\d+|(?<=line to )\d+|(?<=deleted )\d+|(?<=folded )\d+")
"""Of a message in a trace. Messages of two chats at the same instant may come in any order."""
OFTEN = timedelta(minutes=30)
"""How often accounts are checked where glances are compared with full checks."""
PEOPLE = 3
IN_MEMORY = Path("/dev/shm")  # a file system in memory, if the system has one


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one seed's world. ``broken`` are broken promises in words, ``steps`` counts where it was killed.

    ``per_invoice`` counts for each invoice that was told of the messages that came about it. ``glances`` counts the
    checks that only saw that nothing had changed.
    """

    seed: int
    broken: tuple[str, ...]
    chat_months: int
    messages: int
    kills: int
    steps: Counter[str]
    per_invoice: tuple[int, ...] = ()
    glances: int = 0


def run(
    seed: int,
    *,
    kills: bool,
    trace: Callable[[str], None] | None = None,
    months: int = MONTHS,
    interval: timedelta | None = None,
    is_recognized: bool = True,
    apart: bool = False,
) -> Result:
    """Run the world of a seed, and judge it.

    ``interval`` None: it is a matter of chance how often accounts are checked. If no answer ``is_recognized``, every
    check is made in full. ``apart``: what happens by chance does not depend on how many requests came before.
    """
    failures: list[str] = []
    silence(failures)
    fast_files()
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        world = create(seed, Path(folder), months=months, people=PEOPLE, kills=kills, trace=trace)
        if interval is not None:
            world.plan = replace(world.plan, interval=interval)
        world.provider.is_recognized = is_recognized
        if apart:
            world.keep_chances_apart()
        world.live()
    broken = [f"the bot logged an error: {failure}" for failure in failures]
    for person in world.people:
        evidence = Evidence(world, person)
        judged = [*nothing_lost(evidence), *nothing_too_much(evidence), *AccountPromises(evidence).broken()]
        broken += [f"chat {person.chat.id}: {words}" for words in judged]
    messages = sum(len(person.chat.arrivals) for person in world.people)
    about = Counter((p.chat.id, s.invoice_id) for p in world.people for a in p.chat.arrivals for s in a.said)
    per_invoice = tuple(count for (_, number), count in about.items() if number is not None)
    counts = (months * PEOPLE, messages, len(world.kills), world.steps, per_invoice, world.provider.same)
    return Result(seed, tuple(broken), *counts)


def both_ways(seed: int) -> Result:
    """Run a seed with glances, and with every check made in full. Whatever differs is a broken promise."""
    glanced, full = list[str](), list[str]()
    often = partial(run, seed, kills=False, months=2, interval=OFTEN, apart=True)
    result = often(trace=glanced.append)
    often(trace=full.append, is_recognized=False)
    pairs = zip_longest(*(sorted(NUMBER.sub("", line) for line in lines) for lines in (glanced, full)))
    differing = [f"with a glance: {one} | in full: {other}" for one, other in pairs if one != other]
    return replace(result, broken=(*result.broken, *differing[:5]))


def silence(failures: list[str]) -> None:
    """Switch logging off, but record errors. There must be none."""

    def keep(_: object, __: str, event: MutableMapping[str, Any]) -> str:
        failures.append(f"{event.get('event')} {event.get('exc_info', '')}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.format_exc_info, keep], wrapper_class=structlog.make_filtering_bound_logger(40)
    )


def many(seeds: Sequence[int], one: Callable[[int], Result], *, processes: int) -> Iterator[Result]:
    """Run seeds on several cores. Yield their results in order."""
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, seeds, chunksize=4)


def replay(seed: int, *, kills: bool) -> str:
    """Return the command that runs one seed again and shows what happened."""
    return f"python -m tests.simulation.run --first {seed} --seeds 1 --trace{'' if kills else ' --no-kills'}"


@click.command()
@click.option("--first", default=1, show_default=True, help="The first seed.")
@click.option("--seeds", default=100, show_default=True, help="The number of seeds. Each is a world of its own.")
@click.option("--kills/--no-kills", default=True, help="Whether to kill the process now and then.")
@click.option(
    "--both-ways", "both", is_flag=True, help="Compare with worlds where every check is made in full. Without kills."
)
@click.option("--trace", is_flag=True, help="Show everything that happens, in the provider's time zone.")
@click.option("--chat", help="With --trace: show only this chat.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="How many processes.")
def main(*, first: int, seeds: int, kills: bool, both: bool, trace: bool, chat: str | None, jobs: int) -> None:
    """Simulate months and judge what people were told. Exit with status 1 if a promise was broken."""
    begun, total, broken = time.monotonic(), Counter[str](), 0
    steps: Counter[str] = Counter()
    per_invoice: list[int] = []

    def show(line: str) -> None:
        if chat is None or line.split()[3] in {chat, "-"}:
            click.echo(line)

    chosen = range(first, first + seeds)
    one = both_ways if both else partial(run, kills=kills)
    results = (run(seed, kills=kills, trace=show) for seed in chosen) if trace else many(chosen, one, processes=jobs)
    for done, result in enumerate(results, start=1):
        total.update(months=result.chat_months, messages=result.messages, kills=result.kills, glances=result.glances)
        steps.update(result.steps)
        per_invoice += result.per_invoice
        if result.broken:
            broken += 1
            click.echo(f"seed {result.seed}, replay with: {replay(result.seed, kills=kills)}")
            for words in result.broken[:5]:
                click.echo(f"  {words}")
        if done % 100 == 0:
            click.echo(_progress(done, total, broken, begun))
    click.echo(_progress(seeds, total, broken, begun))
    if len(per_invoice) > 1:
        middle, most = statistics.median(per_invoice), statistics.quantiles(per_invoice, n=20)[-1]
        click.echo(f"messages about an invoice: median {middle:g}, 95th percentile {most:g}")
    if kills and steps:
        click.echo("killed at: " + ", ".join(f"{step} ({count})" for step, count in sorted(steps.items())))
    sys.exit(1 if broken else 0)


def _progress(done: int, total: Counter[str], broken: int, begun: float) -> str:
    took = time.monotonic() - begun
    return (
        f"{done} seeds, {total['months']} chat-months, {total['messages']} messages, {total['kills']} kills, "
        f"{total['glances']} glances, "
        f"{broken} seeds with a broken promise, {took:.0f} s"
    )


if __name__ == "__main__":
    main()
