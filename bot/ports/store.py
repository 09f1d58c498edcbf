"""What the services need stored. One class implements all of it: :class:`bot.store.store.Store`.

The contract suite (``tests/store/contract.py``) runs on every backend.
"""

from __future__ import annotations

from typing import Protocol

from bot.ports.chats import ChatStore
from bot.ports.operations import BacklogStore, LeaseStore, OperatorStore, TokenBucketStore
from bot.ports.packs import PackStore
from bot.ports.payments import PaymentStore
from bot.ports.pending import PendingStore
from bot.ports.work import CheckStore, Outbox


class Store(
    ChatStore,
    CheckStore,
    Outbox,
    PaymentStore,
    PendingStore,
    PackStore,
    LeaseStore,
    TokenBucketStore,
    BacklogStore,
    OperatorStore,
    Protocol,
):
    """All of these stores together."""

    async def close(self) -> None: ...
