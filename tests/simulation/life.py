"""What may happen to people, their invoices, the provider, Telegram and the bot: all of it, at random, for months."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from bot.domain.invoices import Invoice, Item
from bot.domain.preferences import Preferences, QuietHours
from bot.errors import AnswerNotUnderstood, ProviderDown, ProviderError, RateLimited
from tests.simulation.history import Span
from tests.simulation.people import LOUD, Hush, Person
from tests.simulation.process import Process, account_of
from tests.simulation.provider import Books
from tests.simulation.world import BERLIN, World, utc

DAY = timedelta(days=1)
MONTH = 30.4
ZONES = [None, None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "Australia/Lord_Howe"]
STARTS = [utc(2026, 2, 1), utc(2026, 9, 10), utc(2026, 5, 1), utc(2026, 12, 1)]
"""Two of them run over the clock changes of both hemispheres, one over New Year."""
RARE_CALLS = [
    *("send_alerts", "send_alerts", "resolve", "alerts_sent", "alerts_sent", "alerts_failed", "set_alerts_aside"),
    *("finish_check", "invoice", "link", "unlink", "silence", "set_preferences", "rest", "wake", "move_chat"),
]
"""Calls at which a process would hardly be killed if any call could be the one."""
OPEN_AT_MOST = 5
"""More open invoices than the bot asks for singly at once would all wait for each other when they vanish together."""


def create(
    seed: int, folder: Path, *, months: int, people: int, kills: bool, trace: Callable[[str], None] | None = None
) -> World:
    """The world of a seed; all that will happen in it is decided here, or by its own dice as it goes."""
    start = STARTS[seed % len(STARTS)] + timedelta(hours=seed % 24)
    world = World(seed, folder, start, start + months * MONTH * DAY, trace)
    for number in range(people):
        _settle(world, number + 1)
    _provider_weather(world)
    _telegram_weather(world)
    if kills:
        _kills(world)
    return world


def times(world: World, a_month: float) -> list[datetime]:
    """Random instants of the world's life, so many a month on average."""
    rng, at = world.rng, world.start
    found: list[datetime] = []
    while True:
        at += timedelta(days=rng.expovariate(a_month / MONTH))
        if at >= world.end:
            return found
        found.append(at)


# --- People ---


def _settle(world: World, number: int) -> None:
    rng = world.rng
    shares = number > 1 and rng.random() < 0.15
    books = world.people[-1].books if shares else Books()
    token = world.people[-1].token if shares else f"token-{number}-0000"
    person = world.settle_in(token, 100 + number, books)
    if not shares:
        for _ in range(rng.randrange(3)):
            _issue(world, books, world.start - rng.randrange(1, 40) * DAY)
        for at in times(world, rng.choice([0.7, 1.5, 3])):
            world.at(at, lambda: _issue(world, books, world.clock()))
        _account_troubles(world, books)
    begin = world.start + timedelta(hours=rng.uniform(0, 60))
    if rng.random() < 0.5:
        world.at(begin, lambda: person.wants("choose", person.choose(preferences(rng))))
    world.at(begin, lambda: person.wants("link", person.link))
    habits: list[tuple[float, Callable[[], None]]] = [
        (2.0, lambda: _press(world, person)),
        (0.5, lambda: person.wants("choose", person.choose(preferences(rng) if rng.random() < 0.9 else None))),
        (0.5, lambda: person.wants("check", person.check)),
        (0.15, lambda: _unlink(world, person)),
        (0.1, lambda: person.wants("link anew", person.link)),
        (0.3, lambda: _block(world, person)),
        (0.15, lambda: _refuse(world, person)),
        (0.3, lambda: _flood(world, person)),
        (0.3, lambda: _unknown_error(world, person)),
        (0.2, lambda: _delete_message(person, rng)),
    ]
    if number % 3 == 0:
        habits.append((0.3, lambda: _migrate(world, person)))
    for a_month, happen in habits:
        for at in times(world, a_month):
            world.at(max(at, begin + DAY), happen)


