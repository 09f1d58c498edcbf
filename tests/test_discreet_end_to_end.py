"""A chat that hides sums and titles, over real HTTP: what comes by itself, and what the person asked for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from bot.application import running
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from bot.sandbox.telegram.formatting import slice_units
from tests.sandbox_bot import TICK, TOKEN, ask, says, until


def hidden(message: Message) -> list[str]:
    spoilers = [entity for entity in message.entities if entity.type == "spoiler"]
    return [slice_units(message.text, entity.offset, entity.end) for entity in spoilers]


async def test_alerts_overview_and_documents_that_come_by_themselves_hide_sums_and_titles_and_answers_do_not(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    account.credit = Decimal("100.00")
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        menu = await ask(chat, ada, "/settings", "Settings")
        for label in ("🙈 Hide sums", "🗓 Send the overview", "📄 Send PDFs"):
            await ada.press(menu, label).answered()
        first = sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=30)
        alert = await chat.wait_for(says("New invoice", str(first.id)), after=menu)
        title = alert.text.splitlines()[1]
        assert hidden(alert) == ["€12.34", title]

        second = sandbox.provider.create_invoice(account, Decimal("1.00"), due_in_days=35)
        await chat.wait_for(says("New invoice", str(second.id)), after=alert)
        sandbox.clock.put_forward(timedelta(days=7))
        week = await chat.wait_for(says("Your week"), after=alert)
        assert hidden(week)[:3] == ["€13.34", "€12.34", "€1.00"]

        ada.press(alert, f"pay:{first.id}")
        question = await chat.wait_for(says("Pay €12.34"), after=week)
        assert hidden(question) == []
        ada.press(question, "✅ Pay €12.34")
        pdf = await chat.wait_for(lambda m: m.document is not None, after=question)
        assert hidden(pdf) == [title, "€12.34"]
        await until(lambda: "✅ Paid" in alert.text)
        assert hidden(alert) == ["€12.34", title]
        asked = ada.send(chat, f"/pdf {first.id}")
        assert hidden(await chat.wait_for(lambda m: m.document is not None, after=asked)) == []
