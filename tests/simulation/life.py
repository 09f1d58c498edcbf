"""Random events over months: to people, their invoices, the provider, Telegram and the bot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from bot.domain.chats import Preferences, QuietHours
from bot.domain.invoices import Invoice, Item
from tests.simulation import faults
from tests.simulation.people import NOT_SILENCED, Person, SilenceState
from tests.simulation.process import Process, account_of
from tests.simulation.provider import SimAccount
from tests.simulation.world import BERLIN, World, utc
from tests.simulation.wrong_clocks import plan_wrong_clocks

DAY = timedelta(days=1)
ZONES = [None, None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "Australia/Lord_Howe"]
STARTS = [utc(2026, 2, 1), utc(2026, 9, 10), utc(2026, 5, 1), utc(2026, 12, 1)]
"""Two of them include the clock changes of both hemispheres, one New Year."""
MAX_OPEN_INVOICES = 5
"""The bot requests only so many vanished invoices singly at a time. If more vanished together, all would be late."""


def create(
    seed: int, folder: Path, *, months: int, people: int, kills: bool, trace: Callable[[str], None] | None = None
) -> World:
    """Create the world of a seed. Everything in it is decided here, or later by its own random numbers."""
    start = STARTS[seed % len(STARTS)] + timedelta(hours=seed % 24)
    world = World(seed, folder, start, start + months * faults.MONTH * DAY, trace)
    for number in range(people):
        _add_person(world, number + 1)
    faults.provider_outages(world)
    faults.telegram_outages(world)
    if kills:
        faults.plan_kills(world)
    plan_wrong_clocks(world, Random(f"clock {seed}"), kills=kills)
    return world


# --- People ---


def _add_person(world: World, number: int) -> None:
    rng = world.rng
    shares = number > 1 and rng.random() < 0.15
    account = world.people[-1].account if shares else SimAccount()
    token = world.people[-1].token if shares else f"token-{number}-0000"
    person = world.add_person(token, 100 + number, account)
    if not shares:
        for _ in range(rng.randrange(3)):
            _issue(world, account, world.start - rng.randrange(1, 40) * DAY)
        for at in faults.times(world, rng.choice([0.7, 1.5, 3])):
            world.at(at, lambda: _issue(world, account, world.clock()))
        faults.account_troubles(world, account)
    begin = world.start + timedelta(hours=rng.uniform(0, 60))
    if rng.random() < 0.5:
        world.at(begin, lambda: person.enqueue("choose", person.choose(preferences(rng))))
    world.at(begin, lambda: person.enqueue("link", person.link))
    habits: list[tuple[float, Callable[[], None]]] = [
        (2.0, lambda: _press(world, person)),
        (0.5, lambda: person.enqueue("choose", person.choose(preferences(rng) if rng.random() < 0.9 else None))),
        (0.5, lambda: person.enqueue("check", person.check)),
        (0.15, lambda: _unlink(world, person)),
        (0.1, lambda: person.enqueue("link again", person.link)),
        (0.3, lambda: faults.block(world, person)),
        (0.15, lambda: faults.refuse(world, person)),
        (0.5, lambda: faults.refuse_in_passing(world, person)),
        (0.3, lambda: faults.flood(world, person)),
        (0.3, lambda: faults.refuse_messages(world, person)),
        (0.3, lambda: faults.close_chat(world, person)),
        (0.1, lambda: faults.lose_chat(world, person)),
        (0.2, lambda: _delete_message(person, rng)),
    ]
    if number % 3 == 0:
        habits.append((0.3, lambda: _migrate(world, person)))
    for a_month, happen in habits:
        for at in faults.times(world, a_month):
            world.at(max(at, begin + DAY), happen)


def preferences(rng: Random) -> Preferences:
    """Return random preferences."""
    quiet = rng.choice([QuietHours(22, 8), QuietHours(22, 8), QuietHours(20, 10), QuietHours(1, 5), None])
    return Preferences(
        before=rng.choice([(7, 3, 1, 0), (7, 3, 1, 0), (14, 2), (1,), (0,), ()]),
        after=rng.choice([(1, 3, 7), (1, 3, 7), (2,), (1, 14), ()]),
        hour=rng.choice([9, 9, 7, 12, 18, 2, 23]),
        quiet=quiet,
        zone=rng.choice(ZONES),
        digest=rng.random() < 0.3,
    )


def _press(world: World, person: Person) -> None:
    """Press a button below a message: snooze, mute, or undo."""
    rng, now = world.rng, world.clock()
    said = [number for number in sorted(person.chat.numbers()) if number in person.account.present()]
    if not said or not person.linked or person.chat.blocked:
        return
    number = rng.choice(said)
    invoice = person.account.present()[number]
    state = rng.choice([
        SilenceState(now + timedelta(hours=3)),
        SilenceState(now + timedelta(hours=rng.uniform(10, 30))),
        SilenceState(now + 3 * DAY),
        SilenceState(
            datetime.combine(invoice.due, datetime.min.time(), BERLIN).astimezone(now.tzinfo) + timedelta(hours=9)
        )
        if invoice.due and invoice.due > now.date() + DAY
        else SilenceState(now + DAY),
        SilenceState(muted=True),
        NOT_SILENCED,
    ])  # fmt: skip
    if not invoice.is_open:
        return
    person.enqueue(f"silence {number} {state}", person.silence(number, state))
    if state.muted:
        world.after(
            rng.uniform(24, 600), lambda: person.enqueue(f"lift {number}", person.silence(number, NOT_SILENCED))
        )


def _unlink(world: World, person: Person) -> None:
    person.enqueue("unlink", person.unlink)
    world.after(world.rng.uniform(1, 200), lambda: person.enqueue("link", person.link))


def _delete_message(person: Person, rng: Random) -> None:
    if person.chat.arrivals:
        rng.choice(person.chat.arrivals).out_of_reach = True


def _migrate(world: World, person: Person) -> None:
    """Upgrade the group to a supergroup. Telegram tells the bot, before or after it uses the old id."""
    old, new = person.chat.id, person.chat.id + 1000
    world.telegram.migrate(person.chat, new)
    world.note(old, f"has the id {new} from now on")
    since = world.clock()
    action = ("move", person.move(old, new, since))
    if person.busy:
        person.queue.insert(1, action)
    else:
        person.queue.appendleft(action)


# --- Invoices ---


def _issue(world: World, account: SimAccount, at: datetime) -> None:
    """Issue an invoice, and plan its future."""
    rng = world.rng
    if len(account.open()) >= MAX_OPEN_INVOICES:
        return
    number = len(account.history) + 1
    today = at.astimezone(BERLIN).date()
    due = None if rng.random() < 0.05 else today + rng.choice([2, 7, 14, 14, 30]) * DAY
    invoice = open_invoice(number, today, due, Decimal(rng.randrange(100, 10_000)) / 100)
    if rng.random() < 0.1:
        _put(world, account, closed(invoice, "Paid"))
        return
    _put(world, account, invoice)
    days = 25 if due is None else max((due - world.clock().date()).days, 1)
    ends = rng.choice([rng.uniform(0, days), rng.uniform(0, days), days + rng.uniform(0, 40)]) * 24
    fate = rng.choices(
        [_pay, _pay_and_refund, _cancel, _vanish, _reopen, _vanish_and_return], weights=[12, 1, 3, 1, 1, 2]
    )[0]
    world.after(ends, lambda: fate(world, account, number))
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        world.after(rng.uniform(0, ends), lambda: _alter(world, account, number))


def open_invoice(number: int, issued: date, due: date | None, total: Decimal) -> Invoice:
    """Return an open invoice without credit."""
    return Invoice(
        id=number,
        status="Unpaid",
        status_label="Unpaid",
        is_open=True,
        issued=issued,
        due=due,
        paid_at=None,
        subtotal=total,
        tax=Decimal(0),
        tax_rate=Decimal(0),
        credit=Decimal(0),
        total=total,
        items=(Item("Hosting", f"Web space {number}", "", total),),
    )


def closed(invoice: Invoice, status: str) -> Invoice:
    return replace(invoice, is_open=False, status=status, status_label=status)


def _put(world: World, account: SimAccount, invoice: Invoice) -> None:
    account.put(world.clock(), invoice.id, invoice)
    words = f"{invoice.status} {invoice.due or 'no due date'} {invoice.total}"
    world.note_account(account, f"invoice {invoice.id}: {words}")


def _close(world: World, account: SimAccount, number: int, status: str) -> None:
    invoice = account.present().get(number)
    if invoice is not None and invoice.is_open:
        _put(world, account, closed(invoice, status))
        if world.rng.random() < 0.3:
            _check_soon(world, account)


def _check_soon(world: World, account: SimAccount) -> None:
    """Let the bot check the account at once, as after a payment of its own."""
    for person in world.people:
        if person.account is account and person.linked:

            async def action(process: Process, token: str = person.token) -> None:
                await process.store.hasten_checks(account_of(process, token), process.clock())

            person.enqueue("check soon", action)


def _pay(world: World, account: SimAccount, number: int) -> None:
    _close(world, account, number, "Paid")


def _cancel(world: World, account: SimAccount, number: int) -> None:
    _close(world, account, number, world.rng.choice(["Cancelled", "Cancelled", "Collections"]))


def _pay_and_refund(world: World, account: SimAccount, number: int) -> None:
    _pay(world, account, number)

    def refund() -> None:
        invoice = account.present().get(number)
        if invoice is not None and not invoice.is_open:
            _put(world, account, closed(invoice, "Refunded"))

    world.after(world.rng.uniform(0, 200), refund)


def _reopen(world: World, account: SimAccount, number: int) -> None:
    """Pay the invoice, and let the payment bounce."""
    _pay(world, account, number)

    def bounce() -> None:
        invoice = account.present().get(number)
        if invoice is not None and not invoice.is_open:
            _put(world, account, replace(invoice, is_open=True, status="Unpaid", status_label="Unpaid"))
            world.after(world.rng.uniform(10, 600), lambda: _pay(world, account, number))

    world.after(world.rng.uniform(0, 100), bounce)


def _vanish(world: World, account: SimAccount, number: int) -> None:
    if number in account.present():
        account.put(world.clock(), number, None)
        world.note_account(account, f"invoice {number}: gone")


def _vanish_and_return(world: World, account: SimAccount, number: int) -> None:
    before = account.present().get(number)
    if before is None:
        return
    _vanish(world, account, number)

    def come_back() -> None:
        if number not in account.present():
            _put(world, account, before)
            if before.is_open:
                world.after(world.rng.uniform(10, 600), lambda: _pay(world, account, number))

    in_passing = world.rng.random() < 0.5
    if in_passing:
        _check_soon(world, account)
    world.after(world.rng.uniform(0, 0.15 if in_passing else 100), come_back)


def _alter(world: World, account: SimAccount, number: int) -> None:
    """Change the sum or the due date (perhaps back again), or add some credit."""
    rng, invoice = world.rng, account.present().get(number)
    if invoice is None or not invoice.is_open:
        return
    match rng.choice(["sum", "due", "due", "there and back", "credit"]):
        case "sum":
            total = invoice.total + Decimal(rng.randrange(-50, 500)) / 10 + 6
            _put(world, account, replace(invoice, total=total, subtotal=total))
        case "credit":
            credit = invoice.total if rng.random() < 0.2 else (invoice.total / 3).quantize(Decimal("0.01"))
            _put(world, account, replace(invoice, credit=credit))
        case "due":
            _move_due(world, account, invoice)
        case _:
            _move_due(world, account, invoice)

            def back() -> None:
                now = account.present().get(number)
                if now is not None and now.is_open:
                    _put(world, account, replace(now, due=invoice.due))

            world.after(rng.uniform(1, 200), back)


def _move_due(world: World, account: SimAccount, invoice: Invoice) -> None:
    base = invoice.due or world.clock().date()
    _put(world, account, replace(invoice, due=base + world.rng.choice([-3, -1, 1, 3, 14]) * DAY))
