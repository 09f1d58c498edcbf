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
from bot.errors import (
    AnswerNotUnderstood,
    ChatClosed,
    ChatNotFound,
    ProviderDown,
    ProviderError,
    RateLimited,
    SendRefused,
    TextRefused,
)
from tests.simulation.history import Span
from tests.simulation.people import NOT_SILENCED, PASSING_REFUSAL, Person, SilenceState
from tests.simulation.process import Process, account_of
from tests.simulation.provider import SimAccount
from tests.simulation.world import BERLIN, HOUR, World, utc
from tests.simulation.wrong_clocks import plan_wrong_clocks

DAY = timedelta(days=1)
MONTH = 30.4
ZONES = [None, None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "Australia/Lord_Howe"]
STARTS = [utc(2026, 2, 1), utc(2026, 9, 10), utc(2026, 5, 1), utc(2026, 12, 1)]
"""Two of them include the clock changes of both hemispheres, one New Year."""
RARE_CALLS = [
    *("send_alerts", "send_alerts", "resolve", "alerts_sent", "alerts_sent", "alerts_failed", "defer_alerts"),
    *("finish_check", "invoice", "link", "unlink", "silence", "set_preferences", "rest", "wake", "move_chat"),
]
"""Calls that are too rare to be hit if the kill may come at any call."""
FOUND_OPEN_WITHIN = timedelta(hours=1)
"""So soon the bot finds out by itself that a chat takes messages again."""
MAX_OPEN_INVOICES = 5
"""The bot requests only so many vanished invoices singly at a time. If more vanished together, all would be late."""


def create(
    seed: int, folder: Path, *, months: int, people: int, kills: bool, trace: Callable[[str], None] | None = None
) -> World:
    """Create the world of a seed. Everything in it is decided here, or later by its own random numbers."""
    start = STARTS[seed % len(STARTS)] + timedelta(hours=seed % 24)
    world = World(seed, folder, start, start + months * MONTH * DAY, trace)
    for number in range(people):
        _add_person(world, number + 1)
    _provider_outages(world)
    _telegram_outages(world)
    if kills:
        _kills(world)
    plan_wrong_clocks(world, Random(f"clock {seed}"), kills=kills)
    return world


def times(world: World, a_month: float) -> list[datetime]:
    """Return random instants of the world's lifetime, so many a month on average."""
    rng, at = world.rng, world.start
    found: list[datetime] = []
    while True:
        at += timedelta(days=rng.expovariate(a_month / MONTH))
        if at >= world.end:
            return found
        found.append(at)


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
        for at in times(world, rng.choice([0.7, 1.5, 3])):
            world.at(at, lambda: _issue(world, account, world.clock()))
        _account_troubles(world, account)
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
        (0.3, lambda: _block(world, person)),
        (0.15, lambda: _refuse(world, person)),
        (0.5, lambda: _refuse_in_passing(world, person)),
        (0.3, lambda: _flood(world, person)),
        (0.3, lambda: _refuse_messages(world, person)),
        (0.3, lambda: _close_chat(world, person)),
        (0.1, lambda: _lose_chat(world, person)),
        (0.2, lambda: _delete_message(person, rng)),
    ]
    if number % 3 == 0:
        habits.append((0.3, lambda: _migrate(world, person)))
    for a_month, happen in habits:
        for at in times(world, a_month):
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


def _block(world: World, person: Person) -> None:
    """Block the bot, and unblock it some time later. Telegram tells the bot, or it finds out by itself."""
    if person.chat.blocked:
        return
    person.chat.blocked = True
    if person.gone_since is None:
        person.gone_since = world.clock()
    world.note(person.chat.id, "blocks the bot")
    if world.rng.random() < 0.5:
        person.enqueue("rest", person.rest())

    def come_back() -> None:
        person.chat.blocked = False
        world.note(person.chat.id, "unblocks the bot")
        person.enqueue("come back", person.come_back)

    world.after(world.rng.choice([0.01, 5, 60, 500]) * world.rng.random(), come_back)


