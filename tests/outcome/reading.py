"""A simulated Telegram in which people see the real words: what a message says, and whether it rings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from bot.chat.messenger import rings
from bot.chat.texts import TextsFor
from bot.chat.views import alerts as views
from bot.domain.alerts import Alert
from bot.domain.covered import is_silent
from bot.domain.schedule import CheckPlan
from bot.ports import Clock, Delivery
from tests.simulation.telegram import Arrival, Said, SimChat, SimTelegram

LISTED = re.compile(r"[🟡🔴] <b>(\d+)</b> ·")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a person sees it. ``words`` are what it says of each invoice, ``text`` is all of it."""

    at: datetime
    said: tuple[Said, ...]
    text: str
    words: Mapping[int, str]
    rings: bool

    @property
    def numbers(self) -> list[int]:
        """The invoices that it is about, also those that a weekly overview lists."""
        return sorted({*self.words, *map(int, LISTED.findall(self.text))})

    def is_credit_there(self, number: int) -> bool:
        return any(said.kind == "credit_there" and said.invoice_id == number for said in self.said)


class ReadTelegram(SimTelegram):
    """Keeps all messages of a chat as they were read. ``on_message`` is called with each."""

    def __init__(
        self, rng: Random, clock: Clock, note: Callable[[int, str], None], texts_for: TextsFor, plan: CheckPlan
    ) -> None:
        super().__init__(rng, clock, note)
        self._texts_for = texts_for
        self._plan = plan
        self._under_way: dict[int, tuple[str, Mapping[int, str], bool]] = {}
        self.messages: dict[SimChat, list[Message]] = {}
        self.on_message: dict[SimChat, Callable[[Message], None]] = {}

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        t, schedule = self._texts_for(delivery.chat), self._plan.schedule(delivery.chat)
        text = str(views.alerts(t, delivery, alerts, now).text)
        heard = [a for a in alerts if not is_silent(a, delivery, schedule, self._plan.currency, now)]
        loud = rings(heard, delivery, schedule.preferences.loudness)
        self._under_way[alerts[0].place.chat_id] = (text, views.words_of(t, delivery, alerts, now), loud)
        return await super().send_alerts(delivery, alerts, now)

    def _arrive(self, chat: SimChat, said: tuple[Said, ...], *, marked: bool) -> Arrival:
        arrival = super()._arrive(chat, said, marked=marked)
        message = Message(arrival.at, said, *self._under_way[chat.id])
        self.messages.setdefault(chat, []).append(message)
        self._note(chat.id, f"    {'RINGS' if message.rings else 'silent'}: {' | '.join(message.text.splitlines())}")
        self.on_message[chat](message)
        return arrival
