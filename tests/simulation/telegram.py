"""A simulated Telegram behind the port ``Messenger``. It fails in every possible way, and records what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chats import Chat, Place
from bot.domain.invoices import Listing
from bot.domain.live_messages import Board, LiveMessage
from bot.domain.payments import Payment
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryUncertain,
    FloodLimited,
    MessengerError,
    NotSent,
    TelegramDown,
)
from bot.ports import Clock, Delivery, InvoiceDocument
from tests.simulation.history import Span


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says about one alert, and in the last three fields about its invoice."""

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
    """A message in the chat. The bot can only edit it if it has a ``known_id`` and is not ``out_of_reach``."""

    at: datetime
    number: int
    said: tuple[Said, ...]
    marked: bool
    known_id: bool = True
    out_of_reach: bool = False
    struck: list[tuple[int, datetime, str]] = field(default_factory=list)
    """Edits that struck an invoice out as settled: its id, the time, and its standing."""
    folded: dict[int, datetime] = field(default_factory=dict)
    """The invoices that gave way to a newer message, and when."""

    def of(self, invoice_id: int) -> Said | None:
        return next((said for said in self.said if said.invoice_id == invoice_id), None)


@dataclass(frozen=True, slots=True)
class FailedSend:
    """An attempt to send that failed."""

    at: datetime
    said: tuple[Said, ...]
    error: str


class SimChat:
    """A chat at Telegram. A group that became a supergroup has several ids."""

    def __init__(self, chat_id: int) -> None:
        self.ids = [chat_id]
        self.arrivals: list[Arrival] = []
        self.tries: list[FailedSend] = []
        self.blocked = False
        self.flood_until: datetime | None = None
        self.refusal: MessengerError | None = None
        """Why Telegram refuses all messages to this chat at present."""
        self.edits_refused: set[int] = set()

    @property
    def id(self) -> int:
        return self.ids[-1]

    def numbers(self) -> set[int]:
        """Return the ids of all invoices mentioned in messages."""
        return {said.invoice_id for arrival in self.arrivals for said in arrival.said if said.invoice_id is not None}