def _refuse(world: World, person: Person) -> None:
    """Refuse the token, or take a permission from it, until that is undone or a new token is linked."""
    rng, provider, token = world.rng, world.provider, person.token
    closed = rng.choice([provider.refused, provider.refused, provider.forbidden])
    if provider.refuses(token):
        return
    closed.add(token)
    holders = [p for p in world.people if p.token == token]
    for holder in holders:
        holder.refused_since = holder.refused_since or world.clock()
        world.note(holder.chat.id, f"token {token} is refused")

    begun = world.clock()

    def given_back() -> None:
        closed.discard(token)
        world.note(person.chat.id, f"token {token} is accepted again")
        somebody_asks = rng.random() < 0.5
        for holder in holders:
            holder.refusals.append((begun, world.clock()))
            if somebody_asks:
                holder.enqueue("check", holder.check)
            else:
                holder.trusted_again(world.clock())

    def anew() -> None:
        for holder in holders:
            if holder.token == token:
                holder.token = f"{token.rsplit('-', 1)[0]}-{rng.randrange(1000, 10_000)}"
                holder.refusals.append((begun, world.clock()))
                provider.accounts[holder.token] = holder.account
                holder.enqueue("link with a new token", holder.link)

    world.after(rng.choice([1, 30, 300]) * rng.random(), given_back if rng.random() < 0.3 else anew)


def _refuse_in_passing(world: World, person: Person) -> None:
    """Refuse the token for so short a time that the bot, asking again, finds it accepted."""
    rng, provider, token = world.rng, world.provider, person.token
    closed = rng.choice([provider.refused, provider.forbidden])
    if provider.refuses(token):
        return
    closed.add(token)
    world.note(person.chat.id, f"token {token} is refused in passing")
    hours = rng.uniform(0, PASSING_REFUSAL / HOUR)
    for holder in world.people:
        if holder.token == token:
            holder.not_read.append((world.clock(), world.clock() + hours * HOUR))
    world.after(hours, lambda: closed.discard(token))
    if rng.random() < 0.5:
        person.enqueue("check", person.check)


def _flood(world: World, person: Person) -> None:
    until = world.clock() + timedelta(seconds=world.rng.choice([20, 600, 7200]))
    person.chat.flood_until = until
    person.not_sent.append((world.clock(), until))


def _refuse_messages(world: World, person: Person) -> None:
    """Let Telegram refuse all messages to a chat, because of their text or for an unknown reason."""
    if person.chat.refusal is not None:
        return
    error = world.rng.choice([TextRefused("can't parse entities"), SendRefused("an unknown 400")])
    person.chat.refusal = error
    world.note(person.chat.id, f"everything is refused: {error}")

    def over() -> None:
        person.chat.refusal = None
        world.note(person.chat.id, "nothing is refused any more")

    _during(world, person.not_sent, world.rng.choice([0.001, 0.01, 3, 30]) * world.rng.random(), over)


def _close_chat(world: World, person: Person) -> None:
    """Close a group for a while. Telegram tells when it is open again, or the bot finds out within an hour."""
    if person.chat.refusal is not None:
        return
    rng, begun = world.rng, world.clock()
    person.chat.refusal = ChatClosed("not enough rights")
    world.note(person.chat.id, "is closed")

    def over() -> None:
        person.chat.refusal = None
        world.note(person.chat.id, "is open again")
        tells = rng.random() < 0.5
        person.not_sent.append((begun, world.clock() if tells else world.clock() + FOUND_OPEN_WITHIN))
        if tells:
            person.enqueue("may write again", person.may_write_again)

    world.after(rng.choice([0.5, 9, 40]) * rng.random(), over)


def _lose_chat(world: World, person: Person) -> None:
    """Let Telegram not find a chat for a while. After a day of that the chat rests until the person is back."""
    if person.chat.refusal is not None or person.gone_since is not None:
        return
    rng = world.rng
    hours = rng.choice([1, 12, 60]) * rng.random()
    person.chat.refusal, rests = ChatNotFound("chat not found"), hours > 23
    person.gone_since = world.clock() if rests else None
    begun = world.clock()
    world.note(person.chat.id, "is not found")

    def over() -> None:
        person.chat.refusal = None
        world.note(person.chat.id, "is found again")
        person.not_sent.append((begun, world.clock() + FOUND_OPEN_WITHIN))
        if rests:
            person.enqueue("come back", person.come_back)

    world.after(hours, over)


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
    _note(world, account, f"invoice {invoice.id}: {invoice.status} {invoice.due or 'no due date'} {invoice.total}")


