"""Customers of several kinds. Whether they act depends only on what they were told, and on the dice of their own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random
from zoneinfo import ZoneInfo

from bot.domain.chats import Loudness, Preferences, QuietHours
from bot.domain.presets import Preset, with_preset
from tests.outcome.hosting import CALENDAR, DAY, Hosting, Service, transfer_arrives
from tests.outcome.reading import Message
from tests.simulation import faults
from tests.simulation.people import Action, Person, SilenceState
from tests.simulation.process import Process, account_of
from tests.simulation.world import BERLIN, HOUR, World

THREATENS = re.compile(r"will be (suspended|lost|deleted)|probably been suspended")
TOO_LATE_FOR_TRANSFER = re.compile(r"transfer would come too late")


class Kind(StrEnum):
    """What sort of person it is."""

    PROMPT = "prompt"
    FORGETFUL = "forgetful"
    HOLIDAY = "on holiday"
    MUTING = "mutes some"
    CALM = "calm"
    BLOCKING = "blocks the bot"


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely a person acts on one message: a silent one, one that rings, and one that says what will be lost.

    ``there`` is for the message that the credit suffices now, which they wished for.
    """

    silent: float
    rings: float
    threatens: float
    there: float = 0.95


USUAL = Chances(silent=0.2, rings=0.4, threatens=0.7)
CHANCES = {
    Kind.PROMPT: Chances(silent=0.5, rings=0.8, threatens=0.95),
    Kind.FORGETFUL: Chances(silent=0.02, rings=0.1, threatens=0.3, there=0.8),
}
AWAY = Chances(silent=0, rings=0, threatens=0.1, there=0.5)
"""On holiday."""
HOLIDAYS_AFTER = (30, 330)
HOLIDAY = 14 * DAY

SEEN_WITHIN = timedelta(minutes=15)
"""How soon the bot sees what has changed at the provider, outages not counted. A check every 15 minutes would be slow
to simulate, and find nothing most of the time."""
DOMAIN_SHARE = 0.7
"""Everybody has a server, which is paid for every month, and so many have a domain, which is paid for every year."""
MUTED_SHARE = 0.3
"""Of the invoices of somebody who mutes some. Half of these services are not wanted any more."""
BLOCKED_A_MONTH = 0.4
TRANSFER_SHARE = 0.4
ADVANCE_SHARE = 0.3
"""So many top up by transfer, and so many for three months at once."""
CREDIT_READABLE_SHARE = 0.7
WISH_SHARE = {"transfer": 0.6, "at once": 0.4}
"""So many ask to be told when the credit is there. The others look by themselves: at once, or perhaps."""
LOOKS_BY_ITSELF = {"transfer": 0.4, "at once": 0.9}


