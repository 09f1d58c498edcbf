"""What the services need of the world outside: a provider, a store, a messenger, a clock.

Written for the caller and in domain types only. The store's contract suite (``tests/store/contract.py``) runs on every
implementation of it.
"""

from __future__ import annotations

from bot.ports.chats import ChatStore, Waiting
from bot.ports.checks import Check, Checked, CheckStore, Claim
from bot.ports.clock import Clock, utc_now
from bot.ports.desk import DeskStore
from bot.ports.messenger import Messenger
from bot.ports.operating import OperatorStore, Overview, WaitingAlert
from bot.ports.outbox import AT_ONCE, MESSAGES_KEPT, Delivery, Outbox
from bot.ports.payments import PaymentStore
from bot.ports.provider import Document, InvoiceFilter, Provider
from bot.ports.sharing import Backlog, BacklogStore, Lease, LeaseStore, TokenBucketStore
from bot.ports.store import Store

__all__ = [
    "AT_ONCE",
    "MESSAGES_KEPT",
    "Backlog",
    "BacklogStore",
    "ChatStore",
    "Check",
    "CheckStore",
    "Checked",
    "Claim",
    "Clock",
    "Delivery",
    "DeskStore",
    "Document",
    "InvoiceFilter",
    "Lease",
    "LeaseStore",
    "Messenger",
    "OperatorStore",
    "Outbox",
    "Overview",
    "PaymentStore",
    "Provider",
    "Store",
    "TokenBucketStore",
    "Waiting",
    "WaitingAlert",
    "utc_now",
]  # fmt: skip
