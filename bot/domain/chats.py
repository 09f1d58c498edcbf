"""Chats: the places in them, what links them to an account of the provider, and what they have chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self

from bot.domain.answers import Awaited, Question
from bot.domain.chat_keys import ChatKey, key_of
from bot.domain.credit import CreditWatch, CreditWish
from bot.domain.documents import SentDocument
from bot.domain.due_calendar import DueCalendar
from bot.domain.live_messages import Board, LiveMessage
from bot.domain.packs.choices import Rhythm
from bot.domain.packs.names import USUAL_NAME, NamePart
from bot.domain.packs.pack import Pack
from bot.domain.service_names import ServiceName
from bot.domain.waits import LONGEST_CHECK_WAIT, Wait, is_ahead, wait_until

LANGUAGES = ("en", "de")
"""The languages that the bot speaks. The first one serves readers of all others."""

TOKEN_WAIT = timedelta(minutes=10)
"""How long after /link a chat's next message is taken as the token."""

FARTHEST_DAY = 365
"""How many days before or after a due date a reminder may come at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to write: a chat, and a topic in it (None outside forums and in a forum's General topic)."""

    chat_id: int
    topic_id: int | None = None

    def in_chat(self, chat_id: int) -> Place:
        """Return the same topic under the chat's new id."""
        return replace(self, chat_id=chat_id)


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An API token of the provider. Its repr hides it. Call ``reveal()`` only for a header or to seal it."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Token(***)"


class Trouble(StrEnum):
    """Why the provider refuses an account's token, as the person was told."""

    TOKEN_REFUSED = "token_refused"
    PERMISSION_MISSING = "permission_missing"


