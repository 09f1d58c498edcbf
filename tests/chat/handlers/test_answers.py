"""/cancel ends what waits for an answer, and says what that was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from tests.chat.conversation import ask, link
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
def eva(telegram: SandboxTelegram) -> Person:
    return telegram.add_user("Eva", language_code="en")


async def test_nothing_that_waits_can_be_cancelled(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/cancel", "nothing to cancel")


async def test_a_token_is_no_longer_awaited(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/link", "API token")
    await ask(ada, chat, "/cancel", "no longer waiting for a token")
    await ask(ada, chat, "/cancel", "nothing to cancel")


async def test_a_wait_that_is_over_is_not_cancelled(ada: Person, chat: Chat, time: Time) -> None:
    await ask(ada, chat, "/link", "API token")
    time.forward(timedelta(hours=2))
    await ask(ada, chat, "/cancel", "nothing to cancel")


@pytest.mark.parametrize("number", [1, 2])
async def test_an_open_question_about_a_payment_is_withdrawn_and_its_message_says_so(
    ada: Person, chat: Chat, provider: FakeProvider, number: int
) -> None:
    provider.add(*(invoice(4710 + n) for n in range(1, number + 1)))
    await link(ada, chat)
    questions = [await ask(ada, chat, f"/pay {4710 + n}", "your credit?", str(4710 + n)) for n in range(1, number + 1)]
    await ask(ada, chat, "/cancel", "withdrawn", "4711")
    for question in questions:
        assert "Cancelled" in question.text
        assert not any((button.data or "").startswith("yes:") for button in question.buttons)
    assert provider.posts == []
    await ask(ada, chat, "/cancel", "nothing to cancel")


async def test_nobody_withdraws_the_question_of_somebody_else(
    ada: Person, chat: Chat, provider: FakeProvider, eva: Person
) -> None:
    provider.add(invoice(4711))
    await link(ada, chat)
    await ask(ada, chat, "/pay 4711", "your credit?")
    group = ada.create_group("Friends", members=[eva])
    ada.set_bot_status(group, "administrator")
    await ask(eva, group, "/cancel", "nothing to cancel")


@pytest.mark.parametrize("command", ["/pay", "/pdf"])
async def test_boxes_end_with_what_was_asked_about_them(
    ada: Person, chat: Chat, provider: FakeProvider, command: str
) -> None:
    provider.add(invoice(4711), invoice(4712))
    await link(ada, chat)
    boxes = await ask(ada, chat, command, "Which invoice")
    if command == "/pdf":
        await ada.press(boxes, "☑ Choose several").answered()
    await ada.press(boxes, "☐ 4711 · €7.95 · Server 4711").answered()
    for _ in range(2):
        await ask(ada, chat, "/cancel", "withdrawn")
        assert "Cancelled" in boxes.text
        assert not any((b.data or "").startswith(("yes", "pick", "ticked")) for b in boxes.buttons)
        await ask(ada, chat, "/cancel", "nothing to cancel")
        boxes = await ask(ada, chat, "/pay 4711 4712", "together €15.90?")
    assert provider.posts == []


async def test_boxes_of_which_none_is_ticked_any_more_end_too(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.add(invoice(4711), invoice(4712))
    await link(ada, chat)
    boxes = await ask(ada, chat, "/pay", "Which invoice")
    await ada.press(boxes, "☐ 4711 · €7.95 · Server 4711").answered()
    await ada.press(boxes, "☑ 4711 · €7.95 · Server 4711").answered()
    await ask(ada, chat, "/cancel", "The choice is withdrawn")
    assert (boxes.text, boxes.buttons) == ("Cancelled. Nothing was paid.", [])


async def test_a_token_that_is_asked_about_is_forgotten(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    await link(ada, chat)
    provider.tokens.add("another-token-of-the-provider-012345")
    question = await ask(ada, chat, "/link another-token-of-the-provider-012345", "another account")
    data = question.buttons[0].data or ""
    await ask(ada, chat, "/cancel", "forgotten the token")
    assert question.buttons == []
    assert "too old" in (await ada.forge(question, data).answered()).text
    await ask(ada, chat, "/cancel", "nothing to cancel")


async def test_what_the_boxes_have_paid_is_not_called_off_afterwards(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(4711), invoice(4712))
    await link(ada, chat)
    boxes = await ask(ada, chat, "/pay", "Which invoice")
    await ada.press(boxes, "☐ 4711 · €7.95 · Server 4711").answered()
    ada.press(boxes, "✅ Pay €7.95")
    await chat.wait_for(lambda m: m is boxes and "is paid" in m.text)
    paid = boxes.text
    await ask(ada, chat, "/cancel", "nothing to cancel")
    assert boxes.text == paid


async def test_documents_that_have_come_are_not_called_off_afterwards(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(invoice(4711), invoice(4712))
    await link(ada, chat)
    boxes = await ask(ada, chat, "/pdf", "Which invoice")
    await ada.press(boxes, "☑ Choose several").answered()
    await ada.press(boxes, "☑ All of them").answered()
    ada.press(boxes, "📄 Send 2 PDFs")
    await chat.wait_for(lambda m: "2 PDFs have arrived" in m.text)
    shown = boxes.text
    await ask(ada, chat, "/cancel", "nothing to cancel")
    assert boxes.text == shown
