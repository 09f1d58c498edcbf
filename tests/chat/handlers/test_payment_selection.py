"""Several invoices in the chat: boxes to tick, one question, one message that says how each ended."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.errors import Refused
from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import answers, ask, from_bot, link, plain
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import TODAY, invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")

SEVERAL = "☑ Choose several"
ONE_ASKED = (
    "💳 Pay €7.95 for invoice 1 with your credit?\nServer 1\nDue: 27 Nov 2026 (in 5 days)\n"
    "Please confirm within 10 minutes."
)


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(invoice(1), invoice(2), invoice(3, due=None))
    await link(ada, chat)
    return chat


@pytest.fixture
async def selection(ada: Person, linked: Chat) -> Message:
    offered = await ask(ada, linked, "/pay", "Which invoices would you like to pay?")
    await tick(ada, offered, "☐ 1 · €7.95 · Server 1")
    await tick(ada, offered, "☑ 1 · €7.95 · Server 1")
    assert offered.text == "Which invoices would you like to pay?"
    return offered


def labels(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


async def tick(person: Person, message: Message, label: str) -> None:
    await person.press(message, label).answered()


@pytest.fixture
async def question(ada: Person, selection: Message) -> Message:
    await tick(ada, selection, "☐ 1 · €7.95 · Server 1")
    await tick(ada, selection, "☐ 3 · €7.95 · Server 3")
    return selection


async def becomes(message: Message, text: str) -> list[str]:
    await message.chat.wait_for(lambda m: m is message and text in m.text)
    return plain(message).splitlines()


# --- Choosing -------------------------------------------------------------------------------------------------------


async def test_boxes_are_ticked_in_place_and_the_question_goes_along(ada: Person, selection: Message) -> None:
    boxes = ["☐ 1 · €7.95 · Server 1", "☐ 2 · €7.95 · Server 2", "☐ 3 · €7.95 · Server 3"]
    assert labels(selection) == [*boxes, "✖️ Cancel", "☑ All of them"]
    await tick(ada, selection, "☐ 2 · €7.95 · Server 2")
    assert labels(selection) == [
        boxes[0], "☑ 2 · €7.95 · Server 2", boxes[2], "✅ Pay €7.95", "☑ All of them", "✖️ Cancel"
    ]  # fmt: skip
    assert selection.text.startswith("💳 Pay €7.95 for invoice 2 with your credit?")
    await tick(ada, selection, "☑ All of them")
    assert [label[0] for label in labels(selection)[:3]] == ["☑", "☑", "☑"]
    assert labels(selection)[3:] == ["✅ Pay €23.85", "☐ None of them", "✖️ Cancel"]
    await tick(ada, selection, "☐ None of them")
    assert labels(selection) == [*boxes, "✖️ Cancel", "☑ All of them"]
    assert selection.text == "Which invoices would you like to pay?"


async def test_no_row_moves_when_something_is_ticked(ada: Person, linked: Chat) -> None:
    """Else a second tap at the same place would meet the button that pays."""
    offered = await ask(ada, linked, "/pay", "Which invoices would you like to pay?")
    rows = [[[button.text[2:] for button in row] for row in offered.keyboard]]
    for label in ("☐ 1 · €7.95 · Server 1", "☐ 2 · €7.95 · Server 2", "☑ 1 · €7.95 · Server 1"):
        await tick(ada, offered, label)
        rows.append([[button.text[2:] for button in row] for row in offered.keyboard])
    assert len({len(each) for each in rows}) == 1
    assert all(each[:3] == rows[0][:3] for each in rows)


async def test_two_quick_ticks_on_the_first_buttons_both_count(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    offered = await ask(ada, linked, "/pay", "Which invoice")
    await ada.forge(offered, "tick:1").answered()
    await ada.forge(offered, "tick:3").answered()
    assert "together €15.90" in plain(offered)
    ada.press(offered, "✅ Pay €15.90")
    await becomes(offered, "2 invoices paid")
    late = await ada.forge(offered, "tick:2").answered()
    assert "too old" in late.text
    assert "2 invoices paid" in plain(offered)
    assert provider.posts == [("pay", 1), ("pay", 3)]


async def test_all_of_them_need_one_tick(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    offered = await ask(ada, linked, "/pay", "Which invoices would you like to pay?")
    await tick(ada, offered, "☑ All of them")
    ada.press(offered, "✅ Pay €23.85")
    await becomes(offered, "3 invoices paid")
    assert provider.posts == [("pay", number) for number in (1, 2, 3)]


async def test_several_numbers_behind_pay_are_ticked_already(ada: Person, linked: Chat) -> None:
    selection = await ask(ada, linked, "/pay 3 1", "together €15.90?")
    assert labels(selection)[:3] == ["☑ 1 · €7.95 · Server 1", "☐ 2 · €7.95 · Server 2", "☑ 3 · €7.95 · Server 3"]
    assert labels(selection)[3] == "✅ Pay €15.90"


async def test_a_tick_on_what_was_paid_meanwhile_says_so(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    offered = await ask(ada, linked, "/pay", "Which invoices would you like to pay?")
    provider.add(paid(1))
    assert "nothing to pay" in (await ada.press(offered, "☐ 1 · €7.95 · Server 1").answered()).text
    await tick(ada, offered, "☐ 2 · €7.95 · Server 2")
    provider.add(paid(3))
    assert "nothing to pay" in (await ada.press(offered, "☐ 3 · €7.95 · Server 3").answered()).text
    assert offered.text.startswith("💳 Pay €7.95 for invoice 2 with your credit?")


async def test_a_press_on_the_question_before_the_last_tick_pays_nothing_and_leaves_the_boxes(
    ada: Person, selection: Message, provider: FakeProvider
) -> None:
    await tick(ada, selection, "☐ 1 · €7.95 · Server 1")
    earlier = selection.button("✅ Pay €7.95").data or ""
    await tick(ada, selection, "☐ 3 · €7.95 · Server 3")
    assert "too old" in (await ada.forge(selection, earlier).answered()).text
    assert "✅ Pay €15.90" in labels(selection)
    assert provider.posts == []


async def test_a_list_in_which_nothing_was_ticked_can_be_ended(ada: Person, linked: Chat) -> None:
    offered = await ask(ada, linked, "/pay", "Which invoices would you like to pay?")
    await tick(ada, offered, "✖️ Cancel")
    assert (offered.text, offered.buttons) == ("Cancelled. Nothing was paid.", [])


async def test_many_are_offered_on_pages_and_ticks_stay_while_they_are_turned(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(*(invoice(n, due=TODAY + timedelta(days=n)) for n in range(1, 14)))
    await link(ada, chat)
    offered = await ask(ada, chat, "/pay", "Which invoice")
    await tick(ada, offered, "▶")
    await tick(ada, offered, "☐ 10 · €7.95 · Server 10")
    assert [label.split()[1] for label in labels(offered)[:6]] == [str(n) for n in range(7, 13)]
    await tick(ada, offered, "◀")
    await tick(ada, offered, "☐ 1 · €7.95 · Server 1")
    assert [label.split()[1] for label in labels(offered)[:6]] == [str(n) for n in range(1, 7)]
    ada.press(offered, "✅ Pay €15.90")
    await becomes(offered, "2 invoices paid")
    assert provider.posts == [("pay", 1), ("pay", 10)]


async def test_of_several_numbers_those_that_cannot_be_paid_are_named(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(paid(4))
    shown = await answers(ada, linked, "/pay 4 1 1O1 999")
    assert shown == [
        "“1O1” is not an invoice number, so I left it out.",
        "Invoices 4 and 999 can't be paid here, so they aren't ticked. /invoices shows their status.",
        ONE_ASKED,
    ]


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
    await ask(ada, linked, "/pay 1 2", "together €15.90")  # it takes the place of old ones
    assert "too old" in (await ada.press(selection, "✖️ Cancel").answered()).text
    assert selection.buttons == []


async def test_nobody_else_can_tick(selection: Message, telegram: SandboxTelegram) -> None:
    bob = telegram.add_user("Bob", language_code="en")
    for button in selection.buttons:
        assert (await bob.forge(selection, button.data or "").answered()).text.startswith("Only the person who started")
    assert labels(selection)[0].startswith("☐")


@pytest.mark.parametrize(
    "data", ["pick", "pick:", "pick:x:1:1", "pick:x:all:1", "pick:x:1", "leaf", "leaf:x:1", "drop", "drop:"]
)
async def test_forged_boxes_do_nothing(ada: Person, selection: Message, data: str) -> None:
    before = labels(selection)
    assert "too old" in (await ada.forge(selection, data).answered()).text
    assert labels(selection) == before


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
    assert labels(question)[3:] == ["✅ Pay €15.90", "☑ All of them", "✖️ Cancel"]
    assert provider.posts == []


async def test_all_paid(ada: Person, question: Message, provider: FakeProvider) -> None:
    ada.press(question, "✅ Pay €15.90")
    lines = await becomes(question, "2 invoices paid")
    assert lines[0].startswith("✅ 2 invoices paid: together €15.90, 22 Nov 2026")
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
        "➖ 3 · €7.95: not carried out.",
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
    message = await ask(ada, linked, "/pay", "Welche Rechnung")
    await tick(ada, message, "☑ Alle")
    assert plain(message).startswith("💳 Diese 3 Rechnungen mit deinem Guthaben bezahlen, zusammen 23,85 €?")
    ada.press(message, next(button.text for button in message.buttons if button.text.startswith("✅")))
    await becomes(message, "3 Rechnungen bezahlt")
