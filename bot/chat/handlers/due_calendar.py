"""/calendar with its buttons, and what a subscribed address answers."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import dataclass, field

from telegram import Bot

from bot import __version__
from bot.chat.context import Context
from bot.chat.texts import TextsFor
from bot.chat.views import due_calendar as views
from bot.domain.calendar_days import CalendarDay
from bot.domain.chats import Chat
from bot.domain.due_calendar import DueCalendar, mark_of
from bot.domain.schedule import CheckPlan
from bot.errors import BotError, NotLinked
from bot.limiter import Limiter, RateLimit, WaitTooLong
from bot.ports import CalendarEvent, Clock, Document, TokenBucketStore, WriteCalendar
from bot.services.due_calendars import DueCalendars

FEED_RATE = RateLimit(rate=1 / 60, burst=20)
"""How often an address may be read. Programs look every hour or less, but several may have subscribed."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A calendar before it is written: its name and its entries, and what they are made of."""

    name: str
    events: list[CalendarEvent]
    days: list[CalendarDay]
    calendar: DueCalendar

    @property
    def tag(self) -> str:
        """What tells this content from any other, without writing it."""
        return hashlib.sha256(repr((__version__, self.name, self.events)).encode()).hexdigest()[:32]


class CalendarDrawing:
    """Draws a chat's calendar, in its language."""

    def __init__(self, calendars: DueCalendars, write: WriteCalendar, texts_for: TextsFor, plan: CheckPlan) -> None:
        self._calendars = calendars
        self._write = write
        self._texts_for = texts_for
        self._plan = plan

    async def draw(self, chat: Chat, bot: Bot, *, filed: bool) -> Drawn:
        """Return the calendar of an account. Raise :class:`NotLinked`."""
        t, days = self._texts_for(chat), await self._calendars.days(chat)
        hour = self._plan.preferences(chat).reminder_hour
        page = f"https://t.me/{bot.username}?start=inv_"
        with_sums = chat.link is not None and chat.link.calendar is not None and chat.link.calendar.with_sums
        words = {day.key: views.said(t, day, with_sums=with_sums) for day in days}
        marks = {
            day.key: (day.day, mark_of([words[day.key].summary, words[day.key].description, page, str(hour)]))
            for day in days
        }
        calendar = await self._calendars.draw(chat, marks, filed=filed)
        events = views.events(t, calendar, words, hour, page, filed=filed)
        return Drawn(views.name(t), events, days, calendar)

    async def write(self, drawn: Drawn) -> bytes:
        """Return the calendar's content, written off the event loop."""
        return await asyncio.to_thread(self._write, drawn.name, drawn.events)


class CalendarHandlers:
    """The command and its buttons."""

    def __init__(self, calendars: DueCalendars, drawing: CalendarDrawing) -> None:
        self._calendars = calendars
        self.drawing = drawing

    async def calendar(self, context: Context) -> None:
        """/calendar: send the file, and offer the subscription."""
        drawn = await self.drawing.draw(context.chat, context.bot, filed=True)
        content = await self.drawing.write(drawn)
        document = Document(views.file_name(context.t), io.BytesIO(content), len(content))
        below = views.caption(context.t, drawn.days, drawn.calendar, subscribable=self._calendars.can_be_subscribed)
        await context.send_document(document, below)

    async def press(self, context: Context) -> None:
        """A button: make a new address, end it, or switch sums."""
        match context.words:
            case ["new"] if self._calendars.can_be_subscribed:
                link = context.chat.link
                replaced = link is not None and link.calendar is not None and bool(link.calendar.address_hash)
                url = await self._calendars.new_address(context.chat, context.user_id)
                await context.reply(views.address(context.t, url, replaced=replaced))
            case ["end"]:
                await self._calendars.revoke(context.chat, context.user_id)
                await context.reply(views.ended(context.t))
            case ["sums", ("on" | "off") as switch]:
                await self._calendars.show_sums(context.chat, context.user_id, on=switch == "on")
                await context.reply(views.sums(context.t, on=switch == "on"))
            case _:
                await context.tell(context.t("button.unknown"))


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """What a request for a subscribed calendar gets, in HTTP's terms."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


NOTHING_THERE = FeedAnswer(404)


class CalendarFeed:
    """Answers programs that have subscribed. It is served from what the store knows."""

    def __init__(
        self, calendars: DueCalendars, drawing: CalendarDrawing, bot: Bot, buckets: TokenBucketStore, clock: Clock
    ) -> None:
        self._calendars = calendars
        self._drawing = drawing
        self._bot = bot
        self._buckets = buckets
        self._clock = clock

    async def answer(self, text: str, known: str) -> FeedAnswer:
        """Answer a request for an address. ``known`` are the tags of what the program has already."""
        address = self._calendars.read(text)
        if address is None:
            return NOTHING_THERE
        try:
            await Limiter(f"calendar:{address.hash[:16]}", FEED_RATE, self._buckets, self._clock).wait(0)
            chat = await self._calendars.at(address)
            if chat is None:
                return NOTHING_THERE
            drawn = await self._drawing.draw(chat, self._bot, filed=False)
        except WaitTooLong as error:
            return FeedAnswer(429, headers={"retry-after": str(int(error.seconds) + 1)})
        except NotLinked:
            return NOTHING_THERE
        except BotError:  # the store is away, or the chat can't be read now
            return FeedAnswer(503, headers={"retry-after": "60"})
        tag = f'"{drawn.tag}"'
        headers = {"etag": tag, "cache-control": "private, no-cache"}
        if _names(known, tag):
            return FeedAnswer(304, headers=headers)
        content = await self._drawing.write(drawn)
        return FeedAnswer(200, content, {**headers, "content-type": "text/calendar; charset=utf-8"})


def _names(known: str, tag: str) -> bool:
    """Return whether a header ``If-None-Match`` names a tag. Proxies that pack a body mark its tag as weak."""
    tags = [each.strip().removeprefix("W/") for each in known.split(",")]
    return tag in tags or "*" in tags
