"""Telegram's odd answers, over real HTTP: the real bot in the sandbox, whose clock is put forward."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.application import InvoiceBot, running
from bot.domain.alerts import AlertState
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import ApiError, Chat, Message, Person
from bot.sandbox.telegram.faults import TelegramFaults
from tests.sandbox_bot import TICK, TOKEN, ask, says, until

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
PATIENCE = 30.0
"""Seconds. An alert waits for its turn in a group that was just answered."""
AGAIN = "You may have received this message already"


@pytest.fixture
async def bot(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[InvoiceBot]:
    """The running bot, at ten in the morning."""
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK) as bot:
        yield bot


@pytest.fixture
async def greeting(bot: InvoiceBot, account: Account, ada: Person, chat: Chat) -> Message:
    """The last message in a chat that was just linked."""
    return await ask(chat, ada, f"/link {TOKEN}", "linked")


@dataclass
class Trial:
    """Counts how often messages with some words were sent, whatever became of them."""

    sandbox: Sandbox
    bot: InvoiceBot
    words: str = "New invoice"

    @property
    def sends(self) -> int:
        return sum(self.words in call.text("text") for call in self.sandbox.telegram.calls_of("sendMessage"))

    async def until(self, sends: int) -> None:
        """Wait until so many were sent, and what became of the last one is noted."""
        await until(lambda: self.sends >= sends)
        async with asyncio.timeout(20):
            while any(a.alert.state is AlertState.SENDING for a in await self.bot._store.alerts()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def after(self, *spans: timedelta) -> None:
        """Put the clock forward in steps. After each, one more is sent."""
        for span in spans:
            sends = self.sends
            self.sandbox.clock.put_forward(span)
            await self.until(sends + 1)
            assert self.sends == sends + 1


@pytest.fixture
def trial(sandbox: Sandbox, bot: InvoiceBot) -> Trial:
    return Trial(sandbox, bot)


def news(chat: Chat) -> list[Message]:
    return [message for message in chat.messages if "New invoice" in message.text]


async def issue(sandbox: Sandbox, account: Account, trial: Trial) -> None:
    """Issue an invoice, and wait until its alert was tried."""
    sends = trial.sends
    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    await trial.until(sends + 1)


@pytest.mark.parametrize("status", [200, 302, 401, 403])
async def test_an_alert_outlives_minutes_of_foreign_pages(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message, trial: Trial, status: int
) -> None:
    sandbox.telegram.faults.page(status, times=3, method="sendMessage")
    await issue(sandbox, account, trial)
    await trial.after(MINUTE, 5 * MINUTE, 25 * MINUTE)
    told = await chat.wait_for(says("New invoice"), after=greeting)
    assert AGAIN in told.text
    assert len(news(chat)) == 1


UNKNOWN: Mapping[str, Callable[[TelegramFaults], object]] = {
    "page": lambda faults: faults.page(200, delivered=True, times=None),
    "502": lambda faults: faults.server_error(502, delivered=True, times=None),
    "500": lambda faults: faults.refuse(ApiError(500, "Internal Server Error"), times=None),
    "reset after delivery": lambda faults: faults.cut(delivered=True, times=None),
    "reset": lambda faults: faults.cut(delivered=False, times=None),
}


@pytest.mark.parametrize("fault", UNKNOWN.values(), ids=UNKNOWN)
async def test_an_unknown_outcome_is_repeated_ever_more_rarely_and_never_given_up(
    sandbox: Sandbox,
    account: Account,
    ada: Person,
    chat: Chat,
    greeting: Message,
    trial: Trial,
    fault: Callable[[TelegramFaults], object],
) -> None:
    fault(sandbox.telegram.faults)
    await issue(sandbox, account, trial)
    await trial.after(MINUTE, 5 * MINUTE, 25 * MINUTE, 120 * MINUTE, DAY, DAY, DAY)
    sandbox.telegram.faults.clear()
    await trial.after(DAY)
    assert AGAIN in (await chat.wait_for(says("New invoice"), after=greeting)).text
    assert "waiting" not in (await ask(chat, ada, "/status", "Linked since")).text


async def test_two_resets_a_minute_apart_lose_nothing_and_a_due_date_does_not_pass_in_silence(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message, bot: InvoiceBot
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=3)
    new = await chat.wait_for(says("New invoice"), after=greeting)
    sandbox.telegram.faults.cut(delivered=False, times=2, method="sendMessage")
    await Trial(sandbox, bot, f"Invoice {invoice.id} is due").after(2 * DAY, MINUTE, 5 * MINUTE)
    due = await chat.wait_for(says(f"Invoice {invoice.id} is due tomorrow"), after=new)
    assert AGAIN in due.text


@pytest.mark.parametrize("said", ["as usual", "in words", "in the header"])
async def test_after_a_flood_limit_an_alert_comes_once_and_is_no_repetition(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message, trial: Trial, said: Any
) -> None:
    sandbox.telegram.faults.flood(40, said=said, method="sendMessage")
    await issue(sandbox, account, trial)
    await trial.after(40 * SECOND)
    told = await chat.wait_for(says("New invoice"), after=greeting)
    assert AGAIN not in told.text


async def test_an_outage_of_all_of_telegram_leads_to_one_message_soon_after_it(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message, trial: Trial
) -> None:
    for method in ("sendMessage", "getMe"):
        sandbox.telegram.faults.server_error(502, times=None, method=method)
    await issue(sandbox, account, trial)
    for _ in range(4):
        await trial.until(1)
        asked = len(sandbox.telegram.calls_of("getMe"))
        sandbox.clock.put_forward(HOUR)
        await until(lambda asked=asked: len(sandbox.telegram.calls_of("getMe")) > asked)  # type: ignore[misc]  # bound early
    assert trial.sends == 1
    await trial.until(1)
    sandbox.telegram.faults.clear()
    await trial.after(MINUTE)
    assert AGAIN in (await chat.wait_for(says("New invoice"), after=greeting)).text


async def test_a_refused_text_is_set_aside_and_the_next_alert_comes(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message, trial: Trial
) -> None:
    refusal = ApiError(400, "Bad Request: can't parse entities: unsupported start tag")
    sandbox.telegram.faults.refuse(refusal, times=5, method="sendMessage")
    await issue(sandbox, account, trial)
    await trial.after(*[5 * MINUTE] * 4)
    await ask(chat, ada, "/status", "could not be delivered")
    sandbox.provider.create_invoice(account, Decimal("1.00"), due_in_days=20)
    await chat.wait_for(says("New invoice", "€1.00"), after=greeting)


async def test_a_refusal_that_nobody_understands_holds_up_no_other_alert(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message, trial: Trial
) -> None:
    sandbox.telegram.faults.refuse(ApiError(400, "Bad Request: something new"), times=2, method="sendMessage")
    await issue(sandbox, account, trial)
    await trial.after(MINUTE)
    sandbox.provider.create_invoice(account, Decimal("1.00"), due_in_days=20)
    await chat.wait_for(says("New invoice", "€1.00"), after=greeting)
    told = await chat.wait_for(says("New invoice", "€7.95"), after=greeting)  # that one got through
    assert AGAIN not in told.text


# --- Closed chats ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def group(sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message) -> Chat:
    """A group that Ada has linked to her account."""
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "member")
    invitation = await ask(group, ada, "/link", "private chat")
    ada.follow(invitation, invitation.buttons[0].text)
    question = await chat.wait_for(lambda m: bool(m.buttons) and "Friends" in m.text, after=greeting)
    await ada.press(question, question.buttons[0].text).answered()
    await group.wait_for(says("linked"))
    return group


async def closed_for_hours(sandbox: Sandbox, account: Account, trial: Trial) -> None:
    """Issue an invoice whose alert the group refuses for so long that it is tried once an hour."""
    sandbox.clock.put_forward(2 * MINUTE)  # the group was just answered; alerts wait for their turn
    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    await trial.until(2)  # in the private chat, too
    await trial.after(HOUR, HOUR, HOUR)


async def test_a_group_that_is_closed_for_the_night_gets_its_alerts_in_the_morning(
    sandbox: Sandbox, account: Account, group: Chat, trial: Trial
) -> None:
    group.closed = True
    await closed_for_hours(sandbox, account, trial)
    group.closed = False
    await trial.after(HOUR)
    assert AGAIN not in (await group.wait_for(says("New invoice"))).text
    assert len(news(group)) == 1


@pytest.mark.parametrize("status", ["member", "administrator"])
async def test_alerts_come_at_once_when_telegram_says_that_the_bot_may_write_again(
    sandbox: Sandbox, account: Account, ada: Person, group: Chat, trial: Trial, status: Any
) -> None:
    ada.set_bot_status(group, "restricted")
    await closed_for_hours(sandbox, account, trial)
    ada.set_bot_status(group, status)
    await group.wait_for(says("New invoice"), PATIENCE)  # the clock stands still meanwhile


async def test_alerts_come_at_once_when_somebody_writes_in_a_group_that_was_closed(
    sandbox: Sandbox, account: Account, ada: Person, group: Chat, trial: Trial
) -> None:
    group.closed = True
    await closed_for_hours(sandbox, account, trial)
    group.closed = False
    await ask(group, ada, "/help", "What I can do")
    await group.wait_for(says("New invoice"), PATIENCE)


async def test_alerts_come_at_once_when_somebody_presses_in_a_group_that_was_closed(
    sandbox: Sandbox, account: Account, ada: Person, group: Chat, trial: Trial
) -> None:
    menu = await ask(group, ada, "/language", "Which language")
    group.closed = True
    await closed_for_hours(sandbox, account, trial)
    group.closed = False
    await ada.press(menu, "language:en").answered()
    await group.wait_for(says("New invoice"), PATIENCE)


async def test_a_chat_that_telegram_does_not_find_is_asked_for_and_then_told(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message, trial: Trial
) -> None:
    sandbox.telegram.faults.refuse(ApiError(400, "Bad Request: chat not found"), method="sendMessage")
    await issue(sandbox, account, trial)
    assert AGAIN not in (await chat.wait_for(says("New invoice"), after=greeting)).text
    assert len(sandbox.telegram.calls_of("getChat")) == 1


async def test_a_chat_that_is_not_found_for_hours_is_told_once_it_is_found(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message, trial: Trial
) -> None:
    for method in ("sendMessage", "getChat"):
        sandbox.telegram.faults.refuse(ApiError(400, "Bad Request: chat not found"), times=6, method=method)
    await issue(sandbox, account, trial)
    await trial.after(*[HOUR] * 6)
    await chat.wait_for(says("New invoice"), after=greeting)


async def test_the_alerts_of_a_person_who_unblocks_the_bot_come_as_soon_as_their_check_has_ended(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    ada.block()
    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    sandbox.clock.put_forward(HOUR)
    ada.unblock()
    await chat.wait_for(says("New invoice"), after=greeting)  # the clock stands still meanwhile
