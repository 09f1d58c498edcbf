"""A person with a chat: their actions, repeated until answered, and a record of their choices."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.domain.chats import Member, Place, Preferences, Silence, Token
from bot.domain.invoices import Invoice
from bot.errors import BotError, ProviderError
from bot.ports import Clock
from tests.simulation.history import History, Span
from tests.simulation.process import Process, account_of
from tests.simulation.provider import SimAccount, SimProvider
from tests.simulation.telegram import SimChat

ADA = Member(1, "Ada")
PASSING_REFUSAL = timedelta(minutes=5)
"""A token that is refused for a shorter time never alarms anybody."""
REFUSED_TOKENS_ARE_TRIED_WITHIN = timedelta(days=1)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rules:
    """A chat's current link (0: none) and preferences. Not ``sure`` while they are being changed."""

    link: int
    preferences: Preferences
    sure: bool = True


@dataclass(frozen=True, slots=True)
class SilenceState:
    """Whether an invoice is snoozed or muted. If not ``sure``, the promises allow for both."""

    until: datetime | None = None
    muted: bool = False
    sure: bool = True

    def holds(self, at: datetime) -> bool:
        return self.sure and (self.muted or (self.until is not None and at < self.until))


NOT_SILENCED = SilenceState()
SILENCE_UNKNOWN = SilenceState(sure=False)

Content = tuple[str, date | None, Decimal | None]
"""What was said of an invoice: its standing, due date and sum."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The invoices shown in the answer to a linking."""

    at: datetime
    link: int
    contents: dict[int, Content]


Action = Callable[[Process], Awaitable[None]]


