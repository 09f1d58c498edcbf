"""A person with a chat: what they chose and pressed, and when; and how they do it, again if they got no answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from bot.domain.chats import Member, Place, Silence, Token
from bot.domain.invoices import Invoice
from bot.domain.preferences import Preferences
from bot.errors import BotError, ProviderError
from bot.ports import Clock
from tests.simulation.history import History, Span
from tests.simulation.process import Process, account_of
from tests.simulation.provider import Books, SimProvider
from tests.simulation.telegram import Room

ADA = Member(1, "Ada")
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a chat: the number of its link (0: none), and its preferences. Not ``sure`` while they change."""

    link: int
    preferences: Preferences
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Hush:
    """What somebody said of an invoice's reminders. Not ``sure``: whether it still holds, nobody needs to know."""

    until: datetime | None = None
    muted: bool = False
    sure: bool = True

    def holds(self, at: datetime) -> bool:
        return self.sure and (self.muted or (self.until is not None and at < self.until))


LOUD = Hush()
UNSURE = Hush(sure=False)

Content = tuple[str, date | None, Decimal | None]
"""What was said of an invoice: how it stands, its due date, its sum."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the answer to linking showed."""

    at: datetime
    link: int
    contents: dict[int, Content]


Deed = Callable[[Process], Awaitable[None]]


@dataclass
class Person:
    """A chat and who writes in it. The spans are times in which something was wrong, for the statement at the end."""

    room: Room
    books: Books
    token: str
    provider: SimProvider
    clock: Clock
    note: Callable[[int, str], None]
    later: Callable[[float, Callable[[], None]], None]
    defaults: Preferences
    rules: History[Rules] = field(init=False)
    hushes: dict[int, History[Hush]] = field(default_factory=dict)
    listings: list[Listed] = field(default_factory=list)
    not_read: list[Span] = field(default_factory=list)
    """When this chat's account could not be read, or was not to be."""
    not_sent: list[Span] = field(default_factory=list)
    refused_since: datetime | None = None
    refusals: list[Span] = field(default_factory=list)
    """When the token with which the chat was linked then was refused."""
    queue: deque[tuple[str, Deed]] = field(default_factory=deque)
    busy: bool = False
    links: int = 0
    gone_since: datetime | None = None

    def __post_init__(self) -> None:
        self.rules = History(LONG_AGO, Rules(0, self.defaults))

    @property
    def linked(self) -> bool:
        return self.rules.last.link > 0

    @property
    def preferences(self) -> Preferences:
        return self.rules.last.preferences

    def wants(self, name: str, deed: Deed) -> None:
        """Do something as soon as the bot takes it."""
        self.queue.append((name, deed))

    async def act(self, process: Process) -> None:
        """Do what is to be done, in order. What a crash cut off is done again."""
        while self.queue:
            name, deed = self.queue[0]
            self.note(self.room.id, f"{name} …")
            try:
                await deed(process)
            except BotError as error:
                self.note(self.room.id, f"{name}: {error}")
            else:
                self.note(self.room.id, f"{name}: done")
            self.queue.popleft()
        self.busy = False

    # --- Deeds ---

    async def link(self, process: Process) -> None:
        """Link with the token of the day; where the provider can't be read, again some hours later."""
        before, start = self.rules.last, self.clock()
        await self._wake(process)
        self.rules.set(start, Rules(before.link, before.preferences, sure=False))
        chat = await process.store.chat(self.room.id)
        try:
            listing = await process.linking.link(chat, Place(self.room.id), ADA, Token(self.token))
        except ProviderError:
            self.rules.set(self.clock(), before)
            self.later(6.0, lambda: self.wants("link again", self.link))
            raise
        now = self.clock()
        self.links += 1
        self.rules.set(now, Rules(self.links, before.preferences))
        for hush in self.hushes.values():
            # What was said of an invoice outlives a new token, if the account lists it as it was.
            hush.set(now, UNSURE if before.link and hush.last != LOUD else LOUD)
        self.listings.append(Listed(now, self.links, {i.id: content_of(i) for i in listing.invoices}))
        self._trusted(now)

    async def unlink(self, process: Process) -> None:
        self.rules.set(self.clock(), Rules(self.rules.last.link, self.preferences, sure=False))
        chat = await process.store.chat(self.room.id)
        await process.linking.unlink(chat)
        self.rules.set(self.clock(), Rules(0, self.defaults))

    async def check(self, process: Process) -> None:
        await self._wake(process)
        if not self.linked:
            return
        chat = await process.store.chat(self.room.id)
        await process.checker.check_now(chat)
        self._trusted(self.clock())

    def choose(self, preferences: Preferences | None) -> Deed:
        """Change the preferences; None: back to the defaults."""

        async def deed(process: Process) -> None:
            await self._wake(process)
            link, chosen = self.rules.last.link, preferences or self.defaults
            self.rules.set(self.clock(), Rules(link, self.preferences, sure=False))
            await process.store.set_preferences(self.room.id, preferences, self.clock())
            self.rules.set(self.clock(), Rules(link, chosen))

        return deed

    def hush(self, invoice_id: int, wish: Hush) -> Deed:
        """Snooze, mute, or (loud) lift both."""

        async def deed(process: Process) -> None:
            await self._wake(process)
            history = self.hushes.setdefault(invoice_id, History(LONG_AGO, LOUD))
            history.set(self.clock(), UNSURE)
            account = account_of(process, self.token)
            silence = None if wish == LOUD else Silence(wish.until, wish.muted)
            if await process.store.silence(self.room.id, account, {invoice_id: silence}, self.clock()):
                history.set(self.clock(), wish)

        return deed

    def rest(self) -> Deed:
        """Telegram says that the bot was blocked."""

        async def deed(process: Process) -> None:
            await process.store.rest(self.room.id, "kicked")

        return deed

    async def come_back(self, process: Process) -> None:
        """Telegram says that the bot may write again."""
        await process.store.wake(self.room.id, self.clock())
        if self.gone_since is not None and not self.room.blocked:
            for spans in (self.not_read, self.not_sent):
                spans.append((self.gone_since, self.clock()))
            self.gone_since = None

    def move(self, old: int, new: int, since: datetime) -> Deed:
        """Telegram says that the group has a new number."""

        async def deed(process: Process) -> None:
            await process.store.move_chat(old, new)
            for spans in (self.not_read, self.not_sent):
                spans.append((since, self.clock()))

        return deed

    async def _wake(self, process: Process) -> None:
        """Whoever writes is there: the dispatcher ends a chat's rest."""
        chat = await process.store.chat(self.room.id)
        if chat.resting is not None:
            await process.store.wake(self.room.id, self.clock())

    def _trusted(self, now: datetime) -> None:
        """The token was seen to be good: what was refused before is over, as far as the bot can know."""
        if self.refused_since is not None and not self.provider.refuses(self.token):
            self.not_read.append((self.refused_since, now))
            self.refused_since = None


def content_of(invoice: Invoice) -> Content:
    """What the provider says of an invoice."""
    return (standing_of(invoice), invoice.due, invoice.gross)


def standing_of(invoice: Invoice | None) -> str:
    """How an invoice stands, in a word."""
    if invoice is None:
        return "gone"
    status = invoice.status.casefold()
    return "open" if invoice.is_open else status if status in {"paid", "cancelled", "refunded"} else "closed"