class SimTelegram:
    """Implements :class:`bot.ports.Messenger`."""

    def __init__(self, rng: Random, clock: Clock, note: Callable[[int, str], None]) -> None:
        self.chances: Callable[[int], Random] = lambda _: rng
        """What happens by chance to a chat's messages."""
        self._clock = clock
        self._note = note
        self.chats: dict[int, SimChat] = {}
        self.outage: str | None = None
        """The outage for all chats, of all calls: ``unconnected``, ``broken`` (5xx), ``slow`` (time-outs), or foreign
        ``pages``, and nothing arrives. In ``half`` an outage only messages fail, and Telegram answers when asked."""
        self.failure_rate = 0.02
        """The probability that a single send fails."""
        self.slow_rate = 0.1
        """The probability that a send takes seconds."""
        self.single_failures: dict[int, list[Span]] = {}
        self._message_ids = 0
        self._found: dict[str, datetime] = {}

    def note_found(self, alerts: Sequence[Alert]) -> None:
        """Note when alerts were found. The bot's own clock may be wrong."""
        for alert in alerts:
            self._found[alert.id] = self._clock()

    def open(self, chat_id: int) -> SimChat:
        chat = self.chats[chat_id] = SimChat(chat_id)
        return chat

    def migrate(self, chat: SimChat, new_id: int) -> None:
        chat.ids.append(new_id)
        self.chats[new_id] = chat
        for arrival in chat.arrivals:
            arrival.out_of_reach = True

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        chat_id = alerts[0].place.chat_id
        chat = self.chats[chat_id]
        said = tuple(_said(alert, delivery, self._found[alert.id]) for alert in alerts)
        try:
            await self._latency(chat)
            if delivery.again and self.outage not in {None, "half"}:
                raise NotSent  # Telegram was asked first, and did not answer
            self._refuse(chat, chat_id)
            await self._fail_or_deliver(chat, said, again=delivery.again)
        except MessengerError as error:
            self._failed(chat, said, error)
            raise
        return self._arrive(chat, said, marked=delivery.again).number

    async def edit_board(self, board: Board, delivery: Delivery, now: datetime) -> bool:
        raise NotImplementedError

    async def send_board(self, delivery: Delivery, now: datetime) -> Board:
        raise NotImplementedError

    async def pin_board(self, board: Board, chat: Chat) -> bool:
        raise NotImplementedError

    async def remove_board(self, board: Board, chat: Chat) -> None:
        raise NotImplementedError

    async def redraw(self, message: LiveMessage, shown: Listing, chat: Chat, now: datetime) -> bool:
        return True

    def words_of(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> Mapping[int, str]:
        return {}

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        chat = self.chats[message.place.chat_id]
        arrival = await self._to_edit(chat, message)
        if arrival.out_of_reach:
            return
        for shown in message.shown:
            known = delivery.known.get(shown.invoice_id)
            if shown.folded:
                arrival.folded.setdefault(shown.invoice_id, self._clock())
                self._note(chat.id, f"  edited {arrival.number}: {shown.invoice_id} folded")
            elif known is not None and not known.is_open:
                arrival.struck.append((known.id, self._clock(), known.standing.value))
                self._note(chat.id, f"  edited {arrival.number}: {known.id} struck, {known.standing}")

    async def remind_silently(
        self, message: SentMessage, delivery: Delivery, alerts: Sequence[Alert], now: datetime
    ) -> bool:
        chat = self.chats[message.place.chat_id]
        arrival = await self._to_edit(chat, message)
        self._note(chat.id, f"  added a line to {arrival.number}")
        return not arrival.out_of_reach

    async def delete(self, message: SentMessage) -> bool:
        chat = self.chats[message.place.chat_id]
        arrival = await self._to_edit(chat, message)
        if self._clock() - arrival.at >= timedelta(hours=48):
            return False
        if not arrival.out_of_reach:
            arrival.folded = dict.fromkeys((s.invoice_id for s in message.shown), self._clock()) | arrival.folded
            self._note(chat.id, f"  deleted {arrival.number}")
        return True

    async def _to_edit(self, chat: SimChat, message: SentMessage) -> Arrival:
        """Return the message in the chat, unless Telegram refuses or the connection fails."""
        await self._latency(chat)
        self._refuse(chat, message.place.chat_id)
        rng = self.chances(chat.id)
        if rng.random() < self.failure_rate:
            raise rng.choice([NotSent(), TelegramDown(), DeliveryUncertain()])
        return next(a for a in chat.arrivals if a.number == message.message_id)

    async def show_payments(self, batch: Sequence[Payment], chat: Chat) -> bool:
        raise NotImplementedError

    async def tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool, again: bool = False) -> None:
        raise NotImplementedError

    async def send_document(self, place: Place, chat: Chat, now: datetime, document: InvoiceDocument) -> str:
        raise NotImplementedError

    async def _latency(self, chat: SimChat) -> None:
        rng = self.chances(chat.id)
        if rng.random() < self.slow_rate:
            await asyncio.sleep(rng.uniform(0.1, 20))

    def _refuse(self, chat: SimChat, chat_id: int) -> None:
        """Raise Telegram's refusal, if there is a reason. Nothing has been sent then."""
        if self.outage == "unconnected":
            raise NotSent
        if chat_id != chat.id:
            raise ChatMigrated(chat.id)
        if chat.blocked:
            raise ChatGone("bot was blocked by the user")
        if chat.flood_until is not None and self._clock() < chat.flood_until:
            raise FloodLimited((chat.flood_until - self._clock()).total_seconds())
        if chat.refusal is not None:
            raise chat.refusal

    async def _fail_or_deliver(self, chat: SimChat, said: tuple[Said, ...], *, again: bool) -> None:
        """Perhaps raise an error. The message may have been delivered all the same."""
        rng = self.chances(chat.id)
        chance = rng.random()
        if self.outage is None and chance >= self.failure_rate:
            return
        failure = self.outage or rng.choice(["unconnected", "broken", "pages", "slow", "hanging", "flood"])
        if failure == "half":
            failure = rng.choice(["broken", "broken", "pages", "slow"])
        now = self._clock()
        if failure == "flood":
            chat.flood_until = now + timedelta(seconds=rng.choice([3, 30, 600]))
            self.single_failures.setdefault(id(chat), []).append((now, chat.flood_until))
            raise FloodLimited((chat.flood_until - now).total_seconds())
        self.single_failures.setdefault(id(chat), []).append((now, now))
        if failure == "unconnected":
            raise NotSent
        if failure != "pages" and rng.random() < (0.3 if failure == "broken" else 0.5):
            self._arrive(chat, said, marked=again).known_id = False
        if failure == "hanging":
            self._failed(chat, said, DeliveryUncertain())
            await asyncio.sleep(300)
        raise TelegramDown if failure in {"broken", "pages"} else DeliveryUncertain

    def _arrive(self, chat: SimChat, said: tuple[Said, ...], *, marked: bool) -> Arrival:
        self._message_ids += 1
        arrival = Arrival(self._clock(), self._message_ids, said, marked)
        chat.arrivals.append(arrival)
        words = ", ".join(
            f"{s.kind} {s.invoice_id or ''} {s.standing} {s.due or ''} {s.gross or ''} (t={s.threshold})" for s in said
        )
        self._note(chat.id, f"  ARRIVED {arrival.number}{' AGAIN' if marked else ''}: {words}")
        return arrival

    def _failed(self, chat: SimChat, said: tuple[Said, ...], error: MessengerError) -> None:
        name = type(error).__name__
        chat.tries.append(FailedSend(self._clock(), said, name))
        self._note(chat.id, f"  send failed, {name}: {', '.join(f'{s.kind} {s.invoice_id or str()}' for s in said)}")


def _said(alert: Alert, delivery: Delivery, found_at: datetime) -> Said:
    known: KnownInvoice | None = None if alert.invoice_id is None else delivery.known.get(alert.invoice_id)
    base = Said(alert.id, alert.kind.value, found_at, alert.invoice_id, alert.threshold)
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
