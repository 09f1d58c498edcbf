"""What the services need stored. One class implements all of it: :class:`bot.store.store.Store`.

The contract suite (``tests/store/contract.py``) runs on every backend.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar, overload

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.answers import Awaited
from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat, Closure, Link, Member, Preferences, Silence, Token, Watch
from bot.domain.credit import CreditWatch
from bot.domain.deliveries import Claim, Delivery
from bot.domain.document_batches import DocumentBatch, StoppedBatch
from bot.domain.documents import SentDocument
from bot.domain.due_calendar import DueCalendar
from bot.domain.invitations import Invitation
from bot.domain.live_messages import Board, LiveMessage
from bot.domain.packs.pack import Pack
from bot.domain.payments import Payment, State
from bot.domain.search.kept import SearchText
from bot.domain.selections import Selection
from bot.domain.service_names import Service
from bot.domain.token_offers import OfferedToken, TokenPause
from bot.domain.unchanged import Unchanged

Pending = Invitation | Selection | OfferedToken | TokenPause | SearchText | DocumentBatch | StoppedBatch
PendingItem = TypeVar("PendingItem", bound=Pending)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many alerts of a chat wait, and how many are dead letters: those are no longer tried."""

    waiting: int
    set_aside: int


class ChatStore(Protocol):
    """Chats and their links. Every method is one transaction.

    Methods that take a ``chat_id`` are about a chat with all its accounts. Those that take a ``key`` are about one of
    its accounts (``Chat.key``).

    A chat that has moved to a new id can still be named by its old one. Only :meth:`rest` and :meth:`wake` are about
    exactly this id: that nobody can write under the old one means nothing for the new one.
    """

    async def chat(self, key: int) -> Chat:
        """Return the chat with this account. If nothing is stored of it, return an empty one.

        After a move it has its new id.

        Raise :class:`bot.errors.ChatUnreadable` if its record is damaged, or its token does not open.
        """

    async def accounts(self, chat_id: int) -> Sequence[Chat]:
        """Return the chat once for each of its accounts. If it has none, return it alone.

        Accounts that can't be read are left out and counted (``Chat.unreadable_beside``). Raise
        :class:`bot.errors.ChatUnreadable` if no other is left.
        """

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        """Return those of these chats that are linked."""

    async def set_language(self, chat_id: int, language: str | None) -> None: ...

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        """Remember the language that Telegram reports. Do nothing if the chat is not stored yet."""

    async def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        """Take the chat's next message ``until`` then as the token. None: stop waiting for any answer.

        The token is for this chat itself, or for the group of an invitation. ``invitation`` is that invitation's id.
        """

    async def await_answer(self, key: ChatKey, account: str, awaited: Awaited) -> bool:
        """Take the chat's next message for this answer, and for no other. Return False if it has another link now."""

    async def name_service(self, key: ChatKey, account: str, service: Service, name: str) -> bool:
        """Remember what a service is called, and stop waiting for that. Empty: it has no name.

        Return False if the chat has another link now.
        """

    async def set_reference(self, key: ChatKey, account: str, reference: str) -> bool:
        """Remember the reference of bank transfers, and stop waiting for it. Empty: they need none.

        Return False if the chat has another link now.
        """

    async def name_account(self, key: ChatKey, account: str, name: str) -> bool:
        """Remember what the person calls an account. Return False if there is another link now."""

    async def set_calendar(self, key: ChatKey, account: str, old: DueCalendar | None, new: DueCalendar | None) -> bool:
        """Put ``new`` in the place of the account's calendar.

        Return False if ``old`` has changed meanwhile, or the chat has another link now.
        """

    def sign(self, text: str) -> str:
        """Return a text's keyed fingerprint: 64 hexadecimal digits that nobody else can make."""

    def account_of(self, base_url: str, token: Token) -> str:
        """Return the account's keyed fingerprint. It identifies the account everywhere."""

    def seal_offer(self, offer: OfferedToken, token: Token) -> OfferedToken:
        """Return the offer with its token sealed, as it may be kept."""

    def token_of(self, offer: OfferedToken) -> Token | None:
        """Return the token of an offer. None: its key is gone."""

    async def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        """Set preferences. None: use the operator's defaults. The next check is due ``now``."""

    async def silence(self, key: ChatKey, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        """Snooze or mute reminders of these invoices. None ends a silence.

        Return False if the chat has another link now. The next check is due when the first of these silences ends, or
        ``now`` if one was ended.
        """

    async def note_credit(self, key: ChatKey, account: str, credit: CreditWatch) -> None:
        """Remember what was read of the account's credit. Do nothing if the chat has another link now."""

    async def wish_for_credit(self, key: ChatKey, account: str, invoice_id: int, now: datetime) -> bool:
        """Remember that somebody wants to hear when the credit suffices for an invoice. The next check is due soon.

        Return False if the chat has another link now.
        """

    async def set_live_message(self, key: ChatKey, old: LiveMessage | None, new: LiveMessage | None) -> bool:
        """Put ``new`` in the place of ``old`` among a linked chat's live messages.

        :func:`bot.domain.live_messages.with_message` says how. Return False if ``old`` has changed meanwhile.
        """

    async def keep_document(self, key: ChatKey, account: str, document: SentDocument) -> None:
        """Remember how a PDF can be sent again. Do nothing if the chat has another link now."""

    async def known_invoices(self, key: ChatKey) -> Mapping[int, KnownInvoice]:
        """Return what a linked chat knows, as its last check left it."""

    async def sent_messages(self, key: ChatKey) -> Sequence[SentMessage]:
        """Return the chat's messages about invoices that are not settled yet, the oldest first."""

    async def link(
        self,
        link: Link,
        known: Mapping[int, KnownInvoice],
        invitation_id: str | None = None,
        *,
        slot: int | None = 0,
    ) -> bool:
        """Link the chat, and take ``known`` as told. Return True.

        ``slot`` is the chat's account that is replaced. None: add one, or raise :class:`bot.errors.TooManyAccounts`.

        Alerts of an older link go. Its silences and sent messages stay for an invoice that the new link has too, with
        the same title and due date; if there is one, the reference of bank transfers stays, too. Its payers stay if the
        owner is the same. The payments with the account that it replaces go. An ended one stays until its end was told.
        Raise :class:`bot.errors.LinkInUse` while one of them is under way. Nothing is changed then.

        An invitation is used up in the same transaction. Change nothing and return False if it is gone, or if the chat
        has no longer the link that the invitation replaces.
        """

    async def remove_account(self, key: ChatKey, account: str) -> bool:
        """Forget one of several accounts, and all that belongs to it. Return False if it is another one by now."""

    async def add_payer(self, key: ChatKey, payer: Member) -> None:
        """Let a person pay with all accounts of this one's owner in the chat. A newer name replaces the older."""

    async def remove_payer(self, key: ChatKey, user_id: int) -> None:
        """Let this person pay with none of them any longer."""

    async def everything_of(self, chat_id: int) -> Mapping[str, Any]:
        """Return all that is stored of a chat, in JSON's types. The token is left out, even in its sealed form."""

    async def unlink(self, chat_id: int) -> bool:
        """Forget the chat and all that belongs to it. Return False if it was not linked.

        An unsettled payment stays until its end was told.
        """

    async def move_chat(self, old_id: int, new_id: int) -> None:
        """Move all that belongs to a chat to its new id. Do nothing if it has moved before.

        Earlier messages lose their ids, because Telegram gives new ones. If the new id is linked already by the same
        owner, keep that link and drop the old one. A link that somebody else has made there is dropped: the chat only
        looked unlinked. Payments and pending items move in any case.
        """

    async def rest(self, chat_id: int, reason: str) -> None:
        """Stop checks and alerts of a chat that can't be written to. Its data stay."""

    async def wake(self, chat_id: int, now: datetime) -> bool:
        """Note that the chat can be written to again. Return False if it neither rested nor was closed.

        After a rest, its next check is due ``now``, and its alerts wait until that has ended. That takes half a minute
        at most.
        """

    async def waiting_alerts(self, key: ChatKey) -> Waiting: ...


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


class PaymentStore(Protocol):
    """Payments by account. Two chats of one account share them."""

    async def add_payment(self, payment: Payment) -> None:
        """Store a question that was just asked. Raise ValueError if its id is taken."""

    async def add_payments(self, payments: Sequence[Payment], instead_of: Collection[str] = ()) -> bool:
        """Store one question about several invoices of an account, in the place of an earlier one of that account.

        ``instead_of`` are the ids of the payments that the earlier one was about. Change nothing and return False if
        it was answered meanwhile. Raise ValueError if an id is taken.
        """

    async def drop_questions(self, account: str, payment_ids: Collection[str]) -> bool:
        """Forget a question that nobody has answered. Change nothing and return False if it was answered."""

    async def payment(self, payment_id: str) -> Payment | None: ...

    async def batch_of(self, payment_id: str) -> Sequence[Payment]:
        """Return all payments of this one's batch, in the order of asking.

        Return the payment alone if it has no batch, and nothing if it is not stored.
        """

    async def payments_of_chat(self, chat_id: int, account: str | None = None) -> Sequence[Payment]:
        """Return the chat's journal: all payments asked for there, ended or not, the newest first.

        With an ``account``, only those with it.
        """

    async def advance_payment(self, payment: Payment, expected: State) -> bool:
        """Replace the record with ``payment`` if its stored state is ``expected``. Else change nothing, return False.

        A payment whose end was told never changes: that was the last word.

        Keep the stored place: the chat may have moved meanwhile. Then drop the message id.

        For a move to ``confirmed``, raise :class:`bot.errors.PaymentInProgress` while another payment of the same
        account and invoice is confirmed or sent. Only this check keeps two presses from both paying.
        """

    async def advance_payments(self, payments: Sequence[Payment], expected: State) -> bool:
        """Advance several payments of one account in one transaction: all of them, or none."""

    async def unsettled_payments(self) -> Sequence[Payment]:
        """Return the payments that still need work, the oldest first.

        They are queued, confirmed or sent, or they ended and nobody was told yet.
        """


class PendingStore(Protocol):
    """Pending items: invitations into private chats, selections of invoices, tokens that wait for a yes, searches.

    They are kept for minutes, searches and batches of documents for a day. Expired items may be gone. Unlinking a chat
    deletes its items. A person's pause after wrong tokens is kept for a day, too, and outlives that.
    """

    async def put_pending(self, item: Pending, now: datetime) -> None:
        """Keep an item. It replaces one with the same id.

        It also replaces that person's older ones of the same kind in the same chat. Only selections, searches and
        batches can be several.
        """

    async def pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        """Return an item. None: it does not exist, or was used up."""

    async def pending_of(self, kind: type[PendingItem], chat_id: int, user_id: int) -> Sequence[PendingItem]:
        """Return a person's items of a kind in a chat."""

    async def take_pending(self, kind: type[PendingItem], item_id: str) -> PendingItem | None:
        """Use an item up, and return it. Only one caller gets it.

        None: it does not exist, or was used up.
        """

    async def drop_expired(self, now: datetime) -> None:
        """Delete what has expired."""
