"""/pay and /removecredit: the question, its buttons, and who may press them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.payments import Outcome, State
from bot.errors import ProviderDown, ProviderUnreachable, Refused, TokenRefused
from bot.sandbox.telegram import ApiError, Chat, Message, Person, SandboxTelegram
from bot.store.store import Store
from tests.chat.conversation import ask, from_bot, link, said
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")

PAID = [("pay", 4711)]


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(invoice())
    await link(ada, chat)
    return chat


@pytest.fixture
async def question(ada: Person, linked: Chat) -> Message:
    return await ask(ada, linked, "/pay 4711", "Pay €7.95 for invoice 4711")


def payment_id(question: Message) -> str:
    data = question.button("✅ Pay €7.95").data
    assert data is not None
    return data.partition(":")[2]


async def becomes(message: Message, text: str) -> str:
    """Wait until a message says something."""
    await message.chat.wait_for(lambda m: m is message and text in m.text)
    return message.text


# --- Asking ---------------------------------------------------------------------------------------------------------


async def test_the_question_moves_nothing(question: Message, provider: FakeProvider, store: Store) -> None:
    assert provider.posts == []
    assert [button.text for button in question.buttons] == ["✅ Pay €7.95", "✖️ Cancel"]
    stored = await store.payment(payment_id(question))
    assert stored is not None
    assert (stored.state, stored.amount, stored.invoice_id) == (State.ASKED, Decimal("7.95"), 4711)


async def test_a_button_below_an_invoice_asks_in_a_message_of_its_own(ada: Person, linked: Chat) -> None:
    details = await ask(ada, linked, "/invoice 4711", "Invoice 4711")
    before = details.text
    await ada.press(details, "💳 Pay €7.95 with credit").answered()
    question = linked.messages[-1]
    assert question.text.startswith("💳 Pay €7.95 for invoice 4711")
    assert details.text == before


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (paid(4711), "There is nothing to pay on this invoice."),
        (invoice(credit=Decimal("7.95")), "There is nothing to pay on this invoice."),
        (invoice(total=Decimal(5), credit=Decimal(1)), "pay it on your provider's website"),
    ],
    ids=["paid", "covered", "unclear"],
)
async def test_an_invoice_that_cannot_be_paid_says_why(
    ada: Person, linked: Chat, provider: FakeProvider, shown: object, words: str
) -> None:
    provider.add(shown)  # type: ignore[arg-type]
    await ask(ada, linked, "/pay 4711", words)


async def test_without_credit_on_it_none_can_be_taken_back(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/removecredit 4711", "There is no credit on this invoice")


# --- Confirming -----------------------------------------------------------------------------------------------------


async def test_confirming_pays_once_and_says_so_in_the_same_message(
    ada: Person, question: Message, provider: FakeProvider
) -> None:
    press = ada.press(question, "✅ Pay €7.95")
    await press.answered()
    assert (await becomes(question, "✅ Invoice 4711 is paid")).startswith("✅ Invoice 4711 is paid: €7.95, ")
    assert [button.text for button in question.buttons] == ["📄 PDF", "🔎 Details"]
    assert provider.posts == PAID
    assert question.chat.messages[-1] is question


async def test_a_press_that_arrives_twice_pays_once(ada: Person, question: Message, provider: FakeProvider) -> None:
    first, second = ada.press_twice_delivered(question, "✅ Pay €7.95")
    await becomes(question, "✅ Invoice 4711 is paid")
    assert (await first.answered()).text == ""
    assert (await second.answered()).text
    assert provider.posts == PAID


async def test_the_spinner_stops_before_the_provider_has_answered(
    ada: Person, question: Message, provider: FakeProvider
) -> None:
    gate = provider.gates["pay"] = asyncio.Event()
    press = ada.press(question, "✅ Pay €7.95")
    assert (await press.answered()).text == ""
    await becomes(question, "⏳ Paying €7.95 for invoice 4711 …")
    assert question.buttons == []
    gate.set()
    await becomes(question, "✅ Invoice 4711 is paid")


@pytest.mark.parametrize(
    "error", [ApiError(400, "Bad Request: something new"), ApiError(500, "Internal Server Error")], ids=str
)
async def test_a_spinner_that_can_not_be_stopped_does_not_stop_the_payment(
    ada: Person, question: Message, provider: FakeProvider, telegram: SandboxTelegram, error: ApiError
) -> None:
    telegram.faults.refuse(error, method="answerCallbackQuery")
    ada.press(question, "✅ Pay €7.95")
    await becomes(question, "✅ Invoice 4711 is paid")
    assert provider.posts == PAID


async def test_a_message_that_can_not_be_edited_does_not_stop_the_payment(
    ada: Person, question: Message, provider: FakeProvider, telegram: SandboxTelegram
) -> None:
    telegram.faults.server_error(method="editMessageText")
    ada.press(question, "✅ Pay €7.95")
    await becomes(question, "✅ Invoice 4711 is paid")
    assert provider.posts == PAID


async def test_a_question_deleted_while_it_is_carried_out_is_answered_in_a_new_message(
    ada: Person, question: Message, provider: FakeProvider
) -> None:
    gate = provider.gates["pay"] = asyncio.Event()
    ada.press(question, "✅ Pay €7.95")
    await provider.reached()
    ada.delete(question)
    gate.set()
    await question.chat.wait_for(from_bot("✅ Invoice 4711 is paid"), after=question)


async def test_a_press_on_a_deleted_question_does_nothing(
    ada: Person, question: Message, provider: FakeProvider
) -> None:
    ada.delete(question)
    answer = await ada.forge(question, f"yes:{payment_id(question)}").answered()
    assert "already used or is too old" in answer.text
    assert provider.posts == []


@pytest.mark.parametrize("label", ["✅ Pay €7.95", "✖️ Cancel"])
async def test_a_second_press_while_the_payment_runs_hears_that_it_does(
    ada: Person, question: Message, provider: FakeProvider, label: str
) -> None:
    gate = provider.gates["pay"] = asyncio.Event()
    data = question.button(label).data or ""
    ada.press(question, "✅ Pay €7.95")
    await provider.reached()
    assert (await ada.forge(question, data).answered()).text == "I'm already on it."
    gate.set()
    await becomes(question, "✅ Invoice 4711 is paid")
    assert "already used" in (await ada.forge(question, data).answered()).text
    assert provider.posts == PAID


# --- Not confirming -------------------------------------------------------------------------------------------------


async def test_cancelling_pays_nothing_and_ends_the_question(
    ada: Person, question: Message, provider: FakeProvider, store: Store
) -> None:
    number = payment_id(question)
    await ada.press(question, "✖️ Cancel").answered()
    assert question.text == "Cancelled. Invoice 4711 was not paid."
    answer = await ada.forge(question, f"yes:{number}").answered()
    assert "already used" in answer.text
    assert provider.posts == []
    stored = await store.payment(number)
    assert stored is not None
    assert stored.outcome is Outcome.CANCELLED


@pytest.mark.parametrize("label", ["✅ Pay €7.95", "✖️ Cancel"])
async def test_a_press_after_ten_minutes_says_in_the_message_that_it_has_expired_and_offers_to_ask_anew(
    ada: Person, question: Message, provider: FakeProvider, time: Time, label: str
) -> None:
    time.forward(timedelta(minutes=10))
    number = payment_id(question)
    assert (await ada.press(question, label).answered()).text == ""
    assert await becomes(question, "has expired") == (
        "⌛ The question whether to pay invoice 4711 has expired. Nothing was done."
    )
    answer = await ada.forge(question, f"yes:{number}").answered()
    assert (answer.show_alert, "already used" in answer.text) == (True, True)
    assert provider.posts == []
    ada.press(question, "pay:4711")
    await question.chat.wait_for(from_bot("Pay €7.95 for invoice 4711"), after=question)
    assert "has expired" in question.text


async def test_somebody_else_can_not_press(
    ada: Person, question: Message, provider: FakeProvider, telegram: SandboxTelegram
) -> None:
    bob = telegram.add_user("Bob", language_code="en")
    for label in ("✅ Pay €7.95", "✖️ Cancel"):
        data = question.button(label).data or ""
        answer = await bob.forge(question, data).answered()
        assert (answer.text, answer.show_alert) == ("Only the person who started this can confirm it.", True)
    assert provider.posts == []
    ada.press(question, "✅ Pay €7.95")
    await becomes(question, "✅ Invoice 4711 is paid")


async def test_a_confirmation_from_another_chat_does_nothing(
    ada: Person, question: Message, provider: FakeProvider
) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    elsewhere = await ask(ada, group, "/help", "/unlink")
    answer = await ada.forge(elsewhere, f"yes:{payment_id(question)}").answered()
    assert "too old" in answer.text
    assert provider.posts == []


@pytest.mark.parametrize("data", ["yes", "yes:", "yes:unknown", "no:unknown"])
async def test_a_confirmation_that_was_made_up_does_nothing(
    ada: Person, question: Message, provider: FakeProvider, data: str
) -> None:
    answer = await ada.forge(question, data).answered()
    assert "too old" in answer.text
    assert provider.posts == []


async def test_after_unlinking_the_question_is_void(ada: Person, question: Message, provider: FakeProvider) -> None:
    number = payment_id(question)
    unlinking = await ask(ada, question.chat, "/unlink", "Remove the link?")
    await ada.press(unlinking, "🗑 Remove the link").answered()
    answer = await ada.forge(question, f"yes:{number}").answered()
    assert "too old" in answer.text
    assert provider.posts == []


async def test_a_second_question_about_an_invoice_that_is_being_paid_has_to_wait(
    ada: Person, question: Message, provider: FakeProvider, telegram: SandboxTelegram, store: Store
) -> None:
    other = await ask(ada, question.chat, "/pay 4711", "Pay €7.95")
    stored = await store.payment(payment_id(question))
    assert stored is not None
    assert await store.advance_payment(replace(stored, state=State.CONFIRMED), State.ASKED)
    answer = await ada.press(other, "✅ Pay €7.95").answered()
    assert "already running" in answer.text
    assert provider.posts == []


# --- How it ends ----------------------------------------------------------------------------------------------------


async def test_an_invoice_that_has_changed_is_not_paid(ada: Person, question: Message, provider: FakeProvider) -> None:
    provider.add(invoice(total=Decimal("9.00"), subtotal=Decimal("7.73")))
    ada.press(question, "✅ Pay €7.95")
    await becomes(question, "has changed since it was shown to you")
    assert provider.posts == []
    ada.press(question, "pay:4711")
    await question.chat.wait_for(from_bot("Pay €9.00 for invoice 4711"), after=question)


async def test_a_refusal_is_told_in_the_providers_words(ada: Person, question: Message, provider: FakeProvider) -> None:
    provider.failures["pay"] = Refused(422, "<Nicht genug Guthaben>")
    ada.press(question, "✅ Pay €7.95")
    text = await becomes(question, "was not paid.")
    assert "The provider refused: “<Nicht genug Guthaben>”\nIf your credit is too low, top it up" in text


async def test_a_request_that_never_left_is_told_so(ada: Person, question: Message, provider: FakeProvider) -> None:
    provider.failures["pay"] = ProviderUnreachable()
    ada.press(question, "✅ Pay €7.95")
    await becomes(question, "was not paid. Nothing was done.\nThe provider can't be reached")


async def test_a_token_that_was_revoked_meanwhile_is_told_with_what_to_do(
    ada: Person, question: Message, provider: FakeProvider
) -> None:
    provider.failures["invoice"] = TokenRefused()
    ada.press(question, "✅ Pay €7.95")
    text = await becomes(question, "was not paid")
    assert "does not accept this token" in text
    assert "send it with /link" in text


async def test_the_link_stays_while_a_payment_is_under_way(
    ada: Person, question: Message, provider: FakeProvider, store: Store
) -> None:
    unlinking = await ask(ada, question.chat, "/unlink", "Remove the link?")
    stored = await store.payment(payment_id(question))
    assert stored is not None
    assert await store.advance_payment(replace(stored, state=State.CONFIRMED), State.ASKED)
    answer = await ada.press(unlinking, "🗑 Remove the link").answered()
    assert (answer.show_alert, "not finished yet" in answer.text) == (True, True)
    provider.tokens.add("another-token-0123456789")
    sent = ada.send(question.chat, "/link another-token-0123456789")
    asked = await question.chat.wait_for(from_bot("or replace the other one?"), after=sent)
    assert sent.deleted
    answer = await ada.press(asked, "🔁 Replace the other one").answered()
    assert "A payment in this chat is not finished yet" in answer.text
    chat = await store.chat(question.chat.id)
    assert chat.link is not None
    assert chat.link.account == stored.account


async def test_an_unclear_answer_is_not_told_as_an_end(ada: Person, question: Message, provider: FakeProvider) -> None:
    provider.failures["pay"] = ProviderDown()
    ada.press(question, "✅ Pay €7.95")
    await becomes(question, "have no confirmation yet")
    assert "don't pay again until then" in question.text
    assert question.buttons == []


async def test_taking_credit_back(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(credit=Decimal("1.00")))
    question = await ask(ada, linked, "/removecredit 4711", "Take back €1.00 of credit from invoice 4711?")
    ada.press(question, "✅ Take back €1.00")
    await becomes(question, "€1.00 taken back from invoice 4711")
    assert provider.posts == [("remove_credit", 4711)]


async def test_the_whole_way_in_german(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/language de", "Welche Sprache")
    question = await ask(ada, linked, "/pay 4711", "7,95 € für Rechnung 4711 mit deinem Guthaben bezahlen?")
    ada.press(question, question.buttons[0].text)
    await becomes(question, "✅ Rechnung 4711 ist bezahlt")
    assert not any("Invoice" in text for text in said(linked)[2:])
