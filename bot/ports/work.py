"""What is stored, as the services need it. One store implements all of it: :class:`bot.store.store.Store`.

The contract suite (``tests/store/contract.py``) runs on every backend of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chats import Chat, Link, Member, Preferences, Silence, Token, Watch
from bot.domain.deliveries import Claim, Delivery
from bot.domain.invitations import Invitation
from bot.domain.payments import Payment, Selection, State

Item = TypeVar("Item", bound=Invitation | Selection)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many alerts of a chat wait, and how many were set aside: they are no longer tried."""

    waiting: int
    set_aside: int


class ChatStore(Protocol):
    """Chats and their links. Every method is one transaction."""

    async def chat(self, chat_id: int) -> Chat:
        """The chat, or an empty one where nothing is stored."""

    async def set_language(self, chat_id: int, language: str | None) -> None: ...

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        """Remember the language that Telegram reports; nothing is stored for a chat that isn't stored yet."""

    async def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        """Open (or with None close) the time in which the next message is taken as the token.

        It is for this chat itself, or for the group of an invitation, given by its id.
        """

    def account_of(self, base_url: str, token: Token) -> str:
        """The keyed fingerprint by which an account is known."""

    async def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        """Choose, or with None go by the operator's defaults again. The next check is due ``now``."""

    async def silence(self, chat_id: int, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        """Put reminders of these invoices off or (None) let them come again; False: the link is another by now.

        The next check is due when the first of these silences ends, ``now`` where one was lifted.
        """

    async def known_invoices(self, chat_id: int) -> Mapping[int, KnownInvoice]:
        """What a linked chat knows, as its last check left it."""

    async def sent_messages(self, chat_id: int) -> Sequence[SentMessage]:
        """The chat's messages about invoices that are not settled yet, the oldest first."""

    async def link(self, link: Link, known: Mapping[int, KnownInvoice], invitation_id: str | None = None) -> bool:
        """Link the chat and take ``known`` as told; an older link goes with its knowledge, silences and alerts.

        Where it had the same owner, its payers stay. The chat's payments with other accounts go, too. Raises
        :class:`bot.errors.LinkInUse` while one of those is under way; nothing was changed then.

        With an invitation that is used up in the same transaction. False, and nothing was changed, where that is gone,
        or where the chat's link is not the one any more that the invitation replaces.
        """

    async def add_payer(self, chat_id: int, payer: Member) -> None:
        """Let somebody pay with the chat's link; nothing happens without one. A newer name replaces the older."""

    async def remove_payer(self, chat_id: int, user_id: int) -> None:
        """Take that back."""

    async def everything_of(self, chat_id: int) -> Mapping[str, Any]:
        """All that is stored of a chat, in JSON's types; of the token nothing, not even sealed."""

    async def unlink(self, chat_id: int) -> bool:
        """Forget the chat and all that belongs to it; False if it was not linked."""

    async def move_chat(self, old_id: int, new_id: int) -> None:
        """Give all that belongs to a chat its new id. Earlier messages have other numbers there, which nobody knows.

        Where the new id is linked already, that link stays and the old one goes; payments move in any case.
        """

    async def rest(self, chat_id: int, reason: str) -> None:
        """Stop checks and alerts of a chat that can't be written to; its data stay."""

    async def wake(self, chat_id: int, now: datetime) -> bool:
        """End the rest; True if it was resting. Its next check is due ``now``; alerts wait a little for its outcome."""

    async def waiting_alerts(self, chat_id: int) -> Waiting: ...


@dataclass(frozen=True, slots=True)
class Check:
    """A chat whose check is due: the chat (its ``link`` is set), what it knows, and its messages of what is open."""

    claim: Claim
    chat: Chat
    known: Mapping[int, KnownInvoice]
    sent: Sequence[SentMessage]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check led to, saved in one transaction; it replaces what the chat knew."""

    known: Mapping[int, KnownInvoice]
    alerts: Sequence[Alert]
    watch: Watch
    next_check_at: datetime


class CheckStore(Protocol):
    """The queue of due checks."""

    async def claim_checks(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Check]:
        """Up to ``limit`` linked, not resting chats whose check is due, the longest due first."""

    async def claim_check(self, chat_id: int, now: datetime, lease: timedelta) -> Check | None:
        """The check of this chat, due or not; None where it has no link, rests, or is being checked right now."""

    async def hasten_checks(self, account: str, now: datetime) -> None:
        """Let the checks of all chats of an account be due now, as something has happened there.

        One that is under way is void: it may have read how things stood before. A crash may undo this.
        """

    async def finish_check(self, claim: Claim, checked: Checked) -> bool:
        """Save what a check found, in one transaction; False: the claim was lost, nothing was written.

        A new alert takes the place of one about the same subject that waits or was set aside, as
        :func:`bot.domain.alerts.taking_the_place_of` says: only the newest says how things stand. One that was set
        aside leaves too once its invoice is closed, or the account's trouble is over. Silences go when they ended with
        a reminder, and with their invoices once no alert about those waits.
        """

    async def postpone_check(self, claim: Claim, until: datetime) -> bool:
        """Give the claim back without a result."""


ALERTS_PER_MESSAGE = 12
"""How many alerts go into one message: as many as surely fit, in any language."""


class Outbox(Protocol):
    """The alerts on their way out. Within a chat strictly one message after the other; chats are independent."""

    async def claim_alerts(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """Return the next message of up to ``limit`` chats, marked as being sent.

        It holds the oldest undelivered alert and those behind it that can go with it, up to
        :data:`ALERTS_PER_MESSAGE`. Alerts come ``again`` if a crash left them as being sent, if their lease ran out, or
        if their end was uncertain. They come together as they were, and with no others. A refused alert comes alone.
        """

    async def alerts_sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        """The alerts went out, as ``message``, or (None) have no point any more: they leave the outbox.

        Earlier messages were edited to say that the invoices ``resolved`` are settled. Messages in which nothing is
        open any more are forgotten. So are the oldest beyond :data:`bot.domain.alerts.MESSAGES_KEPT`, as long as newer
        ones say the same.
        """

    async def message_edited(self, claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        """An earlier message was edited to say that these invoices are settled; False: the claim was lost."""

    async def alerts_failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        """Try again at ``retry_at``; ``counts`` adds to their attempts (a flood limit does not).

        One that surely was not delivered gives way to a newer one about the same that was found meanwhile.
        """

    async def hold_alerts(self, claim: Claim, until: datetime) -> bool:
        """Not sent, as the chat is quiet until then.

        They are given out sooner once a check finds something settled, since edits ring nowhere, or the chat chooses
        other preferences.
        """

    async def move_to_dead_letters(self, claim: Claim) -> bool:
        """Stop trying; they stay to be seen, and no longer hold up the next."""


class PaymentStore(Protocol):
    """Payments, kept by account: two chats of one account share them."""

    async def add_payment(self, payment: Payment) -> None:
        """Store a question that was just asked. Raises ValueError if its id is taken."""

    async def payment(self, payment_id: str) -> Payment | None: ...

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        """The payment with all that were asked for together with it, in their order; alone where it has no batch."""

    async def payments_of_chat(self, chat_id: int) -> Sequence[Payment]:
        """The chat's journal, the newest first: all that was asked there, whatever became of it."""

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        """Replace the record with ``payment`` if its stored state is ``expected``; else nothing changes: False.

        One whose end was told never changes: that was the last word.

        The place stays as it is stored, as the chat may have moved since the payment was read; then it has no message.

        Moving to ``confirmed`` raises :class:`bot.errors.PaymentInProgress` while another payment of the same
        account and invoice is confirmed or sent. This is the one place that keeps two presses from both paying.
        """

    async def advance_payments(self, payments: Sequence[Payment], expected: State) -> bool:
        """The same for several of one account, in one transaction: all of them, or none."""

    async def unsettled_payments(self) -> Sequence[Payment]:
        """Payments that are queued, confirmed or sent, or ended and not yet told, oldest first."""


class PendingStore(Protocol):
    """Pending items, kept for minutes: invitations of groups into private chats, and selections of invoices.

    Expired items may be gone. Unlinking a chat deletes those that belong to it.
    """

    async def put_pending(self, item: Invitation | Selection, now: datetime) -> None:
        """Keep an item in the place of one with the same id; an invitation also replaces that person's older ones."""

    async def pending(self, kind: type[Item], item_id: str) -> Item | None:
        """Return an item. None: there is none, or it was used up."""

    async def take_pending(self, kind: type[Item], item_id: str) -> Item | None:
        """Use an item up. Only one caller gets it."""