def preferences(rng: Random) -> Preferences:
    """What somebody may choose."""
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
    """A button below a message: snooze, mute, or lift."""
    rng, now = world.rng, world.clock()
    said = [number for number in sorted(person.room.numbers()) if number in person.books.present()]
    if not said or not person.linked or person.room.blocked:
        return
    number = rng.choice(said)
    invoice = person.books.present()[number]
    wish = rng.choice([
        Hush(now + timedelta(hours=3)),
        Hush(now + timedelta(hours=rng.uniform(10, 30))),
        Hush(now + 3 * DAY),
        Hush(datetime.combine(invoice.due, datetime.min.time(), BERLIN).astimezone(now.tzinfo) + timedelta(hours=9))
        if invoice.due and invoice.due > now.date() + DAY
        else Hush(now + DAY),
        Hush(muted=True),
        LOUD,
    ])  # fmt: skip
    if not invoice.is_open:
        return
    person.wants(f"hush {number} {wish}", person.hush(number, wish))
    if wish.muted:
        world.after(rng.uniform(24, 600), lambda: person.wants(f"lift {number}", person.hush(number, LOUD)))


def _unlink(world: World, person: Person) -> None:
    person.wants("unlink", person.unlink)
    world.after(world.rng.uniform(1, 200), lambda: person.wants("link", person.link))


def _block(world: World, person: Person) -> None:
    """They block the bot, and come back some time later. Telegram tells the bot, or it finds out by itself."""
    if person.room.blocked:
        return
    person.room.blocked = True
    if person.gone_since is None:
        person.gone_since = world.clock()
    world.note(person.room.id, "blocks the bot")
    if world.rng.random() < 0.5:
        person.wants("rest", person.rest())

    def come_back() -> None:
        person.room.blocked = False
        world.note(person.room.id, "comes back")
        person.wants("come back", person.come_back)

    world.after(world.rng.choice([0.01, 5, 60, 500]) * world.rng.random(), come_back)


def _refuse(world: World, person: Person) -> None:
    """The token is refused, or lacks a permission, from now on: until it is given back, or linked anew."""
    rng, provider, token = world.rng, world.provider, person.token
    closed = rng.choice([provider.refused, provider.refused, provider.forbidden])
    if provider.refuses(token):
        return
    closed.add(token)
    holders = [p for p in world.people if p.token == token]
    for holder in holders:
        holder.refused_since = holder.refused_since or world.clock()
        world.note(holder.room.id, f"token {token} is refused")

    begun = world.clock()

    def given_back() -> None:
        closed.discard(token)
        world.note(person.room.id, f"token {token} is good again")
        for holder in holders:
            holder.refusals.append((begun, world.clock()))
            holder.wants("check", holder.check)

    def anew() -> None:
        for holder in holders:
            if holder.token == token:
                holder.token = f"{token.rsplit('-', 1)[0]}-{rng.randrange(1000, 10_000)}"
                holder.refusals.append((begun, world.clock()))
                provider.books[holder.token] = holder.books
                holder.wants("link with a new token", holder.link)

    world.after(rng.choice([1, 30, 300]) * rng.random(), given_back if rng.random() < 0.3 else anew)


def _flood(world: World, person: Person) -> None:
    until = world.clock() + timedelta(seconds=world.rng.choice([20, 600, 7200]))
    person.room.flood_until = until
    person.not_sent.append((world.clock(), until))


def _unknown_error(world: World, person: Person) -> None:
    """Telegram refuses all messages to a chat for a reason that nobody knows."""
    person.room.refuses = True
    world.note(person.room.id, "everything is refused with an unknown 400")

    def over() -> None:
        person.room.refuses = False

    _during(world, person.not_sent, world.rng.choice([0.001, 0.01, 3]), over)


def _delete_message(person: Person, rng: Random) -> None:
    if person.room.arrivals:
        rng.choice(person.room.arrivals).out_of_reach = True


def _migrate(world: World, person: Person) -> None:
    """The group becomes a supergroup; Telegram tells the bot, before or after it meets the old number."""
    old, new = person.room.id, person.room.id + 1000
    world.telegram.migrate(person.room, new)
    world.note(old, f"is {new} from now on")
    since = world.clock()
    deed = ("move", person.move(old, new, since))
    if person.busy:
        person.queue.insert(1, deed)
    else:
        person.queue.appendleft(deed)