@dataclass(frozen=True, slots=True)
class Watch:
    """How the checks of an account go.

    ``checked_at`` is when the provider's list was last read well, and ``whole_at`` when it was last read to its end, if
    that was before. ``refused_since`` is when the provider first refused the token after that, and ``refused_at`` when
    it last did. ``trouble`` is set once the person was told. ``failing_since`` is the first failure of another kind;
    ``outage_told``: the person knows of it, or that the list is not read to its end. ``digest_told`` is the Monday of
    the last week that had its digest. ``unreadable_told`` is how many unreadable invoices in the list the person knows
    of; the numbers of the first are ``unreadable_ids``, as far as they could be read. ``next_page`` is where in the
    list the next check begins; empty: at its beginning. ``said`` are the provider's own words with which it last
    refused, if the list could not be read since. ``dismissed``: the person was told that the bot does not serve them
    any more. ``packs_told`` are the last days of the periods whose packs were ordered by themselves.
    """

    checked_at: datetime
    trouble: Trouble | None = None
    failing_since: datetime | None = None
    outage_told: bool = False
    digest_told: date | None = None
    unreadable_told: int = 0
    unreadable_ids: tuple[int, ...] = ()
    refused_since: datetime | None = None
    refused_at: datetime | None = None
    whole_at: datetime | None = None
    next_page: str = ""
    said: str = ""
    dismissed: bool = False
    packs_told: tuple[date, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the provider refused the token, be it only once."""
        return self.trouble is not None or self.refused_since is not None


@dataclass(frozen=True, slots=True)
class Silence:
    """A person's wish for the reminders of one invoice: not before ``until``, or never (``muted``).

    A snooze that was ``set_at`` a time in the future, by a wrong clock, is void: a due date must not pass in silence.
    """

    until: datetime | None = None
    muted: bool = False
    set_at: datetime | None = field(default=None, compare=False)

    def holds(self, now: datetime) -> bool:
        """Return whether no reminders come at this instant."""
        if self.until is None or self.muted:
            return self.muted
        return now < self.until and not self.is_void(now)

    def is_void(self, now: datetime) -> bool:
        """Return whether it is a snooze that a wrong clock has set."""
        return self.set_at is not None and not self.muted and is_ahead(self.set_at, now)


@dataclass(frozen=True, slots=True)
class Closure:
    """That Telegram takes no messages for a chat at present: a group closed for the night, say.

    ``since`` is when that was first noticed. Nothing is sent before ``until``, unless the chat shows that it is open
    again: somebody writes or presses there, a message gets through, or Telegram tells of new rights. ``not_found``:
    Telegram does not find the chat.
    """

    reason: str
    since: datetime
    until: datetime
    not_found: bool = False


class Until(StrEnum):
    """How far reminders can be put off. ``due`` is the morning of the due date."""

    HOURS = "3h"
    TOMORROW = "tomorrow"
    DAYS = "3d"
    DUE = "due"


Silences = Mapping[int, Silence]
"""By invoice id."""

NO_SILENCE = Silence()


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a group, with the name that Telegram last gave us."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """What is stored of a link, all but its token.

    The person who linked the chat owns the link. The owner lets ``payers`` pay as well. All others in a group may only
    read. ``account`` is a keyed fingerprint of base URL and token, so it is the same in every chat with this account.
    ``credit_wishes``: somebody here wants to hear when the credit suffices for these invoices. ``reference`` is what a
    bank transfer to the provider has to say, so that it knows whose money it is. Empty: nothing. None: nobody has said
    so yet. ``names`` are what the people here call their services. The time of the next check was set at
    ``next_check_set_at``. None: by an older version. ``message_id`` is the message in this chat that held the token:
    after a crash it comes again. ``name`` is what the person calls the account. ``among_others``: the chat holds other
    accounts, too, so it is said which one is meant. ``packs`` are under way. ``calendar`` is what its calendar last
    said. None: nobody has asked for one.
    """

    account: str
    place: Place
    linked_by: int
    linked_at: datetime
    next_check_at: datetime
    watch: Watch
    owner_name: str = ""
    payers: tuple[Member, ...] = ()
    credit: CreditWatch = field(default_factory=CreditWatch)
    credit_wishes: tuple[CreditWish, ...] = ()
    reference: str | None = None
    names: tuple[ServiceName, ...] = ()
    next_check_set_at: datetime | None = field(default=None, compare=False)
    message_id: int | None = None
    name: str = ""
    among_others: bool = False
    packs: tuple[Pack, ...] = ()
    calendar: DueCalendar | None = None

    @property
    def check_wait(self) -> Wait:
        """The wait for the next check."""
        return wait_until(self.next_check_at, self.next_check_set_at, LONGEST_CHECK_WAIT)

    @property
    def owner(self) -> str:
        """What to call the owner. Links of older versions have no name: then it is the number."""
        return self.owner_name or str(self.linked_by)

    def may_pay(self, user_id: int) -> bool:
        """Return whether this person may move money here."""
        return user_id == self.linked_by or any(payer.id == user_id for payer in self.payers)

    def without_payer(self, user_id: int) -> Self:
        """Let a person pay no longer."""
        return replace(self, payers=tuple(payer for payer in self.payers if payer.id != user_id))

    def with_payer(self, payer: Member) -> Self:
        """Let a person pay. A newer name replaces the older."""
        return replace(self, payers=(*self.without_payer(payer.id).payers, payer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(LinkFacts):
    """A chat's link to one account of the provider."""

    token: Token


class Loudness(StrEnum):
    """Which messages ring: those about invoices that are due or overdue, all, or none."""

    URGENT = "urgent"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one full hour of the wall clock until another. They go over midnight if ``start`` is the later one.

    The two differ, so every day has at least one hour that is not quiet.
    """

    start: int
    end: int

    def __contains__(self, hour: int) -> bool:
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end


@dataclass(frozen=True, slots=True)
class Preferences:
    """A chat's choices.

    Reminders come on the days ``before`` the due date and on the days ``after`` it, and every week from the last of
    those on. They come at the full ``hour`` of the chat's wall clock. ``zone`` is an IANA name; None is the provider's
    time zone. ``digest``: a summary every week. ``pdf_after_payment``: the document once an invoice was paid here.
    ``transfer``: a reminder on the day before the last one for a bank transfer, if the operator says how long it takes.
    ``news``: messages of their own for what is new, has changed or is settled, although no reminder is due.
    ``pinned``: a pinned message that says how things stand. ``discreet``: sums and titles are hidden, until they are
    tapped, in what comes unasked. ``protected``: documents can't be forwarded or saved.

    ``packs`` of a period come by themselves, on a day of the month after it (``pack_day``), since ``packs_since``.
    Their documents are called by ``pack_names``.
    """

    before: tuple[int, ...] = (7, 3, 1, 0)
    after: tuple[int, ...] = (1, 3, 7)
    hour: int = 9
    quiet: QuietHours | None = QuietHours(22, 8)
    zone: str | None = None
    loudness: Loudness = Loudness.URGENT
    digest: bool = False
    pdf_after_payment: bool = False
    transfer: bool = True
    news: bool = True
    pinned: bool = False
    discreet: bool = False
    protected: bool = False
    packs: Rhythm = Rhythm.OFF
    pack_day: int = 1
    packs_since: datetime | None = None
    pack_names: tuple[NamePart, ...] = USUAL_NAME

    @property
    def reminder_hour(self) -> int:
        """The hour of reminders: the chosen one, or the last one before the quiet hours if it lies in their evening."""
        quiet = self.quiet
        if quiet is not None and quiet.start > quiet.end and self.hour >= quiet.start:
            return quiet.start - 1
        return self.hour


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFacts:
    """What is stored of a chat itself. ``language`` was chosen here; Telegram last reported ``telegram_language``.

    ``awaiting_token_until`` is set between /link and the message with the token. The token is for this chat, or for the
    group of the invitation whose id is in ``awaiting_for``; or that is a link to what is shown then. ``awaited`` is any
    other answer. An older version has stored the reference of a bank transfer as ``awaiting_reference_until`` and
    ``awaiting_reference_for``. ``resting`` is why nothing is sent to this chat at present, ``closure`` why nothing can
    be sent for a while. ``preferences`` is None while the operator's defaults hold. ``live`` are messages that are
    drawn anew, the newest last; ``board`` is the pinned one that says how things stand. ``documents`` were sent and
    can go again, the newest last.
    """

    language: str | None = None
    telegram_language: str | None = None
    awaiting_token_until: datetime | None = None
    awaiting_for: str = ""
    awaiting_reference_until: datetime | None = None
    awaiting_reference_for: str = ""
    awaited: Awaited | None = None
    resting: str | None = None
    closure: Closure | None = None
    preferences: Preferences | None = None
    live: tuple[LiveMessage, ...] = ()
    board: Board | None = None
    documents: tuple[SentDocument, ...] = ()

    def awaits(self, now: datetime) -> Awaited | None:
        """Return the answer that the chat's next message is taken for."""
        asked = self.asked
        return asked if asked is not None and asked.holds(now) else None

    @property
    def asked(self) -> Awaited | None:
        """The answer that the chat's next message is, or was, to give."""
        if self.awaiting_token_until is not None:
            return Awaited(Question.TOKEN, self.awaiting_token_until, self.awaiting_for)
        if self.awaiting_reference_until is not None:
            return Awaited(Question.REFERENCE, self.awaiting_reference_until, self.awaiting_reference_for)
        return self.awaited

    @property
    def is_silent(self) -> bool:
        """Whether nothing is sent to this chat until it shows that it can be written to."""
        return self.resting is not None or self.closure is not None

    @property
    def reply_language(self) -> str:
        """The language to answer in: the chosen one, else Telegram's, else the bot's first."""
        for wish in (self.language, self.telegram_language):
            language = (wish or "").lower().partition("-")[0]
            if language in LANGUAGES:
                return language
        return LANGUAGES[0]


@dataclass(frozen=True, slots=True)
class Chat(ChatFacts):
    """A chat with one of its accounts, as the services see it, with its token opened.

    ``slot`` tells the accounts of a chat apart. What people choose for a chat holds for all of them.
    ``unreadable_beside`` counts other accounts of the chat of which nothing can be read.
    """

    id: int
    link: Link | None = None
    silences: Silences = field(default_factory=dict)
    slot: int = 0
    unreadable_beside: int = 0

    @property
    def key(self) -> ChatKey:
        """The key under which this account of the chat is stored."""
        return key_of(self.id, self.slot)
