"""Fakes of our own ports, for all tests: a provider, a messenger, a clock. They record all calls."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chats import Chat, Place, Token
from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Item, Listing
from bot.domain.live_messages import Board, LiveMessage
from bot.domain.payments import Action, Outcome, Payment
from bot.domain.unchanged import ListAnswer
from bot.errors import AnswerNotUnderstood, NotFound, PermissionMissing, TextRefused, TokenRefused
from bot.ports import Clock, Delivery, Document, InvoiceDocument, InvoiceFilter, utc_now

EVERYTHING = InvoiceFilter()


class SettableClock:
    """A :data:`bot.ports.Clock` that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now.astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now

    def set(self, now: datetime) -> None:
        self.now = now.astimezone(UTC)

    def move(self, by: timedelta) -> None:
        self.now += by


class Gate:
    """Holds its callers until it is opened. ``reached`` is set once a caller waits."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def hold(self) -> None:
        self.reached.set()
        await self._opened.wait()


def invoice(
    number: int = 1, due: date | None = None, total: str = "7.95", *, is_open: bool = True, status: str = ""
) -> Invoice:
    """Return an invoice without credit. It is open by default."""
    sum_ = Decimal(total)
    status = status or ("Unpaid" if is_open else "Paid")
    return Invoice(
        id=number,
        status=status,
        status_label=status,
        is_open=is_open,
        issued=date(2026, 1, 1),
        due=due,
        paid_at=None,
        subtotal=sum_,
        tax=Decimal(0),
        tax_rate=Decimal(0),
        credit=Decimal(0),
        total=sum_,
        items=(Item("Hosting", f"Web space {number}", f"Web space {number}\nfor a year", sum_),),
    )


def settled(open_invoice: Invoice, status: str = "Paid", paid_at: datetime | None = None) -> Invoice:
    """Return the invoice in a closed state."""
    return replace(open_invoice, is_open=False, status=status, status_label=status, paid_at=paid_at)


@dataclass
class FakeAccount:
    """An account at the provider. ``balance`` is the credit available for payments.

    Of a long list only the next ``read_at_once`` invoices are read at a time. Of the last ones ``missing`` are counted
    and not there.
    """

    invoices: dict[int, Invoice] = field(default_factory=dict)
    balance: Decimal = Decimal(1000)
    unlisted: set[int] = field(default_factory=set)
    unreadable: int = 0
    missing: int = 0
    read_at_once: int | None = None
    shows_credit: bool = False

    def put(self, *invoices: Invoice) -> None:
        self.invoices |= {new.id: new for new in invoices}


def with_answer(listing: Listing) -> Listing:
    """Return a listing with the bytes that it may have come as, if it lacks nothing."""
    if not listing.lacks_nothing:
        return listing
    return replace(listing, answer=ListAnswer((hashlib.blake2b(repr(listing).encode()).digest(),)))


class FakeProvider:
    """Implements :class:`bot.ports.Provider` in memory. A call is named after its method.

    Tests set: ``errors``, by call, by token, or by (call, invoice), are raised before a call is carried out. ``lost``,
    by call, are raised after a POST was carried out. ``gates``, by call or token, hold calls before they are carried
    out. ``late_gates``, by call, hold POSTs afterwards.

    Tests read: ``posts`` are all POSTs that arrived, ``executed`` those that were carried out. ``languages`` and
    ``filters`` are the arguments of all calls, ``begins`` those of readings in parts. What begins at one of the
    ``broken_places`` can't be read.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, FakeAccount] = {}
        self.errors: dict[str | tuple[str, int], Exception] = {}
        self.lost: dict[str, Exception] = {}
        self.gates: dict[str, Gate] = {}
        self.late_gates: dict[str, Gate] = {}
        self.calls: list[tuple[str, str, int | None]] = []
        self.languages: list[str] = []
        self.filters: list[InvoiceFilter] = []
        self.begins: list[str] = []
        self.broken_places: set[str] = set()
        self.posts: list[tuple[str, int]] = []
        self.executed: list[tuple[str, int]] = []

    def account(self, token: str) -> FakeAccount:
        """Return the account of a token. Create it if there is none."""
        return self.accounts.setdefault(token, FakeAccount())

    def calls_of(self, name: str) -> list[int | None]:
        """Return the ids of the invoices that a call was made for, in order."""
        return [number for called, _, number in self.calls if called == name]

    async def list_invoices(
        self, token: Token, language: str, only: InvoiceFilter = EVERYTHING, begin: str = ""
    ) -> Listing:
        self.filters.append(only)
        account = await self._begin("list_invoices", token, language)
        listed = [i for i in account.invoices.values() if i.id not in account.unlisted]
        if only.type is not None:
            listed = [i for i in listed if i.has_type(only.type)]
        if only.status is not None:
            listed = [i for i in listed if i.status == only.status]
        if account.read_at_once is None:
            return with_answer(Listing(tuple(listed), account.unreadable, account.missing))
        self.begins.append(begin)
        if begin in self.broken_places:
            raise AnswerNotUnderstood("cut off")
        start = int(begin or 0)
        end = start + account.read_at_once
        rest = str(end) if end < len(listed) else None
        return Listing(tuple(listed[start:end]), account.unreadable, rest=rest, resumed=bool(begin))

    async def list_if_changed(self, token: Token, language: str, last: ListAnswer) -> Listing | None:
        listing = await self.list_invoices(token, language)
        return None if listing.answer == last else listing

    async def invoice(self, token: Token, language: str, invoice_id: int) -> Invoice:
        return self._known(await self._begin("invoice", token, language, invoice_id), invoice_id)

    async def credit(self, token: Token, language: str) -> Credit:
        account = await self._begin("credit", token, language)
        if not account.shows_credit:
            raise PermissionMissing("read")
        return Credit(account.balance, "EUR")

    @asynccontextmanager
    async def pdf(self, token: Token, language: str, invoice_id: int) -> AsyncIterator[Document]:
        self._known(await self._begin("pdf", token, language, invoice_id), invoice_id)
        content = f"%PDF-1.4 invoice {invoice_id}\n%%EOF".encode()
        yield Document(f"invoice-{invoice_id}.pdf", io.BytesIO(content), len(content))

    @asynccontextmanager
    async def archive(self, token: Token, language: str, only: InvoiceFilter = EVERYTHING) -> AsyncIterator[Document]:
        self.filters.append(only)
        await self._begin("archive", token, language)
        yield Document("invoices.zip", io.BytesIO(b"PK\x05\x06" + bytes(18)), 22)

    async def make_room(self) -> None:
        if error := self.errors.get("make_room"):
            raise error

    async def pay(self, token: Token, language: str, invoice_id: int) -> None:
        await self._post("pay", token, language, invoice_id)

    async def remove_credit(self, token: Token, language: str, invoice_id: int) -> None:
        await self._post("remove_credit", token, language, invoice_id)

    async def _begin(self, name: str, token: Token, language: str, invoice_id: int | None = None) -> FakeAccount:
        self.calls.append((name, token.reveal(), invoice_id))
        self.languages.append(language)
        for gated in (name, token.reveal()):
            if gate := self.gates.get(gated):
                await gate.hold()
        keys: list[str | tuple[str, int]] = [name, token.reveal()]
        for key in [*keys, (name, invoice_id)] if invoice_id is not None else keys:
            if error := self.errors.get(key):
                raise error
        if token.reveal() not in self.accounts:
            raise TokenRefused
        return self.accounts[token.reveal()]

    def _known(self, account: FakeAccount, invoice_id: int) -> Invoice:
        if invoice_id not in account.invoices:
            raise NotFound
        return account.invoices[invoice_id]

    async def _post(self, name: str, token: Token, language: str, invoice_id: int) -> None:
        self.posts.append((name, invoice_id))
        account = await self._begin(name, token, language, invoice_id)
        found = self._known(account, invoice_id)
        self.executed.append((name, invoice_id))
        account.put(self._paid(account, found) if name == Action.PAY else replace(found, credit=Decimal(0)))
        if gate := self.late_gates.get(name):
            await gate.hold()
        if error := self.lost.get(name):
            raise error

    def _paid(self, account: FakeAccount, found: Invoice) -> Invoice:
        used = min(found.left_to_pay or Decimal(0), account.balance)
        account.balance -= used
        covered = replace(found, credit=found.credit + used)
        return settled(covered) if covered.left_to_pay == 0 else covered


