"""Several invoices in the chat: boxes to tick, one question, one message that says how each ended."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.errors import Refused
from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import answers, ask, from_bot, link, plain
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import TODAY, invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")

SEVERAL = "☑ Choose several"


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(invoice(1), invoice(2), invoice(3, due=None))
    await link(ada, chat)
    return chat


@pytest.fixture
async def selection(ada: Person, linked: Chat) -> Message:
    offered = await ask(ada, linked, "/pay", "Which invoice would you like to pay?")
    ada.press(offered, SEVERAL)
    return await linked.wait_for(from_bot("Which invoices would you like to pay?"), after=offered)


def labels(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


async def tick(person: Person, message: Message, label: str) -> None:
    await person.press(message, label).answered()


@pytest.fixture
async def question(ada: Person, selection: Message) -> Message:
    await tick(ada, selection, "☐ 1 · €7.95 · Server 1")
    await tick(ada, selection, "☐ 3 · €7.95 · Server 3")
    await tick(ada, selection, "Go on: 2 invoices, €15.90")
    return selection


async def becomes(message: Message, text: str) -> list[str]:
    await message.chat.wait_for(lambda m: m is message and text in m.text)
    return plain(message).splitlines()


# --- Choosing -------------------------------------------------------------------------------------------------------


async def test_boxes_are_ticked_in_place_and_the_sum_goes_along(ada: Person, selection: Message) -> None:
    assert labels(selection) == [
        "☐ 1 · €7.95 · Server 1", "☐ 2 · €7.95 · Server 2", "☐ 3 · €7.95 · Server 3", "☑ All of them", "✖️ Cancel"
    ]  # fmt: skip
    await tick(ada, selection, "☐ 2 · €7.95 · Server 2")
    assert labels(selection)[1] == "☑ 2 · €7.95 · Server 2"
    assert labels(selection)[4] == "Go on: 1 invoice, €7.95"
    await tick(ada, selection, "☑ All of them")
    assert [label[0] for label in labels(selection)[:4]] == ["☑", "☑", "☑", "☐"]
    assert labels(selection)[4] == "Go on: 3 invoices, €23.85"
    await tick(ada, selection, "☐ None of them")
    assert len(labels(selection)) == 5


async def test_several_numbers_behind_pay_are_ticked_already(ada: Person, linked: Chat) -> None:
    selection = await ask(ada, linked, "/pay 3 1", "Which invoices would you like to pay?")
    assert labels(selection)[:3] == ["☑ 1 · €7.95 · Server 1", "☐ 2 · €7.95 · Server 2", "☑ 3 · €7.95 · Server 3"]
    assert labels(selection)[4] == "Go on: 2 invoices, €15.90"


async def test_of_several_numbers_those_that_cannot_be_paid_are_named(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(paid(4))
    shown = await answers(ada, linked, "/pay 4 1 1O1 999")
    assert shown == [
        "“1O1” is not an invoice number, so I left it out.",
        "Invoices 4 and 999 can't be paid here, so they aren't ticked. /invoices shows how they stand.",
        "Which invoices would you like to pay?",
    ]


async def test_wanted_invoices_are_offered_before_those_that_are_due_sooner(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(*(invoice(number, due=TODAY) for number in range(10, 25)), invoice(30), invoice(31))
    selection = await ask(ada, linked, "/pay 30 31", "Which invoices would you like to pay?")
    assert [label for label in labels(selection) if label.startswith("☑")][:2] == [
        "☑ 30 · €7.95 · Server 30", "☑ 31 · €7.95 · Server 31"
    ]  # fmt: skip
    assert len([button for button in selection.buttons if (button.data or "").startswith("pick:")]) == 11


async def test_what_is_no_number_beside_one_that_is_is_named_before_the_question(ada: Person, linked: Chat) -> None:
    named, question = await answers(ada, linked, "/pay 1O1 2")
    assert named == "“1O1” is not an invoice number, so I left it out."
    assert question.startswith("💳 Pay €7.95 for invoice 2")


async def test_of_several_numbers_behind_removecredit_each_has_a_question(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(*(invoice(number, credit=Decimal(1)) for number in (5, 6)))
    first, failed, second = await answers(ada, linked, "/removecredit 5 1 6")
    assert ("5" in first.splitlines()[0], "6" in second.splitlines()[0]) == (True, True)
    assert failed.startswith("Invoice 1: ")


async def test_a_tick_that_is_delivered_twice_is_one_tick(ada: Person, selection: Message) -> None:
    for press in ada.press_twice_delivered(selection, "☐ 2 · €7.95 · Server 2"):
        await press.answered()
    assert labels(selection)[1] == "☑ 2 · €7.95 · Server 2"


async def test_choosing_can_be_called_off(ada: Person, selection: Message) -> None:
    data = selection.button("☐ 1 · €7.95 · Server 1").data or ""
    await tick(ada, selection, "✖️ Cancel")
    assert (selection.text, selection.buttons) == ("Cancelled. Nothing was paid.", [])
    assert "too old" in (await ada.forge(selection, data).answered()).text


@pytest.mark.parametrize("label", ["☐ 1 · €7.95 · Server 1", "☑ All of them", "✖️ Cancel"])
@pytest.mark.parametrize("later", [timedelta(minutes=10), timedelta(days=3)])
async def test_an_expired_selection_loses_its_buttons(
    ada: Person, selection: Message, time: Time, label: str, later: timedelta
) -> None:
    time.forward(later)
    assert "too old" in (await ada.press(selection, label).answered()).text
    assert (selection.text, selection.buttons) == ("Which invoices would you like to pay?", [])


async def test_one_that_was_forgotten_meanwhile_loses_its_buttons_too(
    ada: Person, selection: Message, linked: Chat, time: Time
) -> None:
    time.forward(timedelta(minutes=11))
    await ask(ada, linked, "/pay 1 2", "Which invoices would you like to pay?")  # it takes the place of old ones
    assert "too old" in (await ada.press(selection, "✖️ Cancel").answered()).text
    assert selection.buttons == []


async def test_a_late_press_on_a_selection_leaves_the_question_that_it_led_to_alone(
    ada: Person, selection: Message
) -> None:
    await tick(ada, selection, "☐ 1 · €7.95 · Server 1")
    for delivered in ada.press_twice_delivered(selection, "Go on: 1 invoice, €7.95"):
        await delivered.answered()
    assert labels(selection) == ["✅ Pay €7.95", "✖️ Cancel"]


async def test_nobody_else_can_tick(selection: Message, telegram: SandboxTelegram) -> None:
    bob = telegram.add_user("Bob", language_code="en")
    for button in selection.buttons:
        assert (await bob.forge(selection, button.data or "").answered()).text.startswith("Only the person who started")
    assert labels(selection)[0].startswith("☐")


@pytest.mark.parametrize(
    "data", ["pick", "pick:", "pick:x:1:1", "pick:x:all:1", "pick:x:1", "sum", "sum:x", "drop", "drop:"]
)
async def test_forged_boxes_do_nothing(ada: Person, selection: Message, data: str) -> None:
    before = labels(selection)
    assert "too old" in (await ada.forge(selection, data).answered()).text
    assert labels(selection) == before


async def test_going_on_without_a_choice_is_answered(ada: Person, selection: Message) -> None:
    number = (selection.buttons[0].data or "").split(":")[1]
    assert (await ada.forge(selection, f"sum:{number}").answered()).text == "Please choose at least one invoice."


async def test_a_choice_of_one_is_asked_like_any_other(ada: Person, selection: Message) -> None:
    await tick(ada, selection, "☐ 2 · €7.95 · Server 2")
    await tick(ada, selection, "Go on: 1 invoice, €7.95")
    assert selection.text.startswith("💳 Pay €7.95 for invoice 2 with your credit?")


# --- Asking and paying ----------------------------------------------------------------------------------------------


async def test_the_question_lists_them_and_the_sum_to_the_cent(question: Message, provider: FakeProvider) -> None:
    assert plain(question).splitlines() == [
        "💳 Pay these 2 invoices with your credit, together €15.90?",
        "",
        "1 · €7.95 · due 27 Nov 2026 (in 5 days) · Server 1",
        "3 · €7.95 · Server 3",
        "",
        "I pay them one after the other, and stop at the first one that isn't confirmed as paid.",
        "Please confirm within 10 minutes.",
    ]
    assert labels(question) == ["✅ Pay €15.90", "✖️ Cancel"]
    assert provider.posts == []


async def test_all_paid(ada: Person, question: Message, provider: FakeProvider) -> None:
    ada.press(question, "✅ Pay €15.90")
    lines = await becomes(question, "All 2 invoices are paid")
    assert lines[0].startswith("✅ All 2 invoices are paid: together €15.90, 22 Nov 2026")
    assert lines[2:] == ["✅ 1 · €7.95", "✅ 3 · €7.95"]
    assert provider.posts == [("pay", 1), ("pay", 3)]
    assert labels(question) == ["🧾 All invoices"]


async def test_a_stop_says_what_became_of_each_and_offers_to_choose_again(
    ada: Person, question: Message, provider: FakeProvider
) -> None:
    provider.failures["pay"] = Refused(422, "<Nicht heute>")
    ada.press(question, "✅ Pay €15.90")
    lines = await becomes(question, "None of these 2 invoices was paid.")
    assert lines[2:] == [
        "❌ 1 · €7.95: not paid.",
        "The provider refused: “<Nicht heute>”",
        "➖ 3 · €7.95: not sent, nothing was done.",
        "",
        "If your credit is too low, top it up and try again. Otherwise please pay on your provider's website.",
    ]
    ada.press(question, SEVERAL)
    await question.chat.wait_for(from_bot("Which invoices would you like to pay?"), after=question)


async def test_an_expired_question_about_several_says_so(ada: Person, question: Message, time: Time) -> None:
    time.forward(timedelta(minutes=10))
    ada.press(question, "✅ Pay €15.90")
    await becomes(question, "The question whether to pay these invoices has expired. Nothing was done.")


async def test_the_whole_way_in_german(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/language de", "Welche Sprache")
    offered = await ask(ada, linked, "/pay", "Welche Rechnung")
    ada.press(offered, "☑ Mehrere auswählen")
    message = await linked.wait_for(from_bot("Welche Rechnungen"), after=offered)
    await tick(ada, message, "☑ Alle")
    go_on = next(button for button in message.buttons if button.text.startswith("Weiter: 3 Rechnungen"))
    await tick(ada, message, go_on.text)
    assert plain(message).startswith("💳 Diese 3 Rechnungen mit deinem Guthaben bezahlen, zusammen 23,85 €?")
    ada.press(message, message.buttons[0].text)
    await becomes(message, "Alle 3 Rechnungen sind bezahlt")


async def test_the_ten_that_are_due_first_are_offered(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(*(invoice(n, due=TODAY + timedelta(days=n)) for n in range(1, 14)))
    await link(ada, chat)
    offered = await ask(ada, chat, "/pay", "Which invoice")
    ada.press(offered, SEVERAL)
    message = await chat.wait_for(from_bot("There are 3 more open invoices; these are due first."), after=offered)
    assert [label.split()[1] for label in labels(message)[:10]] == [str(n) for n in range(1, 11)]
    assert provider.invoices[1].due == date(2026, 11, 23)
    assert provider.invoices[1].left_to_pay == Decimal("7.95")
