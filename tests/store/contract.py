"""The contract suite of the store port. A test class for each implementation inherits these tests.

Each test class provides the fixture ``opener``, which opens the same stored data again and again. A crash ends leases
in some stores but not in others, so the tests let leases expire after a crash.
"""

from __future__ import annotations

from tests.store.contract_accounts import AccountContract
from tests.store.contract_batches import BatchContract
from tests.store.contract_boards import BoardContract
from tests.store.contract_calendars import CalendarContract
from tests.store.contract_chats import ChatContract
from tests.store.contract_checks import CheckContract
from tests.store.contract_checks_on_demand import OnDemandCheckContract
from tests.store.contract_clocks import ClockContract
from tests.store.contract_folding import FoldingContract
from tests.store.contract_glances import GlanceContract
from tests.store.contract_leases import LeaseContract
from tests.store.contract_linking import LinkingContract
from tests.store.contract_messages import MessageContract
from tests.store.contract_moves import RestAndMoveContract
from tests.store.contract_operators import OperatorContract
from tests.store.contract_outbox import OutboxContract
from tests.store.contract_packs import PackContract
from tests.store.contract_payers import PayerContract
from tests.store.contract_payments import PaymentContract
from tests.store.contract_pending import PendingItemContract
from tests.store.contract_preferences import PreferenceContract
from tests.store.contract_replacing import ReplacementContract


class StoreContract(
    CalendarContract,
    ChatContract,
    AccountContract,
    PreferenceContract,
    RestAndMoveContract,
    PayerContract,
    LinkingContract,
    CheckContract,
    OnDemandCheckContract,
    GlanceContract,
    OutboxContract,
    MessageContract,
    FoldingContract,
    BoardContract,
    ReplacementContract,
    PaymentContract,
    BatchContract,
    PendingItemContract,
    PackContract,
    LeaseContract,
    OperatorContract,
    ClockContract,
):
    """The whole port."""
