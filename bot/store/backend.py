"""What the store needs of a place where records are kept. There are two: TinyDB files, and PostgreSQL.

A backend knows how to load, lock and save. What becomes of a record is said by the rules, and what belongs into one
transaction by :class:`bot.store.store.Store`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

import structlog

from bot.domain.deliveries import Claim
from bot.domain.document_batches import DocumentBatch, StoppedBatch
from bot.domain.invitations import Invitation
from bot.domain.search.kept import SearchText
from bot.domain.selections import Selection
from bot.domain.token_offers import OfferedToken, TokenPause
from bot.domain.unchanged import Unchanged
from bot.ports import Backlog, LeaseStore, Pending, PendingStore, TokenBucketStore
from bot.store.rules.records import ChatRecord, PaymentRow

log = structlog.get_logger()

T = TypeVar("T")

PENDING_KINDS: tuple[type[Pending], ...] = (
    Invitation, Selection, OfferedToken, TokenPause, SearchText, DocumentBatch, StoppedBatch,
)  # fmt: skip
OF_PERSONS = (TokenPause,)
"""All kinds of pending items, and those that belong to a person and not to a chat."""
SEVERAL = (Selection, SearchText, DocumentBatch, StoppedBatch)
"""Kinds of which a person can have several in a chat."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease on a chat's check, or on its next message. A report under an older fencing token is refused.

    It was taken at ``set_at``. None: by a process of an older version.
    """

    fencing_token: int
    until: datetime
    set_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredChat:
    """A chat's record, and the leases on its check and its message. ``unchanged`` is what its last check saw."""

    record: ChatRecord
    check: Hold | None = None
    message: Hold | None = None
    unchanged: Unchanged | None = None


@dataclass(frozen=True, slots=True)
class StoredGlance:
    """What a first look at a claimed chat needs. ``since`` is its last check, ``due`` when this one was due."""

    id: int
    fencing_token: int
    sealed_token: str
    language: str
    since: datetime
    due: datetime
    unchanged: Unchanged

    def suffices(self, now: datetime, rules: str | None) -> bool:
        """Return whether a check that begins ``now`` need only see whether something has changed."""
        return rules is not None and self.unchanged.spares(self.since, now, rules)


@dataclass(frozen=True, slots=True)
class FoundChat:
    """A chat that was found. ``load`` returns it, or raises :class:`bot.errors.ChatUnreadable`."""

    id: int
    load: Callable[[], StoredChat]


class Held(StrEnum):
    """What of a chat is leased under a claim. The values name columns."""

    CHECK = "check"
    MESSAGE = "message"


ChangeHeld = Callable[[StoredChat], StoredChat | None]
"""What becomes of a chat that is held under a claim. None: the claim is of no use any more. It has no other effects."""


