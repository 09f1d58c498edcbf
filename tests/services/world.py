"""The services on the real embedded store, with fakes of the outside world and a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.alerts import AlertKind, KnownInvoice, SentMessage
from bot.domain.chat_keys import key_of
from bot.domain.chats import Chat, Link, Member, Place, Silence, Token
from bot.domain.invoices import Listing
from bot.domain.payments import Action, Outcome, Payment, PaymentRules, State
from bot.domain.schedule import CheckPlan
from bot.errors import ProviderError
from bot.services.checks import Checker
from bot.services.delivery import AlertSender
from bot.services.linking import Linking
from bot.services.payments.flow import Payments
from bot.services.reading import AccountReads
from bot.services.workers import Workers
from bot.store.store import Store
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.fakes import FakeAccount, FakeMessenger, FakeProvider, SettableClock, invoice

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 6, 1, 10, tzinfo=UTC)
DUE = date(2026, 6, 15)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TOKEN = "token-of-ada-123"
URL = "https://provider.example/api/v1"
ADA = key_of(11)
BOB = key_of(12)
MESSAGE = 77
OPEN = invoice(7, DUE, "10.00")
CREDITED = replace(OPEN, credit=Decimal(4))

AGREED = datetime.min.replace(tzinfo=UTC)
"""Stands for the moment at which the chat's present link was made: who links anew has agreed to replace that."""

Told = list[tuple[AlertKind, int | None, int | None]]


def member(user: int) -> Member:
    return Member(user, "Ada" if user == ADA else "Bob")


def open_in(message: SentMessage) -> list[int]:
    """Return the invoices that a message shows as open."""
    return [shown.invoice_id for shown in message.shown if not shown.resolved]


