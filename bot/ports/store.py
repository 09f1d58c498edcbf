"""All that is stored, as one store implements it."""

from __future__ import annotations

from typing import Protocol

from bot.ports.chats import ChatStore
from bot.ports.checks import CheckStore
from bot.ports.desk import DeskStore
from bot.ports.operating import OperatorStore
from bot.ports.outbox import Outbox
from bot.ports.payments import PaymentStore
from bot.ports.sharing import BacklogStore, LeaseStore, TokenBucketStore


class Store(
    ChatStore,
    CheckStore,
    Outbox,
    PaymentStore,
    DeskStore,
    LeaseStore,
    TokenBucketStore,
    BacklogStore,
    OperatorStore,
    Protocol,
):
    """All of it, as one store implements it."""

    async def close(self) -> None: ...
