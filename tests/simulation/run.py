"""Run worlds and judge them: ``python -m tests.simulation.run --first 1 --seeds 100``; ``--help`` says more."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from tests.simulation.account_promises import AccountStatement
from tests.simulation.life import create
from tests.simulation.process import fast_files
from tests.simulation.promises import Statement

MONTHS = 4
PEOPLE = 3
IN_MEMORY = Path("/dev/shm")  # noqa: S108  # where the system has a file system in memory, it is there


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one seed's world: ``broken`` promises in words, how many chat-months, where it was killed."""

    seed: int
    broken: tuple[str, ...]
    chat_months: int
    messages: int
    kills: int
    steps: Counter[str]


def run(seed: int, *, kills: bool, trace: Callable[[str], None] | None = None) -> Result:
    """Let the world of a seed live, and judge it."""
    failures: list[str] = []
    silence(failures)
    fast_files()
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        world = create(seed, Path(folder), months=MONTHS, people=PEOPLE, kills=kills, trace=trace)
        world.live()
    broken = [f"the bot logged an error: {failure}" for failure in failures]
    for person in world.people:
        statement = Statement(world, person)
        for words in [*statement.broken(), *AccountStatement(world, person, statement).broken()]:
            broken.append(f"chat {person.room.id}: {words}")
    messages = sum(len(person.room.arrivals) for person in world.people)
    return Result(seed, tuple(broken), MONTHS * PEOPLE, messages, len(world.kills), world.steps)


def silence(failures: list[str]) -> None:
    """Log nothing; keep what is logged as an error, of which there is to be none."""

    def keep(_: object, __: str, event: MutableMapping[str, Any]) -> str:
        failures.append(f"{event.get('event')} {event.get('exc_info', '')}")
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, keep], wrapper_class=structlog.make_filtering_bound_logger(40))
