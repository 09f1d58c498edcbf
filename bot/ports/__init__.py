"""What the services need of the world outside: a provider, a store, a messenger, a clock.

Written for the caller and in domain types only. The store's contract suite (``tests/store/contract.py``) runs on every
implementation of it.
"""

from __future__ import annotations

from bot.domain.deliveries import Claim, Delivery
from bot.ports.calendars import CalendarEvent, WriteCalendar
from bot.ports.charts import Bars, Chart, DrawChart
from bot.ports.chats import ChatStore, Waiting
from bot.ports.operations import (
    Backlog,
    BacklogStore,
    Lease,
    LeaseStore,
    OperatorStore,
    Overview,
    StoreCounts,
    TokenBucketStore,
    WaitingAlert,
)
from bot.ports.outside import (
    Clock,
    Document,
    EInvoiceReader,
    InvoiceDocument,
    InvoiceFilter,
    Messenger,
    PostDocument,
    Provider,
    Sleep,
    utc_now,
)
from bot.ports.packs import (
    Archive,
    PackClaim,
    PackEnd,
    PackFile,
    PackMessenger,
    PackStore,
    PackWords,
    Space,
    Spool,
)
from bot.ports.payments import PaymentStore
from bot.ports.pending import Pending, PendingItem, PendingStore
from bot.ports.store import Store
from bot.ports.tables import TableWords, TableWriters, WriteTexts, WriteWorkbook
from bot.ports.work import ALERTS_PER_MESSAGE, Access, Check, Checked, CheckStore, Glance, Outbox

__all__ = [
    "ALERTS_PER_MESSAGE",
    "Access",
    "Archive",
    "Backlog",
    "BacklogStore",
    "Bars",
    "CalendarEvent",
    "Chart",
    "ChatStore",
    "Check",
    "CheckStore",
    "Checked",
    "Claim",
    "Clock",
    "Delivery",
    "Document",
    "DrawChart",
    "EInvoiceReader",
    "Glance",
    "InvoiceDocument",
    "InvoiceFilter",
    "Lease",
    "LeaseStore",
    "Messenger",
    "OperatorStore",
    "Outbox",
    "Overview",
    "PackClaim",
    "PackEnd",
    "PackFile",
    "PackMessenger",
    "PackStore",
    "PackWords",
    "PaymentStore",
    "Pending",
    "PendingItem",
    "PendingStore",
    "PostDocument",
    "Provider",
    "Sleep",
    "Space",
    "Spool",
    "Store",
    "StoreCounts",
    "TableWords",
    "TableWriters",
    "TokenBucketStore",
    "Waiting",
    "WaitingAlert",
    "WriteCalendar",
    "WriteTexts",
    "WriteWorkbook",
    "utc_now",
]  # fmt: skip
