"""The work that waits in the store: checks that are due, and alerts on their way out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, overload

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat, Closure, Token, Watch
from bot.domain.credit import CreditWatch
from bot.domain.deliveries import Claim, Delivery
from bot.domain.live_messages import Board
from bot.domain.packs.pack import Pack
from bot.domain.unchanged import Unchanged


@dataclass(frozen=True, slots=True)
class Check:
    """A chat whose check is due.

    ``chat`` has a ``link``. ``known`` is what the chat knows. ``sent`` are its messages about open invoices.
    ``changed``: something of it has changed since a glance was claimed.
    """

    claim: Claim
    chat: Chat
    known: Mapping[int, KnownInvoice]
    sent: Sequence[SentMessage]
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """What it takes to ask for a chat's account: its token, and the language of the answer."""

    chat_id: int
    token: Token
    language: str


@dataclass(frozen=True, slots=True)
class Glance:
    """A chat whose check is due, and need only see whether something has changed: most of it was not even read.

    ``key`` is the chat's (``Chat.key``). The check was due at ``due``.
    """

    claim: Claim
    key: ChatKey
    access: Access
    due: datetime
    unchanged: Unchanged


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. It is saved in one transaction. ``known`` replaces what the chat knew.

    Unless ``known_is_new`` it is what the check was claimed with, and need not be written.

    ``credit`` is None if it was not asked for. ``ended_wishes`` for credit were fulfilled, or are void.
    ``packs`` are ordered: they come by themselves. ``unchanged`` is what a later check has to see to find the same.
    """

    known: Mapping[int, KnownInvoice]
    alerts: Sequence[Alert]
    watch: Watch
    next_check_at: datetime
    credit: CreditWatch | None = None
    ended_wishes: Collection[int] = ()
    packs: Sequence[Pack] = ()
    known_is_new: bool = True
    unchanged: Unchanged | None = None


class CheckStore(Protocol):
    """The queue of due checks."""

    @overload
    async def claim_checks(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]: ...

    @overload
    async def claim_checks(
        self, now: datetime, limit: int, lease: timedelta, rules: str
    ) -> Sequence[Check | Glance]: ...

    async def claim_checks(
        self, now: datetime, limit: int, lease: timedelta, rules: str | None = None
    ) -> Sequence[Check | Glance]:
        """Lease and return up to ``limit`` due checks, the longest due first.

        Chats without a link, and resting chats, have no check. A glance is given where the last check showed under the
        same ``rules`` that it suffices (:meth:`bot.domain.unchanged.Unchanged.spares`), and nothing of the chat has
        changed since.
        """

    async def end_glance(self, claim: Claim, now: datetime, next_check_at: datetime, seen: Unchanged) -> bool:
        """Note that the provider was read ``now``, and nothing has changed. ``seen`` is what the next check has to see.

        Return False if the claim was lost, or something of the chat has changed meanwhile. Nothing is written then.
        A crash may undo this.
        """

    async def whole_check(self, claim: Claim) -> Check | None:
        """Return the whole of a chat of which a glance was claimed. None: the claim was lost."""

    async def claim_check(self, key: ChatKey, now: datetime, lease: timedelta) -> Check | None:
        """Lease and return the check of this account of a chat, due or not.

        Return None if the chat has no link, rests, or is being checked now.
        """

    async def hasten_checks(self, account: str, now: datetime) -> None:
        """Let the checks of all chats of an account be due now, because something happened there.

        A check under way is refused: it may have read older data. A crash may undo this.
        """

    async def end_refusal(self, account: str, now: datetime) -> None:
        """End every refusal of this account's token, in all its chats: the provider has just answered it well.

        The checks of those chats are due now. One that is under way is refused: it may have met the refusal.
        """

    async def finish_check(self, claim: Claim, checked: Checked) -> bool:
        """Save what a check found, in one transaction. Return False if the claim was lost. Nothing is written then.

        A new alert replaces the others about the same subject, except those being sent, because only the newest says
        how things stand. :func:`bot.domain.alerts.taking_the_place_of` says what it takes over from them. If that may
        have arrived before, the new alert comes marked.

        A dead letter is deleted once its invoice is closed, or the account's trouble is over. A snooze is deleted once
        it ended with a reminder. A silence is deleted once its invoice is closed and no alert about it waits. Only a
        mute stays while its invoice is gone, because that may come back.
        """

    async def postpone_check(self, claim: Claim, until: datetime) -> bool:
        """Give the claim back without a result. The next check is due at ``until``.

        Return False if the claim was lost.
        """


ALERTS_PER_MESSAGE = 12
"""How many alerts one message holds at most. So many surely fit, in any language."""


class Outbox(Protocol):
    """The alerts on their way out. A chat gets strictly one message after the other. Chats are independent.

    Methods that take a claim return False if it was lost. Nothing is written then.
    """

    async def claim_alerts(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """Return the next message of up to ``limit`` chats, marked as being sent.

        A message holds the oldest undelivered alert that need not wait. Alerts behind it join if they can, up to
        :data:`ALERTS_PER_MESSAGE` in all. Alerts come ``again`` if a crash left them as being sent, if their lease ran
        out, or if it is uncertain whether they arrived. They come together as before, and with no others. A refused
        alert comes alone. Edits come by themselves, once no other alert is due.
        """

    async def alerts_sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        """Remove the alerts, and remember ``message``. None: there is no message to remember.

        The alerts were sent, or none had to be sent any more: the chat takes messages. Earlier messages were edited to
        say that the invoices ``resolved`` are settled. If ``message`` shows what earlier ones show too, a
        ``fold`` is added: to edit those. Messages without an open invoice are forgotten. So are the
        oldest beyond :data:`bot.domain.alerts.MESSAGES_KEPT`, if newer ones show the same invoices.
        """

    async def message_edited(self, claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        """Note that an earlier message was edited to say that the invoices ``resolved`` are settled."""

    async def message_folded(self, claim: Claim, message_id: int, invoice_ids: Collection[int]) -> bool:
        """Note that an earlier message speaks no more of these invoices: a newer one does in its place."""

    async def board_shown(self, claim: Claim, board: Board | None) -> bool:
        """Note which message is the chat's pinned one, and what it says. None: there is none any more."""

    async def alerts_failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        """Try the alerts again at ``retry_at``. The chat's other alerts wait as long.

        ``uncertain``: they may have arrived. ``counts``: add one to their attempts. A flood limit does not count. A
        newer alert about the same subject replaces them.
        """

    async def defer_alerts(
        self, claim: Claim, retry_at: datetime, *, uncertain: bool = False, closure: Closure | None = None
    ) -> bool:
        """Try the alerts again at ``retry_at``, or sooner together with newer ones about the same subject.

        They wait by themselves: the chat's other alerts go on. ``uncertain``: they may have arrived. With a
        ``closure`` they were refused, perhaps because of the chat: a sign that it is open ends the wait.
        """

    async def close_chat(self, claim: Claim, closure: Closure) -> bool:
        """Let the chat's alerts wait until the closure ends, or until a sign that the chat is open."""

    async def hold_alerts(self, claim: Claim, until: datetime) -> bool:
        """Hold the alerts until quiet hours end.

        They are given out sooner if a check finds something settled, because edits ring nowhere. They are also given
        out sooner if the chat sets other preferences.
        """

    async def move_to_dead_letters(self, claim: Claim) -> bool:
        """Stop trying these alerts. They stay visible, and no longer hold up the next ones."""
