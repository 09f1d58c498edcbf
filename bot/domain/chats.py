"""Chats, the places in them, and what links them to an account of the provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.domain.preferences import Preferences

LANGUAGES = ("en", "de")
"""The languages that the bot speaks; the first one where it speaks none of the reader's."""

TOKEN_WAIT = timedelta(minutes=10)
"""How long a chat's next message is taken as the token, after /link."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to talk: a chat, and a topic in it (None outside forums and in a forum's General topic)."""

    chat_id: int
    topic_id: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An API token of the provider. Its repr tells nothing; ``reveal()`` only where it goes into a header or a seal."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Token(***)"


class Trouble(StrEnum):
    """Why an account's checks don't read the provider."""

    TOKEN_REFUSED = "token_refused"
    PERMISSION_MISSING = "permission_missing"


@dataclass(frozen=True, slots=True)
class Watch:
    """How the watching of an account goes.

    ``checked_at`` is the last time the provider's list was read well; ``failing_since`` the first failure after it,
    other than a ``trouble``. ``outage_told`` once the person knows of that. ``digest_told`` is the Monday of the last
    week that has had its digest, ``unreadable_told`` the number of listed invoices that the person knows can't be read.
    """

    checked_at: datetime
    trouble: Trouble | None = None
    failing_since: datetime | None = None
    outage_told: bool = False
    digest_told: date | None = None
    unreadable_told: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """What a person said about the reminders of one invoice: not before ``until``, or (``muted``) never."""

    until: datetime | None = None
    muted: bool = False

    def holds(self, now: datetime) -> bool:
        """Whether reminders keep silent at this instant."""
        return self.muted or (self.until is not None and now < self.until)


class Until(StrEnum):
    """How far reminders can be put off: ``due`` is the morning of the day an invoice is due."""

    HOURS = "3h"
    TOMORROW = "tomorrow"
    DAYS = "3d"
    DUE = "due"


Silences = Mapping[int, Silence]
"""By invoice id."""

NO_SILENCE = Silence()


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a group, and what Telegram called them when we last heard of them."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """What is stored of a link, all but its token.

    Who linked the chat owns the link. ``payers`` are those whom the owner lets pay as well. Everybody else in a group
    may only read. ``account`` is a keyed fingerprint of base URL and token: the same account has the same one in every
    chat.
    """

    account: str
    place: Place
    linked_by: int
    linked_at: datetime
    next_check_at: datetime
    watch: Watch
    owner_name: str = ""
    payers: tuple[Member, ...] = ()

    @property
    def owner(self) -> str:
        """What to call the owner. Links of older versions have no name, so this is the number then."""
        return self.owner_name or str(self.linked_by)

    def may_pay(self, user_id: int) -> bool:
        """Whether this person may move money here."""
        return user_id == self.linked_by or any(payer.id == user_id for payer in self.payers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(LinkFacts):
    """A chat's link to one account of the provider."""

    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFacts:
    """What is stored of a chat itself. ``language`` is the chosen one, ``telegram_language`` the one last reported.

    ``awaiting_token_until`` is set between /link and the message with the token. That token is for this chat or, with
    the id of an invitation in ``awaiting_for``, for the group that the invitation names. ``resting`` is the reason why
    nothing is sent to this chat at present. ``preferences`` is None while the operator's defaults hold.
    """

    language: str | None = None
    telegram_language: str | None = None
    awaiting_token_until: datetime | None = None
    awaiting_for: str = ""
    resting: str | None = None
    preferences: Preferences | None = None

    @property
    def reply_language(self) -> str:
        """The language to answer in: the chosen one, else Telegram's, else the first that the bot has."""
        for wish in (self.language, self.telegram_language):
            language = (wish or "").lower().partition("-")[0]
            if language in LANGUAGES:
                return language
        return LANGUAGES[0]


@dataclass(frozen=True, slots=True)
class Chat(ChatFacts):
    """A chat as the services see it, with its token opened."""

    id: int
    link: Link | None = None
    silences: Silences = field(default_factory=dict)
