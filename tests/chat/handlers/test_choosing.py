"""/invoice, /pdf, /pay and /removecredit as Telegram's menu sends them: without a number."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.errors import ProviderDown
from bot.sandbox.telegram import Chat, Person
from tests.chat.conversation import answers, ask, from_bot, link
from tests.chat.fakes import FakeProvider
from tests.chat.samples import invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(invoice(1), invoice(2, credit=Decimal("1.00")), paid(3))
    await link(ada, chat)
    return chat


@pytest.mark.parametrize(
    ("command", "label", "follows"),
    [
        ("invoice", "✅ 3 · €7.95 · Server 3", "🧾 Invoice 3"),
        ("removecredit", "🟡 2 · €1.00 · Server 2", "Take back €1.00 of credit from invoice 2"),
    ],
)
async def test_a_press_goes_on_with_the_invoice_and_leaves_the_choice(
    ada: Person, linked: Chat, command: str, label: str, follows: str
) -> None:
    choice = await ask(ada, linked, f"/{command}", "invoice")
    before = (choice.text, choice.keyboard)
    ada.press(choice, label)
    await linked.wait_for(from_bot(follows), after=choice)
    assert (choice.text, choice.keyboard) == before


async def test_the_choice_of_a_pdf_sends_it(ada: Person, linked: Chat) -> None:
    choice = await ask(ada, linked, "/pdf", "Which invoice would you like as a PDF?")
    ada.press(choice, "✅ 3 · €7.95 · Server 3")
    sent = await linked.wait_for(lambda m: m.document is not None, after=choice)
    assert sent.document is not None
    assert sent.document.name == "Rechnung-3.pdf"


async def test_the_list_of_all_comes_in_the_choices_place(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.add(*(invoice(number) for number in range(10, 20)))
    choice = await ask(ada, linked, "/pay", "Which invoices would you like to pay?")
    await ada.press(choice, "🧾 All invoices").answered()
    assert choice.text.startswith("🧾 Your invoices")


async def test_without_any_the_fitting_sentence_is_the_whole_answer(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.invoices = {3: paid(3)}
    assert await answers(ada, linked, "/pay") == ["Nothing to pay."]


@pytest.mark.parametrize("command", ["invoice", "pdf", "pay", "removecredit"])
async def test_errors_are_sentences_as_with_a_number(
    ada: Person, chat: Chat, provider: FakeProvider, command: str
) -> None:
    await ask(ada, chat, f"/{command}", "not linked")
    await link(ada, chat)
    provider.failures["list_invoices"] = ProviderDown()
    await ask(ada, chat, f"/{command}", "can't be reached")


@pytest.mark.parametrize("between", [":", "=", ": ", "@sandbox_invoice_bot:"])
async def test_a_number_right_behind_the_command_is_not_dropped(ada: Person, linked: Chat, between: str) -> None:
    await ask(ada, linked, f"/invoice{between}1", "🧾 Invoice 1")
    await ask(ada, linked, f"/pay{between}1", "Pay €7.95 for invoice 1")
