"""How many taps a task needs, over real HTTP, with 15 invoices a month over two years. Typing counts as one tap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.chat import rate_limiter
from bot.limiter import RateLimit
from bot.sandbox.provider.faults import Call
from bot.sandbox.provider.invoices import make_invoice
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, says

A_MONTH, MONTHS, OPEN = 15, 24, 3


@dataclass
class Taps:
    """A person, and how often the thumb was needed."""

    person: Person
    chat: Chat
    count: int = 0

    async def type(self, text: str, *answer: str) -> Message:
        self.count += 1
        return await ask(self.chat, self.person, text, *answer)

    def press(self, message: Message, begin: str, about: str = "") -> None:
        """Press the first button whose callback data begin so, and hold ``about``."""
        self.count += 1
        fits = [b.text for b in message.buttons if (b.data or "").startswith(begin) and about in (b.data or "")]
        self.person.press(message, fits[0])


@pytest.fixture
async def taps(sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path) -> AsyncIterator[Taps]:
    account.credit = Decimal("1000.00")
    today, number = sandbox.clock().date(), 5000
    for back in range(MONTHS):
        month = (today.replace(day=15) - timedelta(days=30 * back)).replace(day=1)
        for service in range(A_MONTH):
            made = make_invoice(number, Decimal(5 + service), issued=month, due=today + timedelta(days=9))
            if number >= 5000 + OPEN:
                made.status, made.paid_at = "Paid", sandbox.clock()
            account.invoices[number] = made
            number += 1
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        yield Taps(ada, chat)


async def test_what_is_due_needs_at_most_two(taps: Taps) -> None:
    listing = await taps.type("/invoices open", "3 open invoices", "€18.00")
    assert all(str(number) in listing.text for number in (5000, 5001, 5002))
    assert taps.count <= 2


async def test_the_pdf_of_an_invoice_of_last_month_needs_at_most_three(taps: Taps) -> None:
    listing = await taps.type("last month", f"{A_MONTH} invoices found")
    taps.press(listing, "show:")
    await taps.chat.wait_for(lambda m: m.id == listing.id and "Total" in m.text)
    taps.press(listing, "pdf:")
    await taps.chat.wait_for(lambda m: m.document is not None, after=listing)
    assert taps.count <= 3


async def test_paying_one_needs_at_most_three(sandbox: Sandbox, taps: Taps) -> None:
    offered = await taps.type("/pay", "Which invoice")
    taps.press(offered, "tick:5000")
    await taps.chat.wait_for(lambda m: m.id == offered.id and "Pay €5.00 for invoice 5000" in m.text)
    taps.press(offered, "yes")
    await taps.chat.wait_for(says("Invoice 5000 is paid"))
    assert [sandbox.provider.executed(Call.PAY, number) for number in (5000, 5001, 5002)] == [1, 0, 0]
    assert taps.count <= 3


async def test_paying_two_without_their_numbers_needs_at_most_four(sandbox: Sandbox, taps: Taps) -> None:
    offered = await taps.type("/pay", "Which invoice")
    taps.press(offered, "tick:5000")
    await taps.chat.wait_for(lambda m: m.id == offered.id and "Pay €5.00 for invoice 5000" in m.text)
    taps.press(offered, "pick", "5002")
    await taps.chat.wait_for(lambda m: m.id == offered.id and "together €12.00?" in m.text)
    taps.press(offered, "yes")
    await taps.chat.wait_for(says("2 invoices paid"))
    assert [sandbox.provider.executed(Call.PAY, number) for number in (5000, 5001, 5002)] == [1, 0, 1]
    assert taps.count <= 4


async def test_all_pdfs_of_a_quarter_need_at_most_three(
    sandbox: Sandbox, taps: Taps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limiter, "CHAT_LIMIT", RateLimit(100, 100))  # the taps are counted, not the seconds
    last_quarter_end = sandbox.clock().date().replace(day=1) - timedelta(days=1)
    quarter = (last_quarter_end.month - 1) // 3
    year, number = (last_quarter_end.year, quarter) if quarter else (last_quarter_end.year - 1, 4)
    listing = await taps.type(f"Q{number} {year}", f"{3 * A_MONTH} invoices found")
    taps.press(listing, "all:")
    question = await taps.chat.wait_for(says(f"Send {3 * A_MONTH} PDFs?"), after=listing)
    taps.press(question, "send:")
    await taps.chat.wait_for(says(f"{3 * A_MONTH} PDFs have arrived."), after=question)
    sent = [message.document.name for message in taps.chat.messages if message.document is not None]
    assert len(sent) == len(set(sent)) == 3 * A_MONTH
    assert question.text == f"📄 {3 * A_MONTH} of {3 * A_MONTH}"
    assert taps.count <= 3