@dataclass
class Person:
    """A person and their chat. The spans record disturbances, for the verdict at the end."""

    chat: SimChat
    account: SimAccount
    token: str
    provider: SimProvider
    clock: Clock
    note: Callable[[int, str], None]
    later: Callable[[float, Callable[[], None]], None]
    defaults: Preferences
    rules: History[Rules] = field(init=False)
    silences: dict[int, History[SilenceState]] = field(default_factory=dict)
    listings: list[Listed] = field(default_factory=list)
    not_read: list[Span] = field(default_factory=list)
    """When this chat's account could not be read, or was not supposed to be."""
    not_sent: list[Span] = field(default_factory=list)
    refused_since: datetime | None = None
    refusals: list[Span] = field(default_factory=list)
    """When the chat's token of that time was refused."""
    queue: deque[tuple[str, Action]] = field(default_factory=deque)
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

    def enqueue(self, name: str, action: Action) -> None:
        """Plan an action for the next time that the bot accepts one."""
        self.queue.append((name, action))

    async def act(self, process: Process) -> None:
        """Carry out the planned actions in order. An action that a crash interrupted is repeated."""
        while self.queue:
            name, action = self.queue[0]
            self.note(self.chat.id, f"{name} …")
            try:
                await action(process)
            except BotError as error:
                self.note(self.chat.id, f"{name}: {error}")
            else:
                self.note(self.chat.id, f"{name}: done")
            self.queue.popleft()
        self.busy = False

    # --- Actions ---

    async def link(self, process: Process) -> None:
        """Link with the current token. If the provider can't be read, try again some hours later."""
        before, start = self.rules.last, self.clock()
        await self._wake(process)
        self.rules.set(start, Rules(before.link, before.preferences, sure=False))
        chat = await process.store.chat(self.chat.id)
        try:
            agreed = chat.link.linked_at if chat.link else None
            listing = await process.linking.link(chat, Place(self.chat.id), ADA, Token(self.token), replacing=agreed)
        except ProviderError:
            self.rules.set(self.clock(), before)
            self.later(6.0, lambda: self.enqueue("link again", self.link))
            raise
        now = self.clock()
        self.links += 1
        self.rules.set(now, Rules(self.links, before.preferences))
        for silence in self.silences.values():
            # Snoozes survive a new token if the account lists the same invoice unchanged.
            silence.set(now, SILENCE_UNKNOWN if before.link and silence.last != NOT_SILENCED else NOT_SILENCED)
        self.listings.append(Listed(now, self.links, {i.id: content_of(i) for i in listing.invoices}))
        self._trusted(now)

    async def unlink(self, process: Process) -> None:
        self.rules.set(self.clock(), Rules(self.rules.last.link, self.preferences, sure=False))
        chat = await process.store.chat(self.chat.id)
        await process.linking.unlink(chat)
        self.rules.set(self.clock(), Rules(0, self.defaults))

    async def check(self, process: Process) -> None:
        await self._wake(process)
        if not self.linked:
            return
        chat = await process.store.chat(self.chat.id)
        await process.checker.check_now(chat)
        self._trusted(self.clock())

    def choose(self, preferences: Preferences | None) -> Action:
        """Change the preferences. None resets them to the defaults."""

        async def action(process: Process) -> None:
            await self._wake(process)
            link, chosen = self.rules.last.link, preferences or self.defaults
            self.rules.set(self.clock(), Rules(link, self.preferences, sure=False))
            await process.store.set_preferences(self.chat.id, preferences, process.clock())
            self.rules.set(self.clock(), Rules(link, chosen))

        return action

    def silence(self, invoice_id: int, state: SilenceState) -> Action:
        """Snooze or mute an invoice, or undo both."""

        async def action(process: Process) -> None:
            await self._wake(process)
            history = self.silences.setdefault(invoice_id, History(LONG_AGO, NOT_SILENCED))
            history.set(self.clock(), SILENCE_UNKNOWN)
            account = account_of(process, self.token)
            skew = process.clock() - self.clock()
            until = None if state.until is None else state.until + skew
            silence = None if state == NOT_SILENCED else Silence(until, state.muted)
            if await process.store.silence(self.chat.id, account, {invoice_id: silence}, process.clock()):
                history.set(self.clock(), state if not skew or state.until is None else SILENCE_UNKNOWN)

        return action

    def rest(self) -> Action:
        """Pass on Telegram's update that the bot was blocked."""

        async def action(process: Process) -> None:
            await process.store.rest(self.chat.id, "kicked")

        return action

    async def come_back(self, process: Process) -> None:
        """Pass on Telegram's update that the bot may write again."""
        await process.store.wake(self.chat.id, process.clock())
        if self.gone_since is not None and not self.chat.blocked:
            for spans in (self.not_read, self.not_sent):
                spans.append((self.gone_since, self.clock()))
            self.gone_since = None

    def move(self, old: int, new: int, since: datetime) -> Action:
        """Pass on Telegram's update that the group has a new id."""

        async def action(process: Process) -> None:
            await process.store.move_chat(old, new)
            for spans in (self.not_read, self.not_sent):
                spans.append((since, self.clock()))

        return action

    async def may_write_again(self, process: Process) -> None:
        """Pass on Telegram's update that the bot has got back its rights in a group."""
        await process.store.wake(self.chat.id, process.clock())

    async def _wake(self, process: Process) -> None:
        """End the chat's rest, as the dispatcher does when a person writes."""
        chat = await process.store.chat(self.chat.id)
        if chat.is_silent:
            await process.store.wake(self.chat.id, process.clock())

    def trusted_again(self, now: datetime) -> None:
        """Note that the token is accepted again. The bot finds that out by itself."""
        if self.refused_since is not None:
            self.not_read.append((self.refused_since, now + REFUSED_TOKENS_ARE_TRIED_WITHIN))
            self.refused_since = None

    def _trusted(self, now: datetime) -> None:
        """Note that the bot has seen the token accepted, so that an earlier refusal is over for it."""
        if self.refused_since is not None and not self.provider.refuses(self.token):
            self.not_read.append((self.refused_since, now))
            self.refused_since = None


def content_of(invoice: Invoice) -> Content:
    """Return what the provider says of an invoice."""
    return (standing_of(invoice), invoice.due, invoice.gross)


def standing_of(invoice: Invoice | None) -> str:
    """Return an invoice's standing."""
    if invoice is None:
        return "gone"
    status = invoice.status.casefold()
    return "open" if invoice.is_open else status if status in {"paid", "cancelled", "refunded"} else "closed"