class Customer:
    """A person with services, who reads what comes."""

    def __init__(self, world: World, person: Person, kind: Kind, seed: str, *, with_bot: bool) -> None:
        self.world, self.person, self.kind = world, person, kind
        self._seed = seed
        self._with_bot = with_bot
        rng = self._rng("life")
        shows = rng.random() < CREDIT_READABLE_SHARE and with_bot
        self.hosting = Hosting(world, person.account, seed, shows_credit=shows)
        self.hosting.on_change = self._see_soon
        self.messages: list[Message] = []
        self.wishes: list[tuple[int, datetime]] = []
        self.muted: set[int] = set()
        self._told: Counter[int] = Counter()
        self._changed_at: datetime | None = None
        self._busy: set[int] = set()
        self._transfers = rng.random() < TRANSFER_SHARE
        self._months = 3 if rng.random() < ADVANCE_SHARE else 1
        back = world.start + timedelta(days=rng.uniform(*HOLIDAYS_AFTER)) + HOLIDAY
        self._back_at = back if kind is Kind.HOLIDAY else world.start
        self._begin(rng)

    def _rng(self, what: str) -> Random:
        return Random(f"{self._seed} {what}")

    def _begin(self, rng: Random) -> None:
        world, person = self.world, self.person
        first, cents = _day(world.start) + 10 * DAY, rng.randrange
        server, domain = (Decimal(cents(300, 6000)) / 100, Decimal(cents(600, 3000)) / 100)
        self.hosting.order(Service("Hosting", server, 30 * DAY), first + rng.randrange(30) * DAY)
        if rng.random() < DOMAIN_SHARE:
            self.hosting.order(Service("Domain", domain, 365 * DAY), first + rng.randrange(355) * DAY)
        begin = world.start + timedelta(hours=rng.uniform(0, 48))
        chosen = self._preferences(rng)
        world.at(begin, lambda: person.enqueue("choose", person.choose(chosen)))
        world.at(begin, lambda: person.enqueue("link", person.link))
        if self.kind is Kind.HOLIDAY:
            world.at(self._back_at, self._come_home)
        if self.kind is Kind.BLOCKING:
            for at in faults.times(world, BLOCKED_A_MONTH):
                world.at(max(at, begin + DAY), lambda: faults.block(world, person))
        for a_month, happen in ((0.5, faults.refuse_in_passing), (0.3, faults.flood)):
            for at in faults.times(world, a_month):
                world.at(max(at, begin + DAY), lambda happen=happen: happen(world, person))  # type: ignore[misc]

    def _preferences(self, rng: Random) -> Preferences:
        chosen = Preferences(
            hour=rng.choice([9, 9, 9, 7, 12, 18]),
            quiet=rng.choice([QuietHours(22, 8), QuietHours(22, 8), QuietHours(20, 10), None]),
            zone=rng.choice([None] * 6 + ["Europe/London", "America/New_York"]),
            loudness=rng.choice([Loudness.URGENT] * 6 + [Loudness.ALL, Loudness.NONE]),
        )
        if self.kind is not Kind.CALM or not self._with_bot:
            return chosen
        return with_preset(chosen, Preset.CALM, Preferences(), CALENDAR)

    @property
    def zone(self) -> ZoneInfo:
        chosen = self.person.preferences.zone
        return BERLIN if chosen is None else ZoneInfo(chosen)

    # --- What they do about a message ---

    def read(self, message: Message) -> None:
        """Read a message, and perhaps act on it."""
        self.messages.append(message)
        for number in message.numbers:
            if self.hosting.is_open(number):
                self._consider(message, number)

    def _consider(self, message: Message, number: int) -> None:
        self._told[number] += 1
        rng = self._rng(f"message {number} {self._told[number]}")
        mutes, wants = rng.random() < MUTED_SHARE, rng.random() < 0.5
        if self.kind is Kind.MUTING and self._told[number] == 1 and mutes:
            self.world.after(rng.uniform(0.1, 2), lambda: self._mute(number))
            if wants:
                self.world.after(rng.uniform(1, 6) * 24, lambda: self._act(number))
            return
        chance = self._chance(message, number)
        delay = rng.uniform(0.05, 2) if message.rings else rng.uniform(0.5, 12)
        if rng.random() < chance:
            self.world.after(delay, lambda: self._act(number, late=bool(TOO_LATE_FOR_TRANSFER.search(message.text))))

    def _chance(self, message: Message, number: int) -> float:
        chances = AWAY if self._is_away() else CHANCES.get(self.kind, USUAL)
        if message.is_credit_there(number):
            return chances.there
        if not message.rings:
            return chances.silent
        return chances.threatens if THREATENS.search(message.words.get(number, "")) else chances.rings

    def _is_away(self) -> bool:
        return self._back_at - HOLIDAY <= self.world.clock() < self._back_at

    def _come_home(self) -> None:
        """Look through what has come meanwhile."""
        for number in {number for message in self.messages for number in message.numbers}:
            if self.hosting.is_open(number) and self._rng(f"home {number}").random() < USUAL.rings:
                self._act(number)

    def _mute(self, number: int) -> None:
        self.muted.add(number)
        self.person.enqueue(f"mute {number}", self.person.silence(number, SilenceState(muted=True)))

    # --- How they pay ---

    def _act(self, number: int, *, late: bool = False) -> None:
        """Pay, or see to it that there is credit. ``late``: they know that a transfer would come too late."""
        if number in self._busy or not self.hosting.is_open(number):
            return
        short = self.hosting.short_for(number)
        if not short:
            self._pay(number)
            return
        self._busy.add(number)
        rng = self._rng(f"top up {number}")
        way = "transfer" if self._transfers and not late else "at once"
        now = self.world.clock()
        there = transfer_arrives(_day(now)) if way == "transfer" else now + rng.uniform(5, 30) * HOUR / 60
        amount = short + (self._months - 1) * self.hosting.services[number].price
        self.world.note(self.person.chat.id, f"tops up {amount} {way}, there at {there}")
        self.world.at(there, lambda: self._money_is_there(number, amount, rng.random() < LOOKS_BY_ITSELF[way]))
        if rng.random() < WISH_SHARE[way] and self.person.account.credit is not None:
            self.person.enqueue(f"wish {number}", self._wish(number))

    def _wish(self, number: int) -> Action:
        async def action(process: Process) -> None:
            at, account = self.world.clock(), account_of(process, self.person.token)
            if await process.store.wish_for_credit(self.person.chat.id, account, number, process.clock()):
                self.wishes.append((number, at))

        return action

    def _money_is_there(self, number: int, amount: Decimal, looks: bool) -> None:
        self.hosting.top_up(amount)
        self._busy.discard(number)
        if looks and number not in {wished for wished, _ in self.wishes}:
            self.world.after(self._rng(f"looks {number}").uniform(0.1, 12), lambda: self._act(number))

    def _pay(self, number: int) -> None:
        self.hosting.pay(number)
        self.person.enqueue("check soon", self._check_soon)

    async def _check_soon(self, process: Process) -> None:
        await process.store.hasten_checks(account_of(process, self.person.token), process.clock())

    # --- When the bot looks at the account ---

    def _see_soon(self) -> None:
        """Let the bot check the account within :data:`SEEN_WITHIN` of a change, as if it looked so often."""
        if self._changed_at is None:
            self.world.after(SEEN_WITHIN / HOUR, self._look)
        self._changed_at = self.world.clock()

    def _look(self) -> None:
        """Have the account checked until it could be read: as often as before, in an outage every hour."""
        account, changed = self.person.account, self._changed_at
        in_vain = [*account.single_failures[-1:], *(end for _, end in account.troubles[-1:])]
        if changed is None or (account.read_at and account.read_at[-1] > max([changed, *in_vain])):
            self._changed_at = None
            return
        if self.person.linked:
            self.person.enqueue("check soon", self._check_soon)
        in_outage = account.failure is not None or self.world.provider.outage is not None or self.person.chat.blocked
        self.world.after(1 if in_outage else SEEN_WITHIN / HOUR, self._look)


def _day(at: datetime) -> date:
    return at.astimezone(BERLIN).date()