class World:
    """A bot that tests can kill and restart, with fakes of the world around it, which live on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = (new_key(),)
        self.clock = SettableClock(START)
        self.provider = FakeProvider()
        self.messenger = FakeMessenger(self.clock)
        self.rules = PaymentRules()
        self.plan = CheckPlan(timedelta(minutes=15), BERLIN)
        self.open()

    def open(self) -> None:
        """Start as a new process does. It knows only what is on the disk."""
        self.store: Store = open_store(self.folder, self.keys, self.clock)
        self.workers = Workers(50)
        self.wire(lambda port: port)

    def wire(self, wrap: Callable[[Any], Any]) -> None:
        """Build the services, with each port wrapped."""
        store, provider, messenger = wrap(self.store), wrap(self.provider), wrap(self.messenger)
        self.checker = Checker(store, provider, self.clock, self.plan, self.workers)
        self.alert_sender = AlertSender(store, store, messenger, self.clock, self.plan, self.workers)
        self.payments = Payments(store, provider, messenger, self.clock, self.plan, self.workers, rules=self.rules)
        self.payment_selection = self.payments.selection
        self.linking = Linking(store, provider, self.clock, self.plan, base_url=URL)

    @property
    def reads(self) -> AccountReads:
        """The reads outside of checks, as commands and payments make them."""
        return AccountReads(self.provider, self.store, self.clock)

    def replica(self, workers: Workers | None = None, show_within: timedelta = MINUTE) -> Payments:
        """Return the payments service of another process on the same store."""
        workers = workers or self.workers
        outside = (self.provider, self.messenger, self.clock, self.plan)
        return Payments(self.store, *outside, workers, show_within=show_within)

    async def kill(self) -> None:
        """End the process at once. Calls to the outside world that have not returned never do."""
        await self.workers.finish(within=0)
        await self.store.close()

    async def restart(self) -> None:
        await self.kill()
        self.open()

    @property
    def account(self) -> FakeAccount:
        """The account at the provider that belongs to Ada's token."""
        return self.provider.account(TOKEN)

    def at(self, day: date, hour: int, minute: int = 0) -> None:
        """Set the clock to a wall clock time in the provider's time zone."""
        self.clock.set(datetime.combine(day, time(hour, minute), BERLIN))

    def noon(self, day: date) -> None:
        """Set the clock to noon of a day in the provider's time zone."""
        self.at(day, 12)

    # --- The bot's loops ---

    async def check(self) -> None:
        await self.checker.work_off(30)
        await self.workers.finish()

    async def deliver(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            await self.alert_sender.tick()
            await self.workers.finish()

    async def reconcile(self) -> None:
        await self.payments.tick()
        await self.workers.finish()

    async def reconcile_for(self, span: timedelta, step: timedelta = 10 * SECOND) -> None:
        """Let time pass. Only the reconciler and the payment notifier run."""
        end = self.clock.now + span
        while self.clock.now < end:
            self.clock.move(step)
            await self.reconcile()

    async def find(self, *numbers: int, chat_id: int = 1) -> None:
        """Let a check find new invoices in a chat's own account. Their alerts wait afterwards."""
        token = f"token-of-{chat_id}xx"
        if (await self.store.chat(chat_id)).link is None:
            await self.link(chat_id, token)
            self.clock.move(timedelta(hours=1))
        self.provider.account(token).put(*(invoice(number, DUE) for number in numbers))
        await self.check()

    async def deliver_for(self, span: timedelta, step: timedelta = SECOND) -> None:
        """Let time pass. Only the alert sender runs, without checks."""
        end = self.clock.now + span
        while self.clock.now < end:
            self.clock.move(step)
            await self.deliver()

    async def live(self, day: date) -> None:
        """Check at noon of a day, and send all alerts that are due."""
        self.noon(day)
        await self.check()
        await self.deliver(5)

    async def refuse(self, error: ProviderError, day: date) -> None:
        """Let the provider refuse the token from noon of a day on, so often that the chat is told."""
        self.provider.errors["list_invoices"] = error
        self.noon(day)
        await self.check()
        self.clock.move(5 * MINUTE)
        await self.check()

    # --- What people do ---

    async def link(
        self, chat_id: int = 1, token: str = TOKEN, user: int = ADA, replacing: datetime | None = AGREED
    ) -> Listing:
        self.provider.account(token)
        chat = await self.store.chat(chat_id)
        agreed = chat.link.linked_at if chat.link and replacing is AGREED else replacing
        return await self.linking.link(chat, Place(chat_id), member(user), Token(token), replacing=agreed)

    async def ask(self, invoice_id: int = 7, action: Action = Action.PAY, chat_id: int = 1, user: int = ADA) -> Payment:
        chat = await self.store.chat(chat_id)
        quoter = self.payments.quoter
        ((payment, _),) = await quoter.ask(chat, Place(chat_id), member(user), action, invoice_id)
        return payment

    async def ask_several(self, *invoice_ids: int, chat_id: int = 1, user: int = ADA) -> list[Payment]:
        """Select some open invoices, and ask to pay them. The confirmation button has the id of the first payment."""
        chat, place = await self.store.chat(chat_id), Place(chat_id)
        selection, asked = await self.payment_selection.begin(chat, place, member(user))
        for number in invoice_ids:
            selection, asked = await self.payment_selection.choose(
                selection, chat, place, member(user), number, chosen=True
            )
        return [payment for payment, _ in asked]

    async def press(self, payment_id: str, chat_id: int = 1, user: int = ADA, message: int = MESSAGE) -> None:
        """Press the confirmation button. This does what the handler does."""
        chat = await self.store.chat(chat_id)
        payments = await self.payments.confirm(payment_id, Place(chat_id), member(user), message, chat)
        if payments:
            await self.payments.carry_out(payments, chat)

    async def prefer(self, chat_id: int = 1, **choices: Any) -> None:
        """Change some of a chat's preferences."""
        chosen = self.plan.preferences(await self.store.chat(chat_id))
        await self.store.set_preferences(chat_id, replace(chosen, **choices), self.clock.now)

    async def silence(self, invoice_id: int, silence: Silence | None, chat_id: int = 1) -> None:
        """Snooze or mute an invoice. None: let its reminders come again."""
        account = (await self.linked(chat_id)).account
        assert await self.store.silence(key_of(chat_id), account, {invoice_id: silence}, self.clock.now)

    # --- What can be observed ---

    def told(self, chat_id: int = 1) -> Told:
        """Return the alerts that arrived, in any messages, as (kind, invoice, threshold)."""
        return [alert for message in self.messages(chat_id) for alert in message]

    def messages(self, chat_id: int = 1) -> list[Told]:
        """Return the messages that arrived, each with its alerts."""
        mine = [message.alerts for message in self.messenger.sent if message.chat_id == chat_id]
        return [[(alert.kind, alert.invoice_id, alert.threshold) for alert in alerts] for alerts in mine]

    def numbers(self, chat_id: int = 1) -> list[int | None]:
        """Return the invoices of the alerts that arrived."""
        return [number for _, number, _ in self.told(chat_id)]

    def marks(self) -> list[bool]:
        """Return for each message that arrived whether it was marked as a possible repetition."""
        return [message.delivery.again for message in self.messenger.sent]

    def edits(self) -> list[tuple[int | None, list[int]]]:
        """Return the edits of earlier messages: the message's id, and the invoices that the edit strikes out."""
        return [(edit.message.message_id, edit.struck) for edit in self.messenger.edited]

    def states(self) -> list[State]:
        """Return the states of payments that were shown, in order."""
        return [payment.state for payment in self.messenger.shown]

    def last_batch(self) -> list[tuple[int, State, Outcome | None]]:
        """Return the last state of the message about several payments."""
        return [(payment.invoice_id, payment.state, payment.outcome) for payment in self.messenger.batches[-1]]

    def endings(self) -> list[Outcome]:
        """Return the outcomes of payments that were shown, in order."""
        return [payment.outcome for payment in self.messenger.shown if payment.outcome]

    async def chat(self, chat_id: int = 1) -> Chat:
        return await self.store.chat(chat_id)

    async def linked(self, chat_id: int = 1) -> Link:
        link = (await self.store.chat(chat_id)).link
        assert link is not None
        return link

    async def remembered(self, chat_id: int = 1) -> list[tuple[int | None, list[int]]]:
        """Return the sent messages that are kept for edits: their ids, and the invoices that they show as open."""
        return [(message.message_id, open_in(message)) for message in await self.store.sent_messages(key_of(chat_id))]

    async def known(self, chat_id: int = 1) -> dict[int, KnownInvoice]:
        """Return what a chat knows of its invoices. It claims a check and gives it back."""
        far = self.clock.now + 10_000 * DAY
        checks = await self.store.claim_checks(far, 1000, timedelta(0))
        for check in checks:
            link = check.chat.link
            assert link is not None
            await self.store.postpone_check(check.claim, link.next_check_at)
        return next(dict(check.known) for check in checks if check.chat.id == chat_id)

    async def payment(self, payment_id: str) -> Payment:
        payment = await self.store.payment(payment_id)
        assert payment is not None
        return payment
