"""Several documents at once: the question, the progress, the cancel button, failures, and both languages."""

from __future__ import annotations

import asyncio

import pytest

from bot.application import InvoiceBot
from bot.errors import NotFound, ProviderDown
from bot.sandbox.telegram import ApiError, Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import ask, from_bot, link, plain
from tests.chat.fakes import FakeProvider
from tests.chat.samples import paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(paid(1), paid(2), paid(3))
    await link(ada, chat)
    return chat


async def listing(ada: Person, chat: Chat) -> Message:
    return await ask(ada, chat, "/invoices", "Your invoices")


def came(chat: Chat) -> list[str]:
    return [m.document.name for m in chat.messages if m.document is not None]


def of_list(message: Message) -> list[str]:
    """Return the documents of a list, in its order."""
    return [
        f"Rechnung-{(b.data or '').split(':')[1]}.pdf" for b in message.buttons if (b.data or "").startswith("show")
    ]


async def test_a_few_come_at_once_in_the_list_s_order_below_one_progress_message(ada: Person, linked: Chat) -> None:
    shown = await listing(ada, linked)
    ada.press(shown, "📄 All PDFs (3)")
    end = await linked.wait_for(from_bot("✅ 3 PDFs have arrived."), after=shown)
    assert came(linked) == of_list(shown)
    texts = [plain(m) for m in linked.messages if m.sender.is_bot and shown.id < m.id and m.document is None]
    assert texts == ["📄 3 of 3", "✅ 3 PDFs have arrived."]
    assert end.buttons == []


async def test_of_many_it_asks_first_and_sends_nothing_if_that_is_cancelled(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(*(paid(number) for number in range(4, 15)))
    shown = await listing(ada, linked)
    ada.press(shown, "📄 All PDFs (14)")
    question = await linked.wait_for(from_bot("Send 14 PDFs?"), after=shown)
    send = question.button("📄 Send 14 PDFs").data
    await ada.press(question, "✖️ Cancel").answered()
    assert plain(question) == "Cancelled. Nothing was sent."
    assert send is not None
    ada.forge(question, send)
    await linked.wait_for(from_bot("Cancelled. 0 of 14 PDFs have arrived."), after=question)
    assert came(linked) == []


async def test_too_many_lead_to_what_to_do_instead(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.add(*(paid(number) for number in range(4, 102)))
    shown = await listing(ada, linked)
    ada.press(shown, "📄 All PDFs (101)")
    answer = await linked.wait_for(from_bot("That's 101 PDFs, and I send at most 100 at once."), after=shown)
    assert "/archive" in answer.text
    assert came(linked) == []


async def test_cancel_stops_it_between_two_documents(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    shown = await listing(ada, linked)
    gate = provider.gates["pdf"] = asyncio.Event()
    ada.press(shown, "📄 All PDFs (3)")
    progress = await linked.wait_for(from_bot("📄 1 of 3 …"), after=shown)
    await provider.reached()
    await ada.press(progress, "✖️ Cancel").answered()
    assert plain(progress) == "✖️ Cancelled. The one I'm sending right now may still arrive."
    gate.set()
    end = await linked.wait_for(from_bot("✖️ Cancelled. 1 of 3 PDFs have arrived."), after=progress)
    assert came(linked) == of_list(shown)[:1]
    ada.press(end, "🔄 Send 2 missing ones")
    await linked.wait_for(from_bot("✅ 2 PDFs have arrived."), after=end)
    assert came(linked) == of_list(shown)


async def test_one_that_fails_in_the_middle_is_named_and_can_be_asked_for_again(
    ada: Person, linked: Chat, telegram: SandboxTelegram
) -> None:
    shown = await listing(ada, linked)
    telegram.faults.refuse(ApiError(400, "Bad Request: wrong file"), method="sendDocument")
    ada.press(shown, "📄 All PDFs (3)")
    first = of_list(shown)[0]
    number = first.removeprefix("Rechnung-").removesuffix(".pdf")
    end = await linked.wait_for(from_bot("⚠️ 2 of 3 PDFs have arrived.", f"Not sent: {number}"), after=shown)
    assert came(linked) == of_list(shown)[1:]
    ada.press(end, "🔄 Send 1 missing one")
    await linked.wait_for(from_bot("✅ 1 PDF has arrived."), after=end)
    assert came(linked)[-1] == first


async def test_one_whose_sending_broke_off_is_said_to_be_uncertain(
    ada: Person, linked: Chat, telegram: SandboxTelegram
) -> None:
    shown = await listing(ada, linked)
    telegram.faults.cut(delivered=True, method="sendDocument")
    ada.press(shown, "📄 All PDFs (3)")
    end = await linked.wait_for(
        from_bot("⚠️ 2 of 3 PDFs have arrived.", "May have arrived (I can't tell): "), after=shown
    )
    assert "Not sent" not in end.text


async def test_a_provider_that_is_away_ends_it_with_the_reason(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    shown = await listing(ada, linked)
    provider.failures["pdf"] = ProviderDown()
    ada.press(shown, "📄 All PDFs (3)")
    await linked.wait_for(from_bot("⚠️ 0 of 3 PDFs have arrived.", "can't be reached", "Not sent: "), after=shown)


async def test_none_of_them_is_refused_in_silence(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    shown = await listing(ada, linked)
    provider.failures["pdf"] = NotFound()
    ada.press(shown, "📄 All PDFs (3)")
    await linked.wait_for(from_bot("⚠️ 0 of 3 PDFs have arrived.", "Not sent: "), after=shown)


async def test_a_stop_of_the_bot_leaves_a_message_that_says_how_far_it_came(
    ada: Person, linked: Chat, provider: FakeProvider, invoice_bot: InvoiceBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.application.GRACE_PERIOD", 0.2)
    shown = await listing(ada, linked)
    provider.gates["pdf"] = asyncio.Event()
    ada.press(shown, "📄 All PDFs (3)")
    progress = await linked.wait_for(from_bot("📄 1 of 3 …"), after=shown)
    await provider.reached()
    await invoice_bot.stop()
    assert plain(progress).startswith("📄 0 of 3 so far. I was interrupted.")
    assert [button.text for button in progress.buttons] == ["▶️ Continue"]


async def test_the_result_of_a_search_is_a_list_too(ada: Person, linked: Chat) -> None:
    shown = await ask(ada, linked, "paid", "3 invoices found")
    ada.press(shown, "📄 All PDFs (3)")
    await linked.wait_for(from_bot("✅ 3 PDFs have arrived."), after=shown)
    assert sorted(came(linked)) == ["Rechnung-1.pdf", "Rechnung-2.pdf", "Rechnung-3.pdf"]


async def test_in_german_it_says_the_same(ada: Person, linked: Chat) -> None:
    await ada.press(await ask(ada, linked, "/language", "Which language"), "Deutsch").answered()
    shown = await ask(ada, linked, "/invoices", "Deine Rechnungen")
    ada.press(shown, "📄 Alle PDFs (3)")
    await linked.wait_for(from_bot("✅ 3 PDFs sind da."), after=shown)
    assert any(plain(m) == "📄 3 von 3" for m in linked.messages)


@pytest.mark.parametrize("forged", ["all", "all:", "all:x", "send", "send:x", "stop", "stop:x"])
async def test_buttons_that_were_never_ours_do_nothing(ada: Person, linked: Chat, forged: str) -> None:
    shown = await listing(ada, linked)
    last = linked.messages[-1]
    await ada.forge(shown, forged).answered()
    await ask(ada, linked, "/help", "/unlink")
    assert came(linked) == []
    assert last.buttons
