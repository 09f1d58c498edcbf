"""Several PDFs by ticking: from /pdf, from a list and a search, with pages, progress and cancel."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.errors import ProviderDown
from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import ask, from_bot, link, plain
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    provider.add(*(paid(number) for number in range(1, 13)))
    await link(ada, chat)
    return chat


@pytest.fixture
async def ticks(ada: Person, linked: Chat) -> Message:
    message = await ask(ada, linked, "/pdf", "Which invoice would you like as a PDF?")
    await tick(ada, message, "☑ Choose several")
    return message


def labels(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


def boxes(message: Message) -> dict[str, str]:
    """Return which box stands in front of which number."""
    return {label.split()[1]: label[0] for label in labels(message) if label[2:3].isdecimal() and label[0] in "☐☑"}


async def tick(person: Person, message: Message, label: str) -> None:
    await person.press(message, label).answered()


def came(chat: Chat) -> list[str]:
    return [m.document.name for m in chat.messages if m.document is not None]


async def test_pdf_alone_offers_boxes_for_the_newest_and_sends_what_is_ticked(
    ada: Person, linked: Chat, ticks: Message
) -> None:
    assert ticks.text == "Which invoices would you like as PDFs?"
    assert [*boxes(ticks)] == [str(number) for number in range(12, 6, -1)]
    assert labels(ticks)[-2:] == ["✖️ Cancel", "☑ All of them"]
    await tick(ada, ticks, "☐ 11 · €7.95 · Server 11")
    await tick(ada, ticks, "▶")
    await tick(ada, ticks, "☐ 2 · €7.95 · Server 2")
    assert labels(ticks)[-3:] == ["📄 Send 2 PDFs", "☑ All of them", "✖️ Cancel"]
    ada.press(ticks, "📄 Send 2 PDFs")
    await linked.wait_for(from_bot("✅ 2 PDFs have arrived."), after=ticks)
    assert came(linked) == ["Rechnung-11.pdf", "Rechnung-2.pdf"]
    assert (plain(ticks), ticks.buttons) == ("📄 2 of 2", [])


async def test_from_a_list_the_boxes_begin_at_its_page_and_the_list_stays(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "/invoices", "Your invoices")
    await tick(ada, listing, "▶")
    before = (listing.text, labels(listing))
    ada.press(listing, "☑ Choose PDFs")
    message = await linked.wait_for(from_bot("Which invoices would you like as PDFs?"), after=listing)
    shown = [(b.data or "").split(":")[1] for b in listing.buttons if (b.data or "").startswith("show:")]
    assert shown[0] in boxes(message)
    assert (listing.text, labels(listing)) == before


async def test_from_a_search_only_what_it_found_is_offered(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.add(paid(20), paid(21))
    listing = await ask(ada, linked, "server 20, 21", "found")
    found = {(b.data or "").split(":")[1] for b in listing.buttons if (b.data or "").startswith("show:")}
    if len(found) > 1:
        ada.press(listing, "☑ Choose PDFs")
        message = await linked.wait_for(from_bot("Which invoices would you like as PDFs?"), after=listing)
        assert set(boxes(message)) == found


async def test_it_can_be_called_off(ada: Person, linked: Chat, ticks: Message) -> None:
    await tick(ada, ticks, "☐ 11 · €7.95 · Server 11")
    await tick(ada, ticks, "✖️ Cancel")
    assert (ticks.text, ticks.buttons) == ("Cancelled. Nothing was sent.", [])
    assert came(linked) == []


async def test_nobody_else_ticks_or_sends(ada: Person, linked: Chat, ticks: Message, telegram: SandboxTelegram) -> None:
    await tick(ada, ticks, "☐ 11 · €7.95 · Server 11")
    bob = telegram.add_user("Bob", language_code="en")
    for button in ticks.buttons:
        if (button.data or "").split(":")[0] in {"pick", "leaf", "drop"}:
            answer = await bob.forge(ticks, button.data or "").answered()
            assert answer.text.startswith("Only the person who started")
    await bob.forge(ticks, ticks.button("📄 Send 1 PDF").data or "").answered()
    await linked.wait_for(from_bot("Only the person who started"), after=ticks)
    assert came(linked) == []


async def test_a_press_that_comes_twice_sends_each_once(ada: Person, linked: Chat, ticks: Message) -> None:
    await tick(ada, ticks, "☐ 11 · €7.95 · Server 11")
    await tick(ada, ticks, "☐ 12 · €7.95 · Server 12")
    data = ticks.button("📄 Send 2 PDFs").data or ""
    for delivered in ada.press_twice_delivered(ticks, "📄 Send 2 PDFs"):
        await delivered.answered()
    await linked.wait_for(from_bot("✅ 2 PDFs have arrived."), after=ticks)
    await ada.forge(ticks, data).answered()
    await ask(ada, linked, "/help", "/unlink")
    assert sorted(came(linked)) == ["Rechnung-11.pdf", "Rechnung-12.pdf"]


async def test_what_did_not_come_is_named_and_offered_again(
    ada: Person, linked: Chat, ticks: Message, provider: FakeProvider
) -> None:
    await tick(ada, ticks, "☐ 11 · €7.95 · Server 11")
    provider.failures["pdf"] = ProviderDown()
    ada.press(ticks, "📄 Send 1 PDF")
    end = await linked.wait_for(from_bot("Not sent: 11"), after=ticks)
    provider.failures.clear()
    ada.press(end, end.buttons[0].text)
    await linked.wait_for(lambda m: m.document is not None, after=end)
    assert came(linked) == ["Rechnung-11.pdf"]


async def test_boxes_that_have_expired_lose_their_buttons(ada: Person, ticks: Message, time: Time) -> None:
    time.forward(timedelta(minutes=10))
    assert "too old" in (await ada.press(ticks, "☐ 11 · €7.95 · Server 11").answered()).text
    assert ticks.buttons == []


@pytest.mark.parametrize("data", ["some:x", "ticked", "ticked:x", "pick:x:1:1"])
async def test_forged_buttons_do_nothing(ada: Person, linked: Chat, ticks: Message, data: str) -> None:
    before = labels(ticks)
    await ada.forge(ticks, data).answered()
    assert labels(ticks) == before
    assert came(linked) == []


async def test_in_german(ada: Person, linked: Chat) -> None:
    await ada.press(await ask(ada, linked, "/language", "Which language"), "Deutsch").answered()
    message = await ask(ada, linked, "/pdf", "Welche Rechnung")
    await tick(ada, message, "☑ Mehrere auswählen")
    assert message.text == "Welche Rechnungen möchtest du als PDF?"
    await tick(ada, message, next(label for label in labels(message) if label.startswith("☐ 12")))
    assert "📄 1 PDF schicken" in labels(message)
