"""A simulated Telegram behind the port ``Messenger``: it fails in every way it can, and keeps what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chats import Chat, Place
from bot.domain.payments import Payment
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    SendRefused,
    TelegramDown,
)
from bot.ports import Clock, Delivery, Document
from tests.simulation.history import Span


@dataclass(frozen=True, slots=True)
class Said:
    """What a person reads of one alert. The last four are what the message says of the invoice."""

    alert_id: str
    kind: str
    created: datetime
    invoice_id: int | None
    threshold: int | None
    standing: str = ""
    due: date | None = None
    gross: Decimal | None = None

    @property
    def content(self) -> tuple[str, date | None, Decimal | None]:
        return (self.standing, self.due, self.gross)


@dataclass(slots=True)
class Arrival:
    """A message in the chat. ``known_id``: the bot was told its number, so that it can edit it."""

    at: datetime
    number: int
    said: tuple[Said, ...]
    marked: bool
    known_id: bool = True
    out_of_reach: bool = False
    struck: list[tuple[int, datetime, str]] = field(default_factory=list)
    """Edits: the invoice, since when the message says that it is settled, and how it stood."""

    def of(self, invoice_id: int) -> Said | None:
        return next((said for said in self.said if said.invoice_id == invoice_id), None)


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt to send that did not end well."""

    at: datetime
    said: tuple[Said, ...]
    error: str


class Room:
    """A chat as Telegram has it. Disturbances of sending are kept as spans; an open one has no end yet."""

    def __init__(self, chat_id: int) -> None:
        self.ids = [chat_id]
        self.arrivals: list[Arrival] = []
        self.tries: list[Try] = []
        self.blocked = False
        self.flood_until: datetime | None = None
        self.refuses = False
        self.edits_refused: set[int] = set()

    @property
    def id(self) -> int:
        return self.ids[-1]

    def numbers(self) -> set[int]:
        """The invoices that messages speak of."""
        return {said.invoice_id for arrival in self.arrivals for said in arrival.said if said.invoice_id is not None}


class SimTelegram:
    """Implements :class:`bot.ports.Messenger`."""

    def __init__(self, rng: Random, clock: Clock, note: Callable[[int, str], None]) -> None:
        self._rng = rng
        self._clock = clock
        self._note = note
        self.rooms: dict[int, Room] = {}
        self.weather: str | None = None
        """What everybody's sends meet: ``unconnected``, ``broken`` (5xx) or ``slow`` (time-outs)."""
        self.rough = 0.02
        """How often a single send fails by itself."""
        self.stumbles: dict[int, list[Span]] = {}
        self._message_ids = 0

    def open(self, chat_id: int) -> Room:
        room = self.rooms[chat_id] = Room(chat_id)
        return room

    def migrate(self, room: Room, new_id: int) -> None:
        room.ids.append(new_id)
        self.rooms[new_id] = room
        for arrival in room.arrivals:
            arrival.out_of_reach = True

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        chat_id = alerts[0].place.chat_id
        room = self.rooms[chat_id]
        said = tuple(_said(alert, delivery) for alert in alerts)
        try:
            await self._latency()
            self._refuse(room, chat_id)
            await self._stumble(room, said, again=delivery.again)
        except MessengerError as error:
            self._failed(room, said, error)
            raise
        return self._arrive(room, said, marked=delivery.again).number

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        room = self.rooms[message.place.chat_id]
        await self._latency()
        self._refuse(room, message.place.chat_id)
        if self._rng.random() < self.rough:
            raise self._rng.choice([NotSent(), TelegramDown(), DeliveryUncertain()])
        arrival = next(a for a in room.arrivals if a.number == message.message_id)
        if arrival.out_of_reach:
            return
        for shown in message.shown:
            known = delivery.known.get(shown.invoice_id)
            if known is not None and not known.is_open:
                arrival.struck.append((known.id, self._clock(), known.standing.value))
                self._note(room.id, f"  edited {arrival.number}: {known.id} struck, {known.standing}")

    async def show_payments(self, batch: Sequence[Payment], chat: Chat) -> bool:
        raise NotImplementedError

    async def tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool) -> None:
        raise NotImplementedError

    async def send_document(self, place: Place, document: Document) -> None:
        raise NotImplementedError

    async def _latency(self) -> None:
        if self._rng.random() < 0.1:
            await asyncio.sleep(self._rng.uniform(0.1, 20))

    def _refuse(self, room: Room, chat_id: int) -> None:
        """Raise what Telegram says without having sent anything."""
        if self.weather == "unconnected":
            raise NotSent
        if chat_id != room.id:
            raise ChatMigrated(room.id)
        if room.blocked:
            raise ChatGone("bot was blocked by the user")
        if room.flood_until is not None and self._clock() < room.flood_until:
            raise FloodLimited((room.flood_until - self._clock()).total_seconds())
        if room.refuses:
            raise SendRefused("an unknown 400")

    async def _stumble(self, room: Room, said: tuple[Said, ...], *, again: bool) -> None:
        """Raise what may have delivered the message or not."""
        chance = self._rng.random()
        if self.weather is None and chance >= self.rough:
            return
        failure = self.weather or self._rng.choice(["unconnected", "broken", "slow", "hanging", "flood"])
        now = self._clock()
        if failure == "flood":
            room.flood_until = now + timedelta(seconds=self._rng.choice([3, 30, 600]))
            self.stumbles.setdefault(id(room), []).append((now, room.flood_until))
            raise FloodLimited((room.flood_until - now).total_seconds())
        self.stumbles.setdefault(id(room), []).append((now, now))
        if failure == "unconnected":
            raise NotSent
        if self._rng.random() < (0.3 if failure == "broken" else 0.5):
            self._arrive(room, said, marked=again).known_id = False
        if failure == "hanging":
            self._failed(room, said, DeliveryUncertain())
            await asyncio.sleep(300)
        raise TelegramDown if failure == "broken" else DeliveryUncertain

    def _arrive(self, room: Room, said: tuple[Said, ...], *, marked: bool) -> Arrival:
        self._message_ids += 1
        arrival = Arrival(self._clock(), self._message_ids, said, marked)
        room.arrivals.append(arrival)
        words = ", ".join(
            f"{s.kind} {s.invoice_id or ''} {s.standing} {s.due or ''} {s.gross or ''} (t={s.threshold})" for s in said
        )
        self._note(room.id, f"  ARRIVED {arrival.number}{' AGAIN' if marked else ''}: {words}")
        return arrival

    def _failed(self, room: Room, said: tuple[Said, ...], error: MessengerError) -> None:
        name = type(error).__name__
        room.tries.append(Try(self._clock(), said, name))
        self._note(room.id, f"  send failed, {name}: {', '.join(f'{s.kind} {s.invoice_id or str()}' for s in said)}")


def _said(alert: Alert, delivery: Delivery) -> Said:
    known: KnownInvoice | None = None if alert.invoice_id is None else delivery.known.get(alert.invoice_id)
    base = Said(alert.id, alert.kind.value, alert.created_at, alert.invoice_id, alert.threshold)
    if known is None:
        return base
    return Said(
        base.alert_id,
        base.kind,
        base.created,
        base.invoice_id,
        base.threshold,
        known.standing.value,
        known.due,
        known.gross,
    )
