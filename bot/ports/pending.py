"""Pending items, as the services need them stored: questions that somebody was asked, and what soon expires."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from bot.domain.document_batches import DocumentBatch, StoppedBatch
from bot.domain.invitations import Invitation
from bot.domain.search.kept import SearchText
from bot.domain.selections import Selection
from bot.domain.token_offers import OfferedToken, TokenPause

Pending = Invitation | Selection | OfferedToken | TokenPause | SearchText | DocumentBatch | StoppedBatch
PendingItem = TypeVar("PendingItem", bound=Pending)


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
