"""What goes wrong for a while: at the provider, at Telegram, between them and the bot, and with the bot itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

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
from tests.simulation.people import PASSING_REFUSAL, Person
from tests.simulation.provider import SimAccount
from tests.simulation.world import HOUR, World

MONTH = 30.4
RARE_CALLS = [
    *("send_alerts", "send_alerts", "resolve", "alerts_sent", "alerts_sent", "alerts_failed", "defer_alerts"),
    *("finish_check", "invoice", "link", "unlink", "silence", "set_preferences", "rest", "wake", "move_chat"),
]
"""Calls that are too rare to be hit if the kill may come at any call."""
FOUND_OPEN_WITHIN = timedelta(hours=1)
"""So soon the bot finds out by itself that a chat takes messages again."""


def times(world: World, a_month: float) -> list[datetime]:
    """Return random instants of the world's lifetime, so many a month on average."""
    rng, at = world.rng, world.start
    found: list[datetime] = []
    while True:
        at += timedelta(days=rng.expovariate(a_month / MONTH))
        if at >= world.end:
            return found
        found.append(at)


# --- To one chat ---


def block(world: World, person: Person) -> None:
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


def refuse(world: World, person: Person) -> None:
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


def refuse_in_passing(world: World, person: Person) -> None:
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


def flood(world: World, person: Person) -> None:
    until = world.clock() + timedelta(seconds=world.rng.choice([20, 600, 7200]))
    person.chat.flood_until = until
    person.not_sent.append((world.clock(), until))


def refuse_messages(world: World, person: Person) -> None:
    """Let Telegram refuse all messages to a chat, because of their text or for an unknown reason."""
    if person.chat.refusal is not None:
        return
    error = world.rng.choice([TextRefused("can't parse entities"), SendRefused("an unknown 400")])
    person.chat.refusal = error
    world.note(person.chat.id, f"everything is refused: {error}")

    def over() -> None:
        person.chat.refusal = None
        world.note(person.chat.id, "nothing is refused any more")

    during(world, person.not_sent, world.rng.choice([0.001, 0.01, 3, 30]) * world.rng.random(), over)


def close_chat(world: World, person: Person) -> None:
    """Close a group for a while. Telegram tells when it is open again, or the bot finds out within an hour."""
    if person.chat.refusal is not None:
        return
    rng = world.rng
    person.chat.refusal = ChatClosed("not enough rights")
    world.note(person.chat.id, "is closed")

    def over() -> None:
        person.chat.refusal = None
        world.note(person.chat.id, "is open again")
        if rng.random() < 0.5:
            person.enqueue("may write again", person.may_write_again)
        else:
            person.not_sent.append((world.clock(), world.clock() + FOUND_OPEN_WITHIN))

    during(world, person.not_sent, rng.choice([0.5, 9, 40]) * rng.random(), over)


def lose_chat(world: World, person: Person) -> None:
    """Let Telegram not find a chat for a while. After a day of that the chat rests until the person is back."""
    if person.chat.refusal is not None or person.gone_since is not None:
        return
    rng = world.rng
    hours = rng.choice([1, 12, 60]) * rng.random()
    person.chat.refusal, rests = ChatNotFound("chat not found"), hours > 23
    person.gone_since = world.clock() if rests else None
    world.note(person.chat.id, "is not found")

    def over() -> None:
        person.chat.refusal = None
        world.note(person.chat.id, "is found again")
        person.not_sent.append((world.clock(), world.clock() + FOUND_OPEN_WITHIN))
        if rests:
            person.enqueue("come back", person.come_back)

    during(world, person.not_sent, hours, over)


# --- To one account, and to everybody ---


def during(world: World, spans: list[Span], hours: float, over: Callable[[], None]) -> None:
    """Record the span from now to some hours later, and call ``over`` at its end."""
    spans.append((world.clock(), world.clock() + timedelta(hours=hours)))
    world.after(hours, over)


def account_troubles(world: World, account: SimAccount) -> None:
    rng = world.rng

    def fail(error: ProviderError, hours: float) -> None:
        if account.failure is None:
            account.failure = error
            world.note_account(account, f"account fails with {error}")

            def over() -> None:
                account.failure = None
                world.note_account(account, "account is fine again")

            during(world, account.failures, hours, over)

    def hide(hours: float) -> None:
        """Omit some or all invoices from the list. Requested singly, they are there, or unreadable."""
        if account.hidden:
            return
        present = sorted(account.present())
        hidden = present if rng.random() < 0.3 else rng.sample(present, min(len(present), 2))
        account.hidden.update(hidden)
        account.unreadable.update(hidden if rng.random() < 0.3 else [])
        world.note_account(account, f"list lacks {hidden}, unreadable {sorted(account.unreadable)}")

        def over() -> None:
            account.hidden.clear()
            account.unreadable.clear()
            world.note_account(account, "list is complete again")

        during(world, account.troubles, hours, over)

    def long() -> float:
        return rng.choice([1, 10, 48]) * rng.random()

    for at in times(world, 0.4):
        error = rng.choice([AnswerNotUnderstood("cut off"), ProviderDown(), RateLimited(rng.choice([None, 60, 9000]))])
        world.at(at, lambda error=error: fail(error, long()))  # type: ignore[misc]  # bound early
    for at in times(world, 0.4):
        world.at(at, lambda: hide(long()))


def provider_outages(world: World) -> None:
    rng = world.rng

    def begin() -> None:
        if world.provider.outage is not None:
            return
        world.provider.outage = rng.choice(["down", "unreachable", "busy"])
        world.note(None, f"provider is {world.provider.outage}")

        def over() -> None:
            world.provider.outage = None
            world.note(None, "provider is fine again")

        during(world, world.unreadable, rng.choice([0.5, 10, 40, 120]) * rng.random(), over)

    for at in times(world, 0.7):
        world.at(at, begin)


def telegram_outages(world: World) -> None:
    rng = world.rng

    def begin() -> None:
        if world.telegram.outage is not None:
            return
        world.telegram.outage = rng.choice(["unconnected", "broken", "pages", "slow", "half", "half"])
        world.note(None, f"telegram is {world.telegram.outage}")

        def over() -> None:
            world.telegram.outage = None
            world.note(None, "telegram is fine again")

        during(world, world.unsendable, rng.choice([0.1, 1, 10, 30]) * rng.random(), over)

    for at in times(world, 0.7):
        world.at(at, begin)


def plan_kills(world: World) -> None:
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