class Transaction(PendingStore, Protocol):
    """One transaction: all that is saved in it is kept, or nothing is. Only :meth:`save_begun` may save a part.

    Chats are locked before accounts. ``backend_errors`` are the errors that concern the whole backend, not one chat.
    """

    backend_errors: tuple[type[Exception], ...]

    # --- chats ---

    async def find_chats(self, chat_ids: Collection[int], *, lock: bool = False) -> list[FoundChat]:
        """Return the stored ones among these chats, in order. ``lock``: nobody else changes them meanwhile."""

    async def chat_ids(self) -> list[int]:
        """Return the ids of the stored chats, in order."""

    async def linked_chats(self, account: str) -> list[int]:
        """Return the ids of the chats that are linked to an account."""

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        """Return those of these chats that are linked."""

    async def lock_or_make(self, chat_id: int) -> StoredChat:
        """Return the chat, locked. A missing one is made, so that nobody else makes it meanwhile."""

    async def save_chat(self, old: StoredChat, new: StoredChat) -> None:
        """Save a locked chat. A record that is not worth keeping goes.

        What its last check saw is forgotten, unless this is the end of another check, which saw something ``new``.
        """

    async def delete_chat(self, chat_id: int) -> None:
        """Delete a chat, even if it can't be read."""

    async def put_chats(self, records: Sequence[ChatRecord]) -> None:
        """Store chats without leases, in the place of what is there."""

    # --- claims ---

    async def claim_checks(
        self, now: datetime, limit: int, until: datetime, rules: str | None = None
    ) -> list[FoundChat | StoredGlance]:
        """Lease the checks that are due, the longest due first. Where a glance suffices, return no more than that."""

    async def claim_check(self, chat_id: int, now: datetime, until: datetime) -> StoredChat | None:
        """Lease the check of this chat, due or not. None: it has none, it rests, or its check is leased."""

    async def claim_messages(self, now: datetime, limit: int, until: datetime) -> list[FoundChat]:
        """Lease the next messages of chats, the oldest first.

        The lease counts once :meth:`save_begun` was called.
        """

    async def save_begun(self, chats: Sequence[StoredChat], left: Collection[int], until: datetime) -> set[int]:
        """Save claimed chats whose alerts are being sent from now on. Return the ids of those that could be saved.

        The ``left`` ones (unreadable, say), and those that can't be written, stay as they are ``until`` then.
        """

    async def held(self, what: Held, claim: Claim) -> StoredChat | None:
        """Return the chat whose check or message is still leased under this claim, locked."""

    # --- packs ---

    async def chats_with_due_packs(self, now: datetime, limit: int) -> list[FoundChat]:
        """Return chats that have a pack to be made, the longest due first, locked. Pass over those that others lock."""

    async def put_off_packs(self, chat_id: int, until: datetime) -> None:
        """Pass over a chat that can't be read, ``until`` then or until it is saved."""

    # --- payments ---

    async def accounts(self) -> list[str]:
        """Return all accounts that have payments, in order."""

    async def account_of(self, payment_id: str) -> str | None:
        """Return the account that a payment belongs to."""

    async def accounts_of_chat(self, chat_id: int) -> list[str]:
        """Return the accounts that have payments of a chat, in order."""

    async def payments_of(self, account: str, *, lock: bool = False) -> list[PaymentRow]:
        """Return an account's payments, in the order of asking. ``lock``: nobody else changes them meanwhile.

        Raise :class:`bot.errors.PaymentsUnreadable`.
        """

    async def unsettled_payments(self) -> list[PaymentRow]:
        """Return the payments of all accounts that still need work. Log and skip those that can't be read."""

    async def save_payments(self, account: str, rows: Mapping[str, PaymentRow | None]) -> None:
        """Save payments of a locked account by their ids, new ones behind the others. None deletes."""

    async def put_payments(self, account: str, rows: Sequence[PaymentRow]) -> None:
        """Store an account's payments in the place of what is there."""

    async def move_pending(self, old_id: int, new_id: int) -> None:
        """Give the pending items that belong to a chat its new id."""

    async def clear_pending(self, chat_id: int) -> None:
        """Delete the pending items that belong to a chat."""

    # --- the store as a whole ---

    async def sealed_secret(self) -> str | None:
        """Return the sealed secret behind the account fingerprints. None before the first start."""

    async def put_sealed_secret(self, sealed: str) -> None:
        """Store that secret."""

    async def sealed_by_others(self, key_id: str) -> Mapping[str, Collection[int]]:
        """Return the chats whose token is not sealed with this key, by the key that it is sealed with."""

    async def is_moving(self) -> bool:
        """Whether a move into this place has begun and is not finished."""

    async def set_moving(self, moving: bool) -> None: ...  # noqa: FBT001  # what is set

    async def backlog(self, now: datetime) -> Backlog:
        """Return how far the work is behind. Raise an error where nothing can be written."""

    async def newest_wait(self) -> datetime | None:
        """Return when the latest of the stored waits was set."""


Work = Callable[[Transaction], Awaitable[T]]
"""What is done in one transaction. It may run again after a rollback, so it has no other effects."""


class Backend(LeaseStore, TokenBucketStore, Protocol):
    """An open place where records are kept. ``name`` tells an operator which, ``secret_place`` where its secret is."""

    name: str
    secret_place: str

    def run(self, work: Work[T]) -> Awaitable[T]:
        """Run ``work`` in a transaction. After a cancellation it runs to its end, or was never begun."""

    def change_held(self, what: Held, claim: Claim, change: ChangeHeld) -> Awaitable[bool]:
        """Change the chat whose check or message is still leased under this claim. Return whether there was one.

        It is as if each had a transaction of its own, as :func:`change_held` says. A backend may put several into one.
        """

    async def end_glance(self, claim: Claim, now: datetime, next_check_at: datetime, seen: Unchanged) -> bool:
        """Set the times of the check under this claim, and give its lease back, as the port says.

        Return False if the lease is lost, or what the last check saw was forgotten: then nothing happens.
        """

    async def is_running(self) -> bool:
        """Whether a bot works with this place."""

    async def close(self) -> None:
        """Finish what was begun, and let go of the place."""


async def change_held(t: Transaction, what: Held, claim: Claim, change: ChangeHeld) -> bool:
    """Do what :meth:`Backend.change_held` says, in this transaction."""
    stored = await t.held(what, claim)
    new = change(stored) if stored is not None else None
    if stored is None or new is None:
        return False
    await t.save_chat(stored, new)
    return True


def note_void_waits(count: int, ahead: timedelta) -> None:
    """Log that waits ended which a clock had set that was ahead of the present one, by so much at least."""
    if count:
        log.warning("waits of a wrong clock ended", waits=count, ahead=round(ahead.total_seconds()))