@dataclass(frozen=True)
class Message:
    """A delivered message with alerts: the messenger's arguments, and the time."""

    id: int
    delivery: Delivery
    alerts: tuple[Alert, ...]
    at: datetime

    @property
    def chat_id(self) -> int:
        return self.delivery.chat.id


@dataclass(frozen=True)
class Edit:
    """An edit of an earlier message: the stored message, and what was known of its invoices at the time."""

    message: SentMessage
    known: Mapping[int, KnownInvoice]
    at: datetime

    @property
    def struck(self) -> list[int]:
        """The ids of the invoices that the edit strikes out, because they are settled."""
        return [s.invoice_id for s in self.message.shown if s.resolved or not self.known[s.invoice_id].is_open]


class FakeMessenger:
    """Implements :class:`bot.ports.Messenger` in memory.

    Tests set: ``troubles`` are the outcomes of a chat's next sends: an error instead of sending, or None for success.
    ``always`` is an error for every send to a chat. ``edit_troubles`` are the outcomes of the next edits and
    deletions. Messages in ``undeletable`` can't be deleted, those ``out_of_reach`` can't be given a line. ``lost`` are
    errors, by chat, that are raised after a message was delivered. Messages about the invoices in ``refuses`` are
    refused. ``gate`` holds all sends, ``held_chats`` those to single chats.

    Tests read: ``sent``, ``edited``, ``deleted``, ``reminded`` (silent lines), ``shown``, ``batches`` and ``documents``
    hold what was done. ``replies`` are the outcomes that were announced in a short message of their own. ``ends_told``
    says for each message about the end of payments whether it was marked as a repetition. ``came`` is set once an alert
    was delivered.
    """

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self.sent: list[Message] = []
        self.edited: list[Edit] = []
        self.boards: dict[int, Board] = {}
        self.board_edits: list[Board] = []
        self.pinned: list[int] = []
        self.pin_troubles: deque[Exception] = deque()
        self.may_pin = True
        self.deleted: list[int | None] = []
        self.reminded: list[tuple[int | None, list[tuple[int | None, int | None]]]] = []
        self.out_of_reach: set[int | None] = set()
        self.undeletable: set[int | None] = set()
        self.shown: list[Payment] = []
        self.batches: list[tuple[Payment, ...]] = []
        self.replies: list[list[Outcome | None]] = []
        self.ends_told: list[bool] = []
        self.documents: list[tuple[Place, str]] = []
        self.tries: list[int] = []
        self.troubles: defaultdict[int, deque[Exception | None]] = defaultdict(deque)
        self.lost: defaultdict[int, deque[Exception]] = defaultdict(deque)
        self.refuses: set[int | None] = set()
        self.edit_troubles: deque[Exception | None] = deque()
        self.always: dict[int, Exception] = {}
        self.gate: Gate | None = None
        self.held_chats: dict[int, Gate] = {}
        self.came = asyncio.Event()
        self._ids = itertools.count(100)

    async def send_alerts(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> int:
        chat_id = alerts[0].place.chat_id
        await self._pass(chat_id)
        if self.refuses.intersection(alert.invoice_id for alert in alerts):
            raise TextRefused("Bad Request: can't parse entities")
        message = Message(next(self._ids), delivery, tuple(alerts), now)
        self.sent.append(message)
        self.came.set()
        if self.lost[chat_id]:
            raise self.lost[chat_id].popleft()
        return message.id

    async def edit_board(self, board: Board, delivery: Delivery, now: datetime) -> bool:
        trouble = self.edit_troubles.popleft() if self.edit_troubles else None
        if trouble is not None:
            raise trouble
        if board.message_id not in self.boards:
            return False
        self.board_edits.append(board)
        return True

    async def send_board(self, delivery: Delivery, now: datetime) -> Board:
        chat_id = delivery.alerts[0].place.chat_id
        await self._pass(chat_id)
        board = Board(next(self._ids), None, "")
        self.boards[board.message_id] = board
        if self.lost[chat_id]:
            raise self.lost[chat_id].popleft()
        return board

    async def pin_board(self, board: Board, chat: Chat) -> bool:
        trouble = self.pin_troubles.popleft() if self.pin_troubles else None
        if trouble is not None:
            raise trouble
        if self.may_pin:
            self.pinned.append(board.message_id)
        return self.may_pin

    async def remove_board(self, board: Board, chat: Chat) -> None:
        await self._pass(chat.id)
        self.boards.pop(board.message_id, None)

    async def redraw(self, message: LiveMessage, shown: Listing, chat: Chat, now: datetime) -> bool:
        return True

    def words_of(self, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> Mapping[int, str]:
        return {}

    async def resolve(self, message: SentMessage, delivery: Delivery) -> None:
        trouble = self.edit_troubles.popleft() if self.edit_troubles else None
        if trouble is not None:
            raise trouble
        self.edited.append(Edit(message, delivery.known, self._clock()))

    async def remind_silently(
        self, message: SentMessage, delivery: Delivery, alerts: Sequence[Alert], now: datetime
    ) -> bool:
        trouble = self.edit_troubles.popleft() if self.edit_troubles else None
        if trouble is not None:
            raise trouble
        if message.message_id in self.out_of_reach:
            return False
        self.reminded.append((message.message_id, [(alert.invoice_id, alert.threshold) for alert in alerts]))
        return True

    async def delete(self, message: SentMessage) -> bool:
        trouble = self.edit_troubles.popleft() if self.edit_troubles else None
        if trouble is not None:
            raise trouble
        if message.message_id in self.undeletable:
            return False
        self.deleted.append(message.message_id)
        return True

    async def send_document(self, place: Place, chat: Chat, now: datetime, document: InvoiceDocument) -> str:
        await self._pass(place.chat_id)
        name = document.file if isinstance(document.file, str) else document.file.name
        self.documents.append((place, name))
        return f"file of {document.invoice_id}"

    async def show_payments(self, batch: Sequence[Payment], chat: Chat) -> bool:
        await self._pass(batch[0].place.chat_id)
        if batch[0].message_id is None:
            return False
        self._show(batch)
        return True

    async def tell_end(self, batch: Sequence[Payment], chat: Chat, *, in_full: bool, again: bool = False) -> None:
        await self._pass(batch[0].place.chat_id)
        self.ends_told.append(again)
        if not in_full:
            self.replies.append([payment.outcome for payment in batch])
        else:
            self._show(batch)
        if self.lost[batch[0].place.chat_id]:
            raise self.lost[batch[0].place.chat_id].popleft()

    def _show(self, batch: Sequence[Payment]) -> None:
        if batch[0].batch:
            self.batches.append(tuple(batch))
        else:
            self.shown.extend(batch)

    async def _pass(self, chat_id: int) -> None:
        self.tries.append(chat_id)
        gate = self.gate or self.held_chats.get(chat_id)
        if gate:
            await gate.hold()
        trouble = self.troubles[chat_id].popleft() if self.troubles[chat_id] else self.always.get(chat_id)
        if trouble is not None:
            raise trouble