# --- Invoices ---


def _issue(world: World, books: Books, at: datetime) -> None:
    """A new invoice, and what will become of it."""
    rng = world.rng
    if len(books.open()) >= OPEN_AT_MOST:
        return
    number = len(books.history) + 1
    today = at.astimezone(BERLIN).date()
    due = None if rng.random() < 0.05 else today + rng.choice([2, 7, 14, 14, 30]) * DAY
    invoice = open_invoice(number, today, due, Decimal(rng.randrange(100, 10_000)) / 100)
    if rng.random() < 0.1:
        _put(world, books, closed(invoice, "Paid"))
        return
    _put(world, books, invoice)
    days = 25 if due is None else max((due - world.clock().date()).days, 1)
    ends = rng.choice([rng.uniform(0, days), rng.uniform(0, days), days + rng.uniform(0, 40)]) * 24
    fate = rng.choices(
        [_pay, _pay_and_refund, _cancel, _vanish, _reopen, _vanish_and_return], weights=[12, 1, 3, 1, 1, 2]
    )[0]
    world.after(ends, lambda: fate(world, books, number))
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        world.after(rng.uniform(0, ends), lambda: _alter(world, books, number))


def open_invoice(number: int, issued: date, due: date | None, total: Decimal) -> Invoice:
    """An open invoice without credit."""
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


def _put(world: World, books: Books, invoice: Invoice) -> None:
    books.put(world.clock(), invoice.id, invoice)
    _note(world, books, f"invoice {invoice.id}: {invoice.status} {invoice.due or 'no due date'} {invoice.total}")


def _note(world: World, books: Books, text: str) -> None:
    for person in world.people:
        if person.books is books:
            world.note(person.room.id, text)


def _close(world: World, books: Books, number: int, status: str) -> None:
    invoice = books.present().get(number)
    if invoice is not None and invoice.is_open:
        _put(world, books, closed(invoice, status))
        if world.rng.random() < 0.3:
            _hasten(world, books)


def _hasten(world: World, books: Books) -> None:
    """It was paid by the bot, which looks at once."""
    for person in world.people:
        if person.books is books and person.linked:

            async def deed(process: Process, token: str = person.token) -> None:
                await process.store.hasten_checks(account_of(process, token), world.clock())

            person.wants("hasten", deed)


def _pay(world: World, books: Books, number: int) -> None:
    _close(world, books, number, "Paid")


def _cancel(world: World, books: Books, number: int) -> None:
    _close(world, books, number, world.rng.choice(["Cancelled", "Cancelled", "Collections"]))


def _pay_and_refund(world: World, books: Books, number: int) -> None:
    _pay(world, books, number)

    def refund() -> None:
        invoice = books.present().get(number)
        if invoice is not None and not invoice.is_open:
            _put(world, books, closed(invoice, "Refunded"))

    world.after(world.rng.uniform(0, 200), refund)


def _reopen(world: World, books: Books, number: int) -> None:
    """Paid, but the payment bounces."""
    _pay(world, books, number)

    def bounce() -> None:
        invoice = books.present().get(number)
        if invoice is not None and not invoice.is_open:
            _put(world, books, replace(invoice, is_open=True, status="Unpaid", status_label="Unpaid"))
            world.after(world.rng.uniform(10, 600), lambda: _pay(world, books, number))

    world.after(world.rng.uniform(0, 100), bounce)


def _vanish(world: World, books: Books, number: int) -> None:
    if number in books.present():
        books.put(world.clock(), number, None)
        _note(world, books, f"invoice {number}: gone")


def _vanish_and_return(world: World, books: Books, number: int) -> None:
    before = books.present().get(number)
    if before is None:
        return
    _vanish(world, books, number)

    def come_back() -> None:
        if number not in books.present():
            _put(world, books, before)
            if before.is_open:
                world.after(world.rng.uniform(10, 600), lambda: _pay(world, books, number))

    world.after(world.rng.uniform(0, 100), come_back)