def _note(world: World, account: SimAccount, text: str) -> None:
    for person in world.people:
        if person.account is account:
            world.note(person.chat.id, text)


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
        _note(world, account, f"invoice {number}: gone")


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


# --- Faults ---


def _during(world: World, spans: list[Span], hours: float, over: Callable[[], None]) -> None:
    """Record the span from now to some hours later, and call ``over`` at its end."""
    spans.append((world.clock(), world.clock() + timedelta(hours=hours)))
    world.after(hours, over)


def _account_troubles(world: World, account: SimAccount) -> None:
    rng = world.rng

    def fail(error: ProviderError, hours: float) -> None:
        if account.failure is None:
            account.failure = error
            _note(world, account, f"account fails with {error}")

            def over() -> None:
                account.failure = None
                _note(world, account, "account is fine again")

            _during(world, account.failures, hours, over)

    def hide(hours: float) -> None:
        """Omit some or all invoices from the list. Requested singly, they are there, or unreadable."""
        if account.hidden:
            return
        present = sorted(account.present())
        hidden = present if rng.random() < 0.3 else rng.sample(present, min(len(present), 2))
        account.hidden.update(hidden)
        account.unreadable.update(hidden if rng.random() < 0.3 else [])
        _note(world, account, f"list lacks {hidden}, unreadable {sorted(account.unreadable)}")

        def over() -> None:
            account.hidden.clear()
            account.unreadable.clear()
            _note(world, account, "list is complete again")

        _during(world, account.troubles, hours, over)

    def long() -> float:
        return rng.choice([1, 10, 48]) * rng.random()

    for at in times(world, 0.4):
        error = rng.choice([AnswerNotUnderstood("cut off"), ProviderDown(), RateLimited(rng.choice([None, 60, 9000]))])
        world.at(at, lambda error=error: fail(error, long()))  # type: ignore[misc]  # bound early
    for at in times(world, 0.4):
        world.at(at, lambda: hide(long()))


def _provider_outages(world: World) -> None:
    rng = world.rng

    def begin() -> None:
        if world.provider.outage is not None:
            return
        world.provider.outage = rng.choice(["down", "unreachable", "busy"])
        world.note(None, f"provider is {world.provider.outage}")

        def over() -> None:
            world.provider.outage = None
            world.note(None, "provider is fine again")

        _during(world, world.unreadable, rng.choice([0.5, 10, 40, 120]) * rng.random(), over)

    for at in times(world, 0.7):
        world.at(at, begin)


def _telegram_outages(world: World) -> None:
    rng = world.rng

    def begin() -> None:
        if world.telegram.outage is not None:
            return
        world.telegram.outage = rng.choice(["unconnected", "broken", "pages", "slow", "half", "half"])
        world.note(None, f"telegram is {world.telegram.outage}")

        def over() -> None:
            world.telegram.outage = None
            world.note(None, "telegram is fine again")

        _during(world, world.unsendable, rng.choice([0.1, 1, 10, 30]) * rng.random(), over)

    for at in times(world, 0.7):
        world.at(at, begin)


def _kills(world: World) -> None:
    """Kill the process before or after a call of a port, at a system call of a write, or while it is idle."""
    rng = world.rng
    world.downtime = lambda: timedelta(hours=rng.choice([0, 0, 0, 0.1, 2, 30]) * rng.random())

    def arm() -> None:
        process = world.process
        if process is None:
            return
        match rng.randrange(7):
            case 0 | 1:
                process.kill_at_call(rng.randrange(1, 40))
            case 2 | 3:
                process.kill_at_call(rng.choice([1, 1, 2, 2, 3, 4]), rng.choice(RARE_CALLS))
            case 4 | 5:
                process.kill_at_write(rng.randrange(1, 60))
            case _:
                process.kill_switch.trigger("while it waited")
        if rng.random() < 0.3:
            world.after(rng.random(), arm)

    for at in times(world, 4):
        world.at(at, arm)
