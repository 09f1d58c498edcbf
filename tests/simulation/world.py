"""A world with one bot and several people. Its months pass in a second. Everything in it follows from its seed."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from bot.domain.chats import Preferences
from bot.domain.schedule import CheckPlan
from tests.simulation.history import Span
from tests.simulation.people import Person
from tests.simulation.process import Process
from tests.simulation.provider import SimAccount, SimProvider
from tests.simulation.telegram import SimTelegram
from tests.simulation.virtual_loop import VirtualLoop

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
TICK = timedelta(seconds=1)


class World:
    """The bot, the people, and the plan of events. ``trace`` takes what happens, line by line.

    ``down`` are the times without a running bot. ``unreadable`` and ``unsendable`` are the general outages of the
    provider and of Telegram. ``clock`` is right. The bot's is ahead of it by ``skew``: in the times that are ``wrong``.
    """

    def __init__(
        self, seed: int, folder: Path, start: datetime, end: datetime, trace: Callable[[str], None] | None = None
    ) -> None:
        self.seed = seed
        self.loop = VirtualLoop(start)
        self.clock = self.loop.clock
        self.start, self.end = start, end
        self.folder = folder
        self._trace = trace
        self.rng = Random(f"life {seed}")
        self.provider = SimProvider(Random(f"provider {seed}"), self.clock)
        self.telegram = SimTelegram(Random(f"telegram {seed}"), self.clock, self.note)
        interval = self.rng.choice([6, 12, 24, 24]) * HOUR
        banking = (lambda day: day.weekday() < 5) if self.rng.random() < 0.3 else None
        self.plan = CheckPlan(interval, BERLIN, Preferences(), banking)
        self.people: list[Person] = []
        self.process: Process | None = None
        self.down: list[Span] = []
        self.unreadable: list[Span] = []
        self.unsendable: list[Span] = []
        self.kills: list[datetime] = []
        self.skew = timedelta()
        self.wrong: list[Span] = []
        self.steps: Counter[str] = Counter()
        self.back_at: datetime | None = start
        self.downtime: Callable[[], timedelta] = lambda: timedelta(0)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._died_at = start
        self._idle: asyncio.Future[None] | None = None

    def keep_chances_apart(self) -> None:
        """Let what happens by chance depend on account or chat and instant: one request more changes no other."""
        self.provider.chances = lambda word: Random(f"provider {self.seed} {word} {self.clock()}")
        self.telegram.chances = lambda number: Random(f"telegram {self.seed} {number} {self.clock()}")

    # --- The plan ---

    def at(self, when: datetime, happen: Callable[[], None]) -> None:
        """Plan an event."""
        heapq.heappush(self._events, (when, next(self._order), happen))

    def after(self, hours: float, happen: Callable[[], None]) -> None:
        self.at(self.clock() + hours * HOUR, happen)

    def add_person(self, token: str, chat_id: int, account: SimAccount) -> Person:
        """Add a person, with a chat and an account."""
        self.provider.accounts[token] = account
        chat = self.telegram.open(chat_id)
        defaults = self.plan.defaults
        person = Person(chat, account, token, self.provider, self.clock, self.note, self.after, defaults)
        self.people.append(person)
        return person

    def note(self, chat_id: int | None, text: str) -> None:
        """Add a line to the trace, if there is one."""
        if self._trace is not None:
            self._trace(f"{self.clock().astimezone(BERLIN):%a %Y-%m-%d %H:%M:%S} {chat_id or '-':>6} {text}")

    def note_account(self, account: SimAccount, text: str) -> None:
        """Add a line for each chat of an account."""
        for person in self.people:
            if person.account is account:
                self.note(person.chat.id, text)

    def bots_clock(self) -> datetime:
        return self.clock() + self.skew

    def set_clock(self, skew: timedelta) -> None:
        """Let the bot's clock be ahead by this."""
        self.note(None, f"THE BOT'S CLOCK is put from {self.bots_clock()} to {self.clock() + skew}")
        self.skew = skew

    # --- The passing of time ---

    def live(self) -> None:
        """Let all the time pass."""
        asyncio.set_event_loop(self.loop)
        self.loop.on_idle(self._on_idle)
        try:
            self.loop.run_until_complete(self._live())
        finally:
            self.loop.close()
            asyncio.set_event_loop(None)

    async def _live(self) -> None:
        try:
            while self.clock() < self.end:
                self._happen()
                await self._work()
                self._idle = self.loop.create_future()
                await self._idle
        finally:
            self.loop.on_idle(lambda until: self.loop.time() if until is None else until)
            if self.skew:
                self.wrong.append((self.start, self.end))
            if self.process is not None:
                await self.process.discard()
                self.process = None
            else:
                self.down.append((self._died_at, self.end))

    def _happen(self) -> None:
        while self._events and self._events[0][0] <= self.clock():
            heapq.heappop(self._events)[2]()

    async def _work(self) -> None:
        if self.process is None and self.back_at is not None and self.back_at <= self.clock():
            self._begin()
        process = self.process
        if process is None:
            return
        for person in self.people:
            if person.queue and not person.busy:
                person.busy = True
                process.start(person.act(process))
        try:
            await process.tick()
        except asyncio.CancelledError:
            if not process.kill_switch.triggered:
                raise
        if process.kill_switch.triggered:
            await self.kill()

    def _begin(self) -> None:
        self.process = Process(self.folder, self.bots_clock, self.plan, self.provider, self.telegram, self.steps)
        self.down.append((self._died_at, self.clock()))
        self.back_at = None
        self.note(None, "the bot runs")

    async def kill(self) -> None:
        """Kill the process now, and plan its restart."""
        assert self.process is not None
        self.note(None, "KILLED")
        await self.process.discard()
        self.process = None
        for person in self.people:
            person.busy = False
        self._died_at = self.clock()
        self.kills.append(self._died_at)
        self.back_at = self._died_at + self.downtime()

    def _on_idle(self, timer: float | None) -> float:
        """When all tasks wait, continue at the next event, timer or due work."""
        now = self.clock()
        instants = [self.end]
        if self._events:
            instants.append(self._events[0][0])
        if self.back_at is not None:
            instants.append(self.back_at)
        if self.process is not None:
            wait = self.process.next_due_in()
            instants += [now + max(wait, TICK)] if wait is not None else []
            instants += [now] if self.process.kill_switch.triggered else []
        at = self.loop.seconds(max(min(instants), now))
        if timer is not None:
            at = min(at, timer)
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
        return at


def utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)
