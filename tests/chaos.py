"""Three replicas as processes on one PostgreSQL, whose processes are killed or stopped and whose database goes away.

    python -m tests.chaos [minutes]     # or: make chaos MINUTES=10

Invoices come up, people ask and pay meanwhile. At the end everything must have happened: once, and on time.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot.application import open_store
from bot.domain.chats import Link, Place, Token, Watch
from bot.sandbox.provider_books import Account
from bot.sandbox.provider_faults import Call
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import BOT_TOKEN, Chat, Message, Person
from bot.services import monitoring
from bot.store.vault import new_key
from tests.replica import FastClock
from tests.store.cluster import Cluster

ROOT = Path(__file__).parent.parent
FACTOR = 10.0
"""The bot's seconds in one of ours."""
REPLICAS = 3
PEOPLE = 24
CHECK_EVERY = 60
"""Of the bot's seconds."""
STOPS_WITHIN = 30.0
MARK = "You may have received this message already"


class Timed(list[Any]):
    """Remembers when each item came, by the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def append(self, item: Any) -> None:
        self.at.append(time.monotonic())
        super().append(item)


@dataclass
class Customer:
    """Somebody with an account of their own, and what happened to them."""

    person: Person
    chat: Chat
    account: Account
    pays: bool
    told: list[int] = field(default_factory=list)
    """Invoices that came up, each of which is to be told; of who pays, since alerts of what is paid are edited, not."""
    payable: list[int] = field(default_factory=list)
    questions: list[Message] = field(default_factory=list)


class Replica:
    """One process, begun anew after each kill."""

    def __init__(self, number: int, environment: dict[str, str], folder: Path, start: float) -> None:
        self.number = number
        self._environment = environment
        self._folder = folder
        self._start = start
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        log = (self._folder / f"replica-{self.number}.log").open("ab")
        script = str(ROOT / "tests" / "replica.py")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, script, str(self._start), str(FACTOR), env=self._environment, cwd=self._folder, stderr=log
        )
        log.close()

    def send(self, name: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(name)

    async def end(self, name: signal.Signals = signal.SIGKILL) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(name)
        try:
            return await asyncio.wait_for(self._process.wait(), STOPS_WITHIN)
        except TimeoutError:
            self._process.send_signal(signal.SIGUSR1)
            await asyncio.sleep(1)
            self._process.kill()
            await self._process.wait()
            return 1


@dataclass
class Figures:
    """What a run has seen."""

    happened: Counter[str] = field(default_factory=Counter)
    database_away: float = 0.0
    longest_gap: float = 0.0
    alerts: int = 0
    marked: int = 0
    questions: int = 0
    payments: int = 0
    conflicts: int = 0
    takeovers: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        acts = ", ".join(f"{count} x {act}" for act, count in sorted(self.happened.items()))
        return (
            f"{acts}; database away for {self.database_away:.0f} s\n"
            f"{self.alerts} invoices told, {self.marked} of them again and marked; "
            f"{self.questions} questions answered; {self.payments} payments\n"
            f"longest time between two checks of an account: {self.longest_gap * FACTOR:.0f} s of the bot's "
            f"(planned every {CHECK_EVERY} s); pollers at the same time: {self.conflicts}; takeovers: {self.takeovers}"
        )


class Chaos:
    """The whole world of a run."""

    def __init__(self, sandbox: Sandbox, cluster: Cluster, folder: Path, seed: int) -> None:
        self.sandbox = sandbox
        self.figures = Figures()
        self._cluster = cluster
        self._random = random.Random(seed)
        self._folder = folder
        self._requests = sandbox.provider.requests = Timed()
        self._away = list[tuple[float, float]]()
        self._start = time.time()
        self._clock = FastClock(self._start, FACTOR)
        url = cluster.make_database("chaos")
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": sandbox.telegram_url,
            "PROVIDER_URL": sandbox.provider_url,
            "DATABASE_URL": url,
            "TOKEN_KEYS": new_key(),
            "CHECK_INTERVAL": str(CHECK_EVERY),
            "QUIET_HOURS": "",
            "LOG_FORMAT": "json",
        }
        self.customers: list[Customer] = []
        self.replicas = [Replica(n, self._environment, folder, self._start) for n in range(REPLICAS)]

    async def prepare(self) -> None:
        """Link everybody, and start the replicas."""
        settings = self.sandbox.settings(
            self._folder,
            database_url=self._environment["DATABASE_URL"],
            token_keys=self._environment["TOKEN_KEYS"],
        )
        store = await open_store(settings)
        for number in range(PEOPLE):
            token = f"sandbox-token-of-customer-{number:06}"
            account = self.sandbox.provider.add_account(token, credit=Decimal(10_000))
            account.invoices.clear()
            person = self.sandbox.telegram.add_user(f"Customer {number}", language_code="en")
            chat = self.sandbox.telegram.private_chat(person)
            now = self._clock()
            link = Link(
                account=store.account_of(self.sandbox.provider_url, Token(token)),
                place=Place(chat.id),
                token=Token(token),
                linked_by=person.user.id,
                linked_at=now,
                next_check_at=now,
                watch=Watch(checked_at=now),
            )
            await store.link(link, {})
            self.customers.append(Customer(person, chat, account, pays=number % 2 == 1))
        await store.close()
        await asyncio.gather(*(replica.begin() for replica in self.replicas))
        await self._until(lambda: len(self._requests) >= PEOPLE, 60, "the first checks")

    async def rage(self, seconds: float) -> None:
        """Let people live, and break something every few seconds."""
        ends = time.monotonic() + seconds
        life = asyncio.create_task(self._live(ends))
        while time.monotonic() < ends:
            await asyncio.sleep(self._random.uniform(1, 4))
            act = self._random.choices([self._kill, self._freeze, self._restart, self._cut_off], [5, 2, 1, 2])[0]
            self.figures.happened[act.__name__.strip("_")] += 1
            await act()
        await life

    async def settle(self) -> None:
        """Wait until all that is still to happen has happened."""
        await self._until(lambda: not self._untold(), 90, "every invoice is told")
        await self._until(lambda: not self._unanswered(), 60, "every question is answered")
        self.figures.faults += [f"not answered: {message} in {message.chat}" for message in self._unanswered()]
        await self._until(lambda: not self._unpaid(), 120, "every confirmed payment is at its end")
        await asyncio.sleep(2 * CHECK_EVERY / FACTOR)

    def judge(self) -> Figures:
        """Count, and say what went wrong."""
        self._judge_alerts()
        self._judge_payments()
        self._judge_checks()
        self._judge_polls()
        self.figures.questions = sum(len(customer.questions) for customer in self.customers)
        return self.figures

    async def stop(self) -> None:
        """A clean end of what runs, which gives back what it holds."""
        statuses = await asyncio.gather(*(replica.end(signal.SIGTERM) for replica in self.replicas))
        if any(statuses):
            self.figures.faults.append(f"a stop ended with status {statuses}")

    async def kill_all(self) -> None:
        await asyncio.gather(*(replica.end() for replica in self.replicas), return_exceptions=True)

    # --- What people do -----------------------------------------------------------------------------------------------

    async def _live(self, ends: float) -> None:
        while time.monotonic() < ends:
            await asyncio.sleep(self._random.uniform(0.05, 0.4))
            customer, number = self._random.choice(self.customers), self._random.random()
            if number < 0.6:
                invoice = self.sandbox.provider.create_invoice(customer.account, Decimal("7.95"), due_in_days=20)
                (customer.payable if customer.pays else customer.told).append(invoice.id)
            elif customer.pays and customer.payable:
                self._ask(customer, f"/pay {self._random.choice(customer.payable)}")
            else:
                self._ask(customer, "/status")
            self._confirm()

    def _ask(self, customer: Customer, text: str) -> None:
        customer.questions.append(customer.person.send(customer.chat, text))

    def _confirm(self) -> None:
        """Press the buttons of some questions, each up to twice."""
        for customer in self.customers:
            for message in customer.chat.messages[-5:]:
                yes = [button.data for button in message.buttons if button.data and button.data.startswith("yes:")]
                if yes and self._random.random() < 0.5:
                    customer.person.press_twice_delivered(message, yes[0])

    # --- What breaks --------------------------------------------------------------------------------------------------

    async def _kill(self) -> None:
        replica = self._random.choice(self.replicas)
        await replica.end()
        await asyncio.sleep(self._random.uniform(0, 2))
        await replica.begin()

    async def _freeze(self) -> None:
        """Stop one for longer than any lease, and let it go on as if nothing had happened."""
        replica = self._random.choice(self.replicas)
        replica.send(signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(0.5, 9))
        replica.send(signal.SIGCONT)

    async def _restart(self) -> None:
        replica = self._random.choice(self.replicas)
        if status := await replica.end(signal.SIGTERM):
            self.figures.faults.append(f"a stop ended with status {status}")
        await replica.begin()

    async def _cut_off(self) -> None:
        began = time.monotonic()
        await asyncio.to_thread(self._cluster.stop)
        await asyncio.sleep(self._random.uniform(0.5, 5))
        await asyncio.to_thread(self._cluster.start)
        self._away.append((began, time.monotonic()))
        self.figures.database_away += time.monotonic() - began

    # --- What must hold at the end ------------------------------------------------------------------------------------

    def _messages_about(self, customer: Customer, invoice_id: int) -> list[Message]:
        """The bot's messages that tell of a new invoice; edits of them count as they were first."""
        return [
            message
            for message in customer.chat.messages
            if message.sender.is_bot and str(invoice_id) in message.text and _tells(message)
        ]

    def _untold(self) -> list[int]:
        return [i for c in self.customers for i in c.told if not self._messages_about(c, i)]

    def _unanswered(self) -> list[Message]:
        return [
            question
            for customer in self.customers
            for question in customer.questions
            if not any(m.sender.is_bot and m.id > question.id and not _tells(m) for m in customer.chat.messages)
        ]

    def _unpaid(self) -> list[Message]:
        return [m for c in self.customers for m in c.chat.messages if "⏳" in m.text]

    def _judge_alerts(self) -> None:
        for customer in self.customers:
            for invoice_id in customer.told:
                messages = self._messages_about(customer, invoice_id)
                marked = [message for message in messages if MARK in message.text]
                self.figures.alerts += 1
                self.figures.marked += bool(marked)
                if not messages:
                    self.figures.faults.append(f"{invoice_id} was never told")
                if len(messages) - len(marked) > 1:
                    self.figures.faults.append(f"{invoice_id} was told {len(messages)} times, {len(marked)} marked")

    def _judge_payments(self) -> None:
        provider = self.sandbox.provider
        for customer in self.customers:
            for invoice_id in customer.payable:
                paid = provider.executed(Call.PAY, invoice_id)
                self.figures.payments += paid
                if paid > 1:
                    self.figures.faults.append(f"{invoice_id} was paid {paid} times")

    def _judge_checks(self) -> None:
        """An account is read again within its interval and a lease, but for the time that the database was away."""
        read: defaultdict[str, list[float]] = defaultdict(list)
        for request, at in zip(self._requests, self._requests.at, strict=True):
            if request.path.endswith("/client/invoices"):
                read[request.headers["authorization"]].append(at)
        allowed = (CHECK_EVERY + monitoring.LEASE.total_seconds()) / FACTOR + 5
        for times in read.values():
            for before, after in pairwise(times):
                gap = after - before - self._overlap(before, after)
                self.figures.longest_gap = max(self.figures.longest_gap, gap)
                if gap > allowed:
                    self.figures.faults.append(f"an account was not read for {gap:.0f} s")
        if len(read) != PEOPLE:
            self.figures.faults.append(f"{len(read)} accounts were read")

    def _judge_polls(self) -> None:
        polls = self.sandbox.telegram.calls_of("getUpdates")
        self.figures.conflicts = sum(call.status == 409 for call in polls)
        if self.figures.conflicts:
            self.figures.faults.append(f"two polled at the same time, {self.figures.conflicts} times")
        for path in self._folder.glob("replica-*.log"):
            text = path.read_text()
            self.figures.takeovers += text.count('"role taken"')
            self.figures.faults += [line for line in text.splitlines() if '"unexpected failure"' in line]

    def _overlap(self, begin: float, end: float) -> float:
        return sum(max(0.0, min(end, over) - max(begin, since)) for since, over in self._away)

    async def _until(self, condition: Any, seconds: float, what: str) -> None:
        ends = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > ends:
                self.figures.faults.append(f"waited {seconds:.0f} s in vain: {what}")
                return
            await asyncio.sleep(0.2)


def _tells(message: Message) -> bool:
    """Whether a message is an alert of new invoices, single or several."""
    return "New invoice" in message.text or "on your invoices" in message.text.partition("\n")[0]


@contextmanager
def throw_away_cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.remove()


@asynccontextmanager
async def chaos(folder: Path, seed: int) -> AsyncIterator[Chaos]:
    """The world, prepared; everything is ended with it."""
    with throw_away_cluster() as cluster:
        async with open_sandbox() as sandbox:
            world = Chaos(sandbox, cluster, folder, seed)
            try:
                await world.prepare()
                yield world
            finally:
                await world.kill_all()


async def run(folder: Path, seconds: float, seed: int) -> Figures:
    async with chaos(folder, seed) as world:
        await world.rage(seconds)
        await world.settle()
        await world.stop()
        return world.judge()


def main(minutes: float) -> int:
    seed = int(datetime.now(UTC).timestamp())
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    figures = asyncio.run(run(folder, timedelta(minutes=minutes).total_seconds(), seed))
    print(f"{minutes:g} minutes, seed {seed}, logs in {folder}", figures, *figures.faults, sep="\n")  # noqa: T201
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 1))