def _alter(world: World, books: Books, number: int) -> None:
    """Another sum, another due date (perhaps back again), or some credit."""
    rng, invoice = world.rng, books.present().get(number)
    if invoice is None or not invoice.is_open:
        return
    match rng.choice(["sum", "due", "due", "there and back", "credit"]):
        case "sum":
            total = invoice.total + Decimal(rng.randrange(-50, 500)) / 10 + 6
            _put(world, books, replace(invoice, total=total, subtotal=total))
        case "credit":
            credit = invoice.total if rng.random() < 0.2 else (invoice.total / 3).quantize(Decimal("0.01"))
            _put(world, books, replace(invoice, credit=credit))
        case "due":
            _move_due(world, books, invoice)
        case _:
            _move_due(world, books, invoice)

            def back() -> None:
                now = books.present().get(number)
                if now is not None and now.is_open:
                    _put(world, books, replace(now, due=invoice.due))

            world.after(rng.uniform(1, 200), back)


def _move_due(world: World, books: Books, invoice: Invoice) -> None:
    base = invoice.due or world.clock().date()
    _put(world, books, replace(invoice, due=base + world.rng.choice([-3, -1, 1, 3, 14]) * DAY))


# --- Bad times ---


def _during(world: World, spans: list[Span], hours: float, over: Callable[[], None]) -> None:
    """Let something last for some hours from now on, and note when."""
    spans.append((world.clock(), world.clock() + timedelta(hours=hours)))
    world.after(hours, over)


def _account_troubles(world: World, books: Books) -> None:
    rng = world.rng

    def fail(error: ProviderError, hours: float) -> None:
        if books.failure is None:
            books.failure = error
            _note(world, books, f"account fails with {error}")

            def over() -> None:
                books.failure = None
                _note(world, books, "account is fine again")

            _during(world, books.failures, hours, over)

    def hide(hours: float) -> None:
        """The list leaves some out, or is empty; asked for singly they are there, or can't be read either."""
        if books.hidden:
            return
        present = sorted(books.present())
        hidden = present if rng.random() < 0.3 else rng.sample(present, min(len(present), 2))
        books.hidden.update(hidden)
        books.odd.update(hidden if rng.random() < 0.3 else [])
        _note(world, books, f"list leaves out {hidden}, unreadable {sorted(books.odd)}")

        def over() -> None:
            books.hidden.clear()
            books.odd.clear()
            _note(world, books, "list is whole again")

        _during(world, books.troubles, hours, over)

    def long() -> float:
        return rng.choice([1, 10, 48]) * rng.random()

    for at in times(world, 0.4):
        error = rng.choice([AnswerNotUnderstood("cut off"), ProviderDown(), RateLimited(rng.choice([None, 60, 9000]))])
        world.at(at, lambda error=error: fail(error, long()))  # type: ignore[misc]  # bound early
    for at in times(world, 0.4):
        world.at(at, lambda: hide(long()))


def _provider_weather(world: World) -> None:
    rng = world.rng

    def begin() -> None:
        if world.provider.weather is not None:
            return
        world.provider.weather = rng.choice(["down", "unreachable", "busy"])
        world.note(None, f"provider is {world.provider.weather}")

        def over() -> None:
            world.provider.weather = None
            world.note(None, "provider is fine again")

        _during(world, world.unreadable, rng.choice([0.5, 10, 40, 120]) * rng.random(), over)

    for at in times(world, 0.7):
        world.at(at, begin)


def _telegram_weather(world: World) -> None:
    rng = world.rng

    def begin() -> None:
        if world.telegram.weather is not None:
            return
        world.telegram.weather = rng.choice(["unconnected", "broken", "slow"])
        world.note(None, f"telegram is {world.telegram.weather}")

        def over() -> None:
            world.telegram.weather = None
            world.note(None, "telegram is fine again")

        _during(world, world.unsendable, rng.choice([0.1, 1, 10, 30]) * rng.random(), over)

    for at in times(world, 0.7):
        world.at(at, begin)


def _kills(world: World) -> None:
    """Killed at a call of a port, before it or after it; at a system call of a write; or while nothing goes on."""
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
                process.fuse.blow("while it waited")
        if rng.random() < 0.3:
            world.after(rng.random(), arm)

    for at in times(world, 4):
        world.at(at, arm)
